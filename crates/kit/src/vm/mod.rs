//! A virtual machine for the programs that this crate makes: the same [`Program`] that goes to the kernel, run in here.
//!
//! What the verifier promises of a program, the machine checks as it runs: every access must lie in the stack, the
//! context, the packet, a value of a map or a reserved record, and a budget bounds the instructions. So it takes any
//! bytes and gives an answer or an error that names the instruction. Arithmetic is that of RFC 9669: division by zero
//! gives zero, a remainder by zero leaves the dividend, shifts are masked, 32-bit results have a zero upper half.
//!
//! It is no simulation of the kernel: one CPU, no concurrency, time that counts instructions, and of the helpers those
//! that generated programs use (see [`helpers`]). Addresses are numbers of its own: the upper half names a region, the
//! lower half is the offset in it, so that arithmetic on a pointer cannot reach another region unseen.
//!
//! ```
//! use kernscope_kit::asm::parse;
//! use kernscope_kit::program::{Program, ProgramType};
//! use kernscope_kit::vm::{Input, Vm};
//!
//! let insns = parse("ldxb r0, [r1+2]\nadd r0, r2\nexit").expect("a program");
//! let program = Program { name: "sum".into(), program_type: ProgramType::Xdp, insns, maps: vec![], functions: vec![] };
//! let mut vm = Vm::new(&program).expect("a machine");
//! assert_eq!(vm.run(Input::Memory(&mut [1, 2, 40])).expect("a result"), 43);
//! let error = vm.run(Input::Memory(&mut [1, 2])).expect_err("too short");
//! assert_eq!(
//!     error.to_string(),
//!     "run instruction 0 (r0 = *(u8 *)(r1 +2)): 1 byte at offset 2 of the memory, which has 2"
//! );
//! ```
#![forbid(unsafe_code)]

mod access;
mod alu;
mod code;
mod context;
mod error;
mod frame;
pub mod helpers;
mod kfunc;
mod machine;
mod map;
mod memory;
mod ring;
mod run;
mod trie;

pub use context::SkbFields;
pub use error::VmError;
pub use map::Map;

use crate::asm::Insn;
use crate::program::{MapRef, MapType, Program, ProgramType};
use code::Op;
use kfunc::Kfunc;
use memory::Memory;

/// Instructions a run may take where nothing else is said.
const BUDGET: u64 = 100_000_000;

/// What a program is run on. Regions that are written to are changed in place.
#[derive(Debug)]
pub enum Input<'a> {
    /// `r1` is the address of this memory (0 when it is empty), `r2` its length in bytes.
    Memory(&'a mut [u8]),
    /// `r1` is an `xdp_md` with this packet.
    Xdp(&'a mut [u8]),
    /// `r1` is an `__sk_buff` with these bytes: a frame for tc, for a socket filter what the socket sees. All of it is
    /// linear; the other fields are those of [`Vm::skb`].
    Skb(&'a mut [u8]),
    /// `r1` is the address of this context.
    Context(&'a mut [u8]),
}

/// A program and its maps, ready to be run again and again. Maps keep what a run leaves in them.
#[derive(Debug)]
pub struct Vm {
    program_type: ProgramType,
    /// The program, then those that are called by its program arrays.
    codes: Vec<Code>,
    memory: Memory,
    budget: u64,
    skb: SkbFields,
    fill: Fill,
    world: World,
}

/// One program's instructions, as they were and as they are run.
#[derive(Debug)]
struct Code {
    insns: Vec<Insn>,
    ops: Vec<Op>,
    /// Numbers of the kernel functions it may call.
    kfuncs: Vec<(i32, Kfunc)>,
}

/// What has not been written holds this.
#[derive(Clone, Copy, Debug, Default)]
struct Fill {
    registers: u64,
    stack: u64,
}

/// What helpers know of the world: nothing, so that every run is like every other.
#[derive(Debug, Default)]
struct World {
    /// Instructions run so far, which are nanoseconds here.
    clock_ns: u64,
    /// State of the random numbers.
    random: u64,
}

impl Vm {
    /// Prepares a program: makes its maps and puts into them what they start with.
    ///
    /// # Errors
    /// A map that cannot be made. Instructions are judged when they are reached.
    pub fn new(program: &Program) -> Result<Vm, VmError> {
        let maps = program.maps.iter().map(Map::new).collect::<Result<_, _>>()?;
        let mut vm = Vm {
            program_type: program.program_type,
            codes: Vec::new(),
            memory: Memory::new(maps),
            budget: BUDGET,
            skb: SkbFields::default(),
            fill: Fill::default(),
            world: World::default(),
        };
        vm.add(&program.insns);
        Ok(vm)
    }

    /// Runs the program from its start and gives `r0`.
    ///
    /// # Errors
    /// The instruction that could not be run, and why.
    pub fn run(&mut self, input: Input<'_>) -> Result<u64, VmError> {
        run::run(self, input)
    }

    /// Puts a program that uses the same maps into a program array, for tail calls.
    ///
    /// # Errors
    /// The map is no program array, or has no such index.
    pub fn set_tail(&mut self, map: MapRef, index: u32, insns: &[Insn]) -> Result<(), VmError> {
        let number = self.codes.len() as u32;
        let array = self.memory.map_mut(map).filter(|map| map.kind() == MapType::ProgArray);
        let array = array.ok_or_else(|| VmError::setup(format!("map {} is no program array", map.0)))?;
        array.set(&index.to_ne_bytes(), &number.to_ne_bytes())?;
        self.add(insns);
        Ok(())
    }

    /// A map of the program.
    ///
    /// # Panics
    /// The program has no such map.
    pub fn map(&self, map: MapRef) -> &Map {
        self.memory.map(map).expect("a map of the program")
    }

    /// A map of the program, to be changed.
    ///
    /// # Panics
    /// The program has no such map.
    pub fn map_mut(&mut self, map: MapRef) -> &mut Map {
        self.memory.map_mut(map).expect("a map of the program")
    }

    /// How many instructions a run may take; a hundred million where nothing is said.
    pub fn budget(&mut self, insns: u64) -> &mut Vm {
        self.budget = insns;
        self
    }

    /// What the fields of `__sk_buff` are, but for the packet.
    pub fn skb(&mut self, fields: SkbFields) -> &mut Vm {
        self.skb = fields;
        self
    }

    /// What registers and stack hold that the program has not written; 0 where nothing is said. A program whose result
    /// depends on it reads what it may not.
    pub fn fill(&mut self, registers: u64, stack: u64) -> &mut Vm {
        self.fill = Fill { registers, stack };
        self
    }

    fn add(&mut self, insns: &[Insn]) {
        self.codes.push(Code { insns: insns.to_vec(), ops: code::ops(insns), kfuncs: kfunc::numbers(insns) });
    }
}

//! What a program decided, counted outside of it.
//!
//! The program becomes a function of a small one that counts what it returns, each CPU for itself, and returns that or,
//! where it is only to be watched, what lets every packet pass. Jumps, calls and callbacks are relative: the
//! instructions stay as they are, a few further on.

use crate::asm::{Alu, Asm, AsmError, Cond, Insn, Reg, Size};
use crate::load::{Loaded, UseError};
use crate::program::{Function, MapRef, MapSpec, MapType, Program, ProgramType};

/// `bpf_map_lookup_elem`.
const LOOKUP: i32 = 1;
const COUNTERS: u32 = 4;
/// Offset of the count of packets that came, in the value of the map.
const ENTERED: i16 = 24;

/// Packets by what was decided of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Let pass.
    pub passed: u64,
    /// Dropped.
    pub dropped: u64,
    /// Anything else: redirected, sent back, left to the next program.
    pub other: u64,
    /// All that came, counted before anything was decided; with nothing under way, the sum of the others.
    pub entered: u64,
}

impl Decided {
    /// Whether all that came is decided.
    pub fn closes(&self) -> bool {
        self.entered == self.passed + self.dropped + self.other
    }
}

/// A program in which another is counted.
#[derive(Clone, Debug)]
pub struct Tallied {
    /// What to load.
    pub program: Program,
    counts: MapRef,
}

impl Tallied {
    /// Counts what an XDP, tc or socket program returns. With `enforced` false every packet passes.
    ///
    /// # Errors
    /// A program of another type has nothing to decide.
    ///
    /// # Minimum kernel
    /// 4.16, with calls of a program's own functions.
    pub fn new(program: &Program, enforced: bool) -> Result<Self, TallyError> {
        let verdicts = verdicts(program.program_type).ok_or(TallyError::Type(program.program_type))?;
        let counts = MapRef(program.maps.len() as u32);
        let outer = outer(counts, verdicts, enforced)?;
        let shift = outer.len() as u32;
        let mut tallied = program.clone();
        tallied.insns.splice(..0, outer);
        tallied.maps.push(MapSpec {
            name: "decided".to_owned(),
            map_type: MapType::PercpuArray,
            key_size: 4,
            value_size: COUNTERS * 8,
            max_entries: 1,
            flags: 0,
            entries: Vec::new(),
        });
        for function in &mut tallied.functions {
            function.start += shift;
        }
        if !tallied.functions.is_empty() {
            tallied.functions.insert(0, Function { name: "tally".to_owned(), start: 0, args: 1 });
        }
        Ok(Self { program: tallied, counts })
    }

    /// What was decided so far.
    ///
    /// # Errors
    /// The errno of the lookup.
    pub fn read(&self, loaded: &Loaded) -> Result<Decided, UseError> {
        let mut sum = [0u64; COUNTERS as usize];
        for cpu in loaded.map(self.counts).lookup_each_cpu(&[0; 4])?.unwrap_or_default() {
            for (sum, word) in sum.iter_mut().zip(cpu.chunks_exact(8)) {
                *sum += u64::from_ne_bytes(word.try_into().unwrap_or_default());
            }
        }
        let [passed, dropped, other, entered] = sum;
        Ok(Decided { passed, dropped, other, entered })
    }
}

/// Why a program cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// It decides nothing.
    #[error("count what a program returns: {0:?} programs decide nothing about packets")]
    Type(ProgramType),
    /// The counting part was put together wrongly.
    #[error(transparent)]
    Asm(#[from] AsmError),
}

/// What a program returns.
#[derive(Clone, Copy, Debug)]
struct Verdicts {
    pass: i32,
    drop: i32,
    /// The packet passes as far as this program is concerned: of tc programs, the next one is asked.
    aside: i32,
}

/// A socket filter returns how much of a packet stays.
fn verdicts(kind: ProgramType) -> Option<Verdicts> {
    match kind {
        ProgramType::Xdp => Some(Verdicts { pass: 2, drop: 1, aside: 2 }),
        ProgramType::SchedCls => Some(Verdicts { pass: 0, drop: 2, aside: -1 }),
        ProgramType::SocketFilter => Some(Verdicts { pass: -1, drop: 0, aside: -1 }),
        _ => None,
    }
}

/// Counts, calls what follows, counts what that says, returns. The counts stay where they are, in R7.
fn outer(counts: MapRef, verdicts: Verdicts, enforced: bool) -> Result<Vec<Insn>, AsmError> {
    let Verdicts { pass, drop, aside } = verdicts;
    let mut asm = Asm::new();
    let (inner, found, out) = (asm.label(), asm.label(), asm.label());
    asm.mov(Reg::R6, Reg::R1);
    asm.store(Size::W, Reg::R10, -4, 0).mov(Reg::R2, Reg::R10).alu64(Alu::Add, Reg::R2, -4);
    asm.load_map(Reg::R1, counts).call(LOOKUP).jump_if(Cond::Ne, Reg::R0, 0, found);
    // There is always such a value; the verifier wants to see it asked.
    asm.mov(Reg::R0, aside).exit();
    asm.bind(found);
    asm.mov(Reg::R7, Reg::R0);
    one_more(&mut asm, ENTERED);
    asm.mov(Reg::R1, Reg::R6).call_local(inner).mov(Reg::R6, Reg::R0);
    // A way for each count: adding a number to a pointer is refused without `CAP_PERFMON`.
    let (passed, dropped) = (asm.label(), asm.label());
    for (verdict, way) in [(pass, passed), (aside, passed), (drop, dropped)] {
        asm.jump_if32(Cond::Eq, Reg::R6, verdict, way);
    }
    for (way, slot) in [(None, 16), (Some(dropped), 8), (Some(passed), 0)] {
        if let Some(way) = way {
            asm.bind(way);
        }
        one_more(&mut asm, slot);
        asm.jump(out);
    }
    asm.bind(out);
    match enforced {
        true => asm.mov(Reg::R0, Reg::R6),
        false => asm.mov(Reg::R0, aside),
    };
    asm.exit();
    asm.bind(inner);
    asm.finish()
}

/// Adds one to a count.
fn one_more(asm: &mut Asm, slot: i16) {
    asm.load(Size::Dw, Reg::R1, Reg::R7, slot).alu64(Alu::Add, Reg::R1, 1);
    asm.store(Size::Dw, Reg::R7, slot, Reg::R1);
}

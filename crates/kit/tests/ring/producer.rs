//! A program that writes numbered records as fast as the kernel runs it, and what a reader can check of them.

use kernscope_kit::asm::{Alu, Asm, Atomic, Cond, Reg, Size};
use kernscope_kit::load::{Loaded, Map, TestRun};
use kernscope_kit::program::{MapRef, MapSpec, Program, ProgramType};
use kernscope_kit::ring::Ring;

/// `bpf_ringbuf_output`, `_reserve`, `_submit`, `_discard`.
const OUTPUT: i32 = 130;
const RESERVE: i32 = 131;
const SUBMIT: i32 = 132;
const DISCARD: i32 = 133;

const RING: MapRef = MapRef(0);
const STATE: MapRef = MapRef(1);
/// Producers that there is state for.
const PRODUCERS: u32 = 4;
/// State of a producer: records tried, records that found no room, records given up.
const STATE_BYTES: u32 = 24;
const LOST_AT: u32 = 8;
const GIVEN_UP_AT: u32 = 16;
/// Bytes of a record: number, producer, then words made from the number; cut at any byte from 16 on.
const LEN_MIN: u64 = 16;
const LEN_MASK: u64 = 255;
const LEN_STEP: u64 = 37;
const BUFFER_BYTES: i16 = 272;
const FACTOR: i32 = 0x5bd1_e995;

/// A producer in the kernel.
pub(crate) struct Producer {
    loaded: Loaded,
    id: u32,
}

/// What a producer did, as it counted itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) tried: u64,
    pub(crate) lost: u64,
    pub(crate) given_up: u64,
}

impl Producer {
    /// Producers 0 to `count` of one ring of so many bytes, and its reader.
    pub(crate) fn several(count: u32, ring_bytes: u32) -> (Ring, Vec<Producer>) {
        assert!(count <= PRODUCERS);
        let first = Producer { loaded: load(&program(0, ring_bytes)), id: 0 };
        let ring = Ring::of(first.loaded.map(RING)).expect("map the ring");
        let others = (1..count).map(|id| {
            let shared = first.loaded.maps().iter().map(|map: &Map| map.try_clone().expect("clone"));
            let loaded = Loaded::with_maps(&program(id, ring_bytes), shared.collect());
            Producer { loaded: loaded.expect("load"), id }
        });
        let others: Vec<_> = others.collect();
        (ring, std::iter::once(first).chain(others).collect())
    }

    /// Tries to write so many records.
    pub(crate) fn produce(&self, records: u32) {
        let run = TestRun { data: &[0; 64], repeat: records, ..TestRun::default() };
        self.loaded.test_run(&run).expect("test run");
    }

    pub(crate) fn account(&self) -> Account {
        let state =
            self.loaded.map(STATE).lookup(&[0; 4]).expect("look up").expect("an array has all its indexes");
        let own = &state[(self.id * STATE_BYTES) as usize..];
        let word =
            |at: u32| u64::from_ne_bytes(own[at as usize..at as usize + 8].try_into().expect("eight bytes"));
        Account { tried: word(0), lost: word(LOST_AT), given_up: word(GIVEN_UP_AT) }
    }
}

fn load(program: &Program) -> Loaded {
    Loaded::load(program).unwrap_or_else(|err| panic!("{err}\n{}", err.log))
}

/// `number = state.tried++`, then a record by one of three ways: two in eight are reserved and submitted, one is
/// reserved and given up, the others are copied from the stack with a length that depends on the number.
fn program(id: u32, ring_bytes: u32) -> Program {
    let state = id * STATE_BYTES;
    let mut asm = Asm::new();
    let (reserve, give_up, lost, end) = (asm.label(), asm.label(), asm.label(), asm.label());
    asm.load_map_value(Reg::R7, STATE, state);
    asm.load(Size::Dw, Reg::R6, Reg::R7, 0).mov(Reg::R1, Reg::R6).alu64(Alu::Add, Reg::R1, 1);
    asm.store(Size::Dw, Reg::R7, 0, Reg::R1);
    asm.mov(Reg::R1, Reg::R6).alu64(Alu::And, Reg::R1, 7);
    asm.jump_if(Cond::Eq, Reg::R1, 7, give_up).jump_if(Cond::Ge, Reg::R1, 5, reserve);

    let bottom = -BUFFER_BYTES;
    fill(&mut asm, Reg::R10, bottom, id, BUFFER_BYTES / 8);
    asm.load_map(Reg::R1, RING).mov(Reg::R2, Reg::R10).alu64(Alu::Add, Reg::R2, i32::from(bottom));
    asm.mov(Reg::R3, Reg::R6).alu64(Alu::Mul, Reg::R3, LEN_STEP as i32).alu64(
        Alu::And,
        Reg::R3,
        LEN_MASK as i32,
    );
    asm.alu64(Alu::Add, Reg::R3, LEN_MIN as i32).mov(Reg::R4, 0).call(OUTPUT);
    asm.jump_if(Cond::Ne, Reg::R0, 0, lost).jump(end);

    asm.bind(reserve);
    asm.load_map(Reg::R1, RING).mov(Reg::R2, LEN_MIN as i32).mov(Reg::R3, 0).call(RESERVE);
    asm.jump_if(Cond::Eq, Reg::R0, 0, lost).mov(Reg::R8, Reg::R0);
    fill(&mut asm, Reg::R8, 0, id, 2);
    asm.mov(Reg::R1, Reg::R8).mov(Reg::R2, 0).call(SUBMIT).jump(end);

    asm.bind(give_up);
    asm.load_map(Reg::R1, RING).mov(Reg::R2, 40).mov(Reg::R3, 0).call(RESERVE);
    asm.jump_if(Cond::Eq, Reg::R0, 0, lost);
    asm.mov(Reg::R1, Reg::R0).mov(Reg::R2, 0).call(DISCARD);
    count(&mut asm, state + GIVEN_UP_AT);
    asm.jump(end);

    asm.bind(lost);
    count(&mut asm, state + LOST_AT);
    asm.bind(end);
    asm.mov(Reg::R0, 2).exit();
    let insns = asm.finish().expect("labels");
    let maps = vec![
        Ring::spec("ring", ring_bytes),
        MapSpec::table("state", vec![0; (PRODUCERS * STATE_BYTES) as usize]),
    ];
    Program { name: "produce".into(), program_type: ProgramType::Xdp, insns, maps, functions: vec![] }
}

/// Writes a record's words at `base + off`.
fn fill(asm: &mut Asm, base: Reg, off: i16, id: u32, words: i16) {
    asm.store(Size::Dw, base, off, Reg::R6).mov(Reg::R1, id as i32).store(Size::Dw, base, off + 8, Reg::R1);
    asm.mov(Reg::R1, Reg::R6).mov(Reg::R2, FACTOR);
    for word in 2..words {
        asm.alu64(Alu::Mul, Reg::R1, Reg::R2).alu64(Alu::Add, Reg::R1, i32::from(word));
        asm.store(Size::Dw, base, off + word * 8, Reg::R1);
    }
}

fn count(asm: &mut Asm, at: u32) {
    asm.load_map_value(Reg::R1, STATE, at).mov(Reg::R2, 1);
    asm.atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2);
}

/// Number and producer of a record, every byte of which has been held against what was written.
pub(crate) fn check(record: &[u8]) -> (u64, u32) {
    let word = |at: usize| u64::from_ne_bytes(record[at..at + 8].try_into().expect("eight bytes"));
    let (number, id) = (word(0), word(8));
    let len = match number % 8 {
        5 | 6 => LEN_MIN,
        7 => panic!("record {number} was given up"),
        _ => LEN_MIN + ((number * LEN_STEP) & LEN_MASK),
    };
    assert_eq!(record.len() as u64, len, "record {number}");
    let mut expected = number;
    for (index, bytes) in record.chunks(8).enumerate().skip(2) {
        expected = expected.wrapping_mul(i64::from(FACTOR).cast_unsigned()).wrapping_add(index as u64);
        assert_eq!(bytes, &expected.to_ne_bytes()[..bytes.len()], "record {number} is torn at word {index}");
    }
    (number, id as u32)
}

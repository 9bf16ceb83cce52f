//! Any bytes as a program, through checks and machine: each says what is wrong or gives a result, in bounded time.
//!
//! A program that passes the checks goes nowhere but to its own instructions, and its result does not depend on what was
//! in its registers. The input is a byte that chooses what the program runs on, a byte for how much of that there is,
//! and instructions.

#![no_main]

use kernscope_kit::asm::{Form, Insn, Listing, parse};
use kernscope_kit::check::check_with_args;
use kernscope_kit::program::{MapSpec, MapType, Program, ProgramType};
use kernscope_kit::vm::{Input, Vm};
use libfuzzer_sys::fuzz_target;

/// Instructions a run may take.
const BUDGET: u64 = 20_000;

fuzz_target!(|input: &[u8]| {
    let Some(([kind, len], rest)) = input.split_first_chunk::<2>() else { return };
    let (chunks, _) = rest.as_chunks::<8>();
    let insns: Vec<Insn> = chunks.iter().map(|bytes| Insn::from_bytes(*bytes)).collect();
    assert_eq!(parse(&Listing(&insns).to_string()).as_ref(), Ok(&insns));
    let program = Program {
        name: "fuzz".into(),
        program_type: [ProgramType::Xdp, ProgramType::SchedCls, ProgramType::SocketFilter]
            [usize::from(kind >> 2) % 3],
        insns,
        maps: maps(),
        functions: vec![],
    };
    let args = if kind & 3 == 0 { 2 } else { 1 };
    let checked = check_with_args(&program, args);
    let first = run(&program, *kind, *len, 0);
    if checked.is_err() {
        return;
    }
    if let Err(error) = &first {
        let lost = error.contains("past the end") || error.contains("not an instruction");
        assert!(!lost, "{error}\n{}", Listing(&program.insns));
    }
    // How many arguments a kernel function takes is not known.
    let kfuncs = (0..program.insns.len())
        .any(|at| matches!(Form::decode(&program.insns[at..]), Some((Form::CallKfunc { .. }, _))));
    if !kfuncs {
        assert_eq!(run(&program, *kind, *len, 0x8123_4567_89ab_cdef), first, "{}", Listing(&program.insns));
    }
});

fn run(program: &Program, kind: u8, len: u8, registers: u64) -> Result<u64, String> {
    let mut vm = Vm::new(program).expect("these maps can be made");
    let mut memory = vec![7; usize::from(len)];
    let input = match kind & 3 {
        0 => Input::Memory(&mut memory),
        1 => Input::Xdp(&mut memory),
        2 => Input::Skb(&mut memory),
        _ => Input::Context(&mut memory),
    };
    vm.budget(BUDGET).fill(registers, 0).run(input).map_err(|error| error.to_string())
}

fn maps() -> Vec<MapSpec> {
    let map = |map_type, key_size, value_size, max_entries| MapSpec {
        name: "map".into(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        entries: vec![],
    };
    vec![
        MapSpec::table("table", vec![5; 12]),
        map(MapType::Array, 4, 12, 3),
        map(MapType::Hash, 4, 8, 2),
        map(MapType::LruHash, 8, 4, 2),
        map(MapType::LpmTrie, 8, 4, 2),
        map(MapType::RingBuf, 0, 0, 4096),
        map(MapType::ProgArray, 4, 4, 2),
        map(MapType::PercpuArray, 4, 16, 1),
    ]
}

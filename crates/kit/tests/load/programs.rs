//! Loading, what is said of it, and running.

use crate::{load, privileged, program, spec};
use kernscope_kit::asm::{Alu, Asm, Atomic, Cond, Reg, Size};
use kernscope_kit::load::{Loaded, Map, TestRun};
use kernscope_kit::probe::{self, Helper};
use kernscope_kit::program::{Function, MapRef, MapSpec, MapType, Program, ProgramType};

const FRAME: [u8; 64] = [7; 64];

/// Returns the byte at `at` of the frame, or 255 when the frame is shorter.
fn byte_at(at: i16) -> Asm {
    let mut asm = Asm::new();
    let short = asm.label();
    asm.load(Size::W, Reg::R2, Reg::R1, 0).load(Size::W, Reg::R3, Reg::R1, 4);
    asm.mov(Reg::R4, Reg::R2).alu64(Alu::Add, Reg::R4, i32::from(at) + 1);
    asm.mov(Reg::R0, 255).jump_if(Cond::Gt, Reg::R4, Reg::R3, short);
    asm.load(Size::B, Reg::R0, Reg::R2, at);
    asm.bind(short);
    asm.exit();
    asm
}

#[test]
fn a_program_sees_its_frame_and_says_what_it_cost() {
    if !privileged("a_program_sees_its_frame_and_says_what_it_cost") {
        return;
    }
    let loaded = load(&program(ProgramType::Xdp, byte_at(20), vec![]));
    let mut frame = FRAME;
    frame[20] = 9;
    let result = loaded.test_run(&TestRun { data: &frame, output: true, ..TestRun::default() }).expect("run");
    assert_eq!((result.retval, &result.data_out[..]), (9, &frame[..]));
    let result = loaded.test_run(&TestRun { data: &frame[..16], ..TestRun::default() }).expect("run");
    assert_eq!((result.retval, result.data_out.len()), (255, 0));
    let info = loaded.info().expect("info");
    assert!(info.id > 0 && info.xlated_len >= 64, "{info:?}");
    // Eight instructions on one path and nine on the other, of which the first six are shared.
    assert!((9..=18).contains(&info.verified_insns), "{info:?}");
    assert_eq!(info.xlated_len as usize, loaded.xlated().expect("dump").len() * 8);
}

#[test]
fn a_repeated_run_is_timed() {
    if !privileged("a_repeated_run_is_timed") {
        return;
    }
    let mut asm = Asm::new();
    asm.load_map_value(Reg::R1, MapRef(0), 8).mov(Reg::R2, 1);
    asm.atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2).mov(Reg::R0, 2).exit();
    let loaded = load(&program(ProgramType::Xdp, asm, vec![MapSpec::table("count", vec![0; 16])]));
    let run = TestRun { data: &FRAME, repeat: 10_000, ..TestRun::default() };
    let result = loaded.test_run(&run).expect("run");
    assert!(result.duration_ns > 0, "{result:?}");
    let value =
        loaded.map(MapRef(0)).lookup(&[0; 4]).expect("look up").expect("an array has all its indexes");
    assert_eq!(value[8..], 10_000u64.to_ne_bytes());
    assert_eq!(value[..8], [0; 8]);
}

#[test]
fn a_socket_filter_is_run_past_the_ethernet_header() {
    if !privileged("a_socket_filter_is_run_past_the_ethernet_header") {
        return;
    }
    // bpf_skb_load_bytes(skb, 0, stack, 1)
    let mut asm = Asm::new();
    asm.mov(Reg::R2, 0).mov(Reg::R3, Reg::R10).alu64(Alu::Add, Reg::R3, -8).mov(Reg::R4, 1);
    asm.store(Size::Dw, Reg::R10, -8, 0).call(26).load(Size::B, Reg::R0, Reg::R10, -8).exit();
    let loaded = load(&program(ProgramType::SocketFilter, asm, vec![]));
    let mut frame = FRAME;
    frame[14] = 42;
    let result = loaded.test_run(&TestRun { data: &frame, ..TestRun::default() }).expect("run");
    assert_eq!(result.retval, 42);
}

#[test]
fn raw_tracepoints_and_syscall_programs_get_a_context() {
    if !privileged("raw_tracepoints_and_syscall_programs_get_a_context") {
        return;
    }
    let mut asm = Asm::new();
    asm.load(Size::Dw, Reg::R0, Reg::R1, 8).exit();
    let loaded = load(&program(ProgramType::RawTracepoint, asm, vec![]));
    let words = [1u64, 77].map(u64::to_ne_bytes).concat();
    let result = loaded.test_run(&TestRun { ctx: &words, ..TestRun::default() }).expect("run");
    assert_eq!(result.retval, 77);

    if !probe::prog_type(probe::ProgType::Syscall).is_yes() {
        eprintln!("skipped: syscall programs: {}", probe::prog_type(probe::ProgType::Syscall).why());
        return;
    }
    let mut asm = Asm::new();
    asm.load(Size::Dw, Reg::R0, Reg::R1, 8).mov(Reg::R2, 5).store(Size::Dw, Reg::R1, 0, Reg::R2).exit();
    let loaded = load(&program(ProgramType::Syscall, asm, vec![]));
    let result = loaded.test_run(&TestRun { ctx: &words, output: true, ..TestRun::default() }).expect("run");
    assert_eq!((result.retval, &result.ctx_out[..8]), (77, &5u64.to_ne_bytes()[..]));
}

/// Sums 0..n by `bpf_loop` with a callback.
fn looping(rounds: i32) -> Program {
    let mut asm = Asm::new();
    let each = asm.label();
    asm.store(Size::Dw, Reg::R10, -8, 0).mov(Reg::R1, rounds).load_func(Reg::R2, each);
    asm.mov(Reg::R3, Reg::R10).alu64(Alu::Add, Reg::R3, -8).mov(Reg::R4, 0).call(181);
    asm.load(Size::Dw, Reg::R0, Reg::R10, -8).exit();
    asm.bind(each);
    let start = asm.len() as u32;
    asm.load(Size::Dw, Reg::R3, Reg::R2, 0).alu64(Alu::Add, Reg::R3, Reg::R1);
    asm.store(Size::Dw, Reg::R2, 0, Reg::R3).mov(Reg::R0, 0).exit();
    let mut program = program(ProgramType::Xdp, asm, vec![]);
    let function = |name: &str, start, args| Function { name: name.into(), start, args };
    program.functions = vec![function("sum", 0, 1), function("each", start, 2)];
    program
}

#[test]
fn callbacks_have_types_of_their_own() {
    if !privileged("callbacks_have_types_of_their_own") {
        return;
    }
    let answer = probe::helper(Helper::BpfLoop);
    if !answer.is_yes() {
        eprintln!("skipped: bpf_loop: {}", answer.why());
        return;
    }
    let result = load(&looping(100)).test_run(&TestRun { data: &FRAME, ..TestRun::default() }).expect("run");
    assert_eq!(result.retval, 4950);
}

#[test]
fn a_refusal_names_the_program_and_keeps_what_the_verifier_said() {
    if !privileged("a_refusal_names_the_program_and_keeps_what_the_verifier_said") {
        return;
    }
    let mut asm = Asm::new();
    asm.load(Size::Dw, Reg::R0, Reg::R5, 0).exit();
    let error = Loaded::load(&program(ProgramType::Xdp, asm, vec![])).expect_err("r5 was never written");
    assert!(error.to_string().starts_with("load test: "), "{error}");
    assert!(error.to_string().contains("R5 !read_ok"), "{error}");
    assert!(error.log.contains("processed 1 insns"), "{}", error.log);
}

#[test]
fn a_long_log_is_kept_to_its_end() {
    if !privileged("a_long_log_is_kept_to_its_end") {
        return;
    }
    // Each line of the log is some 20 bytes: this is more than the first buffer holds.
    let mut asm = Asm::new();
    for n in 0..8000 {
        asm.mov(Reg::R0, n);
    }
    asm.mov(Reg::R0, Reg::R9).exit();
    let error = Loaded::load(&program(ProgramType::Xdp, asm, vec![])).expect_err("r9 was never written");
    assert!(error.log.len() > 64 * 1024, "{}", error.log.len());
    assert!(error.log.contains("r0 = 4711") && error.log.contains("R9 !read_ok"));
}

#[test]
fn a_map_that_is_not_there_is_named() {
    let mut asm = Asm::new();
    asm.load_map(Reg::R1, MapRef(3)).mov(Reg::R0, 0).exit();
    let error = Loaded::load(&program(ProgramType::Xdp, asm, vec![])).expect_err("it has no maps");
    assert_eq!(error.to_string(), "load test: instruction 0 refers to map 3, it has 0");
}

#[test]
fn maps_outlive_a_program_that_is_replaced() {
    if !privileged("maps_outlive_a_program_that_is_replaced") {
        return;
    }
    let add = |n: i32| {
        let mut asm = Asm::new();
        asm.load_map_value(Reg::R1, MapRef(0), 0).mov(Reg::R2, n);
        asm.atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2).mov(Reg::R0, 2).exit();
        program(ProgramType::Xdp, asm, vec![MapSpec::table("sum", vec![0; 8])])
    };
    let first = load(&add(1));
    let shared: Vec<Map> = first.maps().iter().map(|map| map.try_clone().expect("clone")).collect();
    let run = TestRun { data: &FRAME, ..TestRun::default() };
    first.test_run(&run).expect("run");
    drop(first);
    let second = Loaded::with_maps(&add(10), shared).expect("load");
    second.test_run(&run).expect("run");
    assert_eq!(second.map(MapRef(0)).lookup(&[0; 4]).expect("look up"), Some(11u64.to_ne_bytes().to_vec()));
}

#[test]
fn tail_calls_go_through_a_program_array() {
    if !privileged("tail_calls_go_through_a_program_array") {
        return;
    }
    let mut asm = Asm::new();
    asm.load_map(Reg::R2, MapRef(0)).mov(Reg::R3, 0).call(12).mov(Reg::R0, 1).exit();
    let first = load(&program(ProgramType::Xdp, asm, vec![spec(MapType::ProgArray, 4, 4, 1)]));
    let run = TestRun { data: &FRAME, ..TestRun::default() };
    assert_eq!(first.test_run(&run).expect("run").retval, 1);
    let mut asm = Asm::new();
    asm.mov(Reg::R0, 3).exit();
    let second = load(&program(ProgramType::Xdp, asm, vec![]));
    first.map(MapRef(0)).set_fd(&[0; 4], std::os::fd::AsFd::as_fd(&second)).expect("set");
    assert_eq!(first.test_run(&run).expect("run").retval, 3);
}

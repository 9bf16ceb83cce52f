//! The checks before load: what they refuse, what they take, and what a program that they take cannot do.

use kernscope_kit::asm::{Alu, Atomic, Cond, Form, Insn, Listing, Operand, Reg, Size, Width, parse};
use kernscope_kit::check::{check, check_with_args};
use kernscope_kit::load::Loaded;
use kernscope_kit::probe::{self, ProgType};
use kernscope_kit::program::{Function, MapSpec, MapType, Program, ProgramType};
use kernscope_kit::vm::{Input, Vm};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn program(insns: Vec<Insn>) -> Program {
    let maps =
        vec![MapSpec::table("t", vec![0; 8]), MapSpec { max_entries: 2, ..MapSpec::table("u", vec![0; 4]) }];
    Program { name: "test".into(), program_type: ProgramType::Xdp, insns, maps, functions: vec![] }
}

fn text(text: &str) -> Program {
    program(parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

#[test]
fn what_is_wrong_is_told_with_its_instruction() {
    for (program, said) in [
        ("", "check instruction 0 (none): the program has no instructions"),
        (".raw 0xff", "check instruction 0 (0x00000000000000ff): not an instruction"),
        ("mov r0, 0\ncallx r0\nexit", "check instruction 1 (callx r0): the kernel has no call by register"),
        ("mov r10, 0\nexit", "check instruction 0 (r10 = 0): r10 cannot be written"),
        (
            "mov r0, 1\nlsh r0, 64\nexit",
            "check instruction 1 (r0 <<= 64): a shift by 64 is none; the kernel takes 0 to 63",
        ),
        ("mov r0, 1\narsh32 r0, 32\nexit", "the kernel takes 0 to 31"),
        ("mov r0, 1\ndiv r0, 0\nexit", "check instruction 1 (r0 /= 0): a division by zero"),
        ("lddw r0, map_by_idx(2)\nexit", "(r0 = map[idx:2]): the program has 2 map(s), there is no map 2"),
        ("lddw r0, map_val(map_by_idx(0))+8\nexit", "the offset is not within the map's value"),
        ("lddw r0, map_val(map_by_idx(1))\nexit", "the map has more than one value; look it up by key"),
        ("mov r0, 0\nja +5\nexit", "check instruction 1 (goto pc+5): its target 7 is outside of the program"),
        ("mov r0, 0\nja -3\nexit", "its target -1 is outside of the program"),
        ("ja +1\nlddw r0, 1\nexit", "check instruction 0 (goto pc+1): its target 2 is the second half"),
        (
            "call local f\nja +1\nexit\nf: mov r0, 0\nexit",
            "check instruction 1 (goto pc+1): its target 3 is in another",
        ),
        ("mov r0, 0", "check instruction 0 (r0 = 0): the function goes on past its end"),
        (
            "mov r0, 0\njeq r0, 0, -2",
            "check instruction 1 (if r0 == 0x0 goto pc-2): the function goes on past its end",
        ),
        (
            "call local f\nf: mov r0, 0\nexit",
            "check instruction 0 (call pc+0): the function goes on past its end",
        ),
        ("mov r0, 0\nexit\nmov r0, 1\nexit", "check instruction 2 (r0 = 1): no way leads here"),
        ("mov r0, r2\nexit", "check instruction 0 (r0 = r2): r2 is not written on every way here"),
        (
            "mov r1, 9\nlddw r2, code_addr(f)\nmov r3, 0\nmov r4, 0\ncall bpf_loop\nmov r0, 0\nexit\nf: exit",
            "check instruction 8 (exit): r0 is not written on every way here, and is returned",
        ),
        ("exit", "check instruction 0 (exit): r0 is not written on every way here, and is returned"),
        ("jeq r1, 0, +1\nmov r2, 1\nmov r0, r2\nexit", "check instruction 2 (r0 = r2): r2 is not written"),
        ("call 7\nmov r0, r1\nexit", "check instruction 1 (r0 = r1): r1 is not written on every way here"),
        ("mov r2, 0\ncall 1\nexit", ""),
        (
            "call 1\nexit",
            "(call bpf_map_lookup_elem#1): the helper takes 2 argument(s), and r2 is not written",
        ),
        (
            "call local f\nexit\nf: jeq r1, 0, +1\nmov r0, 1\nexit",
            "check instruction 1 (exit): r0 is not written",
        ),
        ("call local f\nexit\nf: mov r0, r2\nexit", "check instruction 2 (r0 = r2): r2 is not written"),
        ("ldxdw r0, [r10-8]\nexit", "8 byte(s) at -8 of the frame are not written on every way here"),
        ("stw [r10-8], 0\nldxdw r0, [r10-8]\nexit", "8 byte(s) at -8 of the frame are not written"),
        ("stdw [r10-520], 0\nmov r0, 0\nexit", "8 byte(s) at -520 of the frame; it goes from -512 to 0"),
        (
            "mov r2, r10\nadd r2, -4\nstdw [r2], 0\nmov r0, 0\nexit",
            "8 byte(s) at -4 of the frame; it goes from",
        ),
        (
            "f: mov r0, 0\ncall local f\nexit",
            "check instruction 1 (call pc-2): functions call one another in a circle",
        ),
        (
            "stdw [r10-300], 0\ncall local f\nexit\nf: stdw [r10-300], 0\nmov r0, 0\nexit",
            "check instruction 1 (call pc+1): the frames of 2 functions take 608 bytes of stack; 512 are the most",
        ),
    ] {
        match check(&text(program)) {
            Ok(()) => assert_eq!(said, "", "{program}"),
            Err(finding) => {
                assert!(!said.is_empty() && finding.to_string().contains(said), "{program}\n{finding}")
            }
        }
    }
}

#[test]
fn calls_have_a_depth() {
    let chain = |calls: usize| {
        let functions: String =
            (1..=calls).map(|n| format!("call local f{n}\nexit\nf{n}: mov r0, 0\n")).collect();
        check(&text(&format!("{functions}exit")))
    };
    assert_eq!(chain(7), Ok(()));
    let finding = chain(8).expect_err("nine frames").to_string();
    assert!(finding.ends_with("9 frames deep; 8 are the most"), "{finding}");
}

#[test]
fn what_the_kernel_takes_is_taken() {
    for program in [
        // Written on both ways.
        "jeq r1, 0, a\nmov r2, 1\nja b\na: mov r2, 2\nb: mov r0, r2\nexit",
        // The frame, through a helper, an unknown offset and two addresses.
        "stw [r10-4], 0\nlddw r1, map_by_idx(0)\nmov r2, r10\nadd r2, -4\ncall 1\nmov r0, 0\nexit",
        "mov r1, r10\nadd r1, -16\nmov r2, 16\nmov r3, 0\ncall bpf_probe_read_kernel\nldxdw r0, [r10-8]\nexit",
        "call 7\nand r0, 8\nmov r1, r10\nadd r1, r0\nstdw [r1-16], 1\nldxdw r0, [r10-16]\nmov r0, 0\nexit",
        "mov r2, r10\ncall 7\njeq r0, 0, a\nmov r2, r10\nadd r2, -8\na: mov r0, 0\nexit",
        // Loops, of every shape.
        "mov r0, 0\na: add r0, 1\njlt r0, 10, a\nexit",
        "mov r0, 0\na: may_goto b\nadd r0, 1\nja a\nb: exit",
        "mov r1, 9\nlddw r2, code_addr(f)\nmov r3, r10\nmov r4, 0\ncall bpf_loop\nmov r0, 0\nexit\nf: mov r0, r2\nexit",
        // A function without a result.
        "mov r1, 1\ncall local f\nmov r0, 0\nexit\nf: mov r2, r1\nexit",
    ] {
        assert_eq!(check(&text(program)), Ok(()), "{program}");
    }
}

#[test]
fn arguments_are_those_of_the_caller() {
    let two = text("mov r0, r2\nexit");
    assert!(check(&two).is_err());
    assert_eq!(check_with_args(&two, 2), Ok(()));
    let mut callback = text(
        "mov r1, 9\nlddw r2, code_addr(f)\nmov r3, 0\nmov r4, 0\ncall 181\nmov r0, 0\nexit\nf: mov r0, r4\nexit",
    );
    assert!(check(&callback).is_err());
    callback.functions = vec![Function { name: "f".into(), start: 8, args: 4 }];
    assert_eq!(check(&callback), Ok(()));
    callback.maps[0].map_type = MapType::Hash;
    assert_eq!(check(&callback), Ok(()), "no address of a value is taken");
}

fn reg() -> impl Strategy<Value = Reg> {
    select(&[Reg::R0, Reg::R1, Reg::R2, Reg::R6][..])
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![reg().prop_map(Operand::Reg), (-3..4).prop_map(Operand::Imm)]
}

/// Instructions of programs that are often, but not always, right.
fn form() -> impl Strategy<Value = Form> {
    let slot = || (1i16..4).prop_map(|slot| -8 * slot);
    let alu = select(&[Alu::Add, Alu::Sub, Alu::Xor, Alu::Mul, Alu::Arsh][..]);
    let width = || select(&[Width::W32, Width::W64][..]);
    let cond = select(&[Cond::Eq, Cond::Gt, Cond::Slt, Cond::Set][..]);
    prop_oneof![
        8 => (width(), reg(), operand()).prop_map(|(width, dst, operand)| {
            Form::Alu { width, alu: Alu::Mov, signed: false, dst, operand }
        }),
        6 => (width(), alu, reg(), operand()).prop_map(|(width, alu, dst, operand)| {
            Form::Alu { width, alu, signed: false, dst, operand }
        }),
        3 => (slot(), operand()).prop_map(|(off, operand)| Form::Store { size: Size::Dw, base: Reg::R10, off, operand }),
        2 => (slot(), reg()).prop_map(|(off, dst)| Form::Load { size: Size::Dw, signed: false, dst, base: Reg::R10, off }),
        1 => (slot(), reg(), select(&Atomic::ALL[..])).prop_map(|(off, src, atomic)| {
            Form::Atomic { atomic, size: Size::Dw, base: Reg::R10, off, src }
        }),
        3 => (width(), cond, reg(), operand(), -2i16..6).prop_map(|(width, cond, dst, operand, off)| {
            Form::JumpIf { width, cond, dst, operand, off }
        }),
        1 => (0i16..4).prop_map(|off| Form::Jump { off }),
        1 => (0..9).prop_map(|off| Form::CallLocal { off }),
        1 => select(&[5, 7, 8][..]).prop_map(|helper| Form::CallHelper { helper }),
        1 => Just(Form::Exit),
    ]
}

/// A program that is taken reads no register that it has not written, and goes nowhere but to its own instructions.
#[test]
fn what_is_taken_runs_the_same_whatever_was_in_the_registers() {
    let mut runner = TestRunner::deterministic();
    let programs = (prop::collection::vec(any::<bool>(), 4), prop::collection::vec(form(), 0..8));
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..8000 {
        let (start, forms) = programs.new_tree(&mut runner).expect("a program").current();
        let insns = around(&start, &forms);
        if check_with_args(&program(insns.clone()), 2).is_err() {
            refused += 1;
            continue;
        }
        taken += 1;
        let run = |fill| {
            let mut vm = Vm::new(&program(insns.clone())).expect("a machine");
            let result = vm.fill(fill, 0).budget(2000).run(Input::Memory(&mut [1, 2, 3, 4, 5, 6, 7, 8]));
            result.map_err(|error| error.to_string())
        };
        let first = run(0);
        for fill in [u64::MAX, 0x8000_0000_7fff_fff1] {
            assert_eq!(run(fill), first, "{}", Listing(&insns));
        }
        if let Err(error) = first {
            let lost = error.contains("past the end") || error.contains("not an instruction");
            assert!(!lost, "{error}\n{}", Listing(&insns));
        }
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

/// A program that may write some registers and bytes of the stack first, and ends.
fn around(start: &[bool], forms: &[Form]) -> Vec<Insn> {
    let first = [
        Insn::alu64(Alu::Mov, Reg::R0, 1),
        Insn::alu64(Alu::Mov, Reg::R6, Reg::R1),
        Insn::store(Size::Dw, Reg::R10, -8, 5),
        Insn::store(Size::Dw, Reg::R10, -16, Reg::R2),
    ];
    let chosen = first.into_iter().zip(start).filter(|(_, chosen)| **chosen).map(|(insn, _)| insn);
    chosen.chain(forms.iter().map(|form| form.encode().0)).chain([Insn::EXIT]).collect()
}

/// What is refused, the kernel refuses: tried on programs without conditions, which the kernel might know the outcome of.
#[test]
fn what_is_refused_does_not_load() {
    if !probe::prog_type(ProgType::Xdp).is_yes() {
        eprintln!("skipped: refused programs in the kernel: {}", probe::prog_type(ProgType::Xdp).why());
        return;
    }
    let mut runner = TestRunner::deterministic();
    let programs = (prop::collection::vec(any::<bool>(), 4), prop::collection::vec(form(), 0..8));
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..6000 {
        let (start, mut forms) = programs.new_tree(&mut runner).expect("a program").current();
        forms.retain(|form| !matches!(form, Form::JumpIf { .. }));
        let program = program(around(&start, &forms));
        let Err(finding) = check(&program) else {
            taken += 1;
            continue;
        };
        // Kernels from 6.3 on let the privileged read what is on the stack, written or not.
        if !finding.to_string().contains("of the frame are not written") {
            assert!(Loaded::load(&program).is_err(), "{finding}\n{}", Listing(&program.insns));
            refused += 1;
        }
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes, there is an answer.
    #[test]
    fn no_bytes_break_the_checks(words in prop::collection::vec(any::<u64>(), 0..16)) {
        let _ = check(&program(words.into_iter().map(Insn::from_word).collect()));
    }
}

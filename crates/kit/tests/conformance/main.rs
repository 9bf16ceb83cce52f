//! The conformance tests of the instruction set: through the assembler, in the virtual machine and in the kernel.

mod bpftool;
mod case;
mod kernel;
mod needs;

use case::{Outcome, all};
use kernscope_kit::asm::{Listing, parse};
use kernscope_kit::check::check_with_args;
use kernscope_kit::program::{Program, ProgramType};
use kernscope_kit::vm::{Input, Vm};

fn program(insns: Vec<kernscope_kit::asm::Insn>) -> Program {
    Program { name: "case".into(), program_type: ProgramType::Xdp, insns, maps: vec![], functions: vec![] }
}

#[test]
fn the_machine_gives_the_result_of_every_case() {
    for mut case in all() {
        let mut vm = Vm::new(&program(case.insns)).expect("a program without maps");
        let result = vm.run(Input::Memory(&mut case.memory));
        match (&case.outcome, result) {
            (Outcome::Result(expected), result) => assert_eq!(result, Ok(*expected), "{}", case.name),
            (Outcome::Error(said), Err(error)) => {
                assert!(error.to_string().contains(said), "{}: {error}", case.name);
            }
            (Outcome::Error(said), Ok(r0)) => panic!("{}: {r0:#x} instead of \"{said}\"", case.name),
        }
    }
}

#[test]
fn the_listing_of_every_case_is_read_back() {
    for case in all() {
        let text = Listing(&case.insns).to_string();
        assert_eq!(parse(&text), Ok(case.insns), "{}:\n{text}", case.name);
    }
}

/// No result may depend on what was in registers and stack before.
#[test]
fn no_case_reads_what_it_has_not_written() {
    for case in all() {
        let result = |fill: u64| {
            let mut vm = Vm::new(&program(case.insns.clone())).expect("a program without maps");
            vm.fill(fill, fill).run(Input::Memory(&mut case.memory.clone()))
        };
        let first = result(0);
        for fill in [u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(result(fill), first, "{}", case.name);
        }
    }
}

/// Cases that run are checked to be programs, but for what the kernel refuses too.
#[test]
fn the_checks_take_what_runs() {
    let mut refused = Vec::new();
    for case in all() {
        let by_rule = needs::forms(&case.insns).any(|form| kernel::refusal(&form).is_some());
        let finding = check_with_args(&program(case.insns), 2);
        match case.outcome {
            Outcome::Result(_) => assert_eq!(finding.is_err(), by_rule, "{}: {finding:?}", case.name),
            Outcome::Error(_) => {
                refused.extend(finding.err().map(|finding| format!("{}: {finding}", case.name)))
            }
        }
    }
    assert_eq!(refused.len(), 3, "{refused:#?}");
}

//! The cases in the kernel: each as a function of an XDP program, which passes it the packet as its memory and puts what
//! it returns into a map, all 64 bits of it.
//!
//! Without the privilege the test says so. What is not run is told by name and reason: cases with an instruction that
//! the verifier refuses by rule ([`refusal`]), and those with one that came with a later kernel.

use crate::case::{Case, Outcome, all};
use crate::needs::{forms, needs, running};
use kernscope_kit::asm::{Alu, Asm, Cond, Form, Operand, Reg, Size, Width};
use kernscope_kit::check::check;
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe::{self, ProgType};
use kernscope_kit::program::{MapRef, MapSpec, Program, ProgramType};

/// Frames have at least this many bytes.
const FRAME_MIN: usize = 14;

const RESULT: MapRef = MapRef(0);

/// What the verifier says to an instruction that conforms and that it refuses all the same.
pub(crate) fn refusal(form: &Form) -> Option<&'static str> {
    match *form {
        Form::Alu { width, alu: Alu::Lsh | Alu::Rsh | Alu::Arsh, operand: Operand::Imm(imm), .. } => {
            let bits = if width == Width::W64 { 64 } else { 32 };
            (!(0..bits).contains(&imm)).then_some("invalid shift")
        }
        Form::Alu { alu: Alu::Div | Alu::Mod, operand: Operand::Imm(0), .. } => Some("div by zero"),
        Form::CallReg { .. } => Some("unknown opcode 8d"),
        _ => None,
    }
}

/// The program around a case.
pub(crate) fn wrapped(case: &Case) -> Program {
    let mut asm = Asm::new();
    let (function, out) = (asm.label(), asm.label());
    let len = case.memory.len() as i32;
    asm.mov(Reg::R0, 0);
    if len == 0 {
        asm.mov(Reg::R1, 0);
    } else {
        asm.load(Size::W, Reg::R2, Reg::R1, 4).load(Size::W, Reg::R1, Reg::R1, 0);
        asm.mov(Reg::R3, Reg::R1).alu64(Alu::Add, Reg::R3, len);
        asm.jump_if(Cond::Gt, Reg::R3, Reg::R2, out);
    }
    asm.mov(Reg::R2, len).call_local(function);
    asm.load_map_value(Reg::R1, RESULT, 0).store(Size::Dw, Reg::R1, 0, Reg::R0);
    asm.store(Size::Dw, Reg::R1, 8, 1).mov(Reg::R0, 2);
    asm.bind(out);
    asm.exit();
    asm.bind(function);
    let mut insns = asm.finish().expect("labels");
    insns.extend_from_slice(&case.insns);
    Program {
        name: "case".into(),
        program_type: ProgramType::Xdp,
        insns,
        maps: vec![MapSpec::table("result", vec![0; 16])],
        functions: vec![],
    }
}

/// Loads and runs a case; `r0`, or what the verifier wrote.
fn run(case: &Case) -> Result<u64, String> {
    let loaded = Loaded::load(&wrapped(case)).map_err(|error| format!("{error}\n{}", error.log))?;
    let mut frame = case.memory.clone();
    frame.resize(frame.len().max(FRAME_MIN), 0);
    loaded.test_run(&TestRun { data: &frame, ..TestRun::default() }).expect("a frame that test runs take");
    let value = loaded.map(RESULT).lookup(&0u32.to_ne_bytes()).expect("a map").expect("its only value");
    let word = |at: usize| u64::from_ne_bytes(value[at..at + 8].try_into().expect("eight bytes"));
    assert_eq!(word(8), 1, "{}: the function was called", case.name);
    Ok(word(0))
}

#[test]
fn the_kernel_gives_the_result_of_every_case_that_it_takes() {
    if !probe::prog_type(ProgType::Xdp).is_yes() {
        eprintln!("skipped: conformance in the kernel: {}", probe::prog_type(ProgType::Xdp).why());
        return;
    }
    let (mut same, mut refused, mut missing, mut wrong) = (0, Vec::new(), Vec::new(), Vec::new());
    for case in all() {
        let Outcome::Result(expected) = case.outcome else { continue };
        let later = needs(&case.insns).filter(|(since, _)| *since > running());
        let by_rule = forms(&case.insns).find_map(|form| refusal(&form).map(|said| (said, form)));
        let result = run(&case);
        if let (Ok(_), Err(finding)) = (&result, check(&wrapped(&case))) {
            wrong.push(format!("{}: the kernel takes it, and {finding}", case.name));
        }
        match (result, by_rule, later) {
            (Ok(r0), None, _) if r0 == expected => same += 1,
            (Err(log), Some((said, form)), _) if log.contains(said) => {
                refused.push(format!("{}: `{form}` is refused: {said}", case.name));
            }
            (Err(_), _, Some((since, form))) => {
                missing.push(format!("{}: `{form}` came with {}.{}", case.name, since.0, since.1));
            }
            (result, ..) => wrong.push(format!("{}: {result:?}, not {expected:#x}", case.name)),
        }
    }
    for line in refused.iter().chain(&missing) {
        eprintln!("skipped in the kernel: {line}");
    }
    eprintln!(
        "{same} the same, {} refused by rule, {} with instructions of later kernels",
        refused.len(),
        missing.len()
    );
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 100, "most cases are of instructions that every kernel has");
}

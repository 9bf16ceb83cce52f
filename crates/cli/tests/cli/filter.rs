//! `kernscope filter`: text and bytecode through the pipe.

use crate::run::{kernscope, stderr};
use std::io::Write;
use std::process::{Output, Stdio};

/// Runs `kernscope filter` with these arguments and this on standard input.
pub(crate) fn filter(args: &[&str], input: &[u8]) -> Output {
    let args: Vec<&str> = ["filter"].iter().chain(args).copied().collect();
    let mut command = kernscope(&args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    match stdin.write_all(input) {
        // Wrong arguments end it before it reads: its status and words are what counts.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.expect("kernscope reads its input"),
    }
    drop(stdin);
    child.wait_with_output().expect("ends")
}

/// What it printed, having succeeded.
pub(crate) fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    assert_eq!(stderr(output), "");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// The one line that it failed with.
pub(crate) fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    assert_eq!(output.stdout, b"");
    let line = stderr(output);
    assert!(line.starts_with("kernscope: ") && line.ends_with('\n') && line.lines().count() == 1, "{line}");
    line
}

#[test]
fn text_becomes_bytecode_and_text_again() {
    let program = "mov %r0, 1\njne %r0, 1, out\nlddw %r0, 0x1122334455667788\nout: exit\n";
    let hex = told(&filter(&["asm"], program.as_bytes()));
    assert_eq!(
        hex,
        "b700000001000000550002000100000018000000887766550000000044332211\
         9500000000000000\n"
    );
    let text = told(&filter(&["disasm"], hex.as_bytes()));
    assert_eq!(
        text,
        "   0: (b7) r0 = 1\n   1: (55) if r0 != 0x1 goto pc+2\n   2: (18) r0 = 0x1122334455667788\n   4: (95) exit\n"
    );
    assert_eq!(told(&filter(&["asm"], text.as_bytes())), hex);
}

#[test]
fn wrong_input_gives_one_line_and_1() {
    for (args, input, said) in [
        (&["asm"][..], &b"mov r0, 1\nmovv r0, 1\n"[..], "assemble line 2: there is no instruction `movv`"),
        (&["asm"], b"\xff", "read standard input: stream did not contain valid UTF-8"),
        (&["disasm"], b"b7 0", "read hexadecimal: 3 digits are no whole bytes"),
        (&["disasm"], b"b7zz", "read hexadecimal: 'z' is no hexadecimal digit"),
        (&["disasm"], b"b700", "read bytecode: 2 bytes are no whole instructions of 8 bytes"),
    ] {
        let line = failed(&filter(args, input));
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn a_program_is_run_on_its_memory() {
    let run = |text: &str, args: &[&str]| {
        let hex = told(&filter(&["asm"], text.as_bytes()));
        filter(&[&["exec"], args].concat(), hex.as_bytes())
    };
    assert_eq!(told(&run("lddw r0, 0x1122334455667788\nexit", &[])), "1122334455667788\n");
    assert_eq!(told(&run("mov r0, r2\nexit", &["0a 0b  0c "])), "3\n");
    assert_eq!(told(&run("ldxb r0, [r1+3]\nexit", &["0a0b", "0c0d"])), "d\n");
    assert_eq!(told(&run("mov r0, r1\nexit", &[""])), "0\n", "no memory has no address");
    for (text, args, said) in [
        (
            "ldxb r0, [r1+3]\nexit",
            &["0a0b0c"][..],
            "run instruction 0 (r0 = *(u8 *)(r1 +3)): 1 byte at offset 3 of",
        ),
        ("a: ja a", &[], "the budget of instructions is used up"),
        ("mov r0, 0\nexit", &["0a0"], "read hexadecimal: 3 digits"),
        ("mov r0, 0\nexit", &["--budget", "1"], "budget"),
    ] {
        let line = failed(&run(text, args));
        assert!(line.contains(said), "{line}");
    }
}

/// The conformance cases as a runner of them would: text through `asm`, its output through `exec`.
#[test]
fn the_conformance_cases_pass_through_the_pipe() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../kit/tests/conformance/data");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the cases of the kit") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a case");
        let section = |name: &str| -> String {
            let lines = text.lines().skip_while(|line| line.strip_prefix("-- ") != Some(name)).skip(1);
            lines.take_while(|line| !line.starts_with("-- ")).map(|line| format!("{line}\n")).collect()
        };
        let hex = told(&filter(&["asm"], section("asm").as_bytes()));
        let r0 = told(&filter(&["exec", &section("mem")], hex.as_bytes()));
        let result = section("result").trim().to_owned();
        let expected = match result.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => result.parse(),
        };
        assert_eq!(u64::from_str_radix(r0.trim(), 16), expected, "{}", path.display());
        count += 1;
    }
    assert_eq!(count, 214);
}

//! What conditions on headers cost: instructions, instructions that the verifier follows, and time a packet, each for
//! XDP, tc and socket filters, beside tcpdump's program for the same question, translated.
//!
//! The packet is UDP over IPv4 to port 53, 60 bytes. Times are medians of test runs of a million rounds, less the time of
//! a program that only returns.

use std::error::Error;

use kernscope_kit::asm::Insn;
use kernscope_kit::compile::cbpf::{self, Classic};
use kernscope_kit::compile::{Filter, Host, Options, Target, compile};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::program::Program;

const ROUNDS: u32 = 1_000_000;
const RUNS: usize = 9;

const EXPRESSIONS: [&str; 10] = [
    "ip",
    "udp",
    "udp and dst port 53",
    "host 10.0.0.1",
    "ip6 net 2001:db8::/32",
    "vlan 100 and tcp port 80",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn or (udp and dst port 53 and net 10.0.0.0/8)",
    r#"udp and dst port 53 and content "evil""#,
    r#"vlan 100 and tcp port 80 and content nocase "password""#,
    r#"(tcp port 80 or udp dst port 53) and host 10.0.0.1 and content /ghp_[0-9a-zA-Z]{36}/"#,
];

/// What tcpdump 4.99 makes of `udp and dst port 53`.
const CLASSIC: &str = "16\n40 0 0 12\n21 0 7 2048\n48 0 0 23\n21 0 11 17\n40 0 0 20\n69 9 0 8191\n177 0 0 14\n72 0 0 16\n\
                       21 5 6 53\n21 0 5 34525\n48 0 0 20\n21 0 3 17\n40 0 0 56\n21 0 1 53\n6 0 0 262144\n6 0 0 0\n";

fn main() -> Result<(), Box<dyn Error>> {
    let mut frame = [0; 60];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..34].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 1, 2]);
    frame[34..42].copy_from_slice(&[3, 232, 0, 53, 0, 26, 0, 0]);
    for target in [Target::Xdp, Target::Tc, Target::Socket] {
        let options = Options::new(target, Host::running());
        let nothing = time(&Loaded::load(&returning(target))?, &frame)?;
        for expression in EXPRESSIONS {
            let program = compile(&expression.parse::<Filter>()?, &options)?.program;
            tell(target, &program, expression, &frame, nothing)?;
        }
        let actions = cbpf::Actions { accept: 2, reject: 1 };
        let classic = match target {
            Target::Xdp => cbpf::Target::Xdp(actions),
            Target::Tc => cbpf::Target::Tc(actions),
            _ => cbpf::Target::Socket,
        };
        let program = Classic::parse(CLASSIC)?.translate(classic)?;
        tell(target, &program, "udp and dst port 53 (tcpdump's, translated)", &frame, nothing)?;
    }
    Ok(())
}

/// A program that does nothing.
fn returning(target: Target) -> Program {
    let insns = vec![Insn::alu64(kernscope_kit::asm::Alu::Mov, kernscope_kit::asm::Reg::R0, 0), Insn::EXIT];
    let program_type = target.program_type();
    Program { name: "nothing".into(), program_type, insns, maps: Vec::new(), functions: Vec::new() }
}

fn tell(
    target: Target,
    program: &Program,
    what: &str,
    frame: &[u8],
    nothing: f64,
) -> Result<(), Box<dyn Error>> {
    let loaded = Loaded::load(program)?;
    let (insns, verified) = (program.insns.len(), loaded.info()?.verified_insns);
    let ns = time(&loaded, frame)? - nothing;
    println!("{target:?} {insns:4} instructions, {verified:5} verified, {ns:6.1} ns  {what}");
    Ok(())
}

/// Nanoseconds a run; as a clock around the call has it, which the kernel's own, in whole ones, has not.
fn time(loaded: &Loaded, frame: &[u8]) -> Result<f64, Box<dyn Error>> {
    let run = TestRun { data: frame, repeat: ROUNDS, ..TestRun::default() };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = std::time::Instant::now();
        loaded.test_run(&run)?;
        times.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}

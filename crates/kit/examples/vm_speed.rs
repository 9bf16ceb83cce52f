//! What an instruction costs in the virtual machine: `cargo run --release -p kernscope-kit --example vm_speed`.
//!
//! Three loops: arithmetic alone, a load from the packet each round, a table in a map each round. Each is run many times;
//! what is told is the median, in nanoseconds an instruction.

use kernscope_kit::asm::parse;
use kernscope_kit::program::{MapSpec, Program, ProgramType};
use kernscope_kit::vm::{Input, Vm};
use std::time::Instant;

/// Rounds of a loop, and times that it is run.
const ROUNDS: u64 = 4096;
const RUNS: usize = 301;

const LOOPS: [(&str, &str); 3] = [
    (
        "arithmetic",
        "mov r0, 0\nmov r3, 4096\nagain: add r0, r3\nxor r0, 7\nsub r3, 1\njne r3, 0, again\nexit",
    ),
    (
        "packet bytes",
        "mov r0, 0\nmov r3, r1\nadd r3, r2\nagain: ldxb r4, [r1]\nadd r0, r4\nadd r1, 1\njne r1, r3, again\nexit",
    ),
    (
        "table lookups",
        "mov r0, 0\nmov r3, r1\nadd r3, r2\nlddw r5, map_val(map_by_idx(0))
         again: ldxb r4, [r1]\nadd r4, r5\nldxb r4, [r4]\nadd r0, r4\nadd r1, 1\njne r1, r3, again\nexit",
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut memory: Vec<u8> = (0..ROUNDS).map(|at| ((at * 167) >> 3) as u8).collect();
    for (name, text) in LOOPS {
        let insns = parse(text)?;
        // All but the first instructions and the last are the loop.
        let start = insns
            .iter()
            .position(|insn| insn.off < 0)
            .map_or(0, |at| at as i64 + 1 + i64::from(insns[at].off));
        let per_round = insns.len() as u64 - 1 - start as u64;
        let maps = vec![MapSpec::table("table", (0..=255).rev().collect())];
        let program =
            Program { name: "speed".into(), program_type: ProgramType::Xdp, insns, maps, functions: vec![] };
        let mut vm = Vm::new(&program)?;
        let mut times: Vec<f64> = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let begin = Instant::now();
            vm.run(Input::Memory(&mut memory))?;
            times.push(begin.elapsed().as_nanos() as f64 / (ROUNDS * per_round) as f64);
        }
        times.sort_by(f64::total_cmp);
        println!("{name}: {:.2} ns an instruction", times[RUNS / 2]);
    }
    let program = Program {
        name: "exit".into(),
        program_type: ProgramType::Xdp,
        insns: parse("mov r0, 0\nexit")?,
        maps: vec![],
        functions: vec![],
    };
    let mut vm = Vm::new(&program)?;
    let begin = Instant::now();
    for _ in 0..100_000 {
        vm.run(Input::Xdp(&mut memory))?;
    }
    println!("a run of two instructions: {:.0} ns", begin.elapsed().as_nanos() as f64 / 1e5);
    Ok(())
}

//! What detectors tell of a synthetic day of fifty devices with ten things wrong: what was caught, what was missed, and what was told
//! without cause. `cargo run --release -p kernscope-lan --example lan_day -- [SEED]`; status 1 if fewer than nine are caught, or more
//! than one is told without cause in a device-week.

mod day;
mod frames;
mod judge;

use std::process::ExitCode;

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let verdict = judge::judge(seed);
    verdict.lines.iter().for_each(|line| println!("{line}"));
    if verdict.is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

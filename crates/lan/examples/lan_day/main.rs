//! What detectors tell of a synthetic day of fifty devices with ten things wrong: what was caught, what was missed, and what was told
//! without cause. `cargo run --release -p kernscope-lan --example lan_day -- [SEED [QUIET_DAYS]]`; status 1 if fewer than nine are
//! caught, or more than one is told without cause in a device-week. With quiet days before it, what takes a day to learn looks as well.

mod day;
mod frames;
mod judge;

use std::process::ExitCode;

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let quiet_days = std::env::args().nth(2).and_then(|days| days.parse().ok()).unwrap_or(0);
    let verdict = judge::judge(seed, quiet_days);
    verdict.lines.iter().for_each(|line| println!("{line}"));
    if verdict.is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

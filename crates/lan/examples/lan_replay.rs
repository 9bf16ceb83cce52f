//! How fast a capture is read, on one core: `lan_replay FILE` prints frames, and frames a second of CPU time of the fastest
//! of several runs over the file in memory, detectors included.

use kernscope_lan::Registry;
use kernscope_lan::anomaly::{Options, Sentry};
use kernscope_lan::replay::replay;
use nix::time::{ClockId, clock_gettime};
use std::error::Error;

const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("replay: which file? give a capture")?;
    let bytes = std::fs::read(&path).map_err(|cause| format!("read {path}: {cause}"))?;
    let (mut least_s, mut frames) = (f64::INFINITY, 0);
    for _ in 0..RUNS {
        let mut registry = Registry::default().watched(Sentry::new(Options::default()));
        let start = cpu_s()?;
        frames = replay(bytes.as_slice(), &mut registry).frames;
        least_s = least_s.min(cpu_s()? - start);
    }
    println!("{frames} {:.0}", frames as f64 / least_s);
    Ok(())
}

/// CPU time of this process, seconds: what else the machine does is not in it.
fn cpu_s() -> nix::Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

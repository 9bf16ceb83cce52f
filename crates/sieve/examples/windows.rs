//! Random byte-frequency filters on random data, held window by window against plain counting.
//!
//! `cargo run --release -p kernscope-sieve --example windows -- 10000000 1`: at least so many windows, from a seed.
//! Every level of vector instructions is asked, and a reader that gives parts of random sizes.

#[path = "../tests/support/cover.rs"]
mod cover;
#[path = "../tests/support/random.rs"]
mod random;

use kernscope_sieve::Level;
use random::Random;
use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse::<u64>());
    let (Some(Ok(wanted)), Some(Ok(seed))) = (numbers.next(), numbers.next()) else {
        eprintln!("windows: no number; give WINDOWS and SEED");
        return ExitCode::from(2);
    };
    let mut random = Random(seed);
    let (mut windows, mut cases, mut matching, mut differences) = (0, 0, 0, 0);
    while windows < wanted {
        let (filter, data) = cover::case(&mut random);
        windows += (data.len() + 1).saturating_sub(filter.window() as usize).max(1) as u64;
        cases += 1;
        let right = cover::cover(&filter, &data);
        matching += u64::from(!right.is_empty());
        for level in Level::all() {
            let filter = filter.clone().with_level(level);
            let most = random.within(1, data.len().max(1));
            let read: Vec<_> = filter
                .read(Parts { data: &data, most })
                .map(|region| region.expect("memory is read"))
                .map(|region| region.start as usize..region.end as usize)
                .collect();
            if filter.regions(&data).ne(right.iter().cloned()) || read != right {
                differences += 1;
                eprintln!("{filter:?} in parts of {most} on {}", data.escape_ascii());
            }
        }
    }
    println!(
        "{windows} windows of {cases} pairs of filter and data, {matching} of which have regions, on {:?}: \
         {differences} differences",
        Level::all()
    );
    println!("{} passed, {differences} failed", cases * Level::all().len() as u64 - differences);
    ExitCode::from(u8::from(differences > 0))
}

/// Gives at most so many bytes at a time.
struct Parts<'d> {
    data: &'d [u8],
    most: usize,
}

impl Read for Parts<'_> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let most = self.most.min(space.len());
        self.data.read(&mut space[..most])
    }
}

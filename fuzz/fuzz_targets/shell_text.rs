//! Shell text as strangers write it: read without failing, in a time that its length bounds, the same each time; and arguments of
//! programs that are no shell.

#![no_main]

use kernscope_watch::detect::shell;
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};

/// Far beyond what any text takes; what goes on for longer goes on by its square.
const LONGEST: Duration = Duration::from_secs(5);

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let start = Instant::now();
    let reading = shell::read(&text, std::iter::empty());
    // 16 texts of at most 512 commands in all, and what is fed to interpreters in each.
    assert!(reading.commands.len() <= 512 + 16 * 16, "{} commands", reading.commands.len());
    assert!(reading.signs.len() <= 16, "{:?}", reading.signs);
    assert_eq!(reading, shell::read(&text, std::iter::empty()));

    let argv: Vec<String> = text.split(['\0', ' ']).map(str::to_owned).collect();
    let told = shell::read_arguments(&argv);
    assert!(told.signs.len() <= 16, "{:?}", told.signs);
    assert!(start.elapsed() < LONGEST, "{:?} for {} bytes", start.elapsed(), data.len());
});

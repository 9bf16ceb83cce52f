//! Any file as a capture: it is refused, or read as far as it goes, and the account says how far.

#![no_main]

#[path = "../lan.rs"]
mod lan;

use kernscope_lan::replay;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut registry = lan::watched();
    let account = replay::replay(input, &mut registry);
    lan::check(&registry, &account);
});

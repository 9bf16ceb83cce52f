//! Any text through the assembler: a program or an error of one line, and what a program prints as is read back as the
//! same program.

#![no_main]

use kernscope_kit::asm::{Insn, Listing, from_hex, parse, to_hex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(insns) => {
            let listing = Listing(&insns).to_string();
            assert_eq!(parse(&listing).as_ref(), Ok(&insns), "{listing}");
            let bytes = Insn::all_to_bytes(&insns);
            assert_eq!(from_hex(&to_hex(&bytes)).and_then(|bytes| Insn::all_from_bytes(&bytes)), Ok(insns));
        }
        Err(error) => {
            assert!(error.line() >= 1 && error.line() <= text.lines().count(), "{error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
    let _ = from_hex(text);
});

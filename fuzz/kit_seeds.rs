//! Writes the seed corpora of the targets on the kit: the conformance cases as text and as bytecode, and a program that
//! uses maps and helpers.
//!
//! ```text
//! cargo run --example kit_seeds        (in fuzz/)
//! ```

use kernscope_kit::asm::{Insn, Listing, parse};
use std::fs;

/// Text in both notations.
const PROGRAM: &str = "\
    stw [r10-4], 1
    lddw r1, map_by_idx(2)
    mov r2, r10
    add r2, -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = *(u32 *)(r0 +0)
    lock fetch add [r0+0], r1
    call local f
    lddw r2, code_addr(f)
    mov r1, 3
    mov r3, 0
    mov r4, 0
    call bpf_loop
out:
    mov r0, 0
    exit
f:
    mov r0, 0
    exit
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all("seeds/asm_text")?;
    fs::create_dir_all("seeds/bytecode")?;
    let mut all = vec![("program".to_owned(), PROGRAM.to_owned())];
    for name in ["atomics-64", "calls-nested", "may-goto", "moves-that-extend", "byte-order", "jumps-far"] {
        let case = fs::read_to_string(format!("../crates/kit/tests/conformance/own/{name}.data"))?;
        let asm = case.split("-- asm\n").nth(1).and_then(|rest| rest.split("-- ").next());
        all.push((name.to_owned(), asm.unwrap_or_default().to_owned()));
    }
    for (name, text) in all {
        let insns = parse(&text)?;
        // Memory of 16 bytes.
        let mut bytecode = vec![0, 16];
        bytecode.extend(Insn::all_to_bytes(&insns));
        fs::write(format!("seeds/bytecode/{name}"), bytecode)?;
        fs::write(format!("seeds/asm_text/{name}-listing"), Listing(&insns).to_string())?;
        fs::write(format!("seeds/asm_text/{name}"), text)?;
    }
    Ok(())
}

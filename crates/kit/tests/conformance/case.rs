//! Cases: files with sections. `SOURCES.md` tells what is in them.

use kernscope_kit::asm::{Insn, from_hex, parse};
use std::path::{Path, PathBuf};

/// What must come out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This value of `r0`.
    Result(u64),
    /// An error with this in its message.
    Error(String),
}

/// One file.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) insns: Vec<Insn>,
    pub(crate) memory: Vec<u8>,
    pub(crate) outcome: Outcome,
}

/// Every case: the two folders here, and the one that the environment names.
pub(crate) fn all() -> Vec<Case> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut cases = folder(&here.join("data"));
    assert_eq!(cases.len(), 214, "cases of bpf_conformance");
    cases.extend(folder(&here.join("own")));
    match std::env::var_os("KERNSCOPE_CONFORMANCE") {
        Some(more) => cases.extend(folder(Path::new(&more))),
        None => eprintln!("KERNSCOPE_CONFORMANCE names no folder with more cases"),
    }
    cases
}

fn folder(path: &Path) -> Vec<Case> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|cause| panic!("read {}: {cause}", path.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "data"));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Case {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("read {name}: {cause}"));
    let section = |wanted: &str| -> Option<String> {
        let mut lines = text.lines().skip_while(|line| line.strip_prefix("-- ") != Some(wanted));
        lines.next()?;
        Some(lines.take_while(|line| !line.starts_with("-- ")).collect::<Vec<_>>().join("\n"))
    };
    let asm = section("asm").map(|text| parse(&text).unwrap_or_else(|error| panic!("{name}: {error}")));
    let raw = section("raw").map(|text| words(&name, &text));
    if let (Some(asm), Some(raw)) = (&asm, &raw) {
        assert_eq!(asm, raw, "{name}: text and numbers");
    }
    let insns = asm.or(raw).unwrap_or_else(|| panic!("{name}: no program"));
    let memory =
        from_hex(&section("mem").unwrap_or_default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let outcome = match (section("result"), section("error")) {
        (Some(result), None) => Outcome::Result(number(&name, result.trim())),
        (None, Some(error)) => Outcome::Error(error.trim().to_owned()),
        _ => panic!("{name}: neither result nor error, or both"),
    };
    Case { name, insns, memory, outcome }
}

fn words(name: &str, text: &str) -> Vec<Insn> {
    text.split_whitespace()
        .map(|word| Insn::from_word(u64::from_le_bytes(number(name, word).to_ne_bytes())))
        .collect()
}

fn number(name: &str, text: &str) -> u64 {
    let digits = text.strip_prefix("0x");
    let value = digits.map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    value.unwrap_or_else(|_| panic!("{name}: `{text}` is no number"))
}

//! docs/verifier.json: how many instructions the verifier processed for each program, on each kernel.
//!
//! A count that moves by more than a tenth is told; `--bless` writes the new ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools;

/// Counts by program.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Reads lines of `program NAME INSTRUCTIONS`; others are not counts.
pub(crate) fn parse(output: &str) -> Counts {
    let counts = output.lines().filter_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
        ["program", name, count] => Some((name.to_owned(), count.parse().ok()?)),
        _ => None,
    });
    counts.collect()
}

/// What is on record: kernel, program, count.
pub(crate) fn recorded() -> Result<BTreeMap<String, Counts>> {
    let path = path();
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))
}

/// Writes counts into the record, beside those of other kernels.
pub(crate) fn bless(new: BTreeMap<String, Counts>) -> Result<()> {
    let mut all = recorded()?;
    all.extend(new);
    let text = serde_json::to_string_pretty(&all).context("write verifier counts as JSON")?;
    let path = path();
    fs::write(&path, text + "\n").with_context(|| format!("write {}", path.display()))
}

/// Lines that tell what has changed by more than a tenth, has come, or has gone.
pub(crate) fn changes(old: &Counts, new: &Counts) -> Vec<String> {
    let mut lines = Vec::new();
    for (program, &now) in new {
        match old.get(program) {
            None => lines.push(format!("{program}: new, {now} instructions")),
            Some(&was) if now.abs_diff(was) * 10 > was => {
                lines.push(format!("{program}: {was} -> {now} instructions"));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        old.keys().filter(|program| !new.contains_key(*program)).map(|program| format!("{program}: gone")),
    );
    lines
}

fn path() -> PathBuf {
    tools::root().join("docs/verifier.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_the_limit() {
        let old = parse("program a 100\nprogram b 100\nprogram c 5\nhook a tp_btf Idle\n");
        let new = parse("program a 110\nprogram b 89\nprogram d 7\n");
        assert_eq!(changes(&old, &new), ["b: 100 -> 89 instructions", "d: new, 7 instructions", "c: gone"]);
    }
}

//! docs/DETECTIONS-BUILTIN.md: the detections that come with kernscope.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::files;
use crate::tools;

pub(super) const NAME: &str = "docs/DETECTIONS-BUILTIN.md";
const FOLDER: &str = "crates/watch/rules";

#[derive(Deserialize)]
struct File {
    detection: Vec<Detection>,
}

#[derive(Deserialize)]
struct Detection {
    id: String,
    severity: String,
    message: String,
    technique: toml::Value,
}

pub(super) fn write() -> Result<()> {
    let path = tools::root().join(NAME);
    fs::write(&path, list()?).with_context(|| format!("write {}", path.display()))
}

/// Fails when the committed list is not what the files give.
pub(super) fn check() -> Result<()> {
    let path = tools::root().join(NAME);
    let committed = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    if committed != list()? {
        bail!("check {NAME}: it is not what {FOLDER} gives; run `cargo xtask rules` and commit");
    }
    Ok(())
}

fn list() -> Result<String> {
    let (mut sections, mut count) = (String::new(), 0);
    for path in files(FOLDER)? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        count += file.detection.len();
        let about =
            text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']).trim_end_matches('.');
        writeln!(
            sections,
            "\n## {about}\n\n| detection | severity | what is told | ATT&CK |\n| --- | --- | --- | --- |"
        )?;
        for Detection { id, severity, message, technique } in &file.detection {
            let message = message.replace('|', "\\|");
            writeln!(sections, "| `{id}` | {severity} | {message} | {} |", words(technique))?;
        }
    }
    let head = format!(
        "# The built-in detections\n\n\
         Made by `cargo xtask rules` from `{FOLDER}`, which has the conditions, with records that each must and must not\n\
         find (`cargo nextest run -p kernscope-watch --test builtin_detections` tries them all) and, in `tests/cases/detect-*.toml`, a\n\
         program that raises it and one that nearly does. There are {count}. [DETECTIONS.md](DETECTIONS.md) has the format.\n"
    );
    Ok(head + &sections)
}

fn words(value: &toml::Value) -> String {
    let all = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(", ")
}

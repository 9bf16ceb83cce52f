//! `cargo xtask rules`: docs/RULES-BUILTIN.md and docs/DETECTIONS-BUILTIN.md, the lists of what is built in, from the files.

mod detections;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::tools;

const NAME: &str = "docs/RULES-BUILTIN.md";

/// Flags of `cargo xtask rules`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compare with the committed file, write nothing.
    #[arg(long)]
    check: bool,
}

/// What is listed of a file of rules.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    description: String,
    severity: String,
    #[serde(default, rename = "match")]
    examples: Vec<toml::Value>,
    #[serde(default, rename = "no_match")]
    counter_examples: Vec<toml::Value>,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        check()?;
        println!("rules --check: {NAME} and {} list what there is", detections::NAME);
        return Ok(());
    }
    detections::write()?;
    let path = tools::root().join(NAME);
    fs::write(&path, list()?).with_context(|| format!("write {}", path.display()))?;
    println!("rules: wrote {NAME} and {}", detections::NAME);
    Ok(())
}

/// Fails when the committed list is not what the files give.
pub(crate) fn check() -> Result<()> {
    let path = tools::root().join(NAME);
    let committed = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    if committed != list()? {
        bail!("check {NAME}: it is not what crates/sieve/rules gives; run `cargo xtask rules` and commit");
    }
    detections::check()
}

fn list() -> Result<String> {
    let (mut sections, mut count) = (String::new(), 0);
    for path in files("crates/sieve/rules")? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        if file.rule.is_empty() {
            continue;
        }
        count += file.rule.len();
        let about =
            text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']).trim_end_matches('.');
        sections.push_str(&section(about, &file.rule)?);
    }
    let head = format!(
        "# The built-in rules\n\n\
         Made by `cargo xtask rules` from `crates/sieve/rules`, which has the expressions, with the examples that each must \
         and must not\nmatch (`cargo nextest run -p kernscope-sieve --test builtin` tries them all). There are {count} rules. What \
         `common.toml` there excuses\n(placeholders, references to variables) is excused for every rule.\n"
    );
    Ok(head + &sections)
}

fn section(about: &str, rules: &[Rule]) -> Result<String> {
    let mut text = format!(
        "\n## {about}\n\n| rule | severity | what it finds | examples |\n| --- | --- | --- | --- |\n"
    );
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by(|one, other| one.id.cmp(&other.id));
    for Rule { id, description, severity, examples, counter_examples } in rules {
        let (examples, others) = (examples.len(), counter_examples.len());
        let description = description.replace('|', "\\|");
        writeln!(text, "| `{id}` | {severity} | {description} | {examples} + {others} |")?;
    }
    Ok(text)
}

/// The files of rules in a folder, by name.
fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = tools::root().join(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

//! `cargo build` of a small crate: what a person watches in practice.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::cost::{last_number, rounds};
use crate::tools;

/// The table.
pub(super) fn table(bench: &Bench<'_>) -> Result<String> {
    let home = bench.dir.join("small");
    make_crate(&home)?;
    let result = bench.dir.join("elapsed");
    rounds(bench, "## `cargo build` of a small crate", "s", |watcher| {
        let target = home.join("target");
        if target.exists() {
            std::fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))?;
        }
        let (timed, out) = (bench.programs.path("timed"), result.to_string_lossy().into_owned());
        let argv = [timed.as_str(), &out, "cargo", "build", "--quiet", "--offline", "--target-dir", "target"];
        watcher.run(bench.kernscope, &argv, &home)?;
        let said = std::fs::read_to_string(&result).context("read the elapsed time")?;
        Ok(last_number(&said)? / 1e9)
    })
}

/// Eight modules with code in them, and no dependency.
fn make_crate(home: &Path) -> Result<()> {
    std::fs::create_dir_all(home.join("src")).context("create a crate")?;
    let manifest = "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(home.join("Cargo.toml"), manifest).context("write a manifest")?;
    let mut main = String::new();
    for module in 0..8 {
        main.push_str(&format!("mod m{module};\n"));
        let functions: String = (0..40)
            .map(|f| format!("pub fn f{f}(x: &str) -> String {{ let mut v: Vec<u64> = x.bytes().map(u64::from).collect(); v.sort(); format!(\"{{v:?}} {f}\") }}\n"))
            .collect();
        std::fs::write(home.join(format!("src/m{module}.rs")), functions).context("write a module")?;
    }
    let calls: String = (0..8)
        .map(|m| (0..40).map(|f| format!("println!(\"{{}}\", m{m}::f{f}(\"x\"));\n")).collect::<String>())
        .collect();
    std::fs::write(home.join("src/main.rs"), format!("{main}fn main() {{\n{calls}}}\n"))
        .context("write main.rs")?;
    let mut lock = Command::new("cargo");
    lock.args(["generate-lockfile", "--quiet", "--offline"]).current_dir(home);
    let status = lock.status().with_context(|| format!("run `{}`", tools::show(&lock)))?;
    ensure!(status.success(), "`{}` failed", tools::show(&lock));
    Ok(())
}

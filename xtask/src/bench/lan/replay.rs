//! How fast captures are read, on one core, beside peers.

use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::children_cpu_s;
use crate::tools;

const REPLAYED_BYTES: usize = 64 << 20;
/// Bytes before the first frame of a pcap file.
const HEADER_BYTES: usize = 24;

/// The table.
pub(super) fn table(file: Option<&Path>, root: &Path, dir: &Path) -> Result<String> {
    let files = file.map_or_else(|| captures(root), |file| Ok(vec![file.to_owned()]))?;
    let joined = joined(&files)?;
    let path = dir.join("joined.pcap");
    std::fs::write(&path, &joined).with_context(|| format!("write {}", path.display()))?;
    let told = tools::read(tools::example("kernscope-lan", "lan_replay")?.arg(&path))?;
    let (frames, speed) = told.trim().split_once(' ').context("read what lan_replay prints")?;
    let count: f64 = frames.parse().context("read what lan_replay prints")?;
    let mut text = format!(
        "## Reading captures\n\n{} captures one behind the other, {frames} frames, {} MB; by CPU time, so that it is one core. Goal: 2 \
         million a second. Peers are whole programs, run once, with their start-up.\n\n| | frames a second |\n| --- | --: |\n",
        files.len(),
        joined.len() / 1_000_000,
    );
    let speed: f64 = speed.parse().context("read what lan_replay prints")?;
    writeln!(text, "| kernscope, in memory | {speed:.0} |")?;
    for (name, command) in [("tshark -q -z io,phs", tshark(&path)), ("huginn-net, all of it", huginn(&path))]
    {
        match command.and_then(|mut command| cpu_s(&mut command)) {
            Ok(seconds) => writeln!(text, "| {name} | {:.0} |", count / seconds)?,
            Err(why) => writeln!(text, "| {name} | left out: {why:#} |")?,
        }
    }
    Ok(text)
}

/// tshark, which dissects every frame for its statistics.
fn tshark(path: &Path) -> Result<Command> {
    let mut tshark = Command::new(tools::find("tshark").context("not installed")?);
    tshark.args(["-n", "-q", "-z", "io,phs", "-r"]).arg(path);
    Ok(tshark)
}

/// huginn-net, by a program that is no member of the workspace.
fn huginn(path: &Path) -> Result<Command> {
    let target = tools::target_dir().join("lan-peer");
    let mut build = tools::cargo();
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--release",
        "--manifest-path",
        "benches/lan-peer/Cargo.toml",
    ]);
    tools::run(build.arg("--target-dir").arg(&target))?;
    let mut peer = Command::new(target.join("release/lan-peer"));
    peer.arg(path);
    Ok(peer)
}

/// CPU time that a program takes, seconds.
fn cpu_s(command: &mut Command) -> Result<f64> {
    let before = children_cpu_s();
    tools::read(command)?;
    Ok(children_cpu_s() - before)
}

/// The pcap files of a folder of classes, one of each class, by name.
fn captures(root: &Path) -> Result<Vec<PathBuf>> {
    let list = |dir: &Path| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort_unstable();
        Ok(paths)
    };
    let mut files = Vec::new();
    for class in list(root)?.iter().filter(|path| path.is_dir()) {
        files.extend(list(class)?.into_iter().next());
    }
    Ok(files)
}

/// Captures one behind the other, again and again, as one file.
fn joined(files: &[PathBuf]) -> Result<Vec<u8>> {
    let (mut header, mut frames) = (Vec::new(), Vec::new());
    for path in files {
        let file = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let Some((head, rest)) = file.split_at_checked(HEADER_BYTES) else { continue };
        if header.is_empty() {
            header = head.to_vec();
        }
        // Files of another order of bytes, or another kind of link, cannot be joined.
        if head[..4] == header[..4] && head[20..] == header[20..] {
            frames.extend_from_slice(rest);
        }
    }
    ensure!(!frames.is_empty(), "replay captures: there are no frames in {} files", files.len());
    let times = REPLAYED_BYTES.div_ceil(frames.len());
    Ok([header, frames.repeat(times)].concat())
}

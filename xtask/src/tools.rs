//! Running other programs: find them, run them, say in one line what went wrong.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's build folder of the host workspace.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where Cargo keeps what it has downloaded and installed.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home));
    }
    let home = std::env::var_os("HOME").context("find Cargo's home: neither CARGO_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cargo"))
}

/// Looks a program up on `PATH`, in Cargo's own `bin`, then where only root's `PATH` looks.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_bin = cargo_home().ok().map(|home| home.join("bin"));
    std::env::split_paths(&path)
        .chain(cargo_bin)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

/// The Cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Cargo's profile of what tasks try and measure.
pub(crate) const PROFILE: &str = "release";

/// The binary that a task runs: the one that is given, else one that is built.
///
/// # Errors
/// When it is not there, or does not build.
pub(crate) fn kernscope(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => path.canonicalize().with_context(|| format!("find {}", path.display())),
        None => program("kernscope"),
    }
}

/// Builds the program of a package and says where it is.
///
/// # Errors
/// When it does not build.
pub(crate) fn program(package: &str) -> Result<PathBuf> {
    run(cargo().args(["build", "--quiet", "--locked", "--profile", PROFILE, "--package", package]))?;
    Ok(target_dir().join(PROFILE).join(package))
}

/// A cargo that builds for tasks that test: whatever it is asked for, with the features that the whole workspace has together.
/// Chosen by package, a program is built with its own, and with it, once more, every crate below that has others.
pub(crate) fn workspace(command: &str, profile: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([command, "--quiet", "--locked", "--workspace", "--profile", profile]);
    cargo
}

/// Builds the examples that try what is optimised against the kernel and plain code, all at once, and returns one ready to run.
///
/// # Errors
/// When they do not build.
pub(crate) fn tested(name: &str) -> Result<Command> {
    run(workspace("build", PROFILE).args(["--example", "filters", "--example", "windows"]))?;
    Ok(Command::new(target_dir().join(PROFILE).join("examples").join(name)))
}

/// Builds an example of a crate and returns it ready to run.
///
/// # Errors
/// When it does not build.
pub(crate) fn example(package: &str, name: &str) -> Result<Command> {
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--locked", "--profile", PROFILE]);
    run(cargo.args(["--package", package, "--example", name]))?;
    Ok(Command::new(target_dir().join(PROFILE).join("examples").join(name)))
}

/// A command line as a person would type it, for messages.
pub(crate) fn show(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command, its output going where ours goes.
///
/// # Errors
/// When it does not start or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = show(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
///
/// # Errors
/// When it does not start, does not succeed (with what it wrote to standard error), or writes no UTF-8.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = show(command);
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("start `{line}`"))?;
    if !out.status.success() {
        bail!("`{line}` failed: {}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim());
    }
    String::from_utf8(out.stdout).with_context(|| format!("read the output of `{line}`"))
}

/// Runs a command with its output shown as it comes, and returns that output and whether the command succeeded.
///
/// # Errors
/// When it does not start, or its output cannot be read.
pub(crate) fn watch(command: &mut Command) -> Result<(String, bool)> {
    let line = show(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start `{line}`"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (out, err) = thread::scope(|scope| {
        let err = scope.spawn(|| echo(stderr));
        (echo(stdout), err.join().unwrap_or_default())
    });
    let status = child.wait().with_context(|| format!("wait for `{line}`"))?;
    Ok((out + &err, status.success()))
}

/// Prints lines as they come, and gathers them.
fn echo(from: Option<impl Read>) -> String {
    let mut text = String::new();
    let Some(from) = from else { return text };
    for line in BufReader::new(from).split(b'\n').map_while(std::io::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

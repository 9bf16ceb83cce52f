//! A child process with a time limit, its output in files.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a child is asked whether it has ended.
const POLL_MS: u64 = 3;

/// What became of a child.
#[derive(Debug)]
pub struct Outcome {
    /// Exit status as a shell gives it: the code, or 128 + signal; `None` when the time limit ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// A child that runs in its own process group, output going to `<stem>.out` and `<stem>.err`.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// The environment that every program under test gets: small, and the same everywhere. What kernscope keeps for later runs is
/// beside the program's own folder, so that none of it is in what the program finds there.
pub fn plain_environment(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C")
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.parent().unwrap_or(home).join("cache"));
}

impl Running {
    /// Starts `command`.
    ///
    /// # Errors
    /// When the output files cannot be made or the program cannot be started.
    pub fn start(mut command: Command, stem: &Path) -> Result<Self> {
        let stdout = stem.with_extension("out");
        let stderr = stem.with_extension("err");
        let open = |path: &Path| File::create(path).with_context(|| format!("create {}", path.display()));
        command.stdin(Stdio::null()).stdout(open(&stdout)?).stderr(open(&stderr)?).process_group(0);
        let child = command.spawn().with_context(|| format!("start {:?}", command.get_program()))?;
        Ok(Self { child, stdout, stderr })
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// What it has written to standard error so far.
    pub fn stderr_so_far(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; after `limit` its process group is killed.
    ///
    /// # Errors
    /// When the child cannot be waited for.
    pub fn finish(mut self, limit: Duration) -> Result<Outcome> {
        let status = wait_until(limit, || self.child.try_wait().transpose())
            .transpose()
            .context("wait for a child")?;
        if status.is_none() {
            // The group may be gone already; there is nothing to do about that.
            killpg(self.pid(), Signal::SIGKILL).ok();
            self.child.wait().context("wait for a killed child")?;
        }
        Ok(Outcome {
            status: status.map(shell_status),
            stdout: std::fs::read(&self.stdout).unwrap_or_default(),
            stderr: std::fs::read(&self.stderr).unwrap_or_default(),
        })
    }
}

/// Closes what this program inherited beyond the first three descriptors, so that no program under test does.
/// To be called before anything is opened.
pub fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&fd| fd > 2)
        .collect();
    for fd in open {
        // The directory's own descriptor is among them and closed already.
        nix::unistd::close(fd).ok();
    }
}

/// Asks `ready` until it answers or `limit` is over.
pub fn wait_until<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
}

fn shell_status(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(script: &str, limit: Duration) -> Outcome {
        let stem =
            std::env::temp_dir().join(format!("cases-process-{}-{}", std::process::id(), script.len()));
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        let outcome = Running::start(command, &stem).and_then(|running| running.finish(limit));
        for end in ["out", "err"] {
            std::fs::remove_file(stem.with_extension(end)).expect("the file was made");
        }
        outcome.expect("a shell runs")
    }

    #[test]
    fn status_and_output() {
        let ended = outcome("echo out; echo err >&2; exit 3", Duration::from_secs(20));
        assert_eq!(
            (ended.status, &ended.stdout[..], &ended.stderr[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(outcome("kill -9 $$", Duration::from_secs(20)).status, Some(137));
    }

    #[test]
    fn the_time_limit_ends_it() {
        assert_eq!(outcome("sleep 600", Duration::from_millis(50)).status, None);
    }
}

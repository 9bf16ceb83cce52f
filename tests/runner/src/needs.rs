//! What a case needs of the machine, found out by looking or trying. A case whose need is not met is skipped
//! with the reason; a need that the kernel's version promises is not looked at, so that its absence fails.

use crate::programs::Programs;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// `None` when all needs are met, else why not.
///
/// # Errors
/// A need that is not known.
pub fn unmet(needs: &[String], programs: &Programs) -> Result<Option<String>> {
    for need in needs {
        if let Some(why) = unmet_one(need, programs)? {
            return Ok(Some(format!("needs {need}: {why}")));
        }
    }
    Ok(None)
}

fn unmet_one(need: &str, programs: &Programs) -> Result<Option<String>> {
    if let Some(wanted) = need.strip_prefix("kernel>=") {
        let running = kernel_release();
        return Ok((version(&running) < version(wanted)).then(|| format!("this is {running}")));
    }
    if let Some(bound) = need.strip_prefix("kernel<") {
        let running = kernel_release();
        return Ok((version(&running) >= version(bound)).then(|| format!("this is {running}")));
    }
    if let Some(program) = need.strip_prefix("try:") {
        return Ok(tried(&programs.binary(program)?));
    }
    let met = match need {
        "root" => nix::unistd::geteuid().is_root(),
        "python" => runs("python3", &["-c", "pass"]),
        "bash" => runs("bash", &["-c", ":"]),
        "tools" => Path::new("/usr/bin/stdbuf").exists(),
        "ipv6" => std::fs::read_to_string("/proc/net/if_inet6").is_ok_and(|text| text.contains(" lo")),
        "pid-choice" => std::fs::OpenOptions::new().write(true).open("/proc/sys/kernel/ns_last_pid").is_ok(),
        "core-dumps" => core_limit_allows(),
        other => bail!("unknown need {other}"),
    };
    Ok((!met).then(|| "not on this machine".to_owned()))
}

fn core_limit_allows() -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    line.and_then(|line| line.split_whitespace().nth(1)).is_some_and(|hard| hard != "0")
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a C program with `--probe`; it exits with 0 when what it needs is there, else says what is missing.
fn tried(binary: &Path) -> Option<String> {
    match Command::new(binary).arg("--probe").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Some(format!("the probe ended with {} {said}", output.status))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// As `uname -r`.
pub fn kernel_release() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("5.10.0-30-cloud-amd64") < version("6.1"));
        assert!(version("6.12.3") >= version("6.6"));
        assert!(version("10.0") > version("9.9"));
    }

    #[test]
    fn an_unknown_need_is_an_error() {
        let programs = Programs::compile_into(Path::new("/nonexistent"), Path::new("/nonexistent"));
        assert!(unmet(&["luck".to_owned()], &programs).is_err());
        let far = unmet(&["kernel>=99.0".to_owned()], &programs).expect("a known need");
        assert!(far.is_some_and(|why| why.contains("kernel>=99.0")));
    }
}

//! Boots a kernel under QEMU, by emulation (no KVM needed), and gives back what the guest wrote.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::kernels::Kernel;
use crate::tools;

/// Guest memory: the unpacked image lives in it.
const MEMORY: &str = "1536M";

/// How often a running guest is looked at.
const POLL: Duration = Duration::from_millis(200);

/// What a guest left.
pub(crate) struct Run {
    /// What its steps wrote, between marked lines.
    pub(crate) results: String,
    /// Its console: the kernel's messages.
    pub(crate) console: String,
    /// It did not power off in time, and was killed.
    pub(crate) timed_out: bool,
    /// How long it ran.
    pub(crate) took: Duration,
}

/// Boots `kernel` with `image`, for at most `limit`; serial ports are written to files in `dir`.
pub(crate) fn boot(kernel: &Kernel, image: &Path, dir: &Path, limit: Duration) -> Result<Run> {
    let qemu = tools::find("qemu-system-x86_64")
        .context("find qemu-system-x86_64: not on PATH; `apt-get install qemu-system-x86`")?;
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let (results, console) = (dir.join("results"), dir.join("console"));
    let log = File::create(dir.join("qemu.log"))
        .with_context(|| format!("create qemu.log in {}", dir.display()))?;
    // The guest goes when its starter goes, however that happens.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(qemu);
    command
        // What QEMU 7.2 gets wrong is left out: with a thread for each CPU, one executes what the other has patched
        // since; and after an unlocked `cmpxchg16b` the flags are now and then garbage. Either crashes guests.
        .args(["-accel", "tcg,thread=single", "-cpu", "max,la57=off,cx16=off", "-m", MEMORY, "-smp", "2"])
        .args(["-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(image)
        .args([
            "-append",
            "console=ttyS0 quiet panic=-1 lsm=lockdown,capability,bpf random.trust_cpu=on mitigations=off",
        ])
        .args(["-serial", &format!("file:{}", console.display())])
        .args(["-serial", &format!("file:{}", results.display())])
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("share qemu.log")?)
        .stderr(log);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("start {}", tools::show(&command)))?;
    let status = wait(&mut child, started + limit)?;
    let took = started.elapsed();
    let text = |path: &Path| {
        let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&bytes).replace('\r', ""))
    };
    if let Some(status) = status.filter(|status| !status.success()) {
        let said = fs::read_to_string(dir.join("qemu.log")).unwrap_or_default();
        anyhow::bail!("boot kernel {}: QEMU ended with {status}: {}", kernel.name, said.trim());
    }
    Ok(Run { results: text(&results)?, console: text(&console)?, timed_out: status.is_none(), took })
}

/// Waits until `deadline`, then kills; `None` when it had to.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait().context("wait for QEMU")? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill().context("kill QEMU")?;
            child.wait().context("wait for QEMU")?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

//! kernscope and its peers: how each is put over a command.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::tools;

/// The same events that kernscope tells of.
const STRACE_EVENTS: &str = "trace=execve,execveat,fork,vfork,clone,clone3,open,openat,openat2,creat,close,close_range,\
dup2,dup3,mmap,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,chmod,fchmod,\
fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,connect,bind,listen,accept,accept4,sendto,sendmsg,sendmmsg,\
read,write,pread64,pwrite64,readv,writev,sendfile,splice,copy_file_range";

const BPFTRACE_COUNT: &str = "tracepoint:syscalls:sys_enter_openat { @open = count(); } \
tracepoint:syscalls:sys_exit_openat { @opened = count(); } tracepoint:syscalls:sys_enter_close { @close = count(); }";

const BPFTRACE_PRINT: &str = "tracepoint:syscalls:sys_enter_openat { printf(\"%d %s %s\\n\", pid, comm, str(args->filename)); } \
tracepoint:sched:sched_process_exec { printf(\"%d %s\\n\", pid, comm); }";

/// Long enough for a peer to attach; none of them says when it has.
const ATTACH_TIME: Duration = Duration::from_secs(3);

/// One way to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watcher {
    Unwatched,
    KernscopeEbpf,
    KernscopePtrace,
    BpftraceCount,
    BpftracePrint,
    Snoops,
    Strace,
}

impl Watcher {
    /// All, the unwatched run first.
    pub(crate) const ALL: [Self; 7] = [
        Self::Unwatched,
        Self::KernscopeEbpf,
        Self::KernscopePtrace,
        Self::BpftraceCount,
        Self::BpftracePrint,
        Self::Snoops,
        Self::Strace,
    ];

    /// As in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unwatched => "unwatched",
            Self::KernscopeEbpf => "kernscope (ebpf)",
            Self::KernscopePtrace => "kernscope (ptrace)",
            Self::BpftraceCount => "bpftrace, only counting opens and closes",
            Self::BpftracePrint => "bpftrace, printing opens and execs",
            Self::Snoops => "opensnoop + execsnoop (libbpf-tools)",
            Self::Strace => "strace -f",
        }
    }

    /// How much shorter the loop is under it: what is slow need not be slow for minutes.
    pub(crate) fn divisor(self) -> u64 {
        match self {
            Self::Strace => 50,
            Self::KernscopePtrace => 10,
            _ => 1,
        }
    }

    /// A program that it needs and that is not here.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let needs: &[&str] = match self {
            Self::Unwatched | Self::KernscopeEbpf | Self::KernscopePtrace => &[],
            Self::BpftraceCount | Self::BpftracePrint => &["bpftrace"],
            Self::Snoops => &["opensnoop", "execsnoop"],
            Self::Strace => &["strace"],
        };
        needs.iter().copied().find(|program| tools::find(program).is_none())
    }

    /// Runs `argv` under it and gives what the command wrote to standard output.
    pub(crate) fn run(self, kernscope: &Path, argv: &[&str], dir: &Path) -> Result<String> {
        let mut beside = self.beside()?;
        let mut command = match self {
            Self::KernscopeEbpf | Self::KernscopePtrace => {
                let mut command = Command::new(kernscope);
                let backend = if self == Self::KernscopeEbpf { "ebpf" } else { "ptrace" };
                command.args(["watch", "--backend", backend, "--format", "jsonl"]);
                command.args(["--output", "/dev/null", "--"]).args(argv);
                command
            }
            Self::Strace => {
                let mut command = Command::new("strace");
                command.args(["-f", "-o", "/dev/null", "-e", STRACE_EVENTS, "--"]).args(argv);
                command
            }
            _ => {
                let mut command = Command::new(argv[0]);
                command.args(&argv[1..]);
                command
            }
        };
        command.current_dir(dir);
        let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {}", self.name()))?;
        beside.still_run()?;
        drop(beside);
        ensure!(
            output.status.success(),
            "{}: {}: {}",
            self.name(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What runs beside the command.
    fn beside(self) -> Result<Beside> {
        let mut beside = Beside::default();
        match self {
            Self::BpftraceCount => beside.add("bpftrace", &["-e", BPFTRACE_COUNT])?,
            Self::BpftracePrint => beside.add("bpftrace", &["-e", BPFTRACE_PRINT])?,
            Self::Snoops => {
                beside.add("opensnoop", &[])?;
                beside.add("execsnoop", &[])?;
            }
            _ => return Ok(beside),
        }
        std::thread::sleep(ATTACH_TIME);
        Ok(beside)
    }
}

/// Programs that run until this goes away.
#[derive(Default)]
pub(crate) struct Beside(Vec<(String, Child)>);

impl Beside {
    /// Starts one more, its output thrown away.
    pub(crate) fn add(&mut self, program: &str, args: &[&str]) -> Result<()> {
        let path = tools::find(program).with_context(|| format!("find {program}"))?;
        let mut command = Command::new(path);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("start {program}"))?;
        self.0.push((program.to_owned(), child));
        Ok(())
    }

    /// Checks that none has ended: what it did not watch is no measure of it.
    pub(crate) fn still_run(&mut self) -> Result<()> {
        for (program, child) in &mut self.0 {
            if let Some(status) = child.try_wait().with_context(|| format!("look after {program}"))? {
                bail!(
                    "measure {program}: it ended by itself ({status}); is tracefs mounted? \
                     `mount -t tracefs tracefs /sys/kernel/tracing`"
                );
            }
        }
        Ok(())
    }

    /// Waits until they have had time to attach.
    pub(crate) fn settle(&self) {
        std::thread::sleep(ATTACH_TIME);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            // They hold eBPF programs by descriptors alone, which end with them.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

//! Many events in one run: memory must not grow with them, and the account must close however many were lost.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{GROWTH_MIB, Stress};
use crate::bench::{Memory, memory_of, programs::Programs};

/// Events of one round of the program: an open and a close.
const OF_A_ROUND: u64 = 2;
/// How many times fewer events there are under ptrace, which stops the program for each.
const PTRACE_SHARE: u64 = 50;

impl Stress<'_> {
    /// Memory after a tenth of the events, and after all of them.
    pub(super) fn events(&self, programs: &Programs, events: u64) -> Result<String> {
        let events = if self.backend == "ptrace" { events / PTRACE_SHARE } else { events };
        let (few, _) = self.opened(programs, events / 10)?;
        let (many, ledger) = self.opened(programs, events)?;
        let number = |key: &str| ledger[key].as_u64().unwrap_or(0);
        ensure!(ledger["closes"] == true, "the ledger does not close: {ledger}");
        ensure!(number("seen") >= events, "{} events were seen, and {events} made", number("seen"));
        let grown = many.last_mib - few.last_mib;
        let said = format!(
            "{:.1} MiB after {} events, {:.1} (at most {:.1}) after {events}; {} told, lost {}",
            few.last_mib,
            events / 10,
            many.last_mib,
            many.peak_mib,
            number("emitted"),
            ledger["lost"]
        );
        ensure!(grown < GROWTH_MIB, "memory grows: {said}");
        Ok(said)
    }

    /// What kernscope had while a program made so many events, and the ledger. Records go through a pipe and are thrown away.
    fn opened(&self, programs: &Programs, events: u64) -> Result<(Memory, Value)> {
        let rounds = (events / OF_A_ROUND).to_string();
        let mut command = Command::new(self.kernscope);
        command.args(["watch", "--backend", self.backend, "--format", "jsonl", "--"]);
        command.args(["sh", "-c", "exec \"$0\" \"$1\" >/dev/null", &programs.path("openclose"), &rounds]);
        command.current_dir(self.dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut watch = command.spawn().context("run kernscope")?;
        let records = watch.stdout.take().context("take its output")?;
        let tail = Command::new("tail").args(["-n", "1"]).stdin(records).stdout(Stdio::piped()).spawn();
        let tail = tail.context("start tail")?;
        let memory = memory_of(watch)?;
        let last = tail.wait_with_output().context("wait for tail")?;
        Ok((memory, serde_json::from_slice(&last.stdout).context("parse the ledger")?))
    }
}

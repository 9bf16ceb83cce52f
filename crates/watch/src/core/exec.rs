//! Execs: arguments put together from chunks, the binary, the environment without its secrets.

use super::command::Command;
use super::paths::{self, Clues};
use super::pending::{Announced, Assembly};
use super::table::ProcId;
use super::{Core, Unknown, argv, env, names};
use crate::raw::{Event, Sec};
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry};
use std::borrow::Cow;
use std::fmt::Write as _;

impl Core {
    pub(super) fn strings(&mut self, event: &Event<'_>, strings: &abi::Strings) -> Result<(), Unknown> {
        let reason = match strings.what {
            abi::STRINGS_ARGV => "argv_chunk",
            abi::STRINGS_ENV => "env_chunk",
            _ => return Err(Unknown),
        };
        if strings.what == abi::STRINGS_ARGV || self.config.env {
            let sec = event.sections.get(abi::SEC_STRINGS);
            let cut = |sec: &Sec<'_>| sec.has(abi::SECF_TRUNCATED) || sec.has(abi::SECF_UNRESOLVED);
            let whole = sec.is_some_and(|sec| !cut(&sec));
            self.pending.strings(&event.header, strings, sec.map_or(&[], |sec| sec.bytes), whole);
        }
        self.tally.filter(reason);
        Ok(())
    }

    pub(super) fn exec(&mut self, event: &Event<'_>, exec: &abi::Exec, out: &mut Vec<Entry>) {
        let announced = self.announced(event.header.pid, event.header.tid, exec.old_tid, out);
        let usable = |tag| event.sections.get(tag).filter(|sec| !sec.has(abi::SECF_UNRESOLVED));
        let mut escapes = Escapes::default();
        let exe = usable(abi::SEC_PATH).and_then(|sec| paths::walked(sec, None, "exe", &mut escapes).path);
        let name = exe.as_deref().map(|exe| self.names.text(exe, !escapes.is_empty()));
        if let Some(process) = self.table.enter(&event.header, &mut self.names) {
            process.exe = name;
        }
        let (argv, argv_truncated) = arguments(&announced.argv, exec, &mut escapes);
        let shown = self.runs(&event.header, exe.as_deref(), &argv);
        let env =
            self.config.env.then(|| environment(&announced.env, exec, self.config.redact, &mut escapes));
        let (env, env_truncated) = env.map_or((None, false), |(env, cut)| (Some(env), cut));
        let body = Body::ProcessExec {
            argv,
            argv_truncated,
            argc: exec.argc,
            cwd: usable(abi::SEC_CWD).and_then(|sec| paths::walked(sec, None, "cwd", &mut escapes).path),
            exe,
            filename: usable(abi::SEC_FILENAME).map(|sec| escapes.text("filename", sec.bytes)),
            interpreter: usable(abi::SEC_INTERP).map(|sec| escapes.text("interpreter", sec.bytes)),
            dev: names::st_dev(exec.dev),
            inode: exec.ino,
            sha256: usable(abi::SEC_SHA256).filter(|sec| sec.bytes.len() == 32).map(|sec| hex(sec.bytes)),
            env,
            env_truncated,
        };
        let who = self.who(&event.header);
        let verdict = self.verdict(event);
        self.emit_as(out, who.entry(body, escapes), shown, verdict);
    }

    /// The process runs this from here on; the record that says so is the next. Gives the arguments without their secrets, where
    /// they have any.
    pub(super) fn runs(
        &mut self,
        header: &abi::Header,
        exe: Option<&str>,
        argv: &[String],
    ) -> Option<Vec<String>> {
        let hidden = if self.config.redact { argv::hide(argv, &mut self.judges) } else { None };
        let (shown, secrets) = hidden.map(|hidden| (hidden.argv, hidden.secrets)).unzip();
        let command = Command::new(argv, self.tally.emitted, secrets.unwrap_or_default());
        let agent = self.agents.as_ref().and_then(|agents| agents.agent(exe.unwrap_or_default(), argv));
        if let Some(process) = self.table.get_mut(ProcId::of(header)) {
            process.command = Some(command);
            process.agent = agent.cloned().or_else(|| process.agent.take());
        }
        shown
    }

    /// What the thread that called exec has announced. Its id was another when it was not the leader; the exec has
    /// ended all other threads, whatever they had announced.
    fn announced(&mut self, pid: u32, tid: u32, old_tid: u32, out: &mut Vec<Entry>) -> Announced {
        let caller = if old_tid == 0 { tid } else { old_tid };
        let mut own = self.pending.take(caller).unwrap_or_default();
        self.settle_held(std::mem::take(&mut own.held), out);
        for mut other in self.pending.take_process(pid) {
            self.void_held(std::mem::take(&mut other.held), "exec_close_void", out);
            if own.argv.bytes.is_empty() && other.tid == tid {
                // Chunks sent after the thread had taken over the leader's id.
                own = other;
            }
        }
        own
    }

    pub(super) fn exec_fail(&mut self, event: &Event<'_>, fail: &abi::ExecFail, out: &mut Vec<Entry>) {
        if let Some(announced) = self.pending.take(event.header.tid) {
            self.void_held(announced.held, "exec_close_void", out);
        }
        let mut escapes = Escapes::default();
        let clues = Clues::first(&event.sections, None);
        let body = Body::ProcessExecFailed {
            path: clues.path("path", &mut escapes),
            raw_path: clues.raw_text("raw_path", &mut escapes),
            ret: i64::from(fail.ret),
            errno: names::errno_of(i64::from(fail.ret)),
        };
        let who = self.who(&event.header);
        self.emit(out, who.entry(body, escapes));
    }
}

fn arguments(assembly: &Assembly, exec: &abi::Exec, escapes: &mut Escapes) -> (Vec<String>, bool) {
    let argv = escapes.texts("argv", paths::strings(&assembly.bytes));
    let short = (assembly.bytes.len() as u64) < u64::from(exec.arg_bytes)
        || (argv.len() as u64) < u64::from(exec.argc);
    (argv, assembly.broken || short)
}

fn environment(
    assembly: &Assembly,
    exec: &abi::Exec,
    redact: bool,
    escapes: &mut Escapes,
) -> (Vec<String>, bool) {
    let shown: Vec<Cow<'_, [u8]>> = paths::strings(&assembly.bytes)
        .map(|string| match redact.then(|| env::redacted(string)).flatten() {
            Some(redacted) => Cow::Owned(redacted),
            None => Cow::Borrowed(string),
        })
        .collect();
    let short = (assembly.bytes.len() as u64) < u64::from(exec.env_bytes);
    (escapes.texts("env", shown.iter().map(AsRef::as_ref)), assembly.broken || short)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

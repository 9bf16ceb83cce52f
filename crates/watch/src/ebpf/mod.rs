//! The eBPF back end: programs on kernel hooks, events through a ring buffer.
//!
//! Which hooks is decided by trying them ([`Ebpf::coverage`] says what came of it). The watched set lives in a map:
//! a fork adds the child before it runs, an exit takes the process out. A watched command is registered before
//! its first instruction and told of from its exec on.
//!
//! # Privileges
//! Root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (for `/proc` of other users' processes).
//!
//! # Minimum kernel
//! 5.10 with BTF. x86-64 only: the programs read system call arguments from its registers.

mod agents;
mod attach;
mod backlog;
mod call_table;
mod copied;
mod enforce;
mod enrich;
mod hosts;
mod judge;
mod machine;
mod members;
mod named;
mod options;
mod policy;
mod tls;
mod told;

pub use attach::SyscallHooks;
pub use enforce::Enforcement;
pub use options::{Options, RING_BYTES, ring_bytes};
pub use policy::Policy;

use crate::backend::{Account, Backend, BackendError, Progress, Target};
use crate::proc_snapshot;
use crate::raw::Event;
use agents::{Agents, WatchedSet};
use backlog::Backlog;
use enrich::Enricher;
use kernscope_abi::layout::{
    CONFIG_ALL, CONFIG_CANDIDATES, CONFIG_CONTENT, CONFIG_COOKIE, CONFIG_DNS, CONFIG_ENV, CONFIG_POLICY,
    CONFIG_STDIO, CONFIG_TLS, Config, Counters, HOOK_EXEC,
};
use kernscope_kit::attach::Uprobes;
use kernscope_kit::compile::{Compiled, possible_cpus};
use kernscope_kit::load::{LoadError, Loaded, Object, PerCpu};
use kernscope_kit::probe;
use kernscope_kit::ring::Ring;
use kernscope_kit::spawn::{self, Paused, Running};
use kernscope_report::Coverage;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records taken from the ring in one go.
const BATCH: usize = 256;
/// First kernel that tells a program at a function which attachment it runs for.
const COOKIES_FROM: (u32, u32) = (5, 15);
/// How long nothing may happen before the watched set is held against `/proc`.
const STALE_AFTER: Duration = Duration::from_secs(2);
/// How long programs that run while they are detached are waited for.
const SETTLE: Duration = Duration::from_millis(20);

/// The command of a run: waiting for the first poll, then running.
#[derive(Debug)]
enum Command {
    None,
    Waiting(Paused),
    Running(Running),
}

/// A set-up back end.
pub struct Ebpf {
    object: Object,
    ring: Ring,
    backlog: Backlog,
    watched: WatchedSet,
    agents: Option<Agents>,
    account: PerCpu<Counters, { size_of::<Counters>() }>,
    hooks: Vec<attach::Attached>,
    _judge: Option<Loaded>,
    enricher: Enricher,
    libraries: Option<tls::Libraries>,
    tables: Option<policy::Tables>,
    hosts: Option<Result<hosts::List, String>>,
    enforcement: Enforcement,
    target: Target,
    command: Command,
    /// Made by the host before the first event of the kernel's.
    synthetic: VecDeque<Vec<u8>>,
    made: [u64; kernscope_abi::KIND_MAX],
    recursion_misses: u64,
    last_event: Instant,
}

impl Ebpf {
    /// Loads and attaches; a command is started, but waits for the first poll.
    ///
    /// # Errors
    /// When the kernel or the privileges do not allow it, or the command cannot be started.
    pub fn new(target: &Target, options: &Options) -> Result<Self, BackendError> {
        machine::check()?;
        let kernel = attach::examine()?;
        let judge = options.content.as_ref().map(judge::compile);
        let compiled = judge.as_ref().and_then(|judge| judge.as_ref().ok());
        let config = config(kernel.flags, target, options, compiled);
        let attach::SetUp { mut object, mut hooks, judge } =
            attach::set_up(&kernel, &config, options, judge.as_ref())?;
        let libraries = options.tls.then(|| attach::libraries(&mut object, options.cache.as_deref()));
        let libraries = libraries.and_then(|(libraries, hook)| {
            hooks.push(hook);
            libraries
        });
        let mut enforcement = Enforcement::default();
        if options.policy == Policy::Enforce {
            let (enforced, hook) = enforce::attach(&mut object);
            enforcement = enforced;
            hooks.push(hook);
        }
        let hosts = options.hosts.then(|| hosts::attach(&mut object));
        let hosts = hosts.map(|(list, hook)| {
            hooks.push(hook);
            list
        });
        if options.agents.is_some() {
            hooks.push(attach::Attached {
                name: "agents",
                tier: "tp_btf",
                fired: &[HOOK_EXEC],
                why: String::new(),
            });
        }
        object.loaded();
        let has_hints = hooks.iter().any(|hook| hook.name == "path_calls" && hook.tier != "tp_btf");
        let mut backend = Self {
            ring: object.ring("EVENTS").map_err(internal)?,
            backlog: Backlog::default(),
            watched: object.table("WATCHED").map_err(internal)?,
            agents: options
                .agents
                .as_ref()
                .map(|signatures| Agents::new(&object, Arc::clone(signatures)))
                .transpose()
                .map_err(internal)?,
            account: object.per_cpu("ACCOUNT").map_err(internal)?,
            tables: match options.policy {
                Policy::None => None,
                Policy::Judge | Policy::Enforce => Some(policy::Tables::of(&object).map_err(internal)?),
            },
            enforcement,
            hosts,
            object,
            hooks,
            _judge: judge,
            enricher: Enricher::new(has_hints),
            libraries,
            target: target.clone(),
            command: Command::None,
            synthetic: VecDeque::new(),
            made: [0; kernscope_abi::KIND_MAX],
            recursion_misses: 0,
            last_event: Instant::now(),
        };
        backend.register(&options.spawn)?;
        backend.hook_libraries();
        Ok(backend)
    }

    /// Hooks what the target has mapped, or will.
    fn hook_libraries(&mut self) {
        let Some(libraries) = &mut self.libraries else { return };
        let object = &mut self.object;
        libraries.hook_installed(object);
        match &self.target {
            Target::Command(argv) => {
                argv.first().into_iter().for_each(|name| libraries.see_command(object, name));
                libraries.see_named(object, argv);
            }
            _ => self.watched.keys().into_iter().for_each(|pid| libraries.see_process(object, pid)),
        }
        self.tell_news();
    }

    /// Tells what was hooked.
    fn tell_news(&mut self) {
        let news = self.libraries.iter_mut().flat_map(|libraries| std::iter::from_fn(|| libraries.news()));
        self.synthetic.extend(news);
    }

    /// What of a policy is enforced here; without [`Policy::Enforce`], nothing.
    pub fn enforcement(&self) -> &Enforcement {
        &self.enforcement
    }

    /// The command's process id, once it runs.
    pub fn command_pid(&self) -> Option<u32> {
        match &self.command {
            Command::None => None,
            Command::Waiting(paused) => Some(paused.pid()),
            Command::Running(running) => Some(running.pid()),
        }
    }

    /// How the command ended; `None` while it runs or when there is none.
    pub fn command_status(&mut self) -> Option<std::process::ExitStatus> {
        match &mut self.command {
            Command::Running(running) => running.try_wait().ok().flatten(),
            _ => None,
        }
    }

    /// Sends a signal to the command. Without one, nothing happens.
    pub fn signal_command(&self, signal: i32) {
        if let Command::Running(running) = &self.command {
            // The command may have ended; then there is nobody to tell.
            let _ = running.kill(signal);
        }
    }

    /// Loads the programs for TLS libraries without waiting for a file that has one.
    pub fn load_tls(&mut self) {
        if let Some(libraries) = &mut self.libraries {
            libraries.load(&mut self.object);
        }
    }

    /// Instructions that the verifier processed, program by program.
    pub fn verified_instructions(&self) -> &std::collections::BTreeMap<String, u32> {
        self.object.verified_instructions()
    }

    fn start(&mut self) -> Result<(), BackendError> {
        match std::mem::replace(&mut self.command, Command::None) {
            Command::Waiting(paused) => {
                self.command = Command::Running(paused.release().map_err(start_error)?);
            }
            other => self.command = other,
        }
        Ok(())
    }

    /// Delivers what is in the ring, or a part of what was taken out of it; how many events that was.
    fn drain(&mut self, deliver: &mut dyn FnMut(&[u8])) -> usize {
        let Self { object, ring, backlog, enricher, libraries, agents, watched, made, .. } = self;
        // Code from a file that is not known yet cannot wait until all before it is dealt with.
        let mut see = |bytes: &[u8]| {
            if let Some(libraries) = libraries {
                libraries.see(object, bytes);
            }
        };
        // Nor can the question who is watched.
        let mut look = |bytes: &[u8], on: &mut dyn FnMut(&[u8])| match agents {
            None => {
                see(bytes);
                on(bytes);
            }
            Some(agents) => {
                let on = std::cell::RefCell::new(on);
                let mut told = |bytes: &[u8]| {
                    made[usize::from(kernscope_abi::KIND_SNAPSHOT)] += 1;
                    on.borrow_mut()(bytes);
                };
                agents.pass(watched, bytes, &mut told, &mut |bytes| {
                    see(bytes);
                    on.borrow_mut()(bytes);
                });
            }
        };
        let count = match backlog.is_wanted(ring) {
            true => {
                backlog.fill(ring, &mut look);
                backlog.take(&mut |bytes| deliver(&enricher.enrich(bytes)))
            }
            false => {
                ring.drain(BATCH, &mut |bytes| look(bytes, &mut |bytes| deliver(&enricher.enrich(bytes))))
            }
        };
        self.tell_news();
        count
    }

    fn has_ended(&mut self) -> bool {
        if matches!(self.target, Target::All | Target::Trees(_)) {
            return false;
        }
        if self.last_event.elapsed() > STALE_AFTER {
            self.last_event = Instant::now();
            for pid in self.watched.keys() {
                if proc_snapshot::stat(pid).is_none() {
                    // Its end was not seen; the account says so.
                    let _ = self.watched.remove(&pid);
                }
            }
        }
        let reaped = !matches!(self.command, Command::Running(_)) || self.command_status().is_some();
        reaped && self.watched.is_empty()
    }
}

impl Backend for Ebpf {
    fn poll(&mut self, timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        while let Some(event) = self.synthetic.pop_front() {
            if let Ok(event) = Event::decode(&event) {
                self.made[usize::from(event.body.kind())] += 1;
            }
            deliver(&event);
        }
        self.start()?;
        if self.drain(deliver) > 0 {
            self.last_event = Instant::now();
            return Ok(Progress::Running);
        }
        if self.has_ended() {
            // Events of the last process may have come between the look at the ring and the one at the set.
            let ended = self.drain(deliver) == 0;
            return Ok(if ended { Progress::Ended } else { Progress::Running });
        }
        self.ring.wait(timeout);
        Ok(Progress::Running)
    }

    fn coverage(&self) -> Coverage {
        self.covered()
    }

    fn account(&mut self) -> Account {
        self.accounted()
    }

    fn detach(&mut self) {
        self.recursion_misses = self.object.recursion_misses();
        let hooked = self.libraries.as_mut().map(tls::Libraries::unhook).unwrap_or_default();
        // Both wait for the kernel.
        std::thread::scope(|scope| {
            scope.spawn(|| Uprobes::detach_all(hooked));
            self.object.unload_programs();
        });
        std::thread::sleep(SETTLE);
    }
}

/// What the programs are told of the run; `kernel` are flags that say what it can do.
fn config(kernel: u32, target: &Target, options: &Options, judge: Option<&Compiled>) -> Config {
    Config {
        flags: kernel
            | if *target == Target::All { CONFIG_ALL } else { 0 }
            | if options.env { CONFIG_ENV } else { 0 }
            | if judge.is_some() { CONFIG_CONTENT } else { 0 }
            | if options.tls { CONFIG_TLS } else { 0 }
            | if options.policy == Policy::None { 0 } else { CONFIG_POLICY }
            | if options.stdio { CONFIG_STDIO } else { 0 }
            | if options.agents.is_some() { CONFIG_CANDIDATES } else { 0 }
            | CONFIG_DNS
            | if probe::release() >= COOKIES_FROM { CONFIG_COOKIE } else { 0 },
        self_pid: std::process::id(),
        wake_bytes: options.ring_bytes / 4,
        piece_bytes: judge.map_or(0, judge::piece_bytes),
        secret: machine::secret(),
        cpu_bits: possible_cpus().next_power_of_two().trailing_zeros(),
        pad: 0,
    }
}

fn internal(error: LoadError) -> BackendError {
    BackendError { act: error.act, object: error.object, cause: error.cause, fix: error.fix }
}

fn start_error(error: spawn::SpawnError) -> BackendError {
    BackendError {
        act: error.act,
        object: error.object,
        cause: error.errno.desc().into(),
        fix: String::new(),
    }
}

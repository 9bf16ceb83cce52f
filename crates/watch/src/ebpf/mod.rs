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
mod enforce;
mod enrich;
mod hosts;
mod judge;
mod named;
mod policy;
mod tls;

pub use attach::SyscallHooks;
pub use enforce::Enforcement;
pub use policy::Policy;

use crate::agents::{Found, Signatures};
use crate::backend::{Account, Backend, BackendError, Progress, Target};
use crate::proc_snapshot;
use crate::raw::Event;
use agents::{Agents, WatchedSet};
use backlog::Backlog;
use enrich::Enricher;
use kernscope_abi::layout::{
    CONFIG_ALL, CONFIG_CANDIDATES, CONFIG_CONTENT, CONFIG_COOKIE, CONFIG_DNS, CONFIG_ENV, CONFIG_POLICY,
    CONFIG_STDIO, CONFIG_TLS, Config, Counters, HOOK_EXEC, LOST_NAMES, WATCHED_CANDIDATE, WATCHED_FROM_EXEC,
    Watched,
};
use kernscope_kit::attach::Uprobes;
use kernscope_kit::compile::{Content, possible_cpus};
use kernscope_kit::load::{LoadError, Loaded, Object, PerCpu};
use kernscope_kit::probe;
use kernscope_kit::ring::Ring;
use kernscope_kit::spawn::{self, Paused, Running};
use kernscope_report::{Coverage, Hook, State};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Default size of the ring in bytes.
pub const RING_BYTES: u32 = 8 * 1024 * 1024;
/// The same when plain text goes through it: one call of a library may move ten million at once.
const TLS_RING_BYTES: u32 = 32 * 1024 * 1024;

/// Bytes of the ring, with TLS or without.
pub const fn ring_bytes(tls: bool) -> u32 {
    if tls { TLS_RING_BYTES } else { RING_BYTES }
}
/// Inode of the initial pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";
/// Records taken from the ring in one go.
const BATCH: usize = 256;
/// First kernel that tells a program at a function which attachment it runs for.
const COOKIES_FROM: (u32, u32) = (5, 15);
/// How long nothing may happen before the watched set is held against `/proc`.
const STALE_AFTER: Duration = Duration::from_secs(2);
/// How long programs that run while they are detached are waited for.
const SETTLE: Duration = Duration::from_millis(20);

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Send environments with execs.
    pub env: bool,
    /// Size of the ring: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Which tracepoints carry system calls.
    pub syscalls: SyscallHooks,
    /// What data that calls move is held against: what meets it is delivered.
    pub content: Option<Content>,
    /// Deliver what goes through TLS libraries, as plain text.
    pub tls: bool,
    /// Folder in which is kept what was found in large programs, for the next run; none: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Whether paths are judged by a policy; [`Ebpf::set_policy`] says which.
    pub policy: Policy,
    /// Hosts can be put out of reach; [`Ebpf::set_hosts`] says which.
    pub hosts: bool,
    /// How a command is started.
    pub spawn: spawn::Options,
    /// Deliver what goes through standard input, output and error, where those are pipes or local sockets.
    pub stdio: bool,
    /// Who is known by these is watched from its exec on, with [`Target::Trees`] ([`Ebpf::found`] says who that was); without,
    /// trees are watched that are named.
    pub agents: Option<Arc<Signatures>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            env: false,
            ring_bytes: RING_BYTES,
            syscalls: SyscallHooks::Auto,
            content: None,
            tls: false,
            cache: None,
            policy: Policy::None,
            hosts: false,
            spawn: spawn::Options::default(),
            stdio: false,
            agents: None,
        }
    }
}

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
        check_machine()?;
        let kernel = attach::examine()?;
        let judge = options.content.as_ref().map(judge::compile);
        let compiled = judge.as_ref().and_then(|judge| judge.as_ref().ok());
        let config = Config {
            flags: kernel.flags
                | if *target == Target::All { CONFIG_ALL } else { 0 }
                | if options.env { CONFIG_ENV } else { 0 }
                | if compiled.is_some() { CONFIG_CONTENT } else { 0 }
                | if options.tls { CONFIG_TLS } else { 0 }
                | if options.policy == Policy::None { 0 } else { CONFIG_POLICY }
                | if options.stdio { CONFIG_STDIO } else { 0 }
                | if options.agents.is_some() { CONFIG_CANDIDATES } else { 0 }
                | CONFIG_DNS
                | if probe::release() >= COOKIES_FROM { CONFIG_COOKIE } else { 0 },
            self_pid: std::process::id(),
            wake_bytes: options.ring_bytes / 4,
            piece_bytes: compiled.map_or(0, judge::piece_bytes),
            secret: secret(),
            cpu_bits: possible_cpus().next_power_of_two().trailing_zeros(),
            pad: 0,
        };
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

    /// Puts the target into the watched set and tells of the processes that were there before.
    fn register(&mut self, spawn: &spawn::Options) -> Result<(), BackendError> {
        match self.target.clone() {
            Target::Command(argv) => {
                let paused = Paused::spawn(&argv, spawn).map_err(start_error)?;
                let waiting = Watched { start_ns: 0, ppid: std::process::id(), flags: WATCHED_FROM_EXEC };
                self.watched.insert(&paused.pid(), &waiting).map_err(internal)?;
                self.snapshot_ancestors(paused.pid());
                self.command = Command::Waiting(paused);
            }
            Target::Pid(pid) => self.register_tree(pid)?,
            Target::Trees(pids) => pids.into_iter().for_each(|pid| drop(self.watch_tree(pid))),
            Target::All => {
                let own = std::process::id();
                for process in proc_snapshot::all() {
                    if process.pid != own {
                        self.add(&process)?;
                    }
                    self.tell(&process, process.pid != own);
                }
            }
        }
        Ok(())
    }

    /// Watches another process that runs already, and its descendants.
    ///
    /// # Errors
    /// When it has gone.
    pub fn watch_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        self.register_tree(pid)?;
        if let Some(libraries) = &mut self.libraries {
            let object = &mut self.object;
            self.watched.keys().into_iter().for_each(|pid| libraries.see_process(object, pid));
        }
        self.tell_news();
        Ok(())
    }

    /// Adds a running process and its descendants. A fork during the scan is no gap: once the parent is in the
    /// set its children are added by the kernel, and before that the next look finds them.
    fn register_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        let root = proc_snapshot::process(pid).ok_or_else(|| BackendError {
            act: "watch",
            object: format!("process {pid}"),
            cause: "no such process".into(),
            fix: String::new(),
        })?;
        self.snapshot_ancestors(pid);
        self.add(&root)?;
        self.tell(&root, true);
        loop {
            let fresh: Vec<_> =
                proc_snapshot::descendants(pid).into_iter().filter(|one| !self.is_member(one.pid)).collect();
            if fresh.is_empty() {
                return Ok(());
            }
            for process in fresh {
                self.add(&process)?;
                self.tell(&process, true);
            }
        }
    }

    /// Whether a process is in the watched set for good.
    fn is_member(&self, pid: u32) -> bool {
        self.watched.get(&pid).is_some_and(|entry| entry.flags & WATCHED_CANDIDATE == 0)
    }

    /// Whether a process is of the tree of an agent ([`Options::agents`]).
    pub fn is_of_agent(&self, pid: u32) -> bool {
        self.agents.as_ref().is_some_and(|agents| agents.has(pid))
    }

    /// Agents that began since this was asked last ([`Options::agents`]); they are watched.
    pub fn found(&mut self) -> Vec<Found> {
        self.agents.as_mut().map(Agents::found).unwrap_or_default()
    }

    fn add(&mut self, process: &proc_snapshot::Process) -> Result<(), BackendError> {
        if let Some(agents) = &mut self.agents {
            agents.take(process.pid, process.start_ns);
        }
        let entry = Watched { start_ns: process.start_ns, ppid: process.ppid, flags: 0 };
        self.watched.insert(&process.pid, &entry).map_err(internal)
    }

    fn snapshot_ancestors(&mut self, pid: u32) {
        for process in proc_snapshot::ancestors(pid).iter().rev() {
            self.tell(process, false);
        }
    }

    fn tell(&mut self, process: &proc_snapshot::Process, watched: bool) {
        self.synthetic.push_back(proc_snapshot::event(process, now_ns(), watched));
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
        let counters = self.account.get();
        let fired = |hook: usize| counters.iter().map(|cpu| cpu.fired[hook]).sum::<u64>();
        let hooks = self.hooks.iter().map(|hook| {
            let (tier, is_whole, why) = match (hook.name, &self.libraries) {
                ("content", _) if hook.tier != "none" => {
                    let (is_whole, why) = judge::told(&counters);
                    (hook.tier, is_whole, why)
                }
                ("tls", Some(libraries)) => {
                    let why = libraries.refused();
                    (libraries.tier(), why.is_empty(), why)
                }
                _ => (hook.tier, hook.why.is_empty(), hook.why.clone()),
            };
            let state = if tier == "none" {
                State::Blind
            } else if !is_whole {
                State::Partial
            } else if hook.fired.iter().any(|&index| fired(index) > 0) {
                State::Attached
            } else {
                State::Idle
            };
            Hook { name: hook.name.into(), tier: tier.into(), state, why }
        });
        Coverage { backend: "ebpf".into(), hooks: hooks.collect(), ..Coverage::default() }
    }

    fn account(&mut self) -> Account {
        let mut account = Account { produced: self.made, ..Account::default() };
        for cpu in self.account.get() {
            for (sum, n) in account.produced.iter_mut().zip(cpu.produced) {
                *sum += n;
            }
            for (name, n) in LOST_NAMES.into_iter().zip(cpu.lost) {
                *account.lost.entry(name).or_default() += n;
            }
        }
        // A skipped program counted nothing; its events are both produced and lost.
        let misses = self.recursion_misses.max(self.object.recursion_misses());
        if misses > 0 {
            account.produced[0] += misses;
            account.lost.insert("recursion", misses);
        }
        account.lost.retain(|_, n| *n > 0);
        if let Some(count) = self.agents.as_ref().map(Agents::passed_over).filter(|count| *count > 0) {
            account.filtered.insert("no_agent", count);
        }
        account
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

fn check_machine() -> Result<(), BackendError> {
    if !cfg!(target_arch = "x86_64") {
        return Err(BackendError {
            act: "load",
            object: "eBPF programs".into(),
            cause: "they read the registers of x86-64, and this is another machine".into(),
            fix: "use --backend ptrace".into(),
        });
    }
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if namespace != std::path::Path::new(INITIAL_PID_NAMESPACE) {
        return Err(BackendError {
            act: "watch",
            object: "processes by eBPF".into(),
            cause: "this is not the initial pid namespace, and the kernel's process ids mean nothing here"
                .into(),
            fix: "run kernscope on the host, or use --backend ptrace".into(),
        });
    }
    Ok(())
}

/// Random enough to hide addresses: the kernel's own, from the process's auxiliary data.
fn secret() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// `CLOCK_MONOTONIC`, nanoseconds.
fn now_ns() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| u64::try_from(Duration::from(now).as_nanos()).unwrap_or(u64::MAX))
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

//! Programs of an object: loaded and attached one by one, each as the kind that it is.

use super::{Object, chain};
use crate::load::LoadError;
use crate::probe::Tracefs;
use crate::sys;
use aya::maps::ProgramArray;
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSockAddr, FEntry, KProbe, Lsm, Program, ProgramError, TracePoint,
    UProbe,
};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// What a program that the object lacks gets.
const NOT_THERE: &str = "no such program in the object";
/// What a load after [`Object::loaded`] gets.
const TOO_LATE: &str = "all programs were said to be loaded";

impl Object {
    fn program(&mut self, name: &str) -> Result<&mut Program, LoadError> {
        self.ebpf.program_mut(name).ok_or_else(|| LoadError::new("find", name, NOT_THERE))
    }

    /// Does with a program what programs of one kind allow.
    fn with<P: 'static>(
        &mut self,
        act: &'static str,
        name: &str,
        run: impl FnOnce(&mut P) -> Result<(), ProgramError>,
    ) -> Result<(), LoadError>
    where
        for<'p> &'p mut P: TryFrom<&'p mut Program, Error = ProgramError>,
    {
        let program: &mut P =
            self.program(name)?.try_into().map_err(|error| LoadError::program(act, name, error))?;
        run(program).map_err(|error| LoadError::program(act, name, error))
    }

    /// Loads a program that is held against the kernel's types.
    fn load_typed<P: 'static>(
        &mut self,
        name: &str,
        load: impl FnOnce(&mut P, &aya::Btf) -> Result<(), ProgramError>,
    ) -> Result<(), LoadError>
    where
        for<'p> &'p mut P: TryFrom<&'p mut Program, Error = ProgramError>,
    {
        // Taken out for as long as the object itself is borrowed.
        let btf = self.btf.take().ok_or_else(|| LoadError::new("load", name, TOO_LATE))?;
        let loaded = self.with("load", name, |program| load(program, &btf));
        self.btf = Some(btf);
        loaded
    }

    fn note_cost(&mut self, name: &str) {
        let info = self.ebpf.program(name).and_then(|program| program.info().ok());
        if let Some(count) = info.and_then(|info| info.verified_instruction_count()) {
            self.verified.insert(name.to_owned(), count);
        }
    }

    /// Instructions that the verifier processed for each loaded program (from kernel 5.16 on; else empty).
    pub fn verified_instructions(&self) -> &BTreeMap<String, u32> {
        &self.verified
    }

    /// Loads a `tp_btf` program for a tracepoint.
    ///
    /// # Errors
    /// When the tracepoint is unknown or the verifier refuses the program.
    pub fn load_tp_btf(&mut self, name: &str, tracepoint: &str) -> Result<(), LoadError> {
        self.load_typed(name, |program: &mut BtfTracePoint, btf| program.load(tracepoint, btf))?;
        self.note_cost(name);
        Ok(())
    }

    /// Attaches a loaded `tp_btf` program.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn attach_tp_btf(&mut self, name: &str) -> Result<(), LoadError> {
        self.with("attach", name, |program: &mut BtfTracePoint| program.attach().map(drop))
    }

    /// Loads a program for a plain tracepoint.
    ///
    /// # Errors
    /// When the verifier refuses it.
    pub fn load_tracepoint(&mut self, name: &str) -> Result<(), LoadError> {
        self.with("load", name, TracePoint::load)?;
        self.note_cost(name);
        Ok(())
    }

    /// Attaches a loaded program to a plain tracepoint, such as `raw_syscalls/sys_enter`.
    ///
    /// # Errors
    /// When tracefs cannot be read, the kernel has no such tracepoint or refuses.
    pub fn attach_tracepoint(&mut self, name: &str, event: &str) -> Result<(), LoadError> {
        let failed = |error: io::Error| LoadError::new("attach to tracepoint", event, error);
        let id = Tracefs::open().and_then(|tracefs| tracefs.event_id(event)).map_err(failed)?;
        let fd = self.program(name)?.fd().map_err(|error| LoadError::program("attach", name, error))?;
        let attached = sys::perf_attach(sys::PerfEvent::Tracepoint(id), fd.as_fd()).map_err(failed)?;
        self.events.push(attached);
        Ok(())
    }

    /// Loads a program for the entry of a kernel function and attaches it.
    ///
    /// # Errors
    /// When the kernel has no such function, no trampolines, or the verifier refuses.
    ///
    /// # Minimum kernel
    /// 5.5, where fentry is allowed.
    pub fn attach_fentry(&mut self, name: &str, function: &str) -> Result<(), LoadError> {
        self.load_typed(name, |program: &mut FEntry, btf| program.load(function, btf))?;
        self.with("attach", name, |program: &mut FEntry| program.attach().map(drop))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for a hook of the kernel's security modules and attaches it. That it is attached does not say that it
    /// runs: for that BPF must be an active module ([`probe::lsm`](crate::probe::lsm)).
    ///
    /// # Errors
    /// When the kernel has no such hook, no `CONFIG_BPF_LSM`, or the verifier refuses.
    ///
    /// # Minimum kernel
    /// 5.7.
    pub fn attach_lsm(&mut self, name: &str, hook: &str) -> Result<(), LoadError> {
        self.load_typed(name, |program: &mut Lsm, btf| program.load(hook, btf))?;
        self.with("attach", name, |program: &mut Lsm| program.attach().map(drop))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for connections or datagrams, and attaches it to a cgroup and all below. It goes with this process.
    ///
    /// # Errors
    /// When the kernel has no such hook, the verifier refuses the program, or another one has the cgroup to itself.
    ///
    /// # Minimum kernel
    /// 5.7, for attachments that end with their owner.
    pub fn attach_cgroup(&mut self, name: &str, cgroup: &std::fs::File) -> Result<(), LoadError> {
        self.with("load", name, CgroupSockAddr::load)?;
        self.with("attach", name, |program: &mut CgroupSockAddr| {
            // What is attached by a link stands beside others; flags that say so are refused there.
            program.attach(cgroup, CgroupAttachMode::Single).map(drop)
        })?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a kprobe program and attaches it to a function's entry.
    ///
    /// # Errors
    /// When the kernel has no kprobes, no such function, or the verifier refuses.
    pub fn attach_kprobe(&mut self, name: &str, function: &str) -> Result<(), LoadError> {
        self.with("load", name, KProbe::load)?;
        self.with("attach", name, |program: &mut KProbe| program.attach(function, 0).map(drop))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for functions of programs and libraries; [`Uprobes`](crate::attach::Uprobes) attaches it.
    ///
    /// # Errors
    /// When the verifier refuses it.
    pub fn load_uprobe(&mut self, name: &str) -> Result<(), LoadError> {
        self.with("load", name, UProbe::load)?;
        self.note_cost(name);
        Ok(())
    }

    /// A descriptor of a loaded program.
    ///
    /// # Errors
    /// When it is not in the object or not loaded.
    pub fn program_fd(&mut self, name: &str) -> Result<OwnedFd, LoadError> {
        let fd = self.program(name)?.fd().map_err(|error| LoadError::program("use", name, error))?;
        fd.as_fd().try_clone_to_owned().map_err(|error| LoadError::new("use", name, error))
    }

    /// Puts a loaded program into a program array.
    ///
    /// # Errors
    /// When the map or program is not there, or the kernel refuses the pair.
    pub fn set_tail_call(&mut self, map: &str, index: u32, program: &str) -> Result<(), LoadError> {
        let fd = self.program(program)?.fd().map_err(|error| LoadError::program("use", program, error))?;
        let fd = fd.try_clone().map_err(|error| LoadError::new("use", program, error))?;
        let map_data =
            self.ebpf.map_mut(map).ok_or_else(|| LoadError::new("find map", map, "not in the object"))?;
        let mut array =
            ProgramArray::try_from(map_data).map_err(|e| LoadError::new("open map", map, chain(&e)))?;
        array.set(index, &fd, 0).map_err(|error| LoadError::new("fill", map, chain(&error)))
    }

    /// Detaches and unloads every program. Maps stay readable.
    pub fn unload_programs(&mut self) {
        self.events.clear();
        for (_, program) in self.ebpf.programs_mut() {
            // Fails only for programs that were never loaded.
            let _ = match program {
                Program::BtfTracePoint(program) => program.unload(),
                Program::CgroupSockAddr(program) => program.unload(),
                Program::FEntry(program) => program.unload(),
                Program::KProbe(program) => program.unload(),
                Program::Lsm(program) => program.unload(),
                Program::TracePoint(program) => program.unload(),
                Program::UProbe(program) => program.unload(),
                _ => Ok(()),
            };
        }
    }

    /// How often each loaded program was skipped because it was running on the same CPU already: events that no
    /// map could count.
    pub fn recursion_misses(&self) -> u64 {
        self.ebpf
            .programs()
            .filter_map(|(_, program)| program.fd().ok())
            .filter_map(|fd| sys::prog_info(fd.as_fd()).ok())
            .map(|info| info.recursion_misses)
            .sum()
    }
}

//! The smallest program that uses each helper, in a program of the type in which kernscope uses it.

use super::Helper;
use crate::asm::Reg::{R0, R1, R2, R3, R4, R5, R10};
use crate::asm::{Atomic, Cond, Insn, Size};
use crate::btf::Named;
use crate::probe::answer::Answer;
use crate::probe::insn::{BTF_MAIN, BTF_STATIC, func, map, map_value};
use crate::probe::loops::{self, LoopShape};
use crate::probe::map::{self, MapType};
use crate::probe::prog::{self, Failed, ProgType, Spec};
use std::os::fd::{AsFd, OwnedFd};

/// Stack slot that programs write to.
const SLOT: i16 = -16;

fn raw_tp(insns: &[Insn]) -> Result<OwnedFd, Failed> {
    prog::load(Spec::new(ProgType::RawTracepoint), insns)
}

/// `call helper; return 0`
fn plain(helper: i32) -> Result<OwnedFd, Failed> {
    raw_tp(&[Insn::call(helper), Insn::mov(R0, 0), Insn::EXIT])
}

/// `helper(stack, 8, <unsafe address 0>)`
fn probe_read(helper: i32) -> Result<OwnedFd, Failed> {
    raw_tp(&[
        Insn::mov(R1, R10),
        Insn::add(R1, i32::from(SLOT)),
        Insn::mov(R2, 8),
        Insn::mov(R3, 0),
        Insn::call(helper),
        Insn::mov(R0, 0),
        Insn::EXIT,
    ])
}

/// Programs that may sleep, newest and least demanding first.
fn sleepers() -> [Spec; 3] {
    [
        Spec::new(ProgType::Syscall),
        Spec::new(ProgType::Kprobe).sleepable(),
        // The only hook that may sleep on 5.10.
        Spec::new(ProgType::Lsm).on("bpf_lsm_bprm_committed_creds").sleepable(),
    ]
}

fn map_failed(err: std::io::Error) -> Failed {
    Failed::Target(Answer::from_bpf(&err))
}

/// Loads it.
pub(super) fn build(helper: Helper) -> Result<OwnedFd, Failed> {
    use Helper as H;
    match helper {
        H::ProbeReadKernel => probe_read(113),
        H::ProbeReadKernelStr => probe_read(115),
        H::ProbeReadUser => probe_read(112),
        H::ProbeReadUserStr => probe_read(114),
        H::ProbeWriteUser => raw_tp(&[
            Insn::store(Size::Dw, R10, SLOT, 0),
            Insn::mov(R1, 0),
            Insn::mov(R2, R10),
            Insn::add(R2, i32::from(SLOT)),
            Insn::mov(R3, 8),
            Insn::call(36),
            Insn::mov(R0, 0),
            Insn::EXIT,
        ]),
        H::GetCurrentTask => plain(35),
        H::GetCurrentTaskBtf => plain(158),
        H::GetCurrentCgroupId => plain(80),
        H::KtimeGetNs => plain(5),
        H::KtimeGetBootNs => plain(125),
        H::GetNsCurrentPidTgid => raw_tp(&[
            Insn::mov(R1, 1),
            Insn::mov(R2, 1),
            Insn::mov(R3, R10),
            Insn::add(R3, i32::from(SLOT)),
            Insn::mov(R4, 8),
            Insn::call(120),
            Insn::mov(R0, 0),
            Insn::EXIT,
        ]),
        H::SendSignal => raw_tp(&[Insn::mov(R1, 0), Insn::call(109), Insn::mov(R0, 0), Insn::EXIT]),
        H::RingbufOutput | H::RingbufReserve | H::RingbufQuery => ringbuf(helper),
        H::TaskStorageGet => task_storage(),
        H::DPath => d_path(),
        H::CopyFromUser => prog::first(
            &sleepers(),
            &[
                Insn::mov(R1, R10),
                Insn::add(R1, i32::from(SLOT)),
                Insn::mov(R2, 8),
                Insn::mov(R3, 0),
                Insn::call(148),
                Insn::mov(R0, 0),
                Insn::EXIT,
            ],
            &[],
        ),
        H::CopyFromUserTask => copy_from_user_task(),
        H::SkbLoadBytes => packet(ProgType::SocketFilter, 26),
        H::XdpLoadBytes => packet(ProgType::Xdp, 189),
        H::BpfLoop => loops::load(LoopShape::BpfLoop, &[Spec::new(ProgType::RawTracepoint)]),
        H::ForEachMapElem => for_each(),
        H::Strncmp => strncmp(),
        H::DynptrFromMem => dynptr_from_mem(),
        H::DynptrFromSkb => dynptr(ProgType::SchedCls, "bpf_dynptr_from_skb"),
        H::DynptrFromXdp => dynptr(ProgType::Xdp, "bpf_dynptr_from_xdp"),
        H::IterNum => loops::load(LoopShape::IterNum, &tracers()),
        H::IterTask => iter_task(),
        H::Strstr => strstr(),
        H::TailCall => tail_call(),
        H::BoundedLoop => loops::load(LoopShape::Bounded, &[Spec::new(ProgType::RawTracepoint)]),
        H::LocalCall => raw_tp(&[Insn::call_local(1), Insn::EXIT, Insn::mov(R0, 0), Insn::EXIT]),
        H::Atomics => raw_tp(&[
            Insn::store(Size::Dw, R10, SLOT, 0),
            Insn::mov(R0, 0),
            Insn::mov(R1, 1),
            Insn::atomic(Atomic::FetchAdd, Size::Dw, R10, SLOT, R1),
            Insn::atomic(Atomic::Cmpxchg, Size::Dw, R10, SLOT, R1),
            Insn::mov(R0, 0),
            Insn::EXIT,
        ]),
        H::MayGoto => loops::load(LoopShape::MayGoto, &[Spec::new(ProgType::RawTracepoint)]),
    }
}

fn ringbuf(helper: Helper) -> Result<OwnedFd, Failed> {
    let ring = map::ringbuf(MapType::Ringbuf).map_err(map_failed)?;
    let mut insns = vec![Insn::store(Size::Dw, R10, SLOT, 0)];
    insns.extend(map(R1, ring.as_fd()));
    match helper {
        Helper::RingbufReserve => insns.extend([
            Insn::mov(R2, 8),
            Insn::mov(R3, 0),
            Insn::call(131),
            Insn::jump_if(Cond::Eq, R0, 0, 3),
            Insn::mov(R1, R0),
            Insn::mov(R2, 0),
            Insn::call(132),
        ]),
        Helper::RingbufQuery => insns.extend([Insn::mov(R2, 0), Insn::call(134)]),
        _ => insns.extend([
            Insn::mov(R2, R10),
            Insn::add(R2, i32::from(SLOT)),
            Insn::mov(R3, 8),
            Insn::mov(R4, 0),
            Insn::call(130),
        ]),
    }
    insns.extend([Insn::mov(R0, 0), Insn::EXIT]);
    raw_tp(&insns)
}

fn task_storage() -> Result<OwnedFd, Failed> {
    let storage = map::storage(MapType::TaskStorage).map_err(map_failed)?;
    let mut insns = vec![Insn::call(158), Insn::mov(R2, R0)];
    insns.extend(map(R1, storage.as_fd()));
    insns.extend([Insn::mov(R3, 0), Insn::mov(R4, 1), Insn::call(156), Insn::mov(R0, 0), Insn::EXIT]);
    prog::load(Spec::tp_btf("sys_enter"), &insns)
}

/// `bpf_d_path(&file->f_path, stack, 8)` in an iterator over open files; 5.10 allows it on a few functions only.
fn d_path() -> Result<OwnedFd, Failed> {
    let btf = prog::btf()?;
    let file = btf.offset("bpf_iter__task_file.file").and_then(|offset| i16::try_from(offset).ok());
    let path = btf.offset("file.f_path");
    let (Some(file), Some(path)) = (file, path) else {
        return Err(Failed::Target(Answer::unsupported("the kernel's BTF has no file iterator")));
    };
    let insns = |file: i16| {
        [
            Insn::store(Size::Dw, R10, SLOT, 0),
            Insn::load(Size::Dw, R1, R1, file),
            Insn::jump_if(Cond::Eq, R1, 0, 5),
            Insn::add(R1, path.cast_signed()),
            Insn::mov(R2, R10),
            Insn::add(R2, i32::from(SLOT)),
            Insn::mov(R3, 8),
            Insn::call(147),
            Insn::mov(R0, 0),
            Insn::EXIT,
        ]
    };
    let iterator = Spec::new(ProgType::Iter).on("bpf_iter_task_file");
    // The first argument of `security_file_open` is the file.
    let hook = Spec::new(ProgType::Fentry).on("security_file_open");
    prog::load(iterator, &insns(file)).or_else(|failed| prog::load(hook, &insns(0)).map_err(|_| failed))
}

fn copy_from_user_task() -> Result<OwnedFd, Failed> {
    let insns = [
        Insn::call(158),
        Insn::mov(R4, R0),
        Insn::mov(R1, R10),
        Insn::add(R1, i32::from(SLOT)),
        Insn::mov(R2, 8),
        Insn::mov(R3, 0),
        Insn::mov(R5, 0),
        Insn::call(191),
        Insn::mov(R0, 0),
        Insn::EXIT,
    ];
    prog::first(&sleepers(), &insns, &[])
}

/// `helper(ctx, 0, stack, 4)`, as both packet readers take it.
fn packet(kind: ProgType, helper: i32) -> Result<OwnedFd, Failed> {
    let insns = [
        Insn::mov(R2, 0),
        Insn::mov(R3, R10),
        Insn::add(R3, i32::from(SLOT)),
        Insn::mov(R4, 4),
        Insn::call(helper),
        Insn::mov(R0, kind.pass()),
        Insn::EXIT,
    ];
    prog::load(Spec::new(kind), &insns)
}

/// A program whose body ends with a call that takes the callback placed right after it.
fn callback(body: &[Insn]) -> Result<OwnedFd, Failed> {
    let mut insns = body.to_vec();
    insns.extend([Insn::mov(R0, 0), Insn::EXIT]);
    let at = insns.len() as u32;
    insns.extend([Insn::mov(R0, 0), Insn::EXIT]);
    prog::load_with(Spec::new(ProgType::RawTracepoint), &insns, &[[0, BTF_MAIN], [at, BTF_STATIC]])
}

fn for_each() -> Result<OwnedFd, Failed> {
    let array = map::array(1).map_err(map_failed)?;
    callback(
        &[&map(R1, array.as_fd())[..], &func(R2, 6), &[Insn::mov(R3, 0), Insn::mov(R4, 0), Insn::call(164)]]
            .concat(),
    )
}

/// `bpf_strncmp(stack, 8, "")`; the third argument must be a string in a frozen, read-only map.
fn strncmp() -> Result<OwnedFd, Failed> {
    let array = map::read_only_array().map_err(map_failed)?;
    let mut insns = vec![
        Insn::store(Size::Dw, R10, SLOT, 0),
        Insn::mov(R1, R10),
        Insn::add(R1, i32::from(SLOT)),
        Insn::mov(R2, 8),
    ];
    insns.extend(map_value(R3, array.as_fd()));
    insns.extend([Insn::call(182), Insn::mov(R0, 0), Insn::EXIT]);
    raw_tp(&insns)
}

/// `bpf_dynptr_from_mem(map value, 8, 0, &dynptr)`
fn dynptr_from_mem() -> Result<OwnedFd, Failed> {
    let array = map::array(1).map_err(map_failed)?;
    let mut insns = map_value(R1, array.as_fd()).to_vec();
    insns.extend([
        Insn::mov(R2, 8),
        Insn::mov(R3, 0),
        Insn::mov(R4, R10),
        Insn::add(R4, i32::from(SLOT)),
        Insn::call(197),
        Insn::mov(R0, 0),
        Insn::EXIT,
    ]);
    raw_tp(&insns)
}

fn kfunc(name: &str) -> Result<Insn, Failed> {
    let id = prog::btf()?.id(Named::Function, name);
    id.map(|id| Insn::call_kfunc(id.cast_signed(), 0))
        .ok_or_else(|| Failed::Target(Answer::unsupported(format!("the kernel has no {name}"))))
}

/// `kfunc(ctx, 0, &dynptr)`
fn dynptr(kind: ProgType, name: &str) -> Result<OwnedFd, Failed> {
    let insns = [
        Insn::mov(R2, 0),
        Insn::mov(R3, R10),
        Insn::add(R3, i32::from(SLOT)),
        kfunc(name)?,
        Insn::mov(R0, kind.pass()),
        Insn::EXIT,
    ];
    prog::load(Spec::new(kind), &insns)
}

/// Kernel functions for tracing programs may be limited to one of these types.
fn tracers() -> [Spec; 3] {
    [Spec::tp_btf("sys_enter"), Spec::new(ProgType::RawTracepoint), Spec::new(ProgType::Syscall)]
}

/// Walks all processes; the iterator takes 24 bytes of stack.
fn iter_task() -> Result<OwnedFd, Failed> {
    let insns = [
        Insn::mov(R1, R10),
        Insn::add(R1, -24),
        Insn::mov(R2, 0),
        Insn::mov(R3, 0),
        kfunc("bpf_iter_task_new")?,
        Insn::mov(R1, R10),
        Insn::add(R1, -24),
        kfunc("bpf_iter_task_next")?,
        Insn::jump_if(Cond::Eq, R0, 0, 1),
        Insn::jump(-5),
        Insn::mov(R1, R10),
        Insn::add(R1, -24),
        kfunc("bpf_iter_task_destroy")?,
        Insn::mov(R0, 0),
        Insn::EXIT,
    ];
    prog::first(
        &[Spec::new(ProgType::Syscall), Spec::new(ProgType::Iter), Spec::tp_btf("sys_enter")],
        &insns,
        &[],
    )
}

fn strstr() -> Result<OwnedFd, Failed> {
    let array = map::read_only_array().map_err(map_failed)?;
    let mut insns = map_value(R1, array.as_fd()).to_vec();
    insns.extend(map_value(R2, array.as_fd()));
    insns.extend([kfunc("bpf_strstr")?, Insn::mov(R0, 0), Insn::EXIT]);
    prog::first(&tracers(), &insns, &[])
}

fn tail_call() -> Result<OwnedFd, Failed> {
    let programs = map::simple(MapType::ProgArray, 4, 4, 1).map_err(map_failed)?;
    let mut insns = map(R2, programs.as_fd()).to_vec();
    insns.extend([Insn::mov(R3, 0), Insn::call(12), Insn::mov(R0, 0), Insn::EXIT]);
    raw_tp(&insns)
}

//! Settings, maps, and the per-CPU account.

use crate::io::add;
use aya_ebpf::{
    bindings::BPF_F_MMAPABLE,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, ProgramArray, RingBuf},
};
use core::ptr::{addr_of, read_volatile};
use kernscope_abi::{
    KIND_MAX,
    layout::{
        CALLS_MAX, CONFIG_CONTENT, CONFIG_PREEMPTIBLE, Call, Config, Counters, IoCount, IoKey, Layout,
        TOLD_MAX, Told, Types, Watched, enter_call, exit_call,
    },
};

#[unsafe(no_mangle)]
pub(crate) static LAYOUT: Layout = Layout::ABSENT;
#[unsafe(no_mangle)]
static CONFIG: Config =
    Config { flags: 0, self_pid: 0, wake_bytes: 0, piece_bytes: 0, secret: 0, cpu_bits: 0, pad: 0 };

#[unsafe(no_mangle)]
pub(crate) static TYPES: Types = Types::ABSENT;

/// The offset of a kernel field; a constant for the verifier.
macro_rules! off {
    ($field:ident) => {
        $crate::maps::constant(&raw const $crate::maps::LAYOUT.$field)
    };
}
pub(crate) use off;

/// A field of the kernel struct at an address: `member!(address, struct, field of LAYOUT)`.
macro_rules! member {
    ($address:expr, $type:ident, $field:ident $(+ $more:ident)*) => {
        $crate::read::member(
            $address,
            $crate::maps::constant(&raw const $crate::maps::TYPES.$type) as u32,
            $crate::maps::off!($field) $(+ $crate::maps::off!($more))*,
        )
    };
}
pub(crate) use member;

#[inline(always)]
pub(crate) fn constant(offset: *const u32) -> usize {
    // SAFETY: `off!` passes a field of LAYOUT, which the loader has written before the program loads.
    unsafe { read_volatile(offset) as usize }
}

#[inline(always)]
pub(crate) fn config_flag(flag: u32) -> bool {
    // SAFETY: a static of this object.
    unsafe { read_volatile(addr_of!(CONFIG.flags)) & flag != 0 }
}

#[inline(always)]
pub(crate) fn self_pid() -> u32 {
    // SAFETY: a static of this object.
    unsafe { read_volatile(addr_of!(CONFIG.self_pid)) }
}

#[inline(always)]
pub(crate) fn wake_bytes() -> u64 {
    // SAFETY: a static of this object.
    unsafe { read_volatile(addr_of!(CONFIG.wake_bytes)) as u64 }
}

#[inline(always)]
pub(crate) fn cpu_bits() -> u32 {
    // SAFETY: a static of this object.
    unsafe { read_volatile(addr_of!(CONFIG.cpu_bits)) }
}

/// Bytes of data that are judged at once.
#[inline(always)]
pub(crate) fn piece_bytes() -> u64 {
    // SAFETY: a static of this object.
    unsafe { read_volatile(addr_of!(CONFIG.piece_bytes)) as u64 }
}

/// An address as an opaque number, and back.
#[inline(always)]
pub(crate) fn opaque(address: u64) -> u64 {
    // SAFETY: a static of this object.
    address ^ unsafe { read_volatile(addr_of!(CONFIG.secret)) }
}

/// Bytes of one scratch buffer: the largest value of a per-CPU array.
pub(crate) const SCRATCH_BYTES: usize = 32 * 1024;

/// Scratch buffers, one for each program that is attached. The kernel never starts a program on a CPU where the same
/// program has not ended, but (from 7.0 on, and with fentry) may well start another one there.
pub(crate) mod family {
    pub(crate) const SYS_ENTER: u32 = 0;
    pub(crate) const SYS_EXIT: u32 = 1;
    pub(crate) const FORK: u32 = 2;
    pub(crate) const EXEC: u32 = 3;
    pub(crate) const EXIT: u32 = 4;
    pub(crate) const URING_SUBMIT: u32 = 5;
    pub(crate) const URING_COMPLETE: u32 = 6;
    /// Shared by the programs on `security_path_*`; see `hint.rs`.
    pub(crate) const HINT: u32 = 7;
    pub(crate) const MAX: u32 = 8;
    /// The first of [`LSM_BUFFERS`]: programs on LSM hooks take one that is free. Only there when the host makes the maps larger.
    pub(crate) const LSM: u32 = 8;
    pub(crate) const LSM_BUFFERS: u32 = kernscope_abi::layout::LSM_BUFFERS;
    /// Programs on functions of libraries. They have no buffer: several may be on one CPU at once.
    pub(crate) const TLS: u32 = 64;
}

#[map]
pub(crate) static SCRATCH: PerCpuArray<[u8; SCRATCH_BYTES]> = PerCpuArray::with_max_entries(family::MAX, 0);
#[map]
pub(crate) static WALKS: PerCpuArray<crate::walk::Walk> = PerCpuArray::with_max_entries(family::MAX, 0);
#[map]
pub(crate) static JUDGES: PerCpuArray<crate::judge_path::Judge> =
    PerCpuArray::with_max_entries(family::MAX, 0);
/// The table of a policy, twice: `paths::HALF` slots each where the host makes it larger.
#[map]
pub(crate) static PATHS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
/// One `paths::policy` word.
#[map]
pub(crate) static POLICY: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
/// The list of hosts of a policy; see `kernscope_abi::hosts`.
#[map]
pub(crate) static HOSTS: Array<u64> = Array::with_max_entries(kernscope_abi::hosts::WORDS, BPF_F_MMAPABLE);
/// Not 0 while a program on an LSM hook has the buffer; one for each of `family::LSM_BUFFERS`.
#[map]
pub(crate) static LSM_BUSY: PerCpuArray<u64> = PerCpuArray::with_max_entries(family::LSM_BUFFERS, 0);
/// Not 0 while a program on `security_path_*` uses its buffer.
#[map]
pub(crate) static HINT_BUSY: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(8 * 1024 * 1024, 0);
#[map]
pub(crate) static ACCOUNT: PerCpuArray<Counters> = PerCpuArray::with_max_entries(1, 0);
#[map]
pub(crate) static WATCHED: HashMap<u32, Watched> = HashMap::with_max_entries(65536, 0);
/// What the host says of candidates; `layout::VERDICTS` words where the host makes it larger.
#[map]
pub(crate) static VERDICTS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
/// Candidates on each CPU so far.
#[map]
pub(crate) static CANDIDATES: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);
#[map]
pub(crate) static IO: HashMap<IoKey, IoCount> = HashMap::with_max_entries(65536, 0);
#[map]
pub(crate) static TOLD: Array<Told> = Array::with_max_entries(TOLD_MAX, 0);
#[map]
pub(crate) static NAMES: Array<u64> = Array::with_max_entries(1, 0);
#[map]
pub(crate) static CALLS: Array<Call> = Array::with_max_entries(CALLS_MAX, 0);
#[map]
pub(crate) static EXIT_CALLS: ProgramArray = ProgramArray::with_max_entries(exit_call::MAX, 0);
#[map]
pub(crate) static ENTER_CALLS: ProgramArray = ProgramArray::with_max_entries(enter_call::MAX, 0);

/// The system call in progress, for the handler that the dispatcher jumps to; one for entry, one for exit.
#[repr(C)]
pub(crate) struct Current {
    pub(crate) start_ns: u64,
    pub(crate) ppid: u32,
    pub(crate) flags: u32,
    pub(crate) call: Call,
    pub(crate) pad: u32,
    pub(crate) ret: i64,
    pub(crate) args: [u64; 6],
}

#[map]
pub(crate) static CURRENT: PerCpuArray<Current> = PerCpuArray::with_max_entries(2, 0);

#[inline(always)]
pub(crate) fn current(index: u32) -> Option<&'static mut Current> {
    // SAFETY: a per-CPU slot that only programs of one family use.
    CURRENT.get_ptr_mut(index).map(|slot| unsafe { &mut *slot })
}

/// Adds one to a counter of this CPU: in one step where another program may come in between.
#[inline(always)]
fn bump(family: u32, slot: *mut u64) {
    if family >= family::HINT || config_flag(CONFIG_PREEMPTIBLE) {
        return add(slot, 1);
    }
    // SAFETY: this CPU's slot.
    unsafe { *slot += 1 };
}

#[inline(always)]
pub(crate) fn produced(family: u32, kind: u16) {
    if let Some(account) = ACCOUNT.get_ptr_mut(0) {
        let kind = kind as usize;
        if kind < KIND_MAX {
            // SAFETY: in bounds; this CPU's slot.
            bump(family, unsafe { &raw mut (*account).produced[kind] });
        }
    }
}

/// Events sent on this CPU, this one included.
#[inline(always)]
pub(crate) fn sent(family: u32) -> u64 {
    let Some(account) = ACCOUNT.get_ptr_mut(0) else { return 0 };
    // SAFETY: this CPU's slot.
    unsafe {
        bump(family, &raw mut (*account).sent);
        (*account).sent
    }
}

#[inline(always)]
pub(crate) fn lost(family: u32, cause: usize) {
    if let Some(account) = ACCOUNT.get_ptr_mut(0) {
        // SAFETY: `cause` is one of the LOST_* constants; this CPU's slot.
        bump(family, unsafe { &raw mut (*account).lost[cause] });
    }
}

/// A call moved data that no program judges; `what` is one of the `UNJUDGED_*` constants.
#[inline(always)]
pub(crate) fn unjudged(family: u32, what: usize) {
    if let (true, Some(account)) = (config_flag(CONFIG_CONTENT), ACCOUNT.get_ptr_mut(0)) {
        // SAFETY: in bounds; this CPU's slot.
        bump(family, unsafe { &raw mut (*account).unjudged[what] });
    }
}

#[inline(always)]
pub(crate) fn fired(family: u32, hook: usize) {
    if let Some(account) = ACCOUNT.get_ptr_mut(0) {
        // SAFETY: `hook` is one of the HOOK_* constants; this CPU's slot.
        bump(family, unsafe { &raw mut (*account).fired[hook] });
    }
}

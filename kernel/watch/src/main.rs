//! The eBPF programs of `kernscope watch`: one object, loaded by the host.
#![no_std]
#![no_main]

use aya_ebpf::macros::{btf_tracepoint, map};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::BtfTracePointContext;

/// Times that a process ended, by CPU.
#[map]
static EXITS: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Counts the ends of processes. Minimum kernel: 5.5.
#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(_ctx: BtfTracePointContext) -> i32 {
    if let Some(count) = EXITS.get_ptr_mut(0) {
        // SAFETY: the map gave a pointer to this CPU's own slot, valid for the length of the program.
        unsafe { *count += 1 };
    }
    0
}

/// What the kernel reads to decide which helpers the programs may call.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
pub static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

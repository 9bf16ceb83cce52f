//! Whom watched processes may talk to: programs on the cgroup hooks of `connect` and of datagrams to an address.
//!
//! What is denied fails with `EPERM`. Nobody but watched processes is asked about.
//!
//! Minimum kernel: 5.10 (`bpf_get_current_task` in these programs).

use crate::calls::watched;
use crate::candidate::is_candidate;
use crate::maps::{HOSTS, family, fired, off};
use crate::read::kernel;
use aya_ebpf::{
    helpers::generated::bpf_get_current_task, macros::cgroup_sock_addr, programs::SockAddrContext,
};
use core::ptr::read_volatile;
use kernscope_abi::hosts::{
    COUNT_MASK, COUNT_SHIFT, DEFAULT_DENIED, MAX_RULES, ON, RULE_WORDS, matches, start,
};
use kernscope_abi::layout::HOOK_HOSTS;
use kernscope_abi::paths::denied;

/// How often a list is read anew that was changed meanwhile.
const ROUNDS: u32 = 3;
/// What IPv4 addresses begin with among those of IPv6.
const MAPPED: u64 = 0xffff_0000_0000;

#[cgroup_sock_addr(connect4)]
pub fn hosts_connect4(ctx: SockAddrContext) -> i32 {
    allowed(v4(&ctx), port(&ctx))
}

#[cgroup_sock_addr(connect6)]
pub fn hosts_connect6(ctx: SockAddrContext) -> i32 {
    allowed(v6(&ctx), port(&ctx))
}

#[cgroup_sock_addr(sendmsg4)]
pub fn hosts_sendmsg4(ctx: SockAddrContext) -> i32 {
    allowed(v4(&ctx), port(&ctx))
}

#[cgroup_sock_addr(sendmsg6)]
pub fn hosts_sendmsg6(ctx: SockAddrContext) -> i32 {
    allowed(v6(&ctx), port(&ctx))
}

#[inline(always)]
fn v4(ctx: &SockAddrContext) -> (u64, u64) {
    // SAFETY: the context of this type of program; the kernel checks the access.
    let address = unsafe { read_volatile(&raw const (*ctx.sock_addr).user_ip4) };
    (0, MAPPED | u32::from_be(address) as u64)
}

#[inline(always)]
fn v6(ctx: &SockAddrContext) -> (u64, u64) {
    // SAFETY: as in `v4`.
    let part =
        |at: usize| unsafe { read_volatile((&raw const (*ctx.sock_addr).user_ip6).cast::<u32>().add(at)) };
    let word = |one: u32, two: u32| (u32::from_be(one) as u64) << 32 | u32::from_be(two) as u64;
    (word(part(0), part(1)), word(part(2), part(3)))
}

#[inline(always)]
fn port(ctx: &SockAddrContext) -> u16 {
    // SAFETY: as in `v4`.
    u16::from_be(unsafe { read_volatile(&raw const (*ctx.sock_addr).user_port) } as u16)
}

/// 1 lets the call go on, 0 makes it fail.
#[inline(always)]
fn allowed(address: (u64, u64), port: u16) -> i32 {
    // SAFETY: no argument.
    let task = unsafe { bpf_get_current_task() };
    let pid = kernel::<u32>(task + off!(task_tgid) as u64);
    if watched(pid).is_none_or(|process| is_candidate(&process)) {
        return 1;
    }
    fired(family::TLS, HOOK_HOSTS);
    for _ in 0..ROUNDS {
        let word = at(0);
        if word & ON == 0 {
            return 1;
        }
        let bits = judge(word, address, port);
        if at(0) == word {
            return !denied(bits, 0, word & DEFAULT_DENIED != 0) as i32;
        }
    }
    0
}

/// The lists that an address is on.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn judge_host(word: u64, high: u64, low: u64, port: u32) -> u32 {
    let (first, count) = (start(word), (word >> COUNT_SHIFT & COUNT_MASK) as u32);
    let mut bits = 0;
    for rule in 0..MAX_RULES {
        if rule >= count {
            break;
        }
        let place = first + rule * RULE_WORDS;
        bits |= matches(at(place + 2), at(place), at(place + 1), (high, low), port as u16);
    }
    bits
}

#[inline(always)]
fn judge(word: u64, address: (u64, u64), port: u16) -> u32 {
    judge_host(word, address.0, address.1, port as u32)
}

#[inline(always)]
fn at(index: u32) -> u64 {
    // SAFETY: a word of the array, which the host may change meanwhile: `allowed` looks whether it did.
    HOSTS.get_ptr(index).map_or(0, |word| unsafe { word.read_volatile() })
}

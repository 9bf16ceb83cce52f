//! The programs behind `kernscope watch`.
//!
//! Minimum kernel: 5.10 (ring buffer, `tp_btf`, tail calls beside calls). Each file is one hook or one thing
//! that hooks share. No kernel struct layout is known at compile time: see `LAYOUT` in `maps.rs`.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod calls;
mod candidate;
mod carry;
mod close;
mod content;
mod content_tell;
mod copied;
mod dns;
mod event;
mod exec;
mod exit;
mod file;
mod fork;
mod hint;
mod hosts;
mod io;
mod judge_path;
mod lsm;
mod lsm_exec;
mod lsm_file;
mod lsm_mount;
mod lsm_path;
mod lsm_trace;
mod maps;
mod mmap;
mod msg;
mod net;
mod onward;
mod open;
mod other_mount;
mod path_op;
mod read;
mod sock;
mod stdio;
mod tls;
mod tls_data;
mod tls_go;
mod tls_rustls;
mod tls_seen;
mod tls_socket;
mod told;
mod uring;
mod walk;
mod window;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

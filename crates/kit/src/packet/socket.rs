//! The options of packet sockets (`packet(7)`).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `PACKET_*` of `include/uapi/linux/if_packet.h`.
const ADD_MEMBERSHIP: libc::c_int = 1;
const RX_RING: libc::c_int = 5;
const STATISTICS: libc::c_int = 6;
const VERSION: libc::c_int = 10;
const TPACKET_V3: libc::c_int = 2;
const MEMBER_PROMISCUOUS: u16 = 1;

/// `struct packet_mreq`.
#[repr(C)]
struct Membership {
    interface: i32,
    kind: u16,
    address_len: u16,
    address: [u8; 8],
}

/// A socket that gets nothing yet.
pub(super) fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: integers only.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn make_blocks(
    socket: BorrowedFd<'_>,
    block_bytes: u32,
    blocks: u32,
    retire_ms: u32,
) -> io::Result<()> {
    /// Frames have no fixed size in this version; the kernel wants the numbers to fit all the same.
    const FRAME_BYTES: u32 = 2048;
    set(socket, libc::SOL_PACKET, VERSION, &TPACKET_V3)?;
    // `struct tpacket_req3`: blocks, frames, time, and words that are left alone.
    let frames = block_bytes / FRAME_BYTES * blocks;
    let request: [u32; 7] = [block_bytes, blocks, FRAME_BYTES, frames, retire_ms, 0, 0];
    set(socket, libc::SOL_PACKET, RX_RING, &request)
}

pub(super) fn be_promiscuous(socket: BorrowedFd<'_>, interface: u32) -> io::Result<()> {
    let interface = interface as i32;
    let member = Membership { interface, kind: MEMBER_PROMISCUOUS, address_len: 0, address: [0; 8] };
    set(socket, libc::SOL_PACKET, ADD_MEMBERSHIP, &member)
}

/// From here on frames come in. Gives the sort of hardware (`ARPHRD_*`).
pub(super) fn bind(socket: BorrowedFd<'_>, interface: u32) -> io::Result<u16> {
    let mut address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: interface as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let mut len = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the address is one of this family, and `len` says how long it is.
    if unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: there is room for an address of this family, and `len` says so.
    match unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut len) } {
        0 => Ok(address.sll_hatype),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Frames that came, dropped ones among them, and dropped ones, since this was asked last.
pub(super) fn statistics(socket: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    // `struct tpacket_stats_v3`; the third is how often there was no free block.
    let mut words = [0u32; 3];
    let mut len = size_of_val(&words) as libc::socklen_t;
    let fd = socket.as_raw_fd();
    // SAFETY: the option is three words, there is room for them, and `len` says so.
    let got = unsafe {
        libc::getsockopt(fd, libc::SOL_PACKET, STATISTICS, words.as_mut_ptr().cast(), &raw mut len)
    };
    if got == 0 { Ok((words[0], words[1])) } else { Err(io::Error::last_os_error()) }
}

/// The error that the socket holds, which is none any more then.
pub(super) fn take_error(socket: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    crate::sys::socket_says(socket, libc::SO_ERROR)
}

/// A classic filter that takes no byte of any frame: frames are left out before they are counted.
pub(super) fn let_nothing_in(socket: BorrowedFd<'_>) -> io::Result<()> {
    /// `ret #0`.
    const NOTHING: libc::sock_filter = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 };
    let mut filter = [NOTHING];
    let program = libc::sock_fprog { len: 1, filter: filter.as_mut_ptr() };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn set<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the callers pass the type that the option has, and `len` says how long it is; what it points to outlives the
    // call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

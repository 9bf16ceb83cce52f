//! Two network namespaces with a pair of virtual interfaces between them.

use kernscope_kit::netlink::{Netlink, Request};
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

pub(crate) const LEFT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub(crate) const RIGHT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
pub(crate) const PORT: u16 = 7777;
/// Addresses of the two ends, from the range for private use.
const LEFT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const RIGHT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWNEIGH: u16 = 28;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFF_UP: u32 = 1;

/// A network namespace, as long as this or anything in it lives.
pub(crate) struct Namespace(File);

impl Namespace {
    pub(crate) fn new() -> io::Result<Self> {
        std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(Namespace)
        })
        .join()
        .expect("the thread does not panic")
    }

    /// The namespace behind a path such as `/proc/1/fd/3`.
    pub(crate) fn open(path: &str) -> io::Result<Self> {
        File::open(path).map(Namespace)
    }

    /// Where another process finds it.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Runs `inside` on a thread that is in it.
    pub(crate) fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(self.0.as_fd(), CloneFlags::CLONE_NEWNET).expect("enter the namespace");
                inside()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// `left` in one namespace, `right` in the other, both up and with an address.
pub(crate) struct Pair {
    pub(crate) left: Namespace,
    pub(crate) right: Namespace,
}

impl Pair {
    pub(crate) fn new(left: Namespace, right: Namespace) -> io::Result<Self> {
        left.enter(|| make_pair(&right.0))?;
        left.enter(|| bring_up("left", LEFT, RIGHT, RIGHT_MAC))?;
        right.enter(|| bring_up("right", RIGHT, LEFT, LEFT_MAC))?;
        let pair = Self { left, right };
        pair.wait_until_up()?;
        Ok(pair)
    }

    /// The kernel lets an interface send some time after it was switched on, and throws packets away until then.
    fn wait_until_up(&self) -> io::Result<()> {
        let receiver = self.right.enter(|| UdpSocket::bind((RIGHT, 0)))?;
        receiver.set_read_timeout(Some(Duration::from_millis(10)))?;
        let sender = self.left.enter(|| UdpSocket::bind((LEFT, 0)))?;
        for _ in 0..500 {
            // As long as the interface is down the sender may be told.
            let _refused = sender.send_to(b"up?", receiver.local_addr()?);
            if receiver.recv(&mut [0; 8]).is_ok() {
                return Ok(());
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the veth pair does not come up"))
    }

    pub(crate) fn fresh() -> Self {
        let namespace = || Namespace::new().expect("make a network namespace");
        Self::new(namespace(), namespace()).expect("make a veth pair")
    }

    pub(crate) fn sender(&self) -> UdpSocket {
        let socket = self.left.enter(|| UdpSocket::bind((LEFT, 0))).expect("bind");
        socket.connect((RIGHT, PORT)).expect("connect");
        socket
    }

    pub(crate) fn receiver(&self) -> UdpSocket {
        let socket = self.right.enter(|| UdpSocket::bind((RIGHT, PORT))).expect("bind");
        socket.set_nonblocking(true).expect("non-blocking");
        make_room(&socket);
        socket
    }
}

/// `struct ifinfomsg`.
fn ifinfo(index: u32, flags: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, word) in bytes[4..].chunks_mut(4).zip([index, flags, flags]) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

fn make_pair(peer: &File) -> io::Result<()> {
    let peer = peer.as_raw_fd().to_ne_bytes();
    let request = Request::new(RTM_NEWLINK, Request::CREATE, &ifinfo(0, 0))
        .attr(IFLA_IFNAME, b"left\0")
        .attr(IFLA_ADDRESS, &LEFT_MAC)
        .nest(IFLA_LINKINFO, |info| {
            info.attr(INFO_KIND, b"veth\0").nest(INFO_DATA, |data| {
                data.nest(VETH_INFO_PEER, |veth| {
                    let veth = veth.raw(&ifinfo(0, 0)).attr(IFLA_IFNAME, b"right\0");
                    veth.attr(IFLA_ADDRESS, &RIGHT_MAC).attr(IFLA_NET_NS_FD, &peer)
                })
            })
        });
    Netlink::open()?.ask(&request).map(drop)
}

/// Gives an interface its address and tells it of its neighbour, so that nothing has to wait for an answer to ARP.
fn bring_up(name: &str, address: Ipv4Addr, peer: Ipv4Addr, peer_mac: [u8; 6]) -> io::Result<()> {
    let index = if_nametoindex(name)?;
    let mut netlink = Netlink::open()?;
    // `struct ifaddrmsg`: AF_INET, a network of 256.
    let mut header = vec![libc::AF_INET as u8, 24, 0, 0];
    header.extend(index.to_ne_bytes());
    let request = Request::new(RTM_NEWADDR, Request::CREATE, &header);
    netlink.ask(&request.attr(1, &address.octets()).attr(2, &address.octets()))?;
    netlink.ask(&Request::new(RTM_NEWLINK, 0, &ifinfo(index, IFF_UP)))?;
    // `struct ndmsg`: AF_INET, NUD_PERMANENT.
    let mut header = vec![libc::AF_INET as u8, 0, 0, 0];
    header.extend(index.to_ne_bytes());
    header.extend([0x80, 0, 0, 0]);
    let request = Request::new(RTM_NEWNEIGH, Request::CREATE, &header);
    netlink.ask(&request.attr(1, &peer.octets()).attr(2, &peer_mac)).map(drop)
}

/// Room for what has come and was not read yet.
const ROOM_BYTES: usize = 32 << 20;

/// Makes room in a socket for all the traffic of a test, however late this process comes to read it.
fn make_room(socket: &impl AsFd) {
    use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
    setsockopt(socket, RcvBufForce, &ROOM_BYTES).expect("a larger buffer for a socket");
}

/// A packet socket that sees every frame of a namespace.
pub(crate) struct Capture {
    fd: OwnedFd,
    /// UDP datagrams to [`PORT`] so far.
    pub(crate) seen: usize,
}

impl Capture {
    pub(crate) fn start(namespace: &Namespace) -> Self {
        let all = i32::from((libc::ETH_P_ALL as u16).to_be());
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: integers only.
        let fd = namespace.enter(|| unsafe { libc::socket(libc::AF_PACKET, kind, all) });
        assert!(fd >= 0, "packet socket: {}", io::Error::last_os_error());
        // SAFETY: the kernel has just made this descriptor for us.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        make_room(&fd);
        Self { fd, seen: 0 }
    }

    /// Reads what is there.
    pub(crate) fn drain(&mut self) {
        let mut frame = [0; 2048];
        while let Ok(len) = nix::unistd::read(&self.fd, &mut frame) {
            let frame = &frame[..len];
            let is_ours = len >= 42
                && frame[12..14] == [8, 0]
                && frame[23] == 17
                && frame[36..38] == PORT.to_be_bytes();
            self.seen += usize::from(is_ours);
        }
    }

    /// Reads the rest; how many there were. That the kernel dropped none for want of room is checked.
    pub(crate) fn end(mut self) -> usize {
        self.drain();
        let mut stats = [0u32; 2];
        let mut len = size_of_val(&stats) as libc::socklen_t;
        let (level, option) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
        // SAFETY: `stats` is writable for `len` bytes, and is the struct of this option.
        let read = unsafe {
            libc::getsockopt(self.fd.as_raw_fd(), level, option, stats.as_mut_ptr().cast(), &raw mut len)
        };
        assert_eq!((read, stats[1]), (0, 0), "the capture lost frames");
        self.seen
    }
}

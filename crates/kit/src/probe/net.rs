//! Packet hooks, in places where only this process can feel them: a socket pair, a network namespace and a
//! cgroup of its own. The machine's network is never touched.

use super::act;
use super::answer::Answer;
use super::hook::{Counter, Fired, Hook, fire};
use super::host;
use super::prog::{ProgType, Spec};
use crate::attach::{Direction, Filter, Interface};
use crate::sys::{self, LinkTarget};
use nix::sched::{CloneFlags, unshare};
use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `BPF_XDP`, with `XDP_FLAGS_SKB_MODE`.
const ATTACH_XDP: u32 = 37;
const XDP_SKB_MODE: u32 = 1 << 1;
/// `BPF_TCX_INGRESS`.
const ATTACH_TCX_INGRESS: u32 = 46;
/// `BPF_CGROUP_INET_EGRESS` and `BPF_CGROUP_INET4_CONNECT`.
const ATTACH_CGROUP_EGRESS: u32 = 1;
const ATTACH_CGROUP_CONNECT4: u32 = 10;
/// The loopback interface is the first of every network namespace.
const LOOPBACK: u32 = 1;
/// An Ethernet frame of the smallest size: room for the header that the kernel insists on.
const FRAME: [u8; 64] = [0; 64];

/// A socket filter on one end of a pair.
pub(super) fn socket_filter() -> Result<Fired, Fired> {
    let counter = Counter::load(Spec::new(ProgType::SocketFilter))?;
    let run = || -> io::Result<u64> {
        let (near, far) = UnixDatagram::pair()?;
        sys::socket_attach(far.as_fd(), counter.prog.as_fd())?;
        near.send(b"x")?;
        counter.count()
    };
    counted(run())
}

/// A test run on one frame.
pub(super) fn test_run(kind: ProgType) -> Result<Fired, Fired> {
    let counter = Counter::load(Spec::new(kind))?;
    let run = || -> io::Result<u64> {
        sys::prog_test_run(counter.prog.as_fd(), &FRAME)?;
        counter.count()
    };
    counted(run())
}

fn counted(run: io::Result<u64>) -> Result<Fired, Fired> {
    let count = run.map_err(|err| Answer::from_bpf(&err))?;
    let answer = if count > 0 { Answer::Yes } else { Answer::off("attached, but did not fire") };
    Ok(Fired { answer, count })
}

/// XDP in generic mode on the loopback of a new network namespace.
pub(super) fn xdp_generic() -> Result<Fired, Fired> {
    in_new_netns(|| {
        fire(
            Spec::new(ProgType::Xdp),
            |prog| sys::link_create(prog, ATTACH_XDP, XDP_SKB_MODE, LinkTarget::Interface(LOOPBACK)),
            datagram,
        )
    })
}

/// tc by link, likewise.
pub(super) fn tcx() -> Result<Fired, Fired> {
    in_new_netns(|| {
        fire(
            Spec::new(ProgType::SchedCls),
            |prog| sys::link_create(prog, ATTACH_TCX_INGRESS, 0, LinkTarget::Interface(LOOPBACK)),
            datagram,
        )
    })
}

/// tc by netlink, likewise.
pub(super) fn clsact() -> Result<Fired, Fired> {
    in_new_netns(|| {
        fire(
            Spec::new(ProgType::SchedCls),
            |prog| {
                let attached = Interface::find("lo")
                    .and_then(|lo| Filter::attach(prog, "probe", &lo, Direction::Ingress));
                attached.map_err(|err| err.cause)
            },
            datagram,
        )
    })
}

/// A thread can have a network namespace of its own; it is gone when the thread has ended.
fn in_new_netns(probe: impl FnOnce() -> Result<Fired, Fired> + Send) -> Result<Fired, Fired> {
    let inside = || {
        unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from).and_then(|()| loopback_up()).map_err(
            |err| match Answer::from_io(&err) {
                Answer::No(no) if err.raw_os_error() == Some(libc::EPERM) => {
                    Answer::forbidden(format!("make a network namespace: {}", no.why))
                }
                other => Answer::Unknown(format!("make a network namespace: {}", other.why())),
            },
        )?;
        probe()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, inside);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Answer::Unknown("the probe's thread panicked".to_owned()).into()),
            Err(err) => Err(Answer::Unknown(format!("start a thread: {err}")).into()),
        }
    })
}

/// Switches the loopback of this thread's namespace on.
fn loopback_up() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: `ifreq` is plain data for which zero is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request is a whole `ifreq` whose name ends with NUL.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends one datagram over the loopback of this thread's namespace, and takes it out again.
fn datagram() -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(b"x", socket.local_addr()?)?;
    socket.recv(&mut [0; 1]).map(drop)
}

/// What the name of a probe's cgroup starts with; the process id follows.
const CGROUP_PREFIX: &str = "kernscope-probe.";

/// A cgroup that is removed on drop.
struct Cgroup {
    path: PathBuf,
    dir: File,
}

impl Cgroup {
    fn new() -> io::Result<Self> {
        let root = host::cgroup_mount()?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let inside = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or("").to_owned();
        let parent = root.join(inside);
        remove_orphans(&parent);
        let path = parent.join(format!("{CGROUP_PREFIX}{}", std::process::id()));
        fs::create_dir(&path)?;
        match File::open(&path) {
            Ok(dir) => Ok(Self { path, dir }),
            Err(err) => {
                let _empty = fs::remove_dir(&path);
                Err(err)
            }
        }
    }

    /// A child inside that sends a datagram over a connected socket, and ends.
    fn child_sends(&self) -> io::Result<()> {
        let procs = fs::OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))?;
        // SAFETY: all bytes of a socket address may be zero.
        let mut to: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        to.sin_family = libc::AF_INET as libc::sa_family_t;
        to.sin_port = 9_u16.to_be();
        to.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let len = size_of_val(&to) as libc::socklen_t;
        // SAFETY: the child makes system calls only, on memory and descriptors that exist already.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: as above; the child never returns.
            0 => unsafe {
                libc::write(procs.as_raw_fd(), c"0".as_ptr().cast(), 1);
                let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
                libc::connect(socket, (&raw const to).cast(), len);
                libc::send(socket, c"x".as_ptr().cast(), 1, 0);
                libc::_exit(0)
            },
            child => act::reap(child),
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _busy = fs::remove_dir(&self.path);
    }
}

/// Removes what probes left behind that were killed: empty cgroups that name a process which is gone.
fn remove_orphans(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(CGROUP_PREFIX)) else { continue };
        if pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists() {
            let _taken = fs::remove_dir(entry.path());
        }
    }
}

/// Programs on a cgroup of our own.
pub(super) fn cgroup(hook: Hook) -> Result<Fired, Fired> {
    let (kind, attach) = match hook {
        Hook::CgroupConnect => (ProgType::CgroupSockAddr, ATTACH_CGROUP_CONNECT4),
        _ => (ProgType::CgroupSkb, ATTACH_CGROUP_EGRESS),
    };
    let spec = Spec::new(kind).attach(attach);
    // Load first: what the kernel cannot do is no question of cgroups.
    drop(Counter::load(spec)?);
    let cgroup = Cgroup::new().map_err(|err| match err.kind() {
        io::ErrorKind::NotFound => Answer::off(err.to_string()),
        io::ErrorKind::PermissionDenied => Answer::forbidden(format!("make a cgroup: {err}")),
        _ => Answer::Unknown(format!("make a cgroup: {err}")),
    })?;
    let link = |prog: BorrowedFd<'_>| -> io::Result<OwnedFd> {
        sys::link_create(prog, attach, 0, LinkTarget::Cgroup(cgroup.dir.as_fd()))
    };
    fire(spec, link, || cgroup.child_sends())
}

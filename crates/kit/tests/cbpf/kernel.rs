//! The engines that a program runs in: the kernel's own conversion, and ours of each kind.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use kernscope_kit::compile::cbpf::{Actions, Ancillary, Classic, Metadata, Target};
use kernscope_kit::sys;

/// What XDP and tc programs return here.
pub(crate) const ACTIONS: Actions = Actions { accept: 2, reject: 1 };
/// The Ethernet header that a test run of a socket filter takes off.
const HEADER: [u8; 14] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Least bytes of a test run: newer kernels want whole IP headers where the Ethernet header announces them.
fn least(bytes: &[u8], program: &str) -> usize {
    match bytes.get(12..14) {
        Some([0x08, 0x00]) if program != "XDP" => 34,
        Some([0x86, 0xdd]) if program != "XDP" => 54,
        _ => 14,
    }
}

/// What the kernel knows of a datagram between two local sockets, besides its bytes: nothing.
pub(crate) const METADATA: Metadata = Metadata::new()
    .with(Ancillary::Protocol, 0)
    .with(Ancillary::PacketType, 0)
    .with(Ancillary::Mark, 0)
    .with(Ancillary::Queue, 0)
    .with(Ancillary::Hash, 0)
    .with(Ancillary::VlanTag, 0)
    .with(Ancillary::VlanPresent, 0)
    .with(Ancillary::VlanProtocol, 0);

/// Whether programs can be loaded; if not, it is said.
pub(crate) fn privileged() -> bool {
    let program =
        Classic::parse("1\n6 0 0 0\n").expect("a program").translate(Target::Socket).expect("translated");
    let loaded = sys::prog_load(&sys::Program::new(program.program_type as u32, &program.insns));
    if let Err(error) = &loaded {
        eprintln!("SKIPPED: load a socket filter: {}; needs CAP_BPF and CAP_NET_ADMIN", error.err);
    }
    loaded.is_ok()
}

/// A pair of sockets whose receiving end has a filter. What is left of a datagram tells what the filter returned.
struct Pair {
    sender: UnixDatagram,
    receiver: UnixDatagram,
}

impl Pair {
    fn new() -> Pair {
        let (sender, receiver) = UnixDatagram::pair().expect("a pair of sockets");
        receiver.set_nonblocking(true).expect("non-blocking");
        Pair { sender, receiver }
    }

    /// Bytes that came through.
    fn kept(&self, bytes: &[u8]) -> u32 {
        self.sender.send(bytes).expect("send a datagram");
        let mut buffer = [0; 4096];
        match self.receiver.recv(&mut buffer) {
            Ok(len) => len as u32,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("receive a datagram: {error}"),
        }
    }
}

/// False when the kernel has no room for options of this size (`net.core.optmem_max`).
fn has_room(attached: std::io::Result<()>, what: &str) -> bool {
    match attached {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::OutOfMemory => false,
        Err(error) => panic!("{what}: attach to a socket: {error}"),
    }
}

/// One classic program, in every engine that takes it.
pub(crate) struct Engines {
    classic: Option<Pair>,
    socket: Option<(Option<Pair>, OwnedFd)>,
    tc: Option<OwnedFd>,
    xdp: Option<OwnedFd>,
}

impl Engines {
    pub(crate) fn load(what: &str, program: &Classic) -> Engines {
        let load = |target| {
            let program = program.translate(target).ok()?;
            let loaded = sys::prog_load(&sys::Program::new(program.program_type as u32, &program.insns));
            Some(loaded.unwrap_or_else(|error| panic!("{what}: {target:?}: {}\n{}", error.err, error.log)))
        };
        let classic = Pair::new();
        let classic = has_room(program.attach(classic.receiver.as_fd()), what).then_some(classic);
        let socket = load(Target::Socket).map(|filter| {
            let pair = Pair::new();
            let attached = sys::socket_attach(pair.receiver.as_fd(), filter.as_fd());
            (has_room(attached, what).then_some(pair), filter)
        });
        Engines { classic, socket, tc: load(Target::Tc(ACTIONS)), xdp: load(Target::Xdp(ACTIONS)) }
    }

    /// Name, result and wanted result of each engine, where the oracle says `expected`.
    pub(crate) fn run(&self, bytes: &[u8], expected: u32) -> Vec<(&'static str, u32, u32)> {
        let kept = expected.min(bytes.len() as u32);
        let verdict = if expected == 0 { ACTIONS.reject } else { ACTIONS.accept } as u32;
        let test_run = |prog: &OwnedFd, bytes: &[u8]| {
            sys::prog_test_run(prog.as_fd(), bytes)
                .unwrap_or_else(|error| panic!("a test run of {} bytes: {error}", bytes.len()))
        };
        let mut results = Vec::new();
        if let Some(pair) = &self.classic {
            results.push(("the kernel's conversion", pair.kept(bytes), kept));
        }
        if let Some((pair, filter)) = &self.socket {
            if let Some(pair) = pair {
                results.push(("the socket filter", pair.kept(bytes), kept));
            }
            let framed = [&HEADER, bytes].concat();
            results.push(("the socket filter's test run", test_run(filter, &framed), expected));
        }
        for (name, program) in [("tc", &self.tc), ("XDP", &self.xdp)] {
            if let Some(program) = program.as_ref().filter(|_| bytes.len() >= least(bytes, name)) {
                results.push((name, test_run(program, bytes), verdict));
            }
        }
        results
    }
}

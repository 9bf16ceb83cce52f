//! How long an input the kernel takes, found by trying: its test run wants a packet of one page, or for XDP from 5.18 on
//! of several pieces; a datagram between two sockets may be longer.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;

use kernscope_kit::asm::{Alu, Asm, Reg, Size};
use kernscope_kit::attach::SocketFilter;
use kernscope_kit::compile::Target;
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::program::Program;

/// Lengths between which the longest is sought, bytes: every kernel takes the first, no filter looks as far as the last.
const LENGTHS: [usize; 2] = [3_414, 65_600];

/// Longest inputs of a test run, bytes from the Ethernet header on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// XDP, in pieces where there are any.
    pub(crate) xdp: usize,
    /// The first piece, which is all that a program without helpers for pieces sees.
    pub(crate) xdp_piece: usize,
    /// tc and sockets.
    pub(crate) skb: usize,
}

impl Reach {
    /// Of this kernel; of one where nothing loads, the least.
    pub(crate) fn here() -> Reach {
        let (xdp, last) = longest(Target::Xdp).unwrap_or((LENGTHS[0], 0));
        let (skb, _) = longest(Target::Tc).unwrap_or((LENGTHS[0], 0));
        Reach { xdp, xdp_piece: xdp.min(last as usize), skb }
    }
}

/// The longest input that a test run takes, and what the program said of it: bytes in its first piece.
fn longest(target: Target) -> Option<(usize, u32)> {
    let loaded = Loaded::load(&telling(target)).ok()?;
    let run = |len: usize| {
        let data = vec![0; len];
        loaded.test_run(&TestRun { data: &data, ..TestRun::default() }).ok().map(|result| result.retval)
    };
    let [mut taken, mut refused] = LENGTHS;
    while taken + 1 < refused {
        let middle = taken.midpoint(refused);
        if run(middle).is_some() { taken = middle } else { refused = middle }
    }
    Some((taken, run(taken)?))
}

/// A program that returns how many bytes it sees without asking a helper: `data_end - data`.
fn telling(target: Target) -> Program {
    let mut asm = Asm::new();
    let (data, end) = if target == Target::Xdp { (0, 4) } else { (76, 80) };
    asm.load(Size::W, Reg::R2, Reg::R1, data).load(Size::W, Reg::R0, Reg::R1, end);
    asm.alu64(Alu::Sub, Reg::R0, Reg::R2).exit();
    Program {
        name: "reach".into(),
        program_type: target.program_type(),
        insns: asm.finish().expect("no label is left open"),
        maps: Vec::new(),
        functions: Vec::new(),
    }
}

/// Two sockets, and a filter on the one that receives: what it is sent is judged as it is, without headers.
pub(crate) struct Wire {
    sender: UnixDatagram,
    receiver: UnixDatagram,
}

impl Wire {
    pub(crate) fn new(filter: &Loaded) -> Result<Wire, String> {
        let (sender, receiver) = UnixDatagram::pair().map_err(|error| error.to_string())?;
        receiver.set_nonblocking(true).map_err(|error| error.to_string())?;
        SocketFilter::attach(&receiver, filter).map_err(|error| error.to_string())?.keep();
        Ok(Wire { sender, receiver })
    }

    /// What a filter that keeps all or nothing must have returned.
    pub(crate) fn run(&self, data: &[u8]) -> Result<u32, String> {
        let sent = self.sender.send(data).map_err(|error| error.to_string())?;
        let mut room = [0; 1];
        match self.receiver.recv(&mut room) {
            Ok(_) if sent == data.len() => Ok(u32::MAX),
            Ok(_) => Err(format!("sent {sent} of {} bytes", data.len())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.to_string()),
        }
    }
}

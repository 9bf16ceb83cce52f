//! A content filter written by hand, the traffic for it, and what must come of the two.

use crate::net::{Capture, PORT, Pair};
use kernscope_kit::asm::{Alu, Asm, Atomic, Cond, Label, Reg, Size};
use kernscope_kit::load::Loaded;
use kernscope_kit::program::{MapRef, MapSpec, Program, ProgramType};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::Duration;

/// What is looked for.
pub(crate) const WORD: [u8; 4] = *b"DROP";
/// Places in a datagram where it is looked for.
const PLACES: i32 = 96;
/// Ethernet, IPv4 without options, UDP.
const HEADERS: i32 = 42;
/// `bpf_skb_load_bytes`.
const SKB_LOAD_BYTES: i32 = 26;
const COUNTS: MapRef = MapRef(0);

/// Counts and drops datagrams to [`PORT`] in which [`WORD`] begins at one of the first [`PLACES`] bytes; counts and
/// passes the others; passes what is no such datagram.
pub(crate) fn program(kind: ProgramType) -> Program {
    let mut asm = Asm::new();
    let (matched, other, pass) = (asm.label(), asm.label(), asm.label());
    asm.mov(Reg::R6, Reg::R1);
    match kind {
        ProgramType::Xdp => frame(&mut asm, matched, other, pass),
        ProgramType::SchedCls => buffer(&mut asm, HEADERS, matched, other, pass),
        _ => buffer(&mut asm, 8, matched, other, pass),
    }
    let (keep, drop) = match kind {
        ProgramType::Xdp => (2, 1),
        ProgramType::SchedCls => (-1, 2),
        _ => (-1, 0),
    };
    for (label, slot, verdict) in [(other, 8, keep), (matched, 0, drop)] {
        asm.bind(label);
        asm.load_map_value(Reg::R1, COUNTS, slot).mov(Reg::R2, 1);
        asm.atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2).mov(Reg::R0, verdict).exit();
    }
    asm.bind(pass);
    asm.mov(Reg::R0, keep).exit();
    let insns = asm.finish().expect("labels");
    let maps = vec![MapSpec::table("counts", vec![0; 16])];
    Program { name: "drop_word".into(), program_type: kind, insns, maps, functions: vec![] }
}

/// Reads the frame where it lies.
fn frame(asm: &mut Asm, matched: Label, other: Label, pass: Label) {
    asm.load(Size::W, Reg::R2, Reg::R6, 0).load(Size::W, Reg::R3, Reg::R6, 4);
    let within = |asm: &mut Asm, end: i32, out: Label| {
        asm.mov(Reg::R4, Reg::R2).alu64(Alu::Add, Reg::R4, end).jump_if(Cond::Gt, Reg::R4, Reg::R3, out);
    };
    within(asm, HEADERS, pass);
    for (size, at, wanted) in headers() {
        asm.load(size, Reg::R5, Reg::R2, at).jump_if(Cond::Ne, Reg::R5, wanted, pass);
    }
    for place in 0..PLACES {
        within(asm, HEADERS + place + 4, other);
        asm.load(Size::W, Reg::R5, Reg::R2, (HEADERS + place) as i16);
        asm.jump_if(Cond::Eq, Reg::R5, i32::from_ne_bytes(WORD), matched);
    }
    asm.jump(other);
}

/// Reads through a helper, from a buffer whose payload starts at `payload`.
fn buffer(asm: &mut Asm, payload: i32, matched: Label, other: Label, pass: Label) {
    let read = |asm: &mut Asm, at: i32, bytes: i32, out: Label| {
        asm.mov(Reg::R1, Reg::R6).mov(Reg::R2, at).mov(Reg::R3, Reg::R10).alu64(Alu::Add, Reg::R3, -48);
        asm.mov(Reg::R4, bytes).call(SKB_LOAD_BYTES).jump_if(Cond::Ne, Reg::R0, 0, out);
    };
    if payload == HEADERS {
        read(asm, 0, HEADERS, pass);
        for (size, at, wanted) in headers() {
            asm.load(size, Reg::R5, Reg::R10, at - 48).jump_if(Cond::Ne, Reg::R5, wanted, pass);
        }
    } else {
        read(asm, 0, payload, pass);
    }
    for place in 0..PLACES {
        read(asm, payload + place, 4, other);
        asm.load(Size::W, Reg::R5, Reg::R10, -48);
        asm.jump_if(Cond::Eq, Reg::R5, i32::from_ne_bytes(WORD), matched);
    }
    asm.jump(other);
}

/// Fields that a frame must have: IPv4, UDP, to [`PORT`].
fn headers() -> [(Size, i16, i32); 3] {
    [
        (Size::H, 12, u16::from_ne_bytes([8, 0]).into()),
        (Size::B, 23, 17),
        (Size::H, 36, u16::from_ne_bytes(PORT.to_be_bytes()).into()),
    ]
}

/// Datagrams matched and not, as the program counted them.
pub(crate) fn counts(loaded: &Loaded) -> (usize, usize) {
    let value = loaded.map(COUNTS).lookup(&[0; 4]).expect("look up").expect("an array has all its indexes");
    let word = |at: usize| u64::from_ne_bytes(value[at..at + 8].try_into().expect("eight bytes")) as usize;
    (word(0), word(8))
}

/// Payloads of many lengths; every third has the word, at every place in turn.
fn payloads() -> impl Iterator<Item = (Vec<u8>, bool)> {
    (0..3000usize).map(|n| {
        let mut payload: Vec<u8> = (0..n % 180).map(|at| b'a' + ((n * 7 + at) % 26) as u8).collect();
        let has_word = n % 3 == 0;
        if has_word {
            let place = (n / 3) % PLACES as usize;
            payload.resize(payload.len().max(place + 4), b'.');
            payload[place..place + 4].copy_from_slice(&WORD);
        }
        (payload, has_word)
    })
}

/// What was sent and what came where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) matching: usize,
    pub(crate) others: usize,
    /// Frames that a capture saw on the sender's and on the receiver's end.
    pub(crate) left: usize,
    pub(crate) right: usize,
    /// Datagrams that the receiver read, with and without the word.
    pub(crate) read_matching: usize,
    pub(crate) read_others: usize,
}

/// Sends all payloads over the pair and counts on both ends.
pub(crate) fn run_traffic(pair: &Pair, sender: &UdpSocket, receiver: &UdpSocket) -> Traffic {
    let mut captures = [Capture::start(&pair.left), Capture::start(&pair.right)];
    let mut traffic = Traffic { matching: 0, others: 0, left: 0, right: 0, read_matching: 0, read_others: 0 };
    for (index, (payload, has_word)) in payloads().enumerate() {
        send(sender, &payload);
        *(if has_word { &mut traffic.matching } else { &mut traffic.others }) += 1;
        if index % 16 == 0 {
            settle(receiver, &mut captures, &mut traffic, 0);
        }
    }
    settle(receiver, &mut captures, &mut traffic, 100);
    let [left, right] = captures;
    (traffic.left, traffic.right) = (left.end(), right.end());
    traffic
}

/// Sends one datagram. That a program on the way out drops it, the sender is told.
pub(crate) fn send(sender: &UdpSocket, payload: &[u8]) {
    if let Err(err) = sender.send(payload) {
        assert_eq!(err.raw_os_error(), Some(libc::ENOBUFS), "send: {err}");
    }
}

/// Takes in what has come; waits so many milliseconds for more.
fn settle(receiver: &UdpSocket, captures: &mut [Capture; 2], traffic: &mut Traffic, patience_ms: u16) {
    let mut bytes = [0; 2048];
    loop {
        captures.iter_mut().for_each(Capture::drain);
        match receiver.recv(&mut bytes) {
            Ok(len) => {
                let has_word = bytes[..len].windows(4).any(|window| window == WORD);
                *(if has_word { &mut traffic.read_matching } else { &mut traffic.read_others }) += 1;
            }
            Err(_) if readable(receiver, patience_ms) => {}
            Err(_) => return,
        }
    }
}

/// Whether something comes within this time.
fn readable(receiver: &UdpSocket, patience_ms: u16) -> bool {
    use nix::poll::{PollFd, PollFlags, poll};
    let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, patience_ms).expect("poll") > 0
}

/// Whether a datagram with the word arrives, tried until `wanted` is the answer, for five seconds at most.
pub(crate) fn word_arrives(sender: &UdpSocket, receiver: &UdpSocket, wanted: bool) -> bool {
    let mut arrived = !wanted;
    for _ in 0..50 {
        send(sender, &WORD);
        arrived = readable(receiver, 100);
        while receiver.recv(&mut [0; 16]).is_ok() {}
        if arrived == wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    arrived
}

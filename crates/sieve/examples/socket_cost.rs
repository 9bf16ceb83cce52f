//! What a condition in front of a UDP socket saves or costs: nanoseconds a datagram, sent, received and judged.
//!
//! `cargo xtask bench socket` builds and runs it (root). One thread sends batches over the loopback interface and reads
//! what comes, so that the kernel's share is in the time, whoever it is done for. Each figure is the least of many
//! rounds; both ways take turns. Both give the same verdicts, which is checked.

use kernscope_kit::compile::Content;
use kernscope_sieve::frequency::Filter;
use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::offload::{Offload, SocketSieve};
use kernscope_sieve::rules::RuleSet;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Bytes of datagrams.
const SIZES: [usize; 5] = [64, 256, 1024, 4096, 16384];
/// Of how many datagrams one matches.
const ONE_IN: [usize; 3] = [64, 4, 1];
const BATCH: usize = 64;
const ROUNDS: usize = 60;
/// Bytes that one batch of the longest needs, with what the kernel adds.
const BUFFER_BYTES: usize = 8 << 20;

/// Text without a secret, and one.
const TEXT: &str = include_str!("../../../docs/ARCHITECTURE.md");
const SECRET: &[u8] = b"-----BEGIN RSA PRIVATE KEY-----\n{\"k\":{\"v\":{\"w\":1}}}\nAKIAQ3EGUZ7TLMAK5OVB\n";

type Judge<'a> = Box<dyn FnMut(&[u8]) -> bool + 'a>;
type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let literal = memchr::memmem::Finder::new(b"BEGIN RSA PRIVATE KEY");
    let counts: Filter = "{>=3,:>=2;window=32".parse()?;
    let matcher = Matcher::new(RuleSet::builtin());
    let mut scratch = matcher.scratch();
    let rules = RuleSet::builtin().conditions().content();
    println!("ns a datagram: all read and judged, spared by the kernel; ratio");
    println!("{:<14}{:>7}{:>9}{:>10}{:>10}{:>8}", "condition", "bytes", "matches", "read", "kernel", "ratio");
    let found = |data: &[u8]| literal.find(data).is_some();
    measure("one literal", &Content::literal("BEGIN RSA PRIVATE KEY"), Box::new(found))?;
    measure("byte counts", &counts.content(), Box::new(|data| counts.is_match(data)))?;
    let found = |data: &[u8]| !matcher.find(data, &Place::default(), &mut scratch).is_empty();
    measure("built-in rules", &rules, Box::new(found))
}

/// All sizes and shares of one condition.
fn measure(name: &str, content: &Content, mut judge: Judge<'_>) -> Result<(), Error> {
    let (plain, spared) = (Line::open()?, Line::open()?);
    let sieve = match SocketSieve::attach(&spared.receiver, content) {
        Offload::Kernel(sieve) => sieve,
        Offload::None(why) => return Err(why.into()),
    };
    for size in SIZES {
        for one_in in ONE_IN {
            let batch: Vec<_> =
                (0..BATCH).map(|number| datagram(size, number, number % one_in == 0)).collect();
            let matches = batch.iter().filter(|data| judge(data)).count();
            let (mut read, mut kernel) = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                read = read.min(plain.round(&batch, matches, &mut judge)?);
                kernel = kernel.min(spared.round(&batch, matches, &mut judge)?);
            }
            let each = |time: Duration| time.as_nanos() as f64 / BATCH as f64;
            let (read, kernel) = (each(read), each(kernel));
            println!(
                "{name:<14}{size:>7}{:>9}{read:>10.0}{kernel:>10.0}{:>8.2}",
                format!("1/{one_in}"),
                read / kernel
            );
        }
    }
    let counts = sieve.counts()?;
    println!("{name}: {} passed, {} spared", counts.passed, counts.dropped);
    Ok(())
}

/// Text from somewhere, with the secret in its middle or not.
fn datagram(size: usize, number: usize, matches: bool) -> Vec<u8> {
    let text = TEXT.bytes().cycle().skip(number * 997 % TEXT.len());
    let mut data: Vec<u8> = text.take(size).collect();
    if matches {
        let middle = size.saturating_sub(SECRET.len()) / 2;
        data.splice(middle..size.min(middle + SECRET.len()), SECRET.iter().copied());
    }
    data
}

/// Two sockets.
struct Line {
    sender: UdpSocket,
    receiver: UdpSocket,
}

impl Line {
    fn open() -> Result<Self, Error> {
        let receiver = UdpSocket::bind("127.0.0.1:0")?;
        receiver.set_nonblocking(true)?;
        setsockopt(&receiver, sockopt::RcvBufForce, &BUFFER_BYTES)?;
        let sender = UdpSocket::bind("127.0.0.1:0")?;
        sender.connect(receiver.local_addr()?)?;
        Ok(Self { sender, receiver })
    }

    /// Time of a batch.
    fn round(&self, batch: &[Vec<u8>], matches: usize, judge: &mut Judge<'_>) -> Result<Duration, Error> {
        let mut buffer = [0; 1 << 16];
        let start = Instant::now();
        for data in batch {
            self.sender.send(data)?;
        }
        let mut found = 0;
        loop {
            match self.receiver.recv(&mut buffer) {
                Ok(length) => found += usize::from(judge(&buffer[..length])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let time = start.elapsed();
        if found != matches {
            return Err(format!("{found} of {matches} matches were read").into());
        }
        Ok(time)
    }
}

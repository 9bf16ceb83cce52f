//! What classic filters cost on a socket, as a Markdown table: as the kernel converts them, and as we translate them.
//!
//! A datagram of 60 bytes is sent to a UNIX socket whose filter drops it; the same with a filter that drops everything at
//! once is what sending costs. Rounds take turns; of each kind the fastest counts, less what sending costs.

use std::error::Error;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use kernscope_kit::attach::SocketFilter;
use kernscope_kit::compile::cbpf::{Classic, Target};
use kernscope_kit::load::Loaded;

/// Datagrams of a round.
const DATAGRAMS: u32 = 200_000;
/// Rounds, of which the fastest counts.
const ROUNDS: usize = 21;

/// Expressions of the tests, none of which the datagram meets, though it gets far.
const EXPRESSIONS: [&str; 4] = [
    "port 53",
    "udp[8:4] = 0x01020304",
    "ip[2:2] * 3 + 7 > 1000",
    "host 192.168.1.1 or host 192.168.1.2 or host 192.168.1.3 or net 172.16.0.0/12",
];

/// What `tcpdump -ddd` printed for them.
const PROGRAMS: &str = include_str!("../tests/cbpf/tcpdump.txt");

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "| classic filter | classic | ours | kernel's, ns | ours, ns |\n| --- | ---: | ---: | ---: | ---: |"
    );
    let nothing: Classic = Classic::parse("1\n6 0 0 0\n")?;
    for expression in EXPRESSIONS {
        let block = PROGRAMS.split("# ").find(|block| block.lines().next() == Some(expression));
        let (_, program) = block.and_then(|block| block.split_once('\n')).ok_or("no such fixture")?;
        let classic = Classic::parse(program)?;
        let ours = classic.translate(Target::Socket)?;
        let loaded = Loaded::load(&ours)?;
        let mut best = [f64::INFINITY; 3];
        for _ in 0..ROUNDS {
            let times = [
                round(|socket| Ok(nothing.attach(socket.as_fd())?))?,
                round(|socket| Ok(classic.attach(socket.as_fd())?))?,
                round(|socket| {
                    SocketFilter::attach(socket, &loaded)?.keep();
                    Ok(())
                })?,
            ];
            best = std::array::from_fn(|at| best[at].min(times[at]));
        }
        println!(
            "| `{expression}` | {} | {} | {:.1} | {:.1} |",
            classic.insns().len(),
            ours.insns.len(),
            best[1] - best[0],
            best[2] - best[0]
        );
    }
    Ok(())
}

/// Nanoseconds a datagram that the filter looks at, with the filter that `attach` puts on the socket.
fn round(attach: impl Fn(&UnixDatagram) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let (from, to) = UnixDatagram::pair()?;
    attach(&to)?;
    // UDP over IPv4 to port 54.
    let mut frame = [0; 60];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..34].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 7, 10, 0, 1, 2]);
    frame[34..42].copy_from_slice(&[3, 232, 0, 54, 0, 26, 0, 0]);
    let started = Instant::now();
    for _ in 0..DATAGRAMS {
        from.send(&frame)?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(DATAGRAMS))
}

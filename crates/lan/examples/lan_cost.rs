//! What the programs of lan cost a frame: nanoseconds of a test run, its own cost included, which the first row tells.
//!
//! Times are the least of several runs, since what else the machine does only adds.

use kernscope_kit::asm::{Alu, Insn, Reg};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::program::{Program, ProgramType};
use kernscope_kit::ring::Ring;
use kernscope_lan::live;
use std::error::Error;

const ROUNDS: u32 = 1_000_000;
/// Frames that fit into the ring.
const HANDED_ROUNDS: u32 = 4_000;
const RUNS: usize = 15;
/// More than fit into the ring.
const BATCH: usize = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    println!("| frame | XDP | tc |\n| --- | --- | --- |");
    let [(_, plain, _), ..] = frames();
    row("(a program that only returns)", |kind| {
        let loaded = Loaded::load(&returning(kind))?;
        least(|| time(&loaded, &plain, ROUNDS))
    })?;
    for (what, frame, is_handed) in frames() {
        row(what, |kind| if is_handed { handed(kind, &frame) } else { counted(kind, &frame) })?;
    }
    Ok(())
}

fn row(what: &str, of: impl Fn(ProgramType) -> Result<u32, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    println!("| {what} | {} ns | {} ns |", of(ProgramType::Xdp)?, of(ProgramType::SchedCls)?);
    Ok(())
}

/// A frame that stays in the kernel, but for the first like it on each CPU.
fn counted(kind: ProgramType, frame: &[u8]) -> Result<u32, Box<dyn Error>> {
    let loaded = live::load(kind)?;
    let ns = least(|| time(&loaded, frame, ROUNDS))?;
    let (cpus, came) = (std::thread::available_parallelism()?.get(), drain(&loaded)?);
    if came <= cpus { Ok(ns) } else { Err(format!("{came} were handed over").into()) }
}

/// A frame that is handed to the reader, each time.
fn handed(kind: ProgramType, frame: &[u8]) -> Result<u32, Box<dyn Error>> {
    let loaded = live::load(kind)?;
    least(|| {
        let ns = time(&loaded, frame, HANDED_ROUNDS)?;
        let came = drain(&loaded)?;
        if came == HANDED_ROUNDS as usize { Ok(ns) } else { Err(format!("{came} came").into()) }
    })
}

/// Takes what was handed over; how many those are.
fn drain(loaded: &Loaded) -> Result<usize, Box<dyn Error>> {
    let frames = loaded.maps().iter().find(|map| map.name() == "lan_frames").ok_or("there is no ring")?;
    Ok(Ring::of(frames)?.drain(BATCH, &mut |_| ()))
}

/// A program that does nothing.
fn returning(program_type: ProgramType) -> Program {
    let insns = vec![Insn::alu64(Alu::Mov, Reg::R0, 2), Insn::EXIT];
    Program { name: "nothing".into(), program_type, insns, maps: Vec::new(), functions: Vec::new() }
}

/// Frames, and whether each is handed to the reader.
fn frames() -> [(&'static str, Vec<u8>, bool); 7] {
    let tcp = |payload: &[u8]| packet(6, &[&TCP, payload].concat());
    let greeting = |length: usize| tcp(&[&[0x16, 3, 1], &vec![0; length][..]].concat());
    let mut piece = packet(17, &[0; 1480]);
    piece[20..22].copy_from_slice(&[0x20, 0xb9]);
    [
        ("of no interest: no IP, nothing that is read", ethernet(0x88b5, &[0; 46]), false),
        ("counted: TCP without payload", tcp(&[]), false),
        ("counted: TCP, 900 bytes", tcp(&[0x17; 900]), false),
        ("counted: ICMP echo", packet(1, &[&[8, 0, 0, 0, 0, 1, 0, 1][..], &[0; 56]].concat()), false),
        ("counted: a piece of a packet, 1,514 bytes", piece, false),
        ("handed over: a greeting of TLS, 300 bytes", greeting(300), true),
        ("handed over: a greeting of 1,400 bytes", greeting(1400), true),
    ]
}

/// A header of TCP, from port 40,000 to 443.
const TCP: [u8; 20] = [0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0];

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 0, 0x17, 0x88, 1, 2, 3][..], &kind.to_be_bytes(), payload].concat()
}

fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let head =
        [0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 168, 0, 7, 192, 168, 0, 1];
    ethernet(0x0800, &[&head[..], payload].concat())
}

/// Nanoseconds a run, by the kernel's clock: one around the call would count that XDP waits for other CPUs at the end.
fn time(loaded: &Loaded, frame: &[u8], rounds: u32) -> Result<u32, Box<dyn Error>> {
    Ok(loaded.test_run(&TestRun { data: frame, repeat: rounds, ..TestRun::default() })?.duration_ns)
}

/// The least of several runs, with what is done after each.
fn least(mut run: impl FnMut() -> Result<u32, Box<dyn Error>>) -> Result<u32, Box<dyn Error>> {
    (0..RUNS).try_fold(u32::MAX, |least, _| Ok(least.min(run()?)))
}

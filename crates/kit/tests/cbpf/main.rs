//! Classic programs: what tcpdump writes, and random ones, in the kernel as they are, translated for each kind of
//! program, and in plain Rust. All must agree on every packet. The language for headers is held against tcpdump's here
//! too.
//!
//! `tcpdump.txt` holds what `tcpdump -ddd` printed for each expression: with `-r` of an empty Ethernet capture, and,
//! where the comment says so, on an interface, which brings ancillary data in.

mod conversion;
#[path = "../../examples/filters/frames.rs"]
mod frames;
#[path = "../../examples/filters/classic.rs"]
mod generate;
mod kernel;
mod pcap;
#[path = "../../examples/filters/random.rs"]
#[expect(dead_code, reason = "some of it is for the other generators")]
mod random;

use kernel::{ACTIONS, Engines, METADATA, privileged};
use kernscope_kit::compile::packet::{Expr, Frame};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use kernscope_kit::compile::cbpf::{Classic, Insn, Packet, Target, op};

/// Every expression and its program.
fn fixtures() -> Vec<(String, Classic)> {
    let text = include_str!("tcpdump.txt");
    text.split("# ")
        .filter(|block| !block.is_empty())
        .map(|block| {
            let (expression, program) = block.split_once('\n').expect("a program follows its expression");
            (expression.to_owned(), Classic::parse(program).expect(expression))
        })
        .collect()
}

/// What must be true of one program: every engine gives what the oracle gives.
fn agree(what: &str, program: &Classic, packets: &[Vec<u8>]) {
    let engines = Engines::load(what, program);
    for bytes in packets {
        let packet = Packet { metadata: METADATA, ..Packet::new(bytes) };
        let expected = program.run(&packet);
        for (engine, got, wanted) in engines.run(bytes, expected) {
            assert_eq!(got, wanted, "{what}: {engine} on {}\n{program}", hex(bytes));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn fixtures_are_read_and_printed_back() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 65, "{} fixtures", fixtures.len());
    for (expression, program) in fixtures {
        assert_eq!(Classic::parse(&program.to_string()).expect("printed"), program, "{expression}");
        for target in [Target::Socket, Target::Tc(ACTIONS), Target::Xdp(ACTIONS), Target::Vm] {
            let translated = program.translate(target);
            let metadata = expression.starts_with("-i lo");
            assert!(translated.is_ok() || metadata, "{expression}: {target:?}: {translated:?}");
        }
    }
}

/// The checks take what the kernel takes, and nothing else: all codes, and random programs that are mostly wrong.
#[test]
fn checks_are_the_kernels() {
    let (_, socket) = UnixDatagram::pair().expect("a pair of sockets");
    let mut random = random::Random::new(3);
    let ret = Insn::stmt(op::RET | op::K, 1);
    let each_code = (0..0x200).map(|code| Classic::new(vec![Insn::stmt(code, 0), ret]));
    let wild = (0..5000).map(|_| generate::unchecked(&mut random));
    let (mut taken, mut refused) = (0, 0);
    for program in each_code.chain(wild) {
        let kernel = program.attach(socket.as_fd());
        let ours = program.check();
        assert_eq!(ours.is_ok(), kernel.is_ok(), "{ours:?}, the kernel says {kernel:?}\n{program}");
        *if ours.is_ok() { &mut taken } else { &mut refused } += 1;
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

#[test]
fn fixtures_agree_on_captures() {
    if !privileged() {
        return;
    }
    let mut packets = pcap::ethernet_packets(3000);
    packets.extend(generate::packets(&mut random::Random::new(1), 500));
    for (expression, program) in fixtures() {
        agree(&expression, &program, &packets);
    }
}

#[test]
fn random_programs_agree() {
    if !privileged() {
        return;
    }
    let mut random = random::Random::new(2);
    for round in 0..400 {
        let program = generate::program(&mut random);
        let packets = generate::packets(&mut random, 60);
        agree(&format!("random program {round}"), &program, &packets);
    }
}

#[test]
fn a_long_program_of_far_jumps_loads() {
    if !privileged() {
        return;
    }
    let mut insns = vec![Insn::stmt(op::LDX | op::IMM, 2)];
    while insns.len() < op::MAXINSNS - 1 {
        insns.push(Insn::stmt(op::LD | op::IND | op::H, insns.len() as u32 % 40));
    }
    insns.push(Insn::stmt(op::RET | op::A, 0));
    let packets = [vec![1; 60], vec![1; 43], vec![1; 42]];
    agree("4096 indirect loads", &Classic::new(insns), &packets);
}

/// Frames on which tcpdump's words and ours mean the same: long enough for every header, without tags (which ours look
/// through and tcpdump's do not), IPv6 extension headers (likewise) and damaged IPv4 headers.
fn is_plain(frame: &[u8]) -> bool {
    const EXTENSIONS: [u8; 8] = [0, 43, 44, 51, 60, 135, 139, 140];
    frame.len() >= 100
        && match [frame[12], frame[13]] {
            [0x81, 0x00] | [0x88, 0xa8] | [0x91, 0x00] | [0x80, 0x35] => false,
            [0x08, 0x00] => frame[14] & 15 >= 5,
            [0x86, 0xdd] => !EXTENSIONS.contains(&frame[20]),
            _ => true,
        }
}

/// What our language reads of tcpdump's expressions holds for the packets that tcpdump's program keeps.
#[test]
fn words_mean_what_tcpdumps_do() {
    let mut frames = pcap::ethernet_packets(3000);
    let mut random = random::Random::new(4);
    frames.extend((0..20_000).map(|_| frames::frame(&mut random, &[7; 80])));
    frames.retain(|frame| is_plain(frame));
    let (mut read, mut held, mut failed) = (0, 0, 0);
    for (expression, program) in fixtures() {
        let Ok(expr) = expression.parse::<Expr>() else { continue };
        read += 1;
        // tcpdump looks into TCP and UDP of IPv4 only.
        let v4_only = expression.contains("tcp[") || expression.contains("udp[");
        for frame in frames.iter().filter(|frame| !(v4_only && frame[12..14] == [0x86, 0xdd])) {
            let kept = program.run(&Packet::new(frame)) != 0;
            assert_eq!(Frame::new(frame).matches(&expr), kept, "{expression} on {}", hex(frame));
            *if kept { &mut held } else { &mut failed } += 1;
        }
    }
    assert!(read >= 40 && held > 10_000 && failed > 10_000, "{read} read, {held} held, {failed} failed");
}

/// The translation is at most a tenth longer than the kernel's own conversion, as measured in the kernel.
#[test]
fn translations_are_no_longer_than_the_kernels() {
    if !privileged() {
        return;
    }
    let Some(kernel) = conversion::Lengths::new() else { return };
    for (expression, program) in fixtures() {
        let theirs = kernel.of(&program);
        assert!(theirs > program.insns().len(), "{expression}: {theirs} instructions, as the kernel has it");
        for target in [Target::Socket, Target::Tc(ACTIONS), Target::Xdp(ACTIONS), Target::Vm] {
            let Ok(translated) = program.translate(target) else { continue };
            let ours = translated.insns.len();
            println!("{ours:4} {theirs:4} {:4} {target:?} {expression}", program.insns().len());
            assert!(ours * 10 <= theirs * 11, "{expression}: {target:?}: {ours} against {theirs}");
        }
    }
}

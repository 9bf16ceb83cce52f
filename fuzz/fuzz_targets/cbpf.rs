//! Classic BPF from any text, and from any bytes: a count, so many instructions, and a packet. What passes the checks
//! must do in the virtual machine what it does in plain Rust, translated for whatever kind of program takes it.

#![no_main]

use kernscope_kit::compile::cbpf::{Actions, Classic, Insn, Packet, Target};
use kernscope_kit::vm::{Input, Vm};
use libfuzzer_sys::fuzz_target;

const ACTIONS: Actions = Actions { accept: 2, reject: 1 };

/// What the machine says of the link-layer header.
const BEFORE: &str = "a load before the bytes that the socket sees";

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        match Classic::parse(text) {
            Ok(program) => assert_eq!(Classic::parse(&program.to_string()).as_ref(), Ok(&program)),
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
        }
    }
    let Some((&count, rest)) = data.split_first() else { return };
    let (insns, packet) = rest.split_at(rest.len().min(8 * usize::from(count)));
    let program = Classic::new(insns.as_chunks::<8>().0.iter().map(insn).collect());
    if program.check().is_err() {
        return;
    }
    let right = program.run(&Packet::new(packet));
    // The machine's socket sees a packet from its network header on.
    let on_socket = program.run(&Packet { network: Some(0), ..Packet::new(packet) });
    let verdict = if right == 0 { ACTIONS.reject } else { ACTIONS.accept } as u32;
    for (target, right) in [
        (Target::Vm, right),
        (Target::Socket, on_socket),
        (Target::Tc(ACTIONS), verdict),
        (Target::Xdp(ACTIONS), verdict),
    ] {
        // Ancillary data differs by kind of program, and is nothing that plain Rust knows of a packet.
        if program.insns().iter().any(|insn| insn.ancillary().is_some_and(|what| what as u32 != 40)) {
            return;
        }
        let Ok(translated) = program.translate(target) else { continue };
        let mut bytes = packet.to_vec();
        let input = match target {
            Target::Vm => Input::Memory(&mut bytes),
            Target::Xdp(_) => Input::Xdp(&mut bytes),
            _ => Input::Skb(&mut bytes),
        };
        match Vm::new(&translated).expect("a machine").run(input) {
            Ok(returned) => assert_eq!(returned as u32, right, "{target:?}\n{program}"),
            // X plus an offset may point at the link-layer header, which is nowhere in what the machine's socket sees.
            Err(error) => {
                assert!(target == Target::Socket && error.to_string().contains(BEFORE), "{error}\n{program}")
            }
        }
    }
});

fn insn(bytes: &[u8; 8]) -> Insn {
    let [a, b, jt, jf, k @ ..] = *bytes;
    Insn { code: u16::from_le_bytes([a, b]), jt, jf, k: u32::from_le_bytes(k) }
}

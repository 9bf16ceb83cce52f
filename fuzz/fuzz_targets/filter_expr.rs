//! Any text as a condition on packets, and any bytes behind its first zero byte as a packet: an error of one line, or a
//! condition that is read back as it is printed, and that holds in the virtual machine where it holds in plain Rust.

#![no_main]

use kernscope_kit::compile::packet::Frame;
use kernscope_kit::compile::{Action, Filter, Host, LoopShape, Options, Target, compile};
use kernscope_kit::vm::{Input, Vm};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..split]) else { return };
    let mut frame = data.get(split + 1..).unwrap_or_default().to_vec();
    let filter: Filter = match text.parse() {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            return;
        }
    };
    let Some(expr) = filter.packet else { return };
    let printed = expr.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(&expr), "{printed}");
    let right = Frame::new(&frame).matches(&expr);
    let filter = Filter::packet(expr);
    for target in [Target::Vm, Target::Xdp, Target::Tc, Target::Socket] {
        let options = Options { cpus: 1, ..Options::new(target, Host::new(LoopShape::Bounded)) };
        // What is too long for one program is refused.
        let Ok(compiled) = compile(&filter, &options) else { continue };
        let mut vm = Vm::new(&compiled.program).expect("a machine");
        let input = match target {
            Target::Xdp => Input::Xdp(&mut frame),
            Target::Tc | Target::Socket => Input::Skb(&mut frame),
            _ => Input::Memory(&mut frame),
        };
        let returned = vm.run(input).expect("runs");
        assert_eq!(target.is_match(returned as u32, Action::Drop), right, "{target:?}: {printed}");
    }
});

//! Any text as a condition, and any bytes behind its first zero byte as a packet: an error of one line, or a condition that
//! holds in the virtual machine where it holds in plain Rust.
//!
//! A text that begins with `#` is byte counts, with `/` a regular expression, with `=` literals, a line each, with `~` the
//! same in any case; any other text is a condition on packets, which must also be read back as it is printed.

#![no_main]

use std::sync::Arc;

use kernscope_kit::compile::packet::{Frame, ParseError};
use kernscope_kit::compile::{
    Action, Content, Filter, Host, LoopShape, Options, Regex, Target, compile, oracle, parse_thresholds,
};
use kernscope_kit::vm::{Input, Vm};
use libfuzzer_sys::fuzz_target;

/// Longest text, bytes: what a regular expression costs grows with what it says.
const LONGEST_TEXT: usize = 300;

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..split]) else { return };
    if text.len() > LONGEST_TEXT {
        return;
    }
    let mut frame = data.get(split + 1..).unwrap_or_default().to_vec();
    let filter = match read(text) {
        Ok(filter) => filter,
        Err(error) => return assert_eq!(error.lines().count(), 1, "{error}"),
    };
    if let Some(expr) = &filter.packet {
        let printed = expr.to_string();
        assert_eq!(printed.parse().as_ref(), Ok(expr), "{printed}");
    }
    let shapes = [LoopShape::Bounded, LoopShape::MayGoto];
    let shape = shapes[data.len() % 2];
    for target in [Target::Vm, Target::Xdp, Target::Tc, Target::Socket] {
        judge(&filter, &mut frame, target, shape);
    }
});

/// What the text asks for.
fn read(text: &str) -> Result<Filter, String> {
    let content = match text.as_bytes().first() {
        Some(b'#') => parse_thresholds(&text[1..]).map_err(|error| error.to_string())?,
        Some(b'/') => match Regex::new(&text[1..]) {
            Ok(regex) => Content::Regex(Arc::new(regex)),
            // The error of the parser draws the expression, on several lines.
            Err(_) => return Err("an expression".into()),
        },
        Some(mark @ (b'=' | b'~')) => Content::Literals {
            list: text[1..].lines().map(|line| line.as_bytes().to_vec()).collect(),
            fold: *mark == b'~',
        },
        _ => return text.parse().map_err(|error: ParseError| error.to_string()),
    };
    Ok(Filter::content(content))
}

/// The virtual machine against plain Rust.
fn judge(filter: &Filter, frame: &mut [u8], target: Target, shape: LoopShape) {
    let options = Options { cpus: 1, ..Options::new(target, Host::new(shape)) };
    // What is too long for one program is refused.
    let Ok(compiled) = compile(filter, &options) else { return };
    let headers = filter.packet.as_ref().is_none_or(|expr| Frame::new(frame).matches(expr));
    let seen = frame.len() <= compiled.limit_bytes() as usize;
    let holds = |content| !seen || oracle::matches(content, frame);
    let right = headers && filter.content.as_ref().is_none_or(holds);
    let mut vm = Vm::new(&compiled.program).expect("a machine");
    let input = match target {
        Target::Xdp => Input::Xdp(frame),
        Target::Tc | Target::Socket => Input::Skb(frame),
        _ => Input::Memory(frame),
    };
    let returned = vm.run(input).expect("runs");
    let said = target.is_match(returned as u32, Action::Drop);
    // What is wider than what was asked for may say too much, never too little.
    assert!(
        said == right || (said && headers && !compiled.exact()),
        "{target:?}, {shape:?}: {said}: {filter:?}"
    );
}

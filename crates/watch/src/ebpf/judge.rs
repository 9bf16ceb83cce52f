//! Data that calls move, judged in the kernel by a program made from rules.

use super::attach::{Attached, brief};
use kernscope_abi::layout::{Counters, HOOK_SYS_EXIT, exit_call, window};
use kernscope_kit::compile::{self, Compiled, Content, Filter, Host, Target};
use kernscope_kit::load::{LoadError, Loaded, Object, Place};

/// What is never judged, whatever the kernel.
const NOT_JUDGED: &str =
    "not judged: sendfile, splice, mapped files, io_uring, sendmmsg, recvmmsg, vectors of 32-bit programs";

/// Handlers around the generated program.
const HANDLERS: [(u32, &str); 2] = [(exit_call::CONTENT, "exit_content"), (exit_call::JUDGED, "exit_judged")];

/// Compiles what is sought for the running kernel.
///
/// # Errors
/// A condition that is too large, in one line.
pub(super) fn compile(content: &Content) -> Result<Compiled, String> {
    let options = compile::Options {
        onward: Some(exit_call::JUDGED),
        ..compile::Options::new(Target::Buffer, Host::running())
    };
    compile::compile(&Filter::content(content.clone()), &options).map_err(|error| error.to_string())
}

/// Bytes that a program judges at once.
pub(super) fn piece_bytes(judge: &Compiled) -> u32 {
    judge.limit_bytes().min(window::MAX_BYTES)
}

/// Puts the program into its place among the others. `load` loads one of theirs. Without it data is moved unseen, which
/// the hook says.
pub(super) fn attach(
    object: &mut Object,
    judge: Result<&Compiled, &String>,
    tracepoint: Option<u32>,
    load: &mut dyn FnMut(&mut Object, &str) -> Result<(), LoadError>,
) -> (Option<Loaded>, Attached) {
    let blind = |why: String| (None, Attached { name: "content", tier: "none", fired: &[], why });
    let judge = match judge {
        Ok(judge) => judge,
        Err(why) => return blind(why.clone()),
    };
    let place = Place { window: "WINDOW", calls: "EXIT_CALLS", index: exit_call::JUDGE, tracepoint };
    let loaded = object.add_judge(judge, &place).and_then(|loaded| {
        for (index, name) in HANDLERS {
            load(object, name)?;
            object.set_tail_call("EXIT_CALLS", index, name)?;
        }
        Ok(loaded)
    });
    match loaded {
        Ok(loaded) => {
            let tier = if tracepoint.is_some() { "tp_btf" } else { "tracepoint" };
            (
                Some(loaded),
                Attached { name: "content", tier, fired: &[HOOK_SYS_EXIT], why: NOT_JUDGED.into() },
            )
        }
        Err(error) => blind(format!("{} {}: {}", error.act, error.object, brief(&error.cause))),
    }
}

/// What was judged, for the coverage statement.
pub(super) fn told(counters: &[Counters]) -> String {
    let sum = |field: fn(&Counters) -> u64| counters.iter().map(field).sum::<u64>();
    format!("{} pieces, {} bytes judged; {NOT_JUDGED}", sum(|cpu| cpu.judged), sum(|cpu| cpu.judged_bytes))
}

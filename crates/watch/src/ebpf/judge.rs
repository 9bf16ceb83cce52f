//! Data that calls move, judged in the kernel by a program made from rules.

use super::attach::{Attached, brief};
use kernscope_abi::layout::{Counters, HOOK_SYS_EXIT, LOST_CONTENT, UNJUDGED_NAMES, exit_call, window};
use kernscope_kit::compile::{self, Compiled, Content, Filter, Host, Target, online_cpus};
use kernscope_kit::load::{LoadError, Loaded, Object, Place};

/// Handlers around the generated program.
const HANDLERS: [(u32, &str); 2] = [(exit_call::CONTENT, "exit_content"), (exit_call::JUDGED, "exit_judged")];

/// Compiles what is sought for the running kernel.
///
/// # Errors
/// A condition that is too large, in one line.
pub(super) fn compile(content: &Content) -> Result<Compiled, String> {
    let options = compile::Options {
        onward: Some(exit_call::JUDGED),
        cpus: online_cpus(),
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
            (Some(loaded), Attached { name: "content", tier, fired: &[HOOK_SYS_EXIT], why: String::new() })
        }
        Err(error) => blind(format!("{} {}: {}", error.act, error.object, brief(&error.cause))),
    }
}

/// What was judged and what was not, for the coverage statement; and whether that was all.
pub(super) fn told(counters: &[Counters]) -> (bool, String) {
    let sum = |field: &dyn Fn(&Counters) -> u64| counters.iter().map(field).sum::<u64>();
    let judged = format!("{} pieces, {} bytes judged", sum(&|cpu| cpu.judged), sum(&|cpu| cpu.judged_bytes));
    let calls = |what: usize| sum(&|cpu| cpu.unjudged[what]);
    let mut missed: Vec<String> = (UNJUDGED_NAMES.iter().enumerate())
        .map(|(what, name)| (calls(what), name))
        .filter(|(calls, _)| *calls > 0)
        .map(|(calls, name)| format!("{calls} {name}"))
        .collect();
    let unread = sum(&|cpu| cpu.lost[LOST_CONTENT]);
    if unread > 0 {
        missed.push(format!("{unread} calls that could not be read (content_unread in the ledger)"));
    }
    match missed.is_empty() {
        true => (true, judged),
        false => (false, format!("{judged}; not judged: {}", missed.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_abi::layout::{UNJUDGED_COPIED, UNJUDGED_URING};

    #[test]
    fn what_was_not_judged_is_told_of_the_calls_that_were_made() {
        let counters = |unjudged| Counters { judged: 2, judged_bytes: 10, unjudged, ..Counters::default() };
        let (whole, why) = told(&[counters([0; 3]), counters([0; 3])]);
        assert_eq!((whole, why.as_str()), (true, "4 pieces, 20 bytes judged"));
        let mut unjudged = [0; 3];
        (unjudged[UNJUDGED_COPIED], unjudged[UNJUDGED_URING]) = (3, 1);
        let (whole, why) = told(&[counters(unjudged), counters([0; 3])]);
        assert!(!whole && why.contains("3 copies") && why.contains("1 io_uring") && !why.contains("mapped"));
    }
}

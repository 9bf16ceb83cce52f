//! `kernscope completions SHELL`.

use crate::args::{CompletionsArgs, command};
use crate::failure::Outcome;
use crate::stream::print;

pub(crate) fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "kernscope", &mut script);
    print(&script)
}

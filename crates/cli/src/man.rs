//! `kernscope man [COMMAND...]`.

use crate::args::{ManArgs, command};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::print;

pub(crate) fn run(args: &ManArgs) -> Outcome {
    let mut whole = command();
    // Fills in the full names of the subcommands.
    whole.build();
    let mut page = &whole;
    for name in &args.command {
        page = page.find_subcommand(name).ok_or_else(|| no_such(page, name))?;
    }
    let title = page.get_display_name().unwrap_or("kernscope").replace(' ', "-");
    let mut roff = Vec::new();
    clap_mangen::Man::new(page.clone())
        .title(title)
        .render(&mut roff)
        .map_err(|cause| Failure::with_status(BROKEN, format_args!("make man page: {cause}")))?;
    print(&roff)
}

fn no_such(above: &clap::Command, name: &str) -> Failure {
    let names: Vec<_> = above.get_subcommands().map(clap::Command::get_name).collect();
    match names.is_empty() {
        true => Failure::usage(format_args!("man {name}: {} has no commands", above.get_name())),
        false => Failure::usage(format_args!("man {name}: no such command; use one of {}", names.join(", "))),
    }
}

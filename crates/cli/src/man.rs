//! `kernscope man [COMMAND]`.

use crate::args::{ManArgs, command};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::print;

pub(crate) fn run(args: &ManArgs) -> Outcome {
    let mut whole = command();
    // Fills in the full names of the subcommands.
    whole.build();
    let page = match &args.command {
        None => whole,
        Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| {
            let names: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
            Failure::usage(format_args!("man {name}: no such command; use one of {}", names.join(", ")))
        })?,
    };
    let title = page.get_display_name().unwrap_or("kernscope").replace(' ', "-");
    let mut roff = Vec::new();
    clap_mangen::Man::new(page)
        .title(title)
        .render(&mut roff)
        .map_err(|cause| Failure::with_status(BROKEN, format_args!("make man page: {cause}")))?;
    print(&roff)
}

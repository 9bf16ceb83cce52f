//! Records of a command by callbacks: `callbacks COMMAND ARG...` tells the files that are opened for writing and the alerts, with the
//! built-in rules in force, and how the account came out.

use kernscope_report::{Body, OpenMode};
use kernscope_sieve::rules::RuleSet;
use kernscope_watch::monitor::Monitor;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let argv: Vec<_> = std::env::args_os().skip(1).collect();
    if argv.is_empty() {
        return Err("run: no command; use `callbacks COMMAND ARG...`".into());
    }
    let ledger = Monitor::command(argv)
        .rules(RuleSet::builtin())
        .on("file_open", |record| match &record.body {
            Body::FileOpen { path, mode, ret: 0.., .. } if *mode != OpenMode::Read => {
                println!("opened to write: {}", path.path.as_deref().unwrap_or("?"));
            }
            _ => {}
        })
        .on("alert", |record| {
            if let Body::Alert(alert) = &record.body {
                println!("alert: {}", alert.message);
            }
        })
        .run()?;
    println!("{} events, closes: {}", ledger.seen, ledger.closes);
    Ok(())
}

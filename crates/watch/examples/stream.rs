//! Records of a command as an asynchronous stream: `stream COMMAND ARG...` says what it executes, asks name servers for and
//! connects to, and how the account came out.
//!
//! Any executor will do; here it is tokio's.

use kernscope_report::Body;
use kernscope_watch::monitor::Monitor;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let argv: Vec<_> = std::env::args_os().skip(1).collect();
    if argv.is_empty() {
        return Err("run: no command; use `stream COMMAND ARG...`".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut events = Monitor::command(argv).stream()?;
        while let Some(record) = events.next().await {
            let name = record.proc.as_ref().map_or_else(String::new, |proc| proc.comm.to_string());
            match record.body {
                Body::ProcessExec { argv, .. } => println!("{name} executes {}", argv.join(" ")),
                Body::Dns(dns) if dns.rcode.is_none() => println!("{name} asks for {}", dns.query),
                Body::NetConnect(call) => {
                    println!("{name} connects to {}", call.name.or(call.remote).unwrap_or_default());
                }
                Body::Ledger(ledger) => println!("{} events, closes: {}", ledger.seen, ledger.closes),
                _ => {}
            }
        }
        Ok(())
    })
}

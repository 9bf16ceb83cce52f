//! Loads the eBPF back end with the built-in rules, with TLS libraries followed and policies enforced, watches one command with it, and prints
//! what the verifier did with each program (`program NAME INSTRUCTIONS`; before 6.6 those for TLS are among them) and what
//! came of each hook (`hook NAME TIER STATE WHY`).
//!
//! `cargo xtask vm` runs it on every kernel and holds the counts against docs/verifier.json.

use std::error::Error;
use std::time::{Duration, Instant};

use kernscope_sieve::rules::RuleSet;
use kernscope_watch::backend::{Backend, Progress, Target};
use kernscope_watch::ebpf::{Ebpf, Options, Policy};

/// The command runs for far less than this.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let content = RuleSet::builtin().conditions().content();
    let options = Options {
        content: Some(content),
        tls: true,
        stdio: true,
        policy: Policy::Enforce,
        hosts: true,
        ..Options::default()
    };
    let mut backend = Ebpf::new(&Target::Command(vec!["true".into()]), &options)?;
    backend.load_tls();
    for (program, instructions) in backend.verified_instructions() {
        println!("program {program} {instructions}");
    }
    let deadline = Instant::now() + LIMIT;
    while backend.poll(Duration::from_millis(100), &mut |_| {})? == Progress::Running {
        if Instant::now() > deadline {
            return Err("watch `true`: it has not ended after 60 s".into());
        }
    }
    backend.detach();
    for hook in backend.coverage().hooks {
        println!("hook {} {} {:?} {}", hook.name, hook.tier, hook.state, hook.why);
    }
    Ok(())
}

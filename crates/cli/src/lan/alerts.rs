//! `lan alerts`: what was wrong, and what users say of it.

use super::AlertsArgs;
use super::database::{failed, open};
use super::tell::Teller;
use crate::failure::{Failure, Outcome};
use kernscope_lan::anomaly::summary;
use kernscope_lan::store::{KeptAlert, KnownNetwork, Said, Store};
use kernscope_report::Coverage;
use std::process::ExitCode;

pub(super) fn alerts(args: &AlertsArgs) -> Outcome {
    let mut store = open(args.db.as_deref())?;
    let said = [(&args.acknowledge, Said::Acknowledged), (&args.mute, Said::Muted), (&args.open, Said::Open)];
    for (ids, said) in said {
        ids.iter().try_for_each(|id| say(&mut store, id, said))?;
    }
    if !args.is_list() {
        return Ok(ExitCode::SUCCESS);
    }
    let all = store.alerts().map_err(failed)?;
    let (told, hidden): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|kept| args.all || !(kept.muted || kept.alert.acknowledged));
    let mut teller = Teller::new(args.format);
    told.into_iter().for_each(|KeptAlert { alert, .. }| teller.kept_alert(alert));
    let networks: String = store.networks().map_err(failed)?.iter().map(known).collect();
    let hidden = match hidden.len() {
        0 => String::new(),
        count => format!("; {count} are acknowledged or muted (--all)"),
    };
    let coverage = Coverage {
        backend: "database".to_owned(),
        why: format!(
            "what was written to {} is told, nothing is looked at now{hidden}{networks}",
            store.path().display()
        ),
        ..Coverage::default()
    };
    teller.end(coverage).map_or(Ok(ExitCode::SUCCESS), Err)
}

/// What is known of a network, behind what else is said.
fn known(network: &KnownNetwork) -> String {
    // How long it is to be learnt is a matter of the run.
    let told = summary(&network.rows, 0);
    format!("; network {}: {}", network.name, told.split("; ").next().unwrap_or_default())
}

fn say(store: &mut Store, id: &str, said: Said) -> Result<(), Failure> {
    if store.say_of_alert(id, said).map_err(failed)? {
        return Ok(());
    }
    let path = store.path().display();
    Err(Failure::usage(format_args!("alert {id}: not in {path}; see kernscope lan alerts --all")))
}

//! A loop of open and close, and nothing else: the worst case for a monitor of files.

use anyhow::{Context, Result};

use super::watcher::Watcher;
use super::{Bench, median};

/// What one watcher gave, round by round.
pub(super) struct Series {
    watcher: Watcher,
    values: Vec<f64>,
}

/// The table.
pub(super) fn table(bench: &Bench<'_>, iterations: u64) -> Result<String> {
    let title = format!("## A loop of {iterations} opens and closes");
    rounds(bench, &title, "ns an iteration", |watcher| {
        let count = (iterations / watcher.divisor()).max(1000);
        let argv = [bench.programs.path("openclose"), count.to_string()];
        let said = watcher.run(bench.kernscope, &[&argv[0], &argv[1]], bench.dir)?;
        Ok(last_number(&said)? / count as f64)
    })
}

/// Measures all watchers in turning order and tells of them beside the unwatched run.
pub(super) fn rounds(
    bench: &Bench<'_>,
    title: &str,
    unit: &str,
    measure: impl Fn(Watcher) -> Result<f64>,
) -> Result<String> {
    let mut notes = String::new();
    let mut series: Vec<Series> = Vec::new();
    for watcher in Watcher::ALL {
        match watcher.missing() {
            Some(program) => {
                notes.push_str(&format!("\nLeft out: {} ({program} is not installed).\n", watcher.name()))
            }
            None => series.push(Series { watcher, values: Vec::new() }),
        }
    }
    for round in 0..bench.rounds {
        for step in 0..series.len() {
            let index = (step + round) % series.len();
            let value = measure(series[index].watcher)?;
            eprintln!("round {}: {}: {value:.4e} {unit}", round + 1, series[index].watcher.name());
            series[index].values.push(value);
        }
    }
    Ok(format!("{title}\n\n{}{notes}", show(&series, unit)))
}

fn show(series: &[Series], unit: &str) -> String {
    let unwatched = &series[0].values;
    let extra = |one: &Series| {
        let extras: Vec<f64> = one.values.iter().zip(unwatched).map(|(value, base)| value - base).collect();
        median(&extras)
    };
    let own = series.iter().find(|one| one.watcher == Watcher::KernscopeEbpf).map(extra);
    let mut text = format!(
        "| watcher | {unit} | ratio to unwatched | cost, in kernscope's (ebpf) |\n| --- | --: | --: | --: |\n"
    );
    for one in series {
        let ratios: Vec<f64> = one.values.iter().zip(unwatched).map(|(value, base)| value / base).collect();
        let beside = match own {
            Some(own) if one.watcher != Watcher::Unwatched && own > 0.0 => format!("{:.1}", extra(one) / own),
            _ => String::new(),
        };
        text.push_str(&format!(
            "| {} | {:.4} | {:.3} | {beside} |\n",
            one.watcher.name(),
            Significant(median(&one.values)),
            median(&ratios)
        ));
    }
    text
}

/// Four digits that mean something.
struct Significant(f64);

impl std::fmt::Display for Significant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            big if big >= 1000.0 => write!(f, "{big:.0}"),
            middle if middle >= 10.0 => write!(f, "{middle:.1}"),
            small => write!(f, "{small:.3}"),
        }
    }
}

/// The number on the last line of what a program said.
pub(super) fn last_number(said: &str) -> Result<f64> {
    let line = said.lines().last().unwrap_or_default();
    line.trim().parse().with_context(|| format!("read a number from {line:?}"))
}

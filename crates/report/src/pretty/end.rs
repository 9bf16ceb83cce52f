//! The end of a run for people: the summary, what it covers, and its account.

use super::clean;
use super::describe::equation;
use super::paint::{Ink, Paint};
use super::units::{bytes, duration, plural};
use crate::sink::End;
use crate::summary::Summary;
use crate::summary::top::{Top, Weight};
use crate::{Coverage, Ledger, State};

/// Lines of each ranking.
const SHOWN: usize = 5;
/// Width of the headings.
const HEAD: usize = 10;

/// Everything, over several lines.
pub(super) fn render(paint: Paint, end: &End<'_>, ledger: &Ledger, hidden: u64) -> String {
    let mut out = String::new();
    let summary = end.summary;
    let lasted_ns = summary.last_ns.saturating_sub(summary.first_ns.unwrap_or(summary.last_ns));
    paint.put(&mut out, Ink::Bold, &format!("--- summary: {} ", duration(lasted_ns)));
    out.push('\n');
    processes(&mut out, paint, summary);
    files(&mut out, paint, summary);
    network(&mut out, paint, summary);
    ranking(&mut out, paint, "failed", &summary.failures, |count| count.0.to_string());
    coverage(&mut out, paint, end.coverage);
    head(&mut out, paint, "ledger");
    let ink = if ledger.closes { Ink::Good } else { Ink::Error };
    paint.put(&mut out, ink, &equation(ledger));
    out.push('\n');
    if hidden > 0 {
        head(&mut out, paint, "not shown");
        out.push_str(&format!(
            "{} (mappings, closes, ...); -v shows them\n",
            plural(hidden, "record", "records")
        ));
    }
    out
}

/// One line, for the side of a machine-readable output.
pub fn short(summary: &Summary, coverage: &Coverage, ledger: &Ledger) -> String {
    let limited = coverage.hooks.iter().filter(|hook| is_limited(hook.state)).count() as u64;
    let limits = if limited == 0 {
        String::new()
    } else {
        format!(", {} partial or blind", plural(limited, "hook", "hooks"))
    };
    format!(
        "{}, {}, {} files read, {} written, {}, {}; backend {}{limits}; ledger {}",
        plural(summary.processes.seen, "process", "processes"),
        plural(summary.processes.execs, "exec", "execs"),
        summary.files.read,
        summary.files.written,
        plural(summary.net.hosts.len() as u64, "remote end", "remote ends"),
        plural(
            summary.failures.ranked(usize::MAX).iter().map(|(_, n)| n.0).sum(),
            "failed call",
            "failed calls"
        ),
        clean::text(&coverage.backend),
        equation(ledger),
    )
}

fn head(out: &mut String, paint: Paint, title: &str) {
    paint.put(out, Ink::Bold, &format!("{title:<HEAD$} "));
}

fn item(out: &mut String, text: &str) {
    out.push_str(&format!("{:HEAD$} {text}\n", ""));
}

fn processes(out: &mut String, paint: Paint, summary: &Summary) {
    let p = &summary.processes;
    head(out, paint, "processes");
    out.push_str(&format!(
        "{} seen, {}, {}; ended: {} with 0, {} with another code, {} by a signal\n",
        p.seen,
        plural(p.execs, "exec", "execs"),
        plural(p.exec_failures, "failed exec", "failed execs"),
        p.succeeded,
        p.failed,
        p.killed
    ));
    for (ns, name) in &p.longest {
        item(out, &format!("{:>10}  {}", duration(*ns), clean::text(name)));
    }
}

fn files(out: &mut String, paint: Paint, summary: &Summary) {
    let f = &summary.files;
    head(out, paint, "files");
    out.push_str(&format!(
        "{} opened for reading, {} for writing, {} with leave to create; {} deleted, {} renamed\n",
        f.read, f.written, f.created, f.deleted, f.renamed
    ));
    for (name, moved) in f.busiest.ranked(SHOWN) {
        let (inward, outward) = (bytes(moved.inward_bytes), bytes(moved.outward_bytes));
        item(out, &format!("read {inward:>10}  written {outward:>10}  {}", clean::text(name)));
    }
    more(out, &f.busiest);
}

fn network(out: &mut String, paint: Paint, summary: &Summary) {
    let net = &summary.net;
    ranking(out, paint, "network", &net.hosts, |host| match host.failures {
        0 => plural(host.contacts, "contact", "contacts"),
        failed => format!("{}, {failed} failed", plural(host.contacts, "contact", "contacts")),
    });
    if !net.listening.is_empty() {
        head(out, paint, "listening");
        let names: Vec<_> = net.listening.iter().take(SHOWN).map(|name| clean::text(name)).collect();
        let rest = (net.listening.len() - names.len()) as u64 + net.listening_more;
        let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
        out.push_str(&format!("{}{rest}\n", names.join(", ")));
    }
    ranking(out, paint, "talkers", &net.talkers, |moved| {
        format!("received {}, sent {}", bytes(moved.inward_bytes), bytes(moved.outward_bytes))
    });
}

fn ranking<V: Weight + Default>(
    out: &mut String,
    paint: Paint,
    title: &str,
    top: &Top<V>,
    value: impl Fn(&V) -> String,
) {
    for (n, (name, entry)) in top.ranked(SHOWN).into_iter().enumerate() {
        let text = format!("{}: {}", clean::text(name), value(entry));
        if n == 0 {
            head(out, paint, title);
            out.push_str(&text);
            out.push('\n');
        } else {
            item(out, &text);
        }
    }
    more(out, top);
}

fn more<V: Weight + Default>(out: &mut String, top: &Top<V>) {
    let rest = top.len().saturating_sub(SHOWN) as u64 + top.let_go();
    if rest > 0 {
        let bound = if top.let_go() > 0 { "at most " } else { "" };
        item(out, &format!("and {bound}{rest} more"));
    }
}

fn coverage(out: &mut String, paint: Paint, coverage: &Coverage) {
    head(out, paint, "coverage");
    let why =
        if coverage.why.is_empty() { String::new() } else { format!(" ({})", clean::text(&coverage.why)) };
    out.push_str(&format!("{}{why}\n", clean::text(&coverage.backend)));
    for state in [State::Attached, State::Idle] {
        let names: Vec<_> = coverage.hooks.iter().filter(|hook| hook.state == state).collect();
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|hook| clean::text(&hook.name)).collect();
            item(out, &format!("{}: {}", word(state), names.join(", ")));
        }
    }
    for hook in coverage.hooks.iter().filter(|hook| is_limited(hook.state)) {
        let mut text = String::new();
        let ink = if hook.state == State::Blind { Ink::Error } else { Ink::Change };
        paint.put(&mut text, ink, word(hook.state));
        item(out, &format!("{text}: {}: {}", clean::text(&hook.name), clean::text(&hook.why)));
    }
}

fn is_limited(state: State) -> bool {
    matches!(state, State::Partial | State::Blind)
}

fn word(state: State) -> &'static str {
    match state {
        State::Attached => "attached",
        State::Idle => "attached, nothing to see in this run",
        State::Partial => "partial",
        State::Blind => "blind",
    }
}

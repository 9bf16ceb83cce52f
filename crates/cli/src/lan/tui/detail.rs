//! All that is known of a row, as lines.

use super::alerts::{color, word};
use super::model::Model;
use super::state::{State, Tab, flows_of};
use super::text::{short, when};
use crate::screen::look::{bold, dim};
use kernscope_lan::Mac;
use kernscope_lan::store::Said;
use kernscope_report::Device;
use kernscope_report::pretty::clean;
use kernscope_report::pretty::units::{bytes, plural};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

/// Flows of a device that are told.
const FLOWS: usize = 12;
/// Runs that are told.
const RUNS: usize = 20;
/// Facts that are told of one sort.
const FACTS: usize = 40;

/// The lines, and what they are about.
pub(super) fn lines(state: &mut State) -> Option<(String, Vec<Line<'static>>)> {
    match state.tab {
        Tab::Devices => {
            let at = state.devices.chosen()?;
            let mac = state.model.devices[at].device.mac.clone();
            let runs = runs(state.history(&mac));
            let title = state.model.devices[at].title.clone();
            Some((title, device(&state.model, at, runs)))
        }
        Tab::Alerts => {
            let at = state.alerts.chosen()?;
            Some((state.model.alerts[at].alert.rule.clone(), alert(&state.model, at)))
        }
        _ => None,
    }
}

fn head(text: &'static str) -> Line<'static> {
    Line::from(Span::styled(text, bold().fg(Color::Cyan)))
}

fn fact(name: &'static str, text: &str) -> Option<Line<'static>> {
    let text = clean::text(text).into_owned();
    (!text.is_empty()).then(|| Line::from(vec![Span::styled(format!("{name:<10} "), dim()), Span::raw(text)]))
}

/// Lines below a head; none where there is nothing to tell.
fn section(title: &'static str, body: Vec<Line<'static>>) -> Vec<Line<'static>> {
    if body.is_empty() { Vec::new() } else { [vec![Line::default(), head(title)], body].concat() }
}

fn device(model: &Model, at: usize, runs: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let known = &model.devices[at];
    let device = &known.device;
    let sure = if device.confidence > 0.0 {
        format!(" ({:.0} % sure)", device.confidence * 100.0)
    } else {
        String::new()
    };
    let vendor = match &device.vendor {
        _ if device.mac_random => "the address is made up",
        Some(vendor) => vendor,
        None => "unknown",
    };
    let now = if device.online { "online" } else { "offline" };
    let said = format!("{} sent, {} received in this run", bytes(known.sent), bytes(known.received));
    let mut all: Vec<Line<'static>> = [
        fact("type", &format!("{}{sure}", device.device_type)),
        fact("sort", &device.category),
        fact("label", device.label.as_deref().unwrap_or_default()),
        fact("one of", &device.one_of.join(", ")),
        fact("vendor", vendor),
        fact("system", device.os.as_deref().unwrap_or_default()),
        fact("model", device.model.as_deref().unwrap_or_default()),
        fact("hardware", &device.mac),
        fact("roles", &device.roles.join(", ").replace('_', " ")),
        fact("now", &format!("{now}; {said}")),
        fact(
            "seen",
            &format!(
                "{} to {} UTC, {}",
                date(&device.first_seen),
                when(known.last_ns),
                plural(device.frames, "frame", "frames")
            ),
        ),
        device.sought.and_then(|sought| {
            fact(
                "sought",
                &format!(
                    "{} addresses, {} ports; in the busiest minute {} and {}",
                    sought.addresses, sought.ports, sought.addresses_a_minute, sought.ports_a_minute
                ),
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.extend(section("Why", evidence(device)));
    all.extend(section("Addresses", device.ips.iter().take(FACTS).filter_map(|ip| fact("", ip)).collect()));
    let names = device.names.iter().take(FACTS);
    let name = |name: &kernscope_report::DeviceName| {
        Line::from(vec![
            Span::styled(format!("{:<10} ", short(&name.via)), dim()),
            Span::raw(short(&name.name)),
        ])
    };
    all.extend(section("Names", names.map(name).collect()));
    let same = device.same_as.iter().take(FACTS);
    let same = same.filter_map(|one| fact("", &format!("{}: both have {}", one.mac, one.because.join("; "))));
    all.extend(section("May be the same as", same.collect()));
    all.extend(section("Alerts", alerts_of(model, &device.mac)));
    all.extend(section("Talks most with", talks(model, &device.mac)));
    all.extend(section("When it was here", runs));
    all
}

fn frames(device: &Device) -> String {
    plural(device.frames, "frame", "frames")
}

fn evidence(device: &Device) -> Vec<Line<'static>> {
    let line = |one: &kernscope_report::Evidence| {
        // Weights are parts of one.
        let bar = "\u{25a0}".repeat((one.weight.clamp(0.0, 1.0) * 5.0).round() as usize);
        Line::from(vec![
            Span::styled(format!("{bar:<10} "), Style::new().fg(Color::Green)),
            Span::raw(short(&one.fact)),
            Span::styled(format!("  for {}", short(&one.speaks_for)), dim()),
        ])
    };
    device.evidence.iter().take(FACTS).map(line).collect()
}

fn alerts_of(model: &Model, mac: &str) -> Vec<Line<'static>> {
    let own = model.alerts.iter().filter(|warning| warning.alert.mac == mac).take(FACTS);
    own.map(|warning| {
        let style = if warning.said == Said::Open { color(warning.alert.severity) } else { dim() };
        let severity = Span::styled(format!("{:<10} ", warning.alert.severity.word()), style);
        Line::from(vec![severity, Span::raw(short(&warning.alert.message))])
    })
    .collect()
}

fn talks(model: &Model, mac: &str) -> Vec<Line<'static>> {
    let Ok(mac) = mac.parse::<Mac>() else { return Vec::new() };
    let line = |at: usize| {
        let flow = &model.flows[at];
        // Seen from this device, whichever of the two is the client.
        let is_own = flow.mac == mac;
        let whom = if is_own { model.peer(flow) } else { model.name(flow.mac) }.into_owned();
        let (sent, received) = if is_own { (flow.sent, flow.received) } else { (flow.received, flow.sent) };
        let amounts = format!("  {} \u{2191}  {} \u{2193}", bytes(sent), bytes(received));
        Line::from(vec![
            Span::styled(format!("{:<10} ", flow.channel.to_string()), dim()),
            Span::raw(short(&whom)),
            Span::styled(amounts, dim()),
        ])
    };
    flows_of(model, mac, FLOWS).into_iter().map(line).collect()
}

fn runs(runs: &[Device]) -> Vec<Line<'static>> {
    let line = |run: &Device| {
        let times = format!("{} to {}  ", date(&run.first_seen), date(&run.last_seen));
        let ip = run.ips.first().map_or_else(String::new, |ip| short(ip));
        let text = format!("{ip}  {}  ", frames(run));
        let place = Span::styled(short(&run.source), dim());
        Line::from(vec![Span::raw(times), Span::raw(text), place])
    };
    runs.iter().take(RUNS).map(line).collect()
}

/// A time of a record, to the minute.
fn date(time: &str) -> String {
    short(time.get(..16).unwrap_or(time)).replace('T', " ")
}

fn alert(model: &Model, at: usize) -> Vec<Line<'static>> {
    let warning = &model.alerts[at];
    let alert = &warning.alert;
    let mut all = vec![Line::from(vec![
        Span::styled(format!("{:<10} ", alert.severity.word()), color(alert.severity)),
        Span::styled(clean::text(&alert.message).into_owned(), bold()),
    ])];
    let device = super::alerts::device(model, warning);
    let who = if alert.mac.is_empty() { String::new() } else { format!("{device} ({})", alert.mac) };
    let facts = [
        fact("rule", &alert.rule),
        fact("device", &who),
        fact("address", alert.ip.as_deref().unwrap_or_default()),
        fact(
            "seen",
            &format!(
                "{} to {} UTC, {}",
                date(&alert.first_seen),
                when(warning.last_ns),
                plural(alert.count, "time", "times")
            ),
        ),
        fact(
            "state",
            match warning.said {
                Said::Acknowledged => "acknowledged",
                other => word(other),
            },
        ),
        fact("id", &alert.id),
    ];
    all.extend(facts.into_iter().flatten());
    all.extend(section(
        "What was seen",
        alert.because.iter().take(FACTS).filter_map(|one| fact("", one)).collect(),
    ));
    all
}

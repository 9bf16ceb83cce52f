//! One record as verb, object and result.

use super::clean;
use super::paint::{Ink, Paint};
use super::units;
use crate::summary::{BEGUN, verb};
use crate::{
    Answer, Body, ContentMatch, ContentSource, Coverage, Dns, Http, HttpMessage, Ledger, NetCall, OpenMode,
    PathCall, PathInfo, Stdio, StdioMessage, TlsData, TlsDirection,
};

/// Longest object, in characters, unless all is to be shown.
const OBJECT_MAX: usize = 140;

/// Appends what `body` says.
pub(super) fn describe(line: &mut String, paint: Paint, body: &Body, verbose: bool) {
    let max = if verbose { usize::MAX } else { OBJECT_MAX };
    let name = match body {
        Body::FileOpen { mode: OpenMode::Read, .. } => "open r",
        Body::FileOpen { mode: OpenMode::Write, .. } => "open w",
        Body::FileOpen { mode: OpenMode::ReadWrite, .. } => "open rw",
        Body::FileOpen { mode: OpenMode::Create, .. } => "create",
        _ => verb(body),
    };
    paint.put(line, ink(body), &format!("{name:<8} "));
    line.push_str(&object(body, max));
    result(line, paint, body);
}

fn ink(body: &Body) -> Ink {
    match body {
        Body::ProcessSnapshot { .. }
        | Body::ProcessFork { .. }
        | Body::ProcessExec { .. }
        | Body::ProcessExecFailed { .. }
        | Body::ProcessExit { .. } => Ink::Process,
        Body::FileOpen { mode: OpenMode::Read, .. } | Body::FileClose { .. } | Body::FileMmap { .. } => {
            Ink::File
        }
        Body::FileOpen { .. }
        | Body::FileUnlink(_)
        | Body::FileRename { .. }
        | Body::FileLink { .. }
        | Body::FileSymlink { .. }
        | Body::FileMkdir { .. }
        | Body::FileMknod { .. }
        | Body::FileChmod { .. }
        | Body::FileChown { .. }
        | Body::FileTruncate { .. } => Ink::Change,
        Body::NetConnect(_)
        | Body::NetBind(_)
        | Body::NetListen(_)
        | Body::NetAccept(_)
        | Body::NetSend(_)
        | Body::NetClose { .. }
        | Body::TlsData(_)
        | Body::Dns(_)
        | Body::Http(_)
        | Body::Stdio(_) => Ink::Net,
        Body::ContentMatch(_) | Body::Match(_) | Body::Alert(_) | Body::PolicyDeny(_) => Ink::Error,
        Body::FilterCounts(_) => Ink::Net,
        Body::Device(_) | Body::Probe(_) | Body::Verdict(_) | Body::Coverage(_) | Body::Ledger(_) => {
            Ink::Bold
        }
    }
}

/// Of a device as `stat` has it: 12 bits between the two parts of the other number.
fn major(rdev: u32) -> u32 {
    rdev >> 8 & 0xfff
}

fn minor(rdev: u32) -> u32 {
    rdev & 0xff | rdev >> 12 & 0xf_ff00
}

fn object(body: &Body, max: usize) -> String {
    match body {
        Body::ProcessSnapshot { argv, exe, .. } if argv.is_empty() => name(exe.as_deref(), max),
        Body::ProcessSnapshot { argv, .. } => clean::cut_end(&clean::command(argv), max).into_owned(),
        Body::ProcessFork { child_pid, .. } => format!("pid {child_pid}"),
        Body::ProcessExec { argv, argv_truncated, argc, exe, interpreter, .. } => {
            let mut text = clean::cut_end(&clean::command(argv), max).into_owned();
            if *argv_truncated {
                text.push_str(&format!(" (of {argc} arguments, cut)"));
            }
            if interpreter.is_some() || argv.is_empty() {
                text.push_str(&format!(" ({})", name(exe.as_deref(), max)));
            }
            text
        }
        Body::ProcessExecFailed { path, raw_path, .. } => info(path, raw_path.as_deref(), max),
        Body::ProcessExit { .. } => String::new(),
        Body::FileOpen { path, raw_path, .. } => info(path, raw_path.as_deref(), max),
        Body::FileClose { path, .. } | Body::FileMmap { path, .. } => info(path, None, max),
        Body::FileUnlink(call) => of(call, max),
        Body::FileRename { call, new_path, raw_new_path, .. }
        | Body::FileLink { call, new_path, raw_new_path } => {
            let second = new_path.as_deref().or(raw_new_path.as_deref());
            let arrow = if matches!(body, Body::FileRename { exchange: true, .. }) { "<->" } else { "->" };
            format!("{} {arrow} {}", of(call, max), name(second, max))
        }
        Body::FileSymlink { call, target } => {
            format!("{} -> {}", of(call, max), name(target.as_deref(), max))
        }
        Body::FileMkdir { call, mode } | Body::FileChmod { call, mode } => {
            format!("{} {mode:04o}", of(call, max))
        }
        Body::FileMknod { call, node, mode, rdev } => {
            let device = rdev.map(|rdev| format!(" {}:{}", major(rdev), minor(rdev))).unwrap_or_default();
            format!("{} {}{device} {mode:04o}", of(call, max), node.name().replace('_', " "))
        }
        Body::FileChown { call, owner, group } => {
            let id = |id: &Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            format!("{} {}:{}", of(call, max), id(owner), id(group))
        }
        Body::FileTruncate { call, length } => format!("{} to {}", of(call, max), units::bytes(*length)),
        Body::NetConnect(call) | Body::NetSend(call) => ends(call, call.remote.as_deref(), None, max),
        Body::NetBind(call) | Body::NetListen(call) => ends(call, call.local.as_deref(), None, max),
        Body::NetAccept(call) => ends(call, call.remote.as_deref(), call.local.as_deref(), max),
        Body::NetClose { call, .. } => {
            ends(call, call.remote.as_deref().or(call.local.as_deref()), None, max)
        }
        Body::ContentMatch(found) => {
            let place = found.path.path.as_deref().or(found.remote.as_deref());
            let place = place.map_or_else(|| format!("fd {}", found.fd), |place| name(Some(place), max));
            let (way, rule) = (way(found), name(Some(&found.rule), max));
            format!("{place} {way} {rule} {}", name(Some(&found.redacted), max))
        }
        Body::TlsData(data) => spoken(data, max),
        Body::Dns(dns) => asked(dns, max),
        Body::Http(http) => self::http(http, max),
        Body::Stdio(line) => stdio(line, max),
        Body::Match(found) => format!(
            "{}:{}:{} {} {}",
            name(Some(&found.path), max),
            found.line,
            found.column,
            name(Some(&found.rule), max),
            name(Some(&found.redacted), max)
        ),
        Body::Alert(alert) => format!("{} {}", alert.severity.word(), name(Some(&alert.message), max)),
        Body::PolicyDeny(deny) => {
            let object = deny.path.as_deref().or(deny.name.as_deref()).or(deny.remote.as_deref());
            let what = if deny.enforced { "denied" } else { "not allowed" };
            format!("{what}: {} ({})", name(object, max), name(Some(&deny.rule), max))
        }
        Body::Device(device) => format!("{} {}", device.mac, name(Some(&device.device_type), max)),
        Body::FilterCounts(counts) => format!(
            "{} {} {}: {} passed, {} dropped, {} other",
            name(Some(&counts.interface), max),
            counts.hook,
            counts.direction,
            counts.passed,
            counts.dropped,
            counts.other
        ),
        Body::Probe(probe) => {
            format!("{} {}: {}", probe.group, name(Some(&probe.name), max), word(probe.answer))
        }
        Body::Verdict(verdict) => format!("{}: {}", name(Some(&verdict.feature), max), verdict.tier),
        Body::Coverage(coverage) => hooks(coverage),
        Body::Ledger(ledger) => equation(ledger),
    }
}

fn result(line: &mut String, paint: Paint, body: &Body) {
    if let Some((ret, errno)) = body.outcome()
        && ret < 0
    {
        let errno = errno.map_or_else(|| ret.to_string(), |errno| clean::text(errno).into_owned());
        paint.put(line, if errno == BEGUN { Ink::Dim } else { Ink::Error }, &format!("  {errno}"));
        return;
    }
    match body {
        Body::ProcessExit { code, signal, core_dumped, duration_ns } => {
            let (ink, mut text) = match (code, signal) {
                (Some(0), _) => (Ink::Good, "0".to_owned()),
                (Some(code), _) => (Ink::Error, code.to_string()),
                (None, Some(signal)) => (Ink::Error, format!("killed by {}", units::signal(*signal))),
                (None, None) => (Ink::Error, "unknown".to_owned()),
            };
            if *core_dumped {
                text.push_str(" (core dumped)");
            }
            paint.put(line, ink, &text);
            if let Some(ns) = duration_ns {
                line.push_str(&format!(" after {}", units::duration(*ns)));
            }
        }
        Body::FileClose { read_bytes, write_bytes, .. } => {
            moved(line, paint, "read", *read_bytes);
            moved(line, paint, "wrote", *write_bytes);
        }
        Body::NetClose { bytes_sent, bytes_received, .. } => {
            moved(line, paint, "sent", *bytes_sent);
            moved(line, paint, "received", *bytes_received);
        }
        Body::FileMmap { prot, shared, .. } => {
            let shared = if *shared { " shared" } else { "" };
            paint.put(line, Ink::Dim, &format!("  {}{shared}", clean::text(&prot.join("+"))));
        }
        _ => {}
    }
}

fn moved(line: &mut String, paint: Paint, what: &str, count: Option<u64>) {
    if let Some(count @ 1..) = count {
        paint.put(line, Ink::Dim, &format!("  {what} {}", units::bytes(count)));
    }
}

fn name(text: Option<&str>, max: usize) -> String {
    text.map_or_else(|| "?".to_owned(), |text| clean::cut_middle(&clean::text(text), max).into_owned())
}

fn of(call: &PathCall, max: usize) -> String {
    info(&call.path, call.raw_path.as_deref(), max)
}

fn info(path: &PathInfo, raw: Option<&str>, max: usize) -> String {
    let mut text = match (&path.path, raw) {
        (Some(path), _) => name(Some(path), max),
        (None, Some(raw)) => format!("{} (unresolved)", name(Some(raw), max)),
        (None, None) => "?".to_owned(),
    };
    if path.path_truncated {
        text.insert(0, '…');
    }
    if path.deleted {
        text.push_str(" (deleted)");
    }
    text
}

fn ends(call: &NetCall, first: Option<&str>, at: Option<&str>, max: usize) -> String {
    let at = at.map(|at| format!(" at {}", name(Some(at), max))).unwrap_or_default();
    let named = call.name.as_deref().map(|told| format!(" ({})", name(Some(told), max))).unwrap_or_default();
    format!("{} {}{named}{at}", clean::text(&call.proto), name(first, max))
}

fn way(found: &ContentMatch) -> &'static str {
    match found.source {
        ContentSource::Tls if found.direction == Some(TlsDirection::Send) => "sent by TLS",
        ContentSource::Tls => "received by TLS",
        ContentSource::FileRead => "read",
        ContentSource::FileWrite => "written",
        ContentSource::NetSend => "sent",
        ContentSource::NetRecv => "received",
    }
}

/// The request, and how it was answered.
fn http(http: &Http, max: usize) -> String {
    let text = |text: &Option<String>| name(text.as_deref(), max);
    let request = format!("{} {}{}", text(&http.method), text(&http.host), text(&http.path));
    match (http.message, http.status) {
        (HttpMessage::Request, _) => request,
        (HttpMessage::Event, _) => format!("{request} event {}", units::bytes(http.body_bytes)),
        (HttpMessage::Frame, _) => format!("{request} message {}", units::bytes(http.body_bytes)),
        (HttpMessage::Response, None) => format!("{request} is answered"),
        (HttpMessage::Response, Some(status)) => {
            format!("{request} is {status} {}", units::bytes(http.body_bytes))
        }
    }
}

/// What a line of JSON is, and which way it went.
fn stdio(line: &Stdio, max: usize) -> String {
    let way = if line.direction == TlsDirection::Recv { "read" } else { "written" };
    let sort = match line.message {
        StdioMessage::Request => "request",
        StdioMessage::Notification => "notification",
        StdioMessage::Response => "response",
        StdioMessage::Error => "error",
        StdioMessage::Other => "JSON",
    };
    let id = line.id.as_ref().map(|id| format!(" {}", clean::text(&id.to_string()))).unwrap_or_default();
    let method = line.method.as_deref().map(|method| format!(" {}", name(Some(method), max)));
    format!("{sort}{id}{} {way}, {}", method.unwrap_or_default(), units::bytes(line.body_bytes))
}

/// What was asked, and what was answered.
fn asked(dns: &Dns, max: usize) -> String {
    let query = format!("{} {}", name(Some(&dns.query), max), clean::text(&dns.qtype));
    match dns.rcode.as_deref() {
        None => query,
        Some("NOERROR") if !dns.answers.is_empty() => {
            format!("{query} is {}", clean::cut_end(&clean::text(&dns.answers.join(", ")), max))
        }
        Some("NOERROR") => format!("{query} is nothing"),
        Some(code) => format!("{query}: {}", clean::text(code)),
    }
}

/// Where it went, how much it is, and its first line.
fn spoken(data: &TlsData, max: usize) -> String {
    let end = data.remote.as_deref().map_or_else(|| format!("#{}", data.conn), |end| name(Some(end), max));
    let way = match data.direction {
        TlsDirection::Send => "sent",
        TlsDirection::Recv => "received",
    };
    let first = data.data.lines().next().unwrap_or_default();
    format!("{end} {way} {}: {}", units::bytes(data.len), clean::cut_end(&clean::text(first), max))
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Unknown => "unknown",
    }
}

fn hooks(coverage: &Coverage) -> String {
    format!(
        "{} {}",
        clean::text(&coverage.backend),
        units::plural(coverage.hooks.len() as u64, "hook", "hooks")
    )
}

/// The ledger as the equation that it is.
pub fn equation(ledger: &Ledger) -> String {
    let lost: u64 = ledger.lost.values().sum();
    let causes: Vec<String> = ledger
        .lost
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(cause, n)| format!("{} {n}", clean::text(cause)))
        .collect();
    let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
    let verdict = if ledger.closes { "closes" } else { "DOES NOT CLOSE" };
    let (seen, emitted, filtered) = (ledger.seen, ledger.emitted, ledger.filtered);
    format!("{verdict}: seen {seen} = emitted {emitted} + filtered {filtered} + lost {lost}{causes}")
}

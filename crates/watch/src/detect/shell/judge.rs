//! Signs of injection: how odd it is that this command stands in this place.
//!
//! Each command that is not the first gets points for what it is good for ([`payload::payload`]) and for its place: whether the
//! first command is one that data is given to, whether separators touch, whether a pipe or a substitution makes no sense, whether
//! it is hidden. Builds chain commands all day; what they chain is not `id`, and they do not pipe into `sleep`.

use super::heads;
use super::payload::{self, Payload};
use super::script::{Command, Script, Sep};

/// Points from which on it is told.
const ENOUGH: u32 = 3;
/// Points that conditions, loops and long texts need: programs do all sorts of things.
const ENOUGH_IN_PROGRAM: u32 = 4;
/// Commands that make a text long.
const LONG: usize = 12;

/// Why a text looks as if data had become a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddity {
    /// Points of the oddest command.
    pub(super) points: u32,
    /// What speaks for it, a fact each.
    pub(super) because: Vec<String>,
}

/// Looks for the oddest command of a text; `None` if none is odd enough.
/// `written`: the text is as somebody wrote it; what is decoded has no lines that people made.
pub(super) fn oddity(script: &Script, written: bool) -> Option<Oddity> {
    let is_program = script.compound || script.top().count() > LONG;
    let enough = if is_program { ENOUGH_IN_PROGRAM } else { ENOUGH };
    let odd = (0..script.commands.len()).filter_map(|index| weigh(script, index, written));
    odd.max_by_key(|oddity| oddity.points).filter(|oddity| oddity.points >= enough)
}

fn weigh(script: &Script, index: usize, written: bool) -> Option<Oddity> {
    let command = &script.commands[index];
    let host = match command.host {
        Some(host) => script.commands.get(host)?,
        None => script.top().next()?,
    };
    let is_first = index == 0 && command.host.is_none();
    if is_first && !script.begins_empty {
        return None;
    }
    let begins = script.begins_empty && command.host.is_none() && !command.words.is_empty();
    let payload = payload(script, command, host).or(begins.then_some(Payload::Other))?;
    // `export $(cat .env)` is how programs are given their settings.
    if command.host.is_some() && matches!(host.name(), "export" | "declare" | "readonly" | "local") {
        return None;
    }
    if heads::is_daily_after(payload, command, host) {
        return None;
    }
    let mut odd = Oddity { points: payload.weight(), because: Vec::new() };
    let mut add = |points: u32, why: String| {
        if points > 0 {
            odd.points += points;
            odd.because.push(why);
        }
    };
    let line = command.line();
    if is_first || (script.begins_empty && command.host.is_none()) {
        // No shell runs such a text; whoever was to stand before it has written none of it.
        add(3, "the text begins with a separator".to_owned());
    } else {
        add(
            host_points(payload, command, host),
            format!("{line:?} comes with {}, which is given data", host.name()),
        );
    }
    if command.host.is_some() {
        let beside = script.commands.iter().enumerate().filter(|(at, _)| *at != index);
        let alone = beside
            .into_iter()
            .all(|(_, other)| other.pipeline != command.pipeline || other.host != command.host);
        let glued = host.words.iter().any(|word| word.glued) && payload != Payload::Look;
        add(u32::from(glued), "it follows right upon other data".to_owned());
        add(
            place_points(payload, command, host, alone),
            format!("{line:?} gives nothing that could be an argument"),
        );
    } else {
        if command.before == Sep::Pipe && heads::is_deaf(command) {
            add(2, format!("{} does not read what is piped into it", command.name()));
        }
        // Ends of lines touch, and nobody minds.
        let is_line =
            command.before == Sep::Newline && (heads::takes_data(host) == 0 || written && is_script(script));
        let is_printed = command.before == Sep::Pipe && matches!(host.name(), "echo" | "printf");
        add(u32::from(command.tight && !is_line), "the separator touches what stands before it".to_owned());
        let bare = command.tight && payload == Payload::Other && heads::takes_data(host) == 1;
        add(u32::from(bare), format!("nobody writes {:?} right behind {}", command.name(), host.name()));
        let is_look = matches!(payload, Payload::Look | Payload::Wait) && heads::tells_of_machine(command);
        let odd_place =
            is_look && matches!(command.before, Sep::Or | Sep::Background) && heads::stands_alone(host);
        add(u32::from(odd_place), format!("{line:?} is no answer to a failure"));
        add(
            u32::from(command.after_quotes && !is_line && !is_printed),
            "a quote is closed right before it".to_owned(),
        );
        let hurried =
            command.before == Sep::Background && heads::ends_at_once(host) && payload == Payload::Call;
        add(u32::from(hurried), format!("{} is sent to the background", host.name()));
        let newline = command.before == Sep::Newline && !is_line;
        add(u32::from(newline), "a line ends within the command".to_owned());
    }
    if command.words.iter().any(|word| word.hidden) {
        add(2, format!("{line:?} is written so that it is not recognised"));
    }
    add(
        u32::from(script.dangles && !is_plain_background(script)),
        "nothing follows the last separator".to_owned(),
    );
    add(u32::from(script.broken), "a quote or a parenthesis is missing".to_owned());
    Some(odd)
}

fn payload(script: &Script, command: &Command, host: &Command) -> Option<Payload> {
    let echoes = command.host.is_some() && command.name() == "echo" && host.name() == "echo";
    let plain = echoes && command.args().all(|arg| !arg.is_empty()) && command.words.len() == 2;
    let alone = plain
        && !script.commands.iter().any(|other| other.pipeline == command.pipeline && other.name() != "echo");
    if alone && host.words.iter().any(|word| word.substitutes && word.span.len() > command.line().len() + 3) {
        return Some(Payload::Marker);
    }
    let chained = matches!(command.before, Sep::Semicolon | Sep::And | Sep::Or | Sep::Background)
        && command.host.is_none();
    let bare = chained && command.tight && heads::stands_alone(host);
    let named = (heads::takes_data(host) > 1 || bare)
        && !heads::follows_well(command)
        && command.name() != host.name();
    // What a substitution gives is run; which program that is, the text does not tell.
    let given = command.words.first().is_some_and(|word| word.substitutes && word.text.is_empty());
    let given = given && heads::takes_data(host) > 0 && command.host.is_none();
    payload::payload(command).or(given.then_some(Payload::Code)).or(named.then_some(Payload::Other))
}

/// Points for the command that comes first.
fn host_points(payload: Payload, command: &Command, host: &Command) -> u32 {
    let data = heads::takes_data(host);
    match payload {
        // To print who one is, is what `echo` is for.
        _ if command.host.is_some() && matches!(host.name(), "echo" | "printf") => 0,
        _ if command.host.is_some() && !host.words.iter().any(|word| word.substitutes) => 0,
        Payload::Look if matches!(host.name(), "echo" | "printf") => 0,
        // To say something and to make a file is what scripts do.
        Payload::Mark if matches!(host.name(), "echo" | "printf") && !command.tight => 0,
        Payload::Look | Payload::Wait if heads::is_converter(host) && heads::tells_of_machine(command) => 2,
        // One name after another is asked for.
        Payload::Call if command.name() == host.name() => data.min(1),
        Payload::Wait | Payload::Call | Payload::Look | Payload::Mark | Payload::Code | Payload::Other => {
            data
        }
        _ => data.min(1),
    }
}

/// Points for a substitution. `alone`: nothing works on what the command prints.
fn place_points(payload: Payload, command: &Command, host: &Command, alone: bool) -> u32 {
    let is_argument = !host.words.is_empty() && host.name() != command.name();
    let bare_id = command.name() == "id" && command.words.len() == 1;
    match payload {
        _ if !is_argument => u32::from(payload.is_silent()),
        Payload::Probe if bare_id => 1,
        _ if payload.is_silent() => 2,
        Payload::Look if alone && heads::lists(command) && !matches!(host.name(), "echo" | "printf") => 2,
        _ => 0,
    }
}

/// Whether a text has several lines of commands, as what people write has.
fn is_script(script: &Script) -> bool {
    script.top().filter(|command| command.before == Sep::Newline).count() > 1
}

/// `server &`: a text that ends so is no oddity.
fn is_plain_background(script: &Script) -> bool {
    script.top().count() == 1
}

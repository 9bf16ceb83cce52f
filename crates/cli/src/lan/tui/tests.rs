//! The screen as it is drawn, in `tests/cli/golden`; `KERNSCOPE_BLESS=1 cargo test` writes it anew.

use super::draw;
use super::keys::take;
use super::pulse::{Pulse, Wish};
use super::state::{State, Tab};
use crate::screen::Lines;
use crate::screen::testing::{self, golden, picture};
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Channel, Peer, Talk, Volume};
use kernscope_lan::store::{KeptAlert, Said};
use kernscope_report::clock::Clock;
use kernscope_report::{Alert, Device, DeviceName, Evidence, Severity};
use ratatui::crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

const NOW_S: u64 = 1_700_000_000;

fn mac(n: u8) -> Mac {
    Mac([0, 0x17, 0x88, 0, 0, n])
}

fn time(second: u64) -> String {
    Clock::new(0).rfc3339(second * 1_000_000_000).to_owned()
}

fn device(n: u8, name: Option<&str>, kind: &str, vendor: Option<&str>, last_s: u64) -> Device {
    let names = name.map(|name| DeviceName { name: name.to_owned(), via: "dhcp".into() });
    Device {
        mac: mac(n).to_string(),
        ips: vec![format!("192.0.2.{n}")],
        hostname: name.map(str::to_owned),
        names: names.into_iter().collect(),
        device_type: kind.to_owned(),
        category: if kind == "unknown" { "unknown" } else { "computer" }.into(),
        confidence: if kind == "unknown" { 0.0 } else { 0.93 },
        vendor: vendor.map(str::to_owned),
        evidence: vec![Evidence { fact: "offers _ipp._tcp".into(), speaks_for: kind.into(), weight: 0.9 }],
        frames: 1234,
        first_seen: time(NOW_S - 86_400),
        last_seen: time(last_s),
        source: "eth0".into(),
        ..Device::default()
    }
}

fn alert(id: &str, n: u8, severity: Severity, message: &str) -> Alert {
    Alert {
        rule: "port_scan_vertical".into(),
        severity,
        message: message.into(),
        because: vec!["15 ports of 192.0.2.1 within a minute".into()],
        id: id.into(),
        mac: mac(n).to_string(),
        ip: Some(format!("192.0.2.{n}")),
        count: 3,
        first_seen: time(NOW_S - 60),
        last_seen: time(NOW_S - 30),
        ..Alert::default()
    }
}

/// A small network, and a device that was here yesterday.
fn sample() -> State {
    let lines = Lines::default();
    lines.lock().expect("lock").push_back("kernscope: eth0: looking by packet socket \u{1b}[2J".to_owned());
    let mut state = State::new("eth0".to_owned(), lines, None);
    let old = device(9, Some("old printer"), "printer", Some("Brother"), NOW_S - 90_000);
    let acknowledged =
        Alert { acknowledged: true, ..alert("b", 3, Severity::Low, "a name server that is new") };
    state.model.remember(vec![old], vec![KeptAlert { alert: acknowledged, muted: false }]);
    let mut pulse = Pulse { now_ns: NOW_S * 1_000_000_000, frames: 4321, learning: true, ..Pulse::default() };
    for known in [
        device(1, Some("router"), "router", Some("AVM"), NOW_S),
        device(2, Some("bad \u{1b}[31m\u{202e}name"), "unknown", None, NOW_S - 100),
        device(3, None, "laptop", Some("\u{6f22}\u{5b57} Computers of a long name"), NOW_S - 3),
    ] {
        pulse.devices.insert(known.mac.parse().expect("an address"), known);
    }
    let talk = Talk {
        connections: 2,
        bytes_sent: 40_000,
        bytes_received: 900_000,
        last_ns: NOW_S * 1_000_000_000,
        ..Talk::default()
    };
    pulse.tally.talks.insert((mac(3), Peer::Remote("www.example.org".into()), Channel::Tcp(443)), talk);
    pulse
        .tally
        .talks
        .insert((mac(3), Peer::Device(mac(1)), Channel::Udp(53)), Talk { bytes_sent: 500, ..talk });
    pulse.tally.volumes.insert((NOW_S, mac(3)), Volume { sent: 40_500, received: 900_000 });
    let scan = alert("a", 3, Severity::High, "192.0.2.3 tries the ports of 192.0.2.1");
    pulse.alerts.insert("a".into(), scan);
    state.model.take(pulse);
    state
}

fn screen(state: &mut State, width: u16, height: u16) -> String {
    picture(width, height, |frame| draw::all(frame, state))
}

/// Presses keys; what they ask of the run.
fn keys(state: &mut State, keys: &str) -> Vec<Wish> {
    let mut asked = Vec::new();
    for key in testing::keys(keys) {
        take(state, Event::Key(key), &mut |wish| asked.push(wish));
    }
    asked
}

fn mouse(state: &mut State, kind: MouseEventKind, column: u16, row: u16) {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    take(state, Event::Mouse(event), &mut |_| {});
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

#[test]
fn a_network_as_a_screen() {
    let mut state = sample();
    golden("lan-tui-devices.txt", &screen(&mut state, 120, 12));
    golden("lan-tui-narrow.txt", &screen(&mut state, 80, 12));
    keys(&mut state, "/lapt\n\n");
    golden("lan-tui-detail.txt", &screen(&mut state, 120, 30));
    keys(&mut state, "2");
    golden("lan-tui-flows.txt", &screen(&mut state, 100, 10));
    keys(&mut state, "3\n");
    golden("lan-tui-alert.txt", &screen(&mut state, 100, 16));
    keys(&mut state, "\u{8}?");
    golden("lan-tui-keys.txt", &screen(&mut state, 80, 20));
}

#[test]
fn lists_are_searched_sorted_and_filtered() {
    let mut state = sample();
    keys(&mut state, "/avm\n");
    let text = screen(&mut state, 80, 12);
    assert!(text.contains("router") && !text.contains("laptop") && text.contains("/avm"), "{text}");
    keys(&mut state, "\u{8}f");
    let text = screen(&mut state, 80, 12);
    assert!(
        text.contains("laptop") && !text.contains("old printer") && text.contains("only online"),
        "{text}"
    );
    keys(&mut state, "fff");
    // By name, then the other way round.
    let order = |state: &mut State| {
        let text = screen(state, 80, 12);
        let at = |word: &str| text.find(word).expect(word);
        at("laptop") < at("router")
    };
    while !screen(&mut state, 80, 12).contains("name\u{2191}") {
        keys(&mut state, "s");
    }
    assert!(order(&mut state));
    keys(&mut state, "r");
    assert!(!order(&mut state));
}

#[test]
fn alerts_are_acknowledged_and_muted_by_keys() {
    let mut state = sample();
    assert!(keys(&mut state, "a").is_empty(), "not among devices");
    keys(&mut state, "3");
    assert!(screen(&mut state, 100, 12).contains("tries the ports"));
    assert_eq!(keys(&mut state, "a"), [Wish::Say("a".into(), Said::Acknowledged)]);
    let text = screen(&mut state, 100, 12);
    assert!(!text.contains("tries the ports") && text.contains("acknowledged"), "{text}");
    keys(&mut state, "f");
    let text = screen(&mut state, 100, 12);
    assert!(text.contains("tries the ports") && text.contains("a name server"), "{text}");
    // Seen again it is open again; a muted one is not.
    let again = || {
        let mut pulse = Pulse { now_ns: (NOW_S + 9) * 1_000_000_000, ..Pulse::default() };
        let last_seen = time(NOW_S + 8);
        pulse.alerts.insert("a".into(), Alert { last_seen, ..alert("a", 3, Severity::High, "again") });
        pulse
    };
    state.model.take(again());
    assert_eq!(state.model.open_alerts(), 1);
    screen(&mut state, 100, 12);
    let at = state.model.alerts.iter().position(|warning| warning.alert.id == "a").expect("there");
    state.alerts.choose(at);
    screen(&mut state, 100, 12);
    assert_eq!(keys(&mut state, "m"), [Wish::Say("a".into(), Said::Muted)]);
    state.model.take(again());
    assert_eq!(state.model.open_alerts(), 0);
    // Opened again on the page, or by a command.
    let Alert { last_seen, .. } = state.model.alerts[at].alert.clone();
    let kept = |muted, acknowledged| KeptAlert {
        alert: Alert { acknowledged, last_seen: last_seen.clone(), ..alert("a", 3, Severity::High, "again") },
        muted,
    };
    state.model.hear(&[kept(false, false)]);
    assert_eq!(state.model.open_alerts(), 1);
    state.model.hear(&[kept(false, true)]);
    assert_eq!(state.model.open_alerts(), 0);
    assert_eq!(keys(&mut state, "q"), [Wish::Quit]);
}

#[test]
fn the_mouse_chooses_tabs_columns_and_rows() {
    let mut state = sample();
    screen(&mut state, 120, 20);
    let flows = state.tabs.iter().find(|(tab, ..)| *tab == Tab::Flows).expect("a tab").1;
    mouse(&mut state, CLICK, flows + 1, 0);
    assert_eq!(state.tab, Tab::Flows);
    mouse(&mut state, CLICK, 20, 0);
    keys(&mut state, "1");
    let text = screen(&mut state, 120, 20);
    let row = text.lines().position(|line| line.contains("old printer")).expect("a row") as u16;
    mouse(&mut state, CLICK, 5, row);
    assert!(!state.has_detail, "the first click chooses");
    mouse(&mut state, CLICK, 5, row);
    let text = screen(&mut state, 120, 20);
    assert!(state.has_detail && text.contains("00:17:88:00:00:09"), "{text}");
    keys(&mut state, "\u{8}");
    screen(&mut state, 120, 20);
    mouse(&mut state, CLICK, 4, 2);
    let text = screen(&mut state, 120, 20);
    assert!(text.contains("name\u{2191}"), "{text}");
    mouse(&mut state, MouseEventKind::ScrollDown, 5, 8);
    assert!(state.devices.view.at > 0);
}

#[test]
fn hostile_names_are_text() {
    let mut state = sample();
    for view in ["1", "/name\n", "\n", "2", "3", "4"] {
        keys(&mut state, view);
        let text = screen(&mut state, 120, 40);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
    }
    assert!(screen(&mut state, 120, 40).contains("looking by packet socket \\u{1b}[2J"));
}

#[test]
fn no_size_is_too_small() {
    let mut state = sample();
    for view in ["", "\n", "2", "3", "\n", "4", "?"] {
        keys(&mut state, view);
        for (width, height) in
            [(1, 1), (2, 2), (5, 1), (10, 3), (20, 6), (43, 8), (79, 5), (80, 24), (300, 100)]
        {
            screen(&mut state, width, height);
        }
    }
}

/// A hundred thousand devices, and nothing that grows with them in a picture.
#[test]
fn a_crowd_is_drawn_by_the_rows_in_view() {
    let mut state = sample();
    let many = (0..100_000u32).map(|n| {
        let [_, a, b, c] = n.to_be_bytes();
        Device { mac: Mac([2, 0, 0, a, b, c]).to_string(), ..device(1, None, "unknown", None, NOW_S) }
    });
    state.model.remember(many.collect(), Vec::new());
    let text = screen(&mut state, 80, 24);
    assert!(text.contains("100004 devices"), "{text}");
    keys(&mut state, "G");
    assert_eq!(screen(&mut state, 80, 24).lines().count(), 24);
    assert_eq!(state.devices.chosen().map(|at| at < 100_004), Some(true));
}

use super::*;
use crate::anomaly::tests::{Net, arp, mac, offer, rules, tcp, udp};
use crate::anomaly::{Options, Sentry};

fn row(what: What, value: &str) -> Learnt {
    Learnt { what, mac: Mac::default(), key: String::new(), value: Some(value.to_owned()), last_ns: 0 }
}

#[test]
fn what_is_known_is_told_in_words() {
    let learn_ns = 4 * 3_600_000_000_000;
    assert!(summary(&[], learn_ns).ends_with("learning ends after 4 hours in which frames come"));
    let rows = [row(What::Network, r#"{"since_ns":0,"seen_s":3600}"#), row(What::Device, "0")];
    let told = summary(&rows, learn_ns);
    assert!(told.starts_with("known since 1970-01-01T") && told.contains("(1 device)"), "{told}");
    assert!(told.ends_with("learning ends after 3 hours in which frames come"), "{told}");
    assert!(summary(&rows, 0).ends_with("learning is over"));
    assert!(What::ALL.into_iter().all(|what| What::of_word(what.word()) == Some(what)));
}

const SECOND: u64 = 1_000_000_000;
const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];
const FAR: [u8; 4] = [203, 0, 113, 9];

/// An hour and a half in which A is the way out, tells leases, and is asked for names, and B calls home every minute.
fn an_ordinary_hour() -> Vec<Learnt> {
    let mut net = Net::of(Sentry::new(Options::default()), 0);
    net.sentry().gateway(A.into());
    net.send(&offer(A, A)).send(&arp(true, (mac(A), A), B));
    for _ in 0..90 {
        net.later(50 * SECOND).send(&tcp((B, 50_000), (A, 53), 2, &[]));
        net.later(10 * SECOND).send(&tcp((B, 40_000), (FAR, 443), 2, &[]));
    }
    let rows = net.sentry().learnt();
    assert_eq!(net.end(), []);
    rows
}

/// What is told of a network that an earlier run learnt so, a week later, of these calls by B and whatever `happens`.
fn a_week_later(rows: &[Learnt], happens: impl Fn(&mut Net)) -> Vec<&'static str> {
    let mut sentry = Sentry::new(Options::default());
    sentry.remember(rows);
    let mut net = Net::of(sentry, 7 * 86_400);
    assert!(net.sentry().is_learning() == rows.is_empty());
    for _ in 0..30 {
        net.later(60 * SECOND).send(&tcp((B, 40_000), (FAR, 443), 2, &[]));
    }
    happens(&mut net);
    rules(&net.end())
}

#[test]
fn a_run_goes_on_with_what_an_earlier_one_learnt() {
    let rows = an_ordinary_hour();
    let has = |what| rows.iter().any(|row| row.what == what);
    assert!(
        What::ALL
            .into_iter()
            .filter(|what| !matches!(what, What::Router | What::Volume | What::Habit))
            .all(has),
        "{rows:?}"
    );
    assert_eq!(a_week_later(&rows, |_| {}), [""; 0], "what it always did");
    let asks = |net: &mut Net| _ = net.send(&tcp((B, 50_000), (A, 53), 2, &[]));
    assert_eq!(a_week_later(&rows, asks), [""; 0]);
    let gateway = |net: &mut Net| _ = net.send(&arp(true, (mac(B), A), B));
    assert_eq!(a_week_later(&rows, gateway), ["gateway_change"], "it changed while nobody looked");
    let server = |net: &mut Net| _ = net.send(&offer(B, B));
    assert_eq!(a_week_later(&rows, server), ["rogue_dhcp"]);
    let stranger = |net: &mut Net| _ = net.send(&udp(([10, 0, 0, 9], 40_000), (A, 9), b"hello"));
    assert_eq!(a_week_later(&rows, stranger), ["new_device"]);
    let resolver = |net: &mut Net| _ = net.send(&tcp((B, 50_000), (FAR, 53), 2, &[]));
    assert_eq!(a_week_later(&rows, resolver), ["dns_resolver"]);
    for happens in [stranger, resolver, server, gateway] {
        assert_eq!(a_week_later(&[], happens), [""; 0], "nothing was learnt");
    }
}

#[test]
fn a_value_that_cannot_be_read_is_learnt_anew() {
    let mut rows = an_ordinary_hour();
    rows.iter_mut().for_each(|row| row.value = Some("{".to_owned()));
    let mut sentry = Sentry::new(Options::default());
    sentry.remember(&rows);
    assert!(sentry.is_learning());
}

#[test]
fn what_did_not_change_is_handed_out_once() {
    let mut notes = Notes::default();
    for value in [1, 1, 2] {
        notes.compare(What::Resolver, Mac::default(), "a".to_owned(), &value, 0);
    }
    notes.gone(What::Resolver, Mac::default(), "a".to_owned(), 0);
    let values: Vec<_> = notes.take().into_iter().map(|row| row.value).collect();
    assert_eq!(values, [Some("1".to_owned()), Some("2".to_owned()), None]);
    assert!(notes.take().is_empty());
}

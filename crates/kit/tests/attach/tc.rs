//! tc on both directions, by links and by netlink.

use crate::filter::{Traffic, counts, program, run_traffic, word_arrives};
use crate::net::{Namespace, Pair};
use crate::{load, privileged};
use kernscope_kit::attach::{Direction, Interface, Tc, TcTier};
use kernscope_kit::load::Loaded;
use kernscope_kit::netlink::{Netlink, Request};
use kernscope_kit::probe::{self, Hook};
use kernscope_kit::program::ProgramType;

fn attach(loaded: &Loaded, namespace: &Namespace, interface: &str, tier: TcTier, direction: Direction) -> Tc {
    namespace.enter(|| {
        let interface = Interface::find(interface).expect("interface");
        Tc::attach_by(tier, loaded, &interface, direction).expect("attach")
    })
}

/// Queueing disciplines of all interfaces that are `clsact`.
pub(crate) fn clsacts(namespace: &Namespace) -> usize {
    const RTM_GETQDISC: u16 = 38;
    let told = namespace.enter(|| {
        Netlink::open()
            .and_then(|mut netlink| netlink.ask(&Request::new(RTM_GETQDISC, Request::DUMP, &[0; 20])))
    });
    let is_clsact =
        |reply: &&kernscope_kit::netlink::Reply| reply.attributes(20).find(1) == Some(b"clsact\0");
    told.expect("list").iter().filter(is_clsact).count()
}

fn drops_what_matches(tier: TcTier, direction: Direction) {
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let loaded = load(&program(ProgramType::SchedCls));
    let attached = match direction {
        Direction::Ingress => attach(&loaded, &pair.right, "right", tier, direction),
        Direction::Egress => attach(&loaded, &pair.left, "left", tier, direction),
    };
    assert_eq!(attached.tier(), tier);
    let traffic = run_traffic(&pair, &sender, &receiver);
    let (matching, others) = (1000, 2000);
    // A capture comes before tc on the way in, and after it on the way out.
    let seen = if direction == Direction::Ingress { 3000 } else { others };
    let expected =
        Traffic { matching, others, left: seen, right: seen, read_matching: 0, read_others: others };
    assert_eq!(traffic, expected, "{tier} {direction}");
    assert_eq!(counts(&loaded), (matching, others), "{tier} {direction}");
    drop(attached);
    assert!(word_arrives(&sender, &receiver, true), "nothing is attached any more");
    assert_eq!((clsacts(&pair.left), clsacts(&pair.right)), (0, 0), "what was made for it is gone");
}

/// Whether programs can be attached so; says so if not.
pub(crate) fn is_here(tier: TcTier) -> bool {
    let answer = probe::hook(if tier == TcTier::Tcx { Hook::Tcx } else { Hook::Clsact });
    if !answer.is_yes() {
        eprintln!("skipped: {tier}: {}", answer.why());
    }
    answer.is_yes()
}

#[test]
fn a_link_drops_what_matches_on_the_way_in() {
    if privileged("a_link_drops_what_matches_on_the_way_in") && is_here(TcTier::Tcx) {
        drops_what_matches(TcTier::Tcx, Direction::Ingress);
    }
}

#[test]
fn a_link_drops_what_matches_on_the_way_out() {
    if privileged("a_link_drops_what_matches_on_the_way_out") && is_here(TcTier::Tcx) {
        drops_what_matches(TcTier::Tcx, Direction::Egress);
    }
}

#[test]
fn a_filter_drops_what_matches_on_the_way_in() {
    if privileged("a_filter_drops_what_matches_on_the_way_in") && is_here(TcTier::Clsact) {
        drops_what_matches(TcTier::Clsact, Direction::Ingress);
    }
}

#[test]
fn a_filter_drops_what_matches_on_the_way_out() {
    if privileged("a_filter_drops_what_matches_on_the_way_out") && is_here(TcTier::Clsact) {
        drops_what_matches(TcTier::Clsact, Direction::Egress);
    }
}

#[test]
fn the_best_way_there_is_is_taken() {
    if !privileged("the_best_way_there_is_is_taken") {
        return;
    }
    let pair = Pair::fresh();
    let loaded = load(&program(ProgramType::SchedCls));
    let attached = pair.left.enter(|| {
        let interface = Interface::find("left").expect("interface");
        Tc::attach(&loaded, &interface, Direction::Ingress).expect("attach")
    });
    let best = if probe::hook(Hook::Tcx).is_yes() { TcTier::Tcx } else { TcTier::Clsact };
    assert_eq!(attached.tier(), best, "{}", attached.why());
}

#[test]
fn a_discipline_with_other_filters_in_it_stays() {
    if !privileged("a_discipline_with_other_filters_in_it_stays") || !is_here(TcTier::Clsact) {
        return;
    }
    let pair = Pair::fresh();
    let loaded = load(&program(ProgramType::SchedCls));
    let first = attach(&loaded, &pair.left, "left", TcTier::Clsact, Direction::Ingress);
    let second = attach(&loaded, &pair.left, "left", TcTier::Clsact, Direction::Egress);
    drop(first);
    assert_eq!(clsacts(&pair.left), 1, "the second is in it");
    let (sender, receiver) = (pair.sender(), pair.receiver());
    assert!(!word_arrives(&sender, &receiver, false), "the second still works");
    drop(second);
    assert_eq!(clsacts(&pair.left), 0, "the last one takes it along");
    assert!(word_arrives(&sender, &receiver, true));
}

#[test]
fn a_discipline_that_was_there_stays() {
    if !privileged("a_discipline_that_was_there_stays") || !is_here(TcTier::Clsact) {
        return;
    }
    let pair = Pair::fresh();
    pair.left.enter(|| {
        const RTM_NEWQDISC: u16 = 36;
        let index = Interface::find("left").expect("interface").index();
        // `struct tcmsg`: family, interface, handle ffff:0, parent ffff:fff1.
        let header = [0, index, 0xffff_0000, 0xffff_fff1, 0].map(u32::to_ne_bytes).concat();
        let request = Request::new(RTM_NEWQDISC, Request::CREATE, &header).attr(1, b"clsact\0");
        Netlink::open().and_then(|mut netlink| netlink.ask(&request)).expect("clsact");
    });
    let loaded = load(&program(ProgramType::SchedCls));
    drop(attach(&loaded, &pair.left, "left", TcTier::Clsact, Direction::Ingress));
    assert_eq!(clsacts(&pair.left), 1);
}

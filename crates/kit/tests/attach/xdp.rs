//! XDP on one end of the pair.

use crate::filter::{Traffic, counts, program, run_traffic, word_arrives};
use crate::net::Pair;
use crate::{load, privileged};
use kernscope_kit::attach::{Interface, Tallied, Xdp, XdpMode};
use kernscope_kit::program::ProgramType;

fn drops_what_matches(mode: XdpMode) {
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let loaded = load(&program(ProgramType::Xdp));
    let attached = pair.right.enter(|| {
        let interface = Interface::find("right").expect("interface");
        Xdp::attach_in(&loaded, &interface, mode).expect("attach")
    });
    assert_eq!(attached.mode(), mode);
    let traffic = run_traffic(&pair, &sender, &receiver);
    // XDP comes before the capture on its end.
    let (matching, others) = (1000, 2000);
    let expected =
        Traffic { matching, others, left: 3000, right: others, read_matching: 0, read_others: others };
    assert_eq!(traffic, expected, "{mode}");
    assert_eq!(counts(&loaded), (matching, others), "{mode}");
    drop(attached);
    assert!(word_arrives(&sender, &receiver, true), "nothing is attached any more");
}

#[test]
fn the_driver_drops_what_matches_and_every_count_agrees() {
    if privileged("the_driver_drops_what_matches_and_every_count_agrees") {
        drops_what_matches(XdpMode::Driver);
    }
}

#[test]
fn the_kernel_drops_what_matches_and_every_count_agrees() {
    if privileged("the_kernel_drops_what_matches_and_every_count_agrees") {
        drops_what_matches(XdpMode::Generic);
    }
}

#[test]
fn a_mode_is_chosen_by_trying_and_told() {
    if !privileged("a_mode_is_chosen_by_trying_and_told") {
        return;
    }
    let pair = Pair::fresh();
    let loaded = load(&program(ProgramType::Xdp));
    let (left, lo) = pair.left.enter(|| {
        let attach = |name| Xdp::attach(&loaded, &Interface::find(name).expect("interface")).expect("attach");
        (attach("left"), attach("lo"))
    });
    assert_eq!((left.mode(), left.why()), (XdpMode::Driver, ""));
    // The loopback interface has no driver that could.
    assert_eq!(lo.mode(), XdpMode::Generic);
    assert!(lo.why().starts_with("not by the driver: "), "{}", lo.why());
}

#[test]
fn a_second_program_is_refused_with_what_to_do() {
    if !privileged("a_second_program_is_refused_with_what_to_do") {
        return;
    }
    let pair = Pair::fresh();
    let loaded = load(&program(ProgramType::Xdp));
    let error = pair.left.enter(|| {
        let interface = Interface::find("left").expect("interface");
        let _first = Xdp::attach(&loaded, &interface).expect("attach");
        Xdp::attach(&loaded, &interface).expect_err("there is one")
    });
    let told = error.to_string();
    assert!(told.starts_with("attach XDP to left: "), "{told}");
    assert!(told.ends_with("another XDP program is there; find it with: ip -d link show dev left"), "{told}");
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let error = Interface::find("no-such-if0").expect_err("there is none");
    assert!(error.to_string().starts_with("find interface no-such-if0: "), "{error}");
}

#[test]
fn what_is_only_watched_is_counted_and_passes() {
    if !privileged("what_is_only_watched_is_counted_and_passes") {
        return;
    }
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let tallied = Tallied::new(&program(ProgramType::Xdp), false).expect("it decides");
    let loaded = load(&tallied.program);
    let _attached = pair.right.enter(|| {
        let interface = Interface::find("right").expect("interface");
        Xdp::attach(&loaded, &interface).expect("attach")
    });
    let traffic = run_traffic(&pair, &sender, &receiver);
    let (matching, others) = (1000, 2000);
    let (read_matching, read_others) = (matching, others);
    assert_eq!(traffic, Traffic { matching, others, left: 3000, right: 3000, read_matching, read_others });
    assert_eq!(counts(&loaded), (matching, others));
    let decided = tallied.read(&loaded).expect("read");
    // What is no datagram of ours, such as ARP, passes too.
    assert_eq!((decided.dropped, decided.other), (1000, 0));
    assert!(decided.passed >= 2000, "{decided:?}");
}

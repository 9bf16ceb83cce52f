//! Compiled filters under the same traffic: as exact on real packets as the one written by hand.

use crate::filter::{Traffic, counts, program, run_traffic};
use crate::net::Pair;
use crate::{load, privileged};
use kernscope_kit::attach::{Direction, Interface, SocketFilter, Tallied, Tc, Xdp};
use kernscope_kit::compile::{Content, Filter, Host, LoopShape, Options, Regex, Target, compile};
use kernscope_kit::probe::{self, Hook};
use kernscope_kit::program::ProgramType;
use std::sync::Arc;

/// Three ways to look for the word.
fn contents() -> [Content; 3] {
    let literals = Content::Literals { list: vec![b"drop".to_vec(), b"NEVER SENT".to_vec()], fold: true };
    let regex = Regex::new("D[R]OP").expect("an expression");
    [Content::literal("DROP"), literals, Content::Regex(Arc::new(regex))]
}

/// Every shape of loop that loads here, so that the way of old kernels is taken on new ones too.
fn programs(target: Target) -> Vec<(String, Tallied)> {
    let mut programs = Vec::new();
    for shape in LoopShape::ALL.into_iter().filter(|&shape| probe::loop_shape(shape).is_yes()) {
        for content in contents() {
            let name = format!("{target:?} {shape:?} {content:?}");
            let options = Options::new(target, Host::running_with(shape));
            let compiled = compile(&Filter::content(content), &options).expect("compile");
            assert!(compiled.exact(), "{name}");
            programs.push((name, Tallied::new(&compiled.program, true).expect("it decides")));
        }
    }
    programs
}

fn expected(left: usize, right: usize) -> Traffic {
    Traffic { matching: 1000, others: 2000, left, right, read_matching: 0, read_others: 2000 }
}

#[test]
fn xdp_drops_what_matches() {
    if !privileged("xdp_drops_what_matches") {
        return;
    }
    for (name, tallied) in programs(Target::Xdp) {
        let pair = Pair::fresh();
        let (sender, receiver) = (pair.sender(), pair.receiver());
        let loaded = load(&tallied.program);
        let _attached = pair
            .right
            .enter(|| Xdp::attach(&loaded, &Interface::find("right").expect("interface")).expect("attach"));
        assert_eq!(run_traffic(&pair, &sender, &receiver), expected(3000, 2000), "{name}");
        assert_eq!(tallied.read(&loaded).expect("read").dropped, 1000, "{name}");
    }
}

#[test]
fn tc_drops_what_matches() {
    if !privileged("tc_drops_what_matches") {
        return;
    }
    for (name, tallied) in programs(Target::Tc) {
        let pair = Pair::fresh();
        let (sender, receiver) = (pair.sender(), pair.receiver());
        let loaded = load(&tallied.program);
        let _attached = pair.left.enter(|| {
            let interface = Interface::find("left").expect("interface");
            Tc::attach(&loaded, &interface, Direction::Egress).expect("attach")
        });
        assert_eq!(run_traffic(&pair, &sender, &receiver), expected(2000, 2000), "{name}");
        assert_eq!(tallied.read(&loaded).expect("read").dropped, 1000, "{name}");
    }
}

#[test]
fn a_socket_is_spared_what_matches() {
    if !privileged("a_socket_is_spared_what_matches") {
        return;
    }
    for (name, tallied) in programs(Target::Socket) {
        let pair = Pair::fresh();
        let (sender, receiver) = (pair.sender(), pair.receiver());
        let loaded = load(&tallied.program);
        let _attached = SocketFilter::attach(&receiver, &loaded).expect("attach");
        assert_eq!(run_traffic(&pair, &sender, &receiver), expected(3000, 3000), "{name}");
        let decided = tallied.read(&loaded).expect("read");
        assert_eq!((decided.passed, decided.dropped, decided.other), (2000, 1000, 0), "{name}");
    }
}

#[test]
fn what_one_filter_lets_pass_the_next_one_sees() {
    if !privileged("what_one_filter_lets_pass_the_next_one_sees") {
        return;
    }
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let (_, first) = programs(Target::Tc).swap_remove(0);
    let second = program(ProgramType::SchedCls);
    let (first, second) = (load(&first.program), load(&second));
    // By links, who came first is asked first; on clsact, who came last.
    let mut order = [&first, &second];
    if !probe::hook(Hook::Tcx).is_yes() {
        order.reverse();
    }
    let _attached = pair.right.enter(|| {
        let interface = Interface::find("right").expect("interface");
        order.map(|loaded| Tc::attach(loaded, &interface, Direction::Ingress).expect("attach"))
    });
    assert_eq!(run_traffic(&pair, &sender, &receiver), expected(3000, 3000));
    assert_eq!(counts(&second), (0, 2000));
}

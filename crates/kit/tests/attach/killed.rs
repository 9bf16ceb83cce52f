//! Nothing stays attached when the process that attached is killed.

use crate::filter::{program, word_arrives};
use crate::net::{Namespace, Pair};
use crate::{load, privileged, tc};
use kernscope_kit::attach::{Direction, Interface, Tc, TcTier, Xdp};
use kernscope_kit::program::ProgramType;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the child attaches, and the namespace in which.
const HOW: &str = "KERNSCOPE_TEST_ATTACH";
const WHERE: &str = "KERNSCOPE_TEST_NAMESPACE";
const READY: &str = "attached";

/// The life of the child: attaches and waits to be killed. Run as a test it has nothing to do.
#[test]
fn child_attaches_and_waits() {
    let (Ok(how), Ok(namespace)) = (std::env::var(HOW), std::env::var(WHERE)) else { return };
    Namespace::open(&namespace).expect("namespace").enter(|| {
        let right = Interface::find("right").expect("interface");
        let _attached: Box<dyn std::any::Any> = match how.as_str() {
            "xdp" => Box::new(Xdp::attach(&load(&program(ProgramType::Xdp)), &right).expect("attach")),
            how => {
                let tier = if how == "tcx" { TcTier::Tcx } else { TcTier::Clsact };
                let loaded = load(&program(ProgramType::SchedCls));
                Box::new(Tc::attach_by(tier, &loaded, &right, Direction::Ingress).expect("attach"))
            }
        };
        println!("{READY}");
        std::thread::sleep(Duration::from_secs(60));
    });
    panic!("nobody killed the child");
}

fn child(how: &str, namespace: &Namespace) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("own binary"))
        .args(["--exact", "killed::child_attaches_and_waits", "--nocapture"])
        .env(HOW, how)
        .env(WHERE, namespace.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the child");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.ends_with(READY));
    assert!(ready, "the child did not attach");
    child
}

fn leaves_nothing(how: &str) {
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let mut child = child(how, &pair.right);
    assert!(!word_arrives(&sender, &receiver, false), "{how}: the program drops the word");
    child.kill().expect("kill");
    child.wait().expect("wait");
    assert!(word_arrives(&sender, &receiver, true), "{how}: still attached");
    let start = Instant::now();
    while tc::clsacts(&pair.right) > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "{how}: clsact is left");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn xdp_goes_with_its_process() {
    if privileged("xdp_goes_with_its_process") {
        leaves_nothing("xdp");
    }
}

#[test]
fn tcx_goes_with_its_process() {
    if privileged("tcx_goes_with_its_process") && tc::is_here(TcTier::Tcx) {
        leaves_nothing("tcx");
    }
}

#[test]
fn a_tc_filter_goes_with_its_process() {
    if privileged("a_tc_filter_goes_with_its_process") && tc::is_here(TcTier::Clsact) {
        leaves_nothing("clsact");
    }
}

/// Ends the child's own child, which would clean up behind it.
fn kill_guardian(owner: u32) {
    let children = std::fs::read_to_string(format!("/proc/{owner}/task/{owner}/children")).expect("children");
    // The thread that attached may be another one than the first.
    let tasks = std::fs::read_dir(format!("/proc/{owner}/task")).expect("threads").flatten();
    let all = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let all = all.chain([children]).collect::<String>();
    let guardian = all.split_whitespace().next().expect("a guardian").parse().expect("a number");
    kill(Pid::from_raw(guardian), Signal::SIGKILL).expect("kill");
    while std::fs::read_to_string(format!("/proc/{guardian}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_filter_that_nobody_took_away_goes_when_the_next_one_comes() {
    if !privileged("a_filter_that_nobody_took_away_goes_when_the_next_one_comes")
        || !tc::is_here(TcTier::Clsact)
    {
        return;
    }
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let mut child = child("clsact", &pair.right);
    kill_guardian(child.id());
    child.kill().expect("kill");
    child.wait().expect("wait");
    assert!(!word_arrives(&sender, &receiver, false), "both are dead, and the filter is there");
    let next = pair.right.enter(|| {
        let right = Interface::find("right").expect("interface");
        // On the other way: what is dropped from now on is dropped by what is left.
        let loaded = load(&program(ProgramType::SchedCls));
        Tc::attach_by(TcTier::Clsact, &loaded, &right, Direction::Egress).expect("attach")
    });
    assert!(word_arrives(&sender, &receiver, true), "the next one took it away");
    drop(next);
    assert_eq!(tc::clsacts(&pair.right), 0, "and what was made for it");
}

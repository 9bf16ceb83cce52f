//! Real programs under the ptrace back end: what is told of them, and that they notice nothing.

mod bench;
mod files;
mod net;
mod processes;
mod unchanged;

use bench::{Temp, sh};
use kernscope_abi as abi;
use kernscope_report::Body;
use std::fs;

#[test]
fn a_shell_that_runs_a_program() {
    let temp = Temp::new("shell");
    fs::write(temp.path("in"), "hello\n").unwrap();
    let run = sh(&format!("cat {} > {}; exit 3", temp.path("in"), temp.path("out")));
    assert_eq!(run.status.code(), Some(3));
    assert_eq!(fs::read(temp.path("out")).unwrap(), b"hello\n");
    assert_eq!(run.count(|body| matches!(body, Body::ProcessFork { .. })), 1);
    let execs: Vec<_> = run
        .entries
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::ProcessExec { argv, cwd, exe, .. } => Some((argv.clone(), cwd.clone(), exe.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(execs.len(), 2);
    assert_eq!(execs[1].0, ["cat".to_owned(), temp.path("in")]);
    assert_eq!(execs[1].1.as_deref(), std::env::current_dir().unwrap().to_str());
    assert!(execs[1].2.as_ref().unwrap().ends_with("/cat"));
    assert_eq!(run.opens(&temp.path("in")).len(), 1);
    assert_eq!(run.opens(&temp.path("out")).len(), 1);
    assert_eq!(run.exits(), [(Some(0), None), (Some(3), None)]);
    let closed = temp.path("in");
    assert!(
        run.count(|body| matches!(body, Body::FileClose { path, .. } if path.path.as_ref() == Some(&closed)))
            == 1
    );
    assert!(run.account.lost.is_empty());
    assert_eq!(run.account.produced[usize::from(abi::KIND_EXEC)], 2);
    assert!(run.events > 10);
    let open = run.coverage.hooks.iter().find(|hook| hook.name == "open").unwrap();
    assert_eq!(open.state, kernscope_report::State::Attached);
}

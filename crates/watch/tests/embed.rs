//! The examples of embedding run, and a stream can be left before it ends.

use kernscope_report::Body;
use kernscope_watch::monitor::{Choice, Events, Monitor, StartError};
use std::process::Command;

/// What an example prints about a command. Examples are built with the tests.
fn example(name: &str, command: &[&str]) -> String {
    let test = std::env::current_exe().expect("the path of this test");
    let debug = test.parent().and_then(std::path::Path::parent).expect("deps, in a folder");
    let output = Command::new(debug.join("examples").join(name)).args(command).output().expect("it is built");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_stream_tells_what_happens_and_the_account() {
    let told = example("stream", &["sh", "-c", "true; /bin/echo said"]);
    assert!(told.contains("sh executes sh -c") && told.contains("executes /bin/echo said"), "{told}");
    assert!(told.contains("\nsaid\n") || told.starts_with("said\n"), "the command's own output: {told}");
    assert!(told.ends_with("closes: true\n"), "{told}");
}

#[test]
fn callbacks_are_called_for_their_kind() {
    let file = std::env::temp_dir().join(format!("kernscope-embed-{}", std::process::id()));
    let path = file.to_str().expect("text");
    let told = example("callbacks", &["sh", "-c", &format!("echo x > {path}")]);
    std::fs::remove_file(&file).expect("the command made it");
    assert!(told.contains(&format!("opened to write: {path}\n")) && !told.contains("libc"), "{told}");
    assert!(told.ends_with("closes: true\n"), "{told}");
}

/// Takes all there is; why it ended early.
fn drain(mut events: Events) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    while runtime.block_on(events.next()).is_some() {}
    events.failure().map(|error| error.to_string())
}

#[test]
fn what_cannot_run_is_an_error_and_who_leaves_ends_it() {
    for choice in [Choice::Auto, Choice::Ptrace] {
        let missing = || Monitor::command(["/no/such/program"]).by(choice);
        assert!(
            matches!(missing().run(), Err(StartError::Command(_) | StartError::Backend(_))),
            "{choice:?}"
        );
        let streamed = missing().stream().map_or_else(|error| Some(error.to_string()), drain);
        assert!(streamed.is_some_and(|why| why.contains("/no/such/program")), "{choice:?}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut events = Monitor::command(["sleep", "60"]).by(Choice::Ptrace).stream().expect("it starts");
        let first = events.next().await.expect("a record");
        assert_eq!(first.seq, 0);
        // Dropped here, long before the command ends.
    });
    let kinds = runtime.block_on(async {
        let mut events = Monitor::command(["true"]).by(Choice::Ptrace).stream().expect("it starts");
        let mut kinds = Vec::new();
        while let Some(record) = events.next().await {
            assert_eq!(record.seq, kinds.len() as u64);
            kinds.push(matches!(record.body, Body::Ledger(_)));
        }
        kinds
    });
    assert!(kinds.last() == Some(&true) && kinds.iter().filter(|is_ledger| **is_ledger).count() == 1);
}

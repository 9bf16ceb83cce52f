//! Patterns that change while a program stays.

use crate::support::{Running, privileged};
use kernscope_kit::compile::{
    ByteSet, CompileError, Content, Filter, Host, LoopShape, Options, Target, compile,
};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn tables_change_what_a_loaded_program_looks_for() {
    if !privileged() {
        return;
    }
    let running = Running::new(&Content::literals(["password", "secret key"]), Target::Xdp, Host::running());
    let id = running.loaded.info().expect("info").id;
    let (old, new) = (b"the old password is here".to_vec(), b"a new credential is here".to_vec());
    assert!(running.is_match(&old) && !running.is_match(&new));

    let other = running
        .compiled
        .with(&Filter::content(Content::literals(["credential", "token of", "private key"])))
        .expect("fits");
    other.install(&running.loaded).expect("writes");
    assert!(!running.is_match(&old) && running.is_match(&new));

    running.compiled.install(&running.loaded).expect("writes");
    assert!(running.is_match(&old) && !running.is_match(&new));
    assert_eq!(running.loaded.info().expect("info").id, id);
}

#[test]
fn every_run_sees_one_set_of_tables() {
    if !privileged() {
        return;
    }
    // Each filter finds one half of the data: a run that mixed their tables would find neither.
    let running = Running::new(&Content::literals(["left hand", "ABCDEFGH"]), Target::Xdp, Host::running());
    let other =
        running.compiled.with(&Filter::content(Content::literals(["right hand", "abcdefgh"]))).expect("fits");
    let data = [&b"left hand "[..], &[b'.'; 1500], b"right hand"].concat();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                other.install(&running.loaded).expect("writes");
                running.compiled.install(&running.loaded).expect("writes");
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut runs = 0;
        while !done.load(Ordering::Relaxed) {
            assert!(running.is_match(&data), "run {runs}");
            runs += 1;
        }
        assert!(runs > 0);
    });
}

#[test]
fn what_needs_another_program_is_refused() {
    let options = Options::new(Target::Xdp, Host::new(LoopShape::MayGoto));
    let compiled = compile(&Filter::content(Content::literals(["password", "secret key"])), &options);
    let compiled = compiled.expect("compiles");
    let shorter = compiled.with(&Filter::content(Content::literals(["pw"])));
    assert!(matches!(shorter, Err(CompileError::OtherProgram(_))), "{shorter:?}");
    let long: Vec<Vec<u8>> =
        (0..2000u32).map(|n| format!("a literal of its own {n:05}").into_bytes()).collect();
    let larger = compiled.with(&Filter::content(Content::literals(long)));
    assert!(matches!(larger, Err(CompileError::OtherProgram(_))), "{larger:?}");
    let other = compiled.with(&Filter::content(Content::ClassRun { class: ByteSet::FULL, min: 3 }));
    assert!(matches!(other, Err(CompileError::OtherProgram(_))), "{other:?}");
}

//! Commands started at the gate behave as if they had been started without one.

use kernscope_kit::spawn::{Options, Paused};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

fn words(argv: &[&str]) -> Vec<OsString> {
    argv.iter().map(OsString::from).collect()
}

fn run(argv: &[&str]) -> ExitStatus {
    let paused = Paused::spawn(&words(argv), &Options::default()).unwrap();
    let pid = paused.pid();
    let mut running = paused.release().unwrap();
    assert_eq!(running.pid(), pid);
    running.wait().unwrap()
}

fn exit_code_of_failure(argv: &[&str]) -> u8 {
    match Paused::spawn(&words(argv), &Options::default()) {
        Err(error) => error.exit_code(),
        Ok(paused) => paused.release().unwrap_err().exit_code(),
    }
}

fn temp_dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("kernscope-spawn-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn exit_codes_and_signals_come_through() {
    assert_eq!(run(&["true"]).code(), Some(0));
    assert_eq!(run(&["sh", "-c", "exit 7"]).code(), Some(7));
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).signal(), Some(15));
}

#[test]
fn sigpipe_has_its_default_action() {
    assert_eq!(run(&["sh", "-c", "kill -PIPE $$; exit 3"]).signal(), Some(13));
}

#[test]
fn not_found_and_not_executable_are_told_apart() {
    let dir = temp_dir("refusals");
    let plain = dir.join("plain");
    fs::write(&plain, "not a program").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(exit_code_of_failure(&["kernscope-no-such-program"]), 127);
    assert_eq!(exit_code_of_failure(&["/no/such/file"]), 127);
    assert_eq!(exit_code_of_failure(&[plain.to_str().unwrap()]), 126);
    assert_eq!(exit_code_of_failure(&[dir.to_str().unwrap()]), 126);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_text_file_without_interpreter_is_run_by_the_shell() {
    let dir = temp_dir("script");
    let script = dir.join("script");
    fs::write(&script, "exit $1\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run(&[script.to_str().unwrap(), "9"]).code(), Some(9));
    fs::remove_dir_all(dir).unwrap();
}

/// What the script below wrote, less signals 32 and 33, which libc keeps to itself and sets as it likes.
fn state_of_child(file: &PathBuf) -> Vec<String> {
    let line = |line: &str| match line.strip_prefix("SigIgn:") {
        Some(set) => format!("{:x}", u64::from_str_radix(set.trim(), 16).unwrap() & !(3 << 31)),
        None => line.to_owned(),
    };
    fs::read_to_string(file).unwrap().lines().map(line).collect()
}

#[test]
fn the_child_sees_what_a_plain_child_sees() {
    let dir = temp_dir("same");
    let script =
        "(cd /proc/$$; ls fd; grep -E '^Sig(Ign|Blk|Cgt)' status; cut -d' ' -f5-7 stat; pwd -P | wc -l) >";
    let (plain, gated) = (dir.join("plain"), dir.join("gated"));
    let sh = |out: &PathBuf| format!("{script} {}", out.display());
    assert!(Command::new("sh").arg("-c").arg(sh(&plain)).status().unwrap().success());
    assert!(run(&["sh", "-c", &sh(&gated)]).success());
    assert_eq!(state_of_child(&plain), state_of_child(&gated));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn dropped_before_its_release_it_runs_nothing() {
    let dir = temp_dir("dropped");
    let mark = dir.join("mark");
    let paused = Paused::spawn(&words(&["touch", mark.to_str().unwrap()]), &Options::default()).unwrap();
    let pid = paused.pid();
    drop(paused);
    assert!(!mark.exists());
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
    fs::remove_dir_all(dir).unwrap();
}

/// Not a test by itself: the next one runs it in a process of its own, which dies with a child at the gate.
#[test]
fn helper_that_dies_with_a_child_at_the_gate() {
    let Some(mark) = std::env::var_os("KERNSCOPE_TEST_MARK") else { return };
    let paused = Paused::spawn(&["touch".into(), mark], &Options::default()).unwrap();
    println!("child={}", paused.pid());
    std::mem::forget(paused);
    std::process::abort();
}

#[test]
fn a_monitor_that_dies_takes_the_child_at_the_gate_with_it() {
    let dir = temp_dir("died");
    let mark = dir.join("mark");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "helper_that_dies_with_a_child_at_the_gate", "--nocapture"])
        .env("KERNSCOPE_TEST_MARK", &mark)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let pid = text.split("child=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    // It ends soon, and may then be somebody's zombie.
    let ended = (0..500).any(|_| {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        std::thread::sleep(std::time::Duration::from_millis(10));
        state.is_empty() || state.contains(") Z") || state.contains(") X")
    });
    assert!(ended, "the child outlived its monitor");
    assert!(!mark.exists());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn release_returns_while_the_command_runs_on() {
    let paused = Paused::spawn(&words(&["sleep", "60"]), &Options::default()).unwrap();
    let mut running = paused.release().unwrap();
    assert!(running.try_wait().unwrap().is_none());
    running.kill(9).unwrap();
    assert_eq!(running.wait().unwrap().signal(), Some(9));
    assert_eq!(running.try_wait().unwrap().and_then(|status| status.signal()), Some(9));
}

#[test]
fn a_bad_filter_is_an_error_and_not_a_run() {
    let options = Options { seccomp: Some(Vec::new()), no_new_privs: true, ..Options::default() };
    let error = Paused::spawn(&words(&["true"]), &options).unwrap().release().unwrap_err();
    assert_eq!(error.act, "install the seccomp filter for");
}

//! `kernscope scan --on-access`: what is written and what is read is looked at, once, and again when it has changed.

use crate::run::{Dir, checked, kernscope, records, refused, stderr};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

const RULES: &str = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";

/// A token of the rule.
fn token(number: u32) -> String {
    format!("acme_{number:016x}\n")
}

/// A scan that ends with its test, whatever becomes of that.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// kernscope at work on a folder, and what it has told so far.
struct Watch {
    child: Guarded,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Watch {
    /// `None`, and a word about it, where it may not be done here.
    fn begin(dir: &Dir) -> Option<Self> {
        if !Uid::effective().is_root() {
            println!("skipped: on-access scans need CAP_SYS_ADMIN; run the tests as root");
            return None;
        }
        fs::write(dir.path("rules.toml"), RULES).expect("written");
        let (rules, folder) = (dir.text("rules.toml"), dir.text("in"));
        let args = ["scan", "--rules", &rules, "--format", "jsonl", "--threads", "2", "--on-access", &folder];
        let mut child =
            kernscope(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kernscope runs");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it says that it begins");
        assert!(line.contains("/in is watched; Ctrl-C ends it"), "{line}");
        Some(Self { child: Guarded(child), stdout, stderr, told: String::new() })
    }

    /// The next finding.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        self.told.push_str(&line);
        serde_json::from_str(&line).expect("a record")
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.id().cast_signed()), signal).expect("sent");
    }

    /// Ends it: status, all records, and the last of them, the account.
    fn end(mut self) -> (Option<i32>, Vec<Value>, Value, String) {
        self.signal(Signal::SIGINT);
        let mut said = String::new();
        let reader = std::thread::spawn(move || {
            self.stderr.read_to_string(&mut said).expect("text");
            said
        });
        self.stdout.read_to_string(&mut self.told).expect("text");
        let status = self.child.0.wait().expect("ends").code();
        let records = checked(&self.told);
        let ledger = records.last().expect("an account").clone();
        (status, records, ledger, reader.join().expect("read"))
    }
}

/// A folder to watch, and the turn of this test: what one does to a file system, the scans of all others hear of.
fn dir(name: &str) -> (Dir, Flock<File>) {
    let turn = std::env::temp_dir().join("kernscope-cli-access.lock");
    let turn = File::create(turn).expect("a lock file");
    let turn = Flock::lock(turn, FlockArg::LockExclusive).map_err(|(_, error)| error).expect("a turn");
    let dir = Dir::new(name);
    fs::create_dir(dir.path("in")).expect("a folder");
    (dir, turn)
}

#[test]
fn what_is_written_and_what_is_read_is_looked_at_once() {
    let (dir, _turn) = dir("access-once");
    let (old, new) = (dir.path("in/old"), dir.path("in/sub/new"));
    fs::write(&old, token(1)).expect("written");
    fs::write(dir.path("outside"), token(2)).expect("written");
    // What changed just now is looked at twice.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let Some(mut watch) = Watch::begin(&dir) else { return };
    let path = |found: &Value| found["path"].as_str().expect("a path").to_owned();
    fs::read(&old).expect("read");
    assert_eq!(path(&watch.next()), dir.text("in/old"));
    fs::read(&old).expect("read");
    fs::read(dir.path("outside")).expect("read");
    fs::create_dir(dir.path("in/sub")).expect("a folder that came later");
    fs::write(&new, token(3)).expect("written");
    let found = watch.next();
    assert_eq!(path(&found), dir.text("in/sub/new"));
    assert_eq!((&found["line"], &found["start"]), (&1.into(), &0.into()));
    let (own, exe) = (std::process::id(), std::env::current_exe().expect("a path"));
    assert_eq!((&found["proc"]["pid"], &found["proc"]["exe"]), (&own.into(), &exe.to_str().into()));
    // The same bytes but one, and the same time of change.
    let times = fs::metadata(&new).expect("times").modified().expect("a time");
    fs::write(&new, token(4)).expect("written");
    fs::File::options().append(true).open(&new).expect("opened").set_modified(times).expect("set");
    let changed = watch.next();
    assert_eq!(path(&changed), dir.text("in/sub/new"));
    assert_ne!(found["fingerprint"], changed["fingerprint"]);
    let (status, records, ledger, said) = watch.end();
    assert_eq!((status, records.len(), said.as_str()), (Some(1), 5, ""), "{records:?}");
    let hook = &records[3]["hooks"][0];
    assert_eq!((&hook["name"], &hook["state"]), (&"fanotify".into(), &"attached".into()));
    let filtered = |reason: &str| ledger["filtered_by"][reason].as_u64().unwrap_or(0);
    assert!(filtered("unchanged") >= 1 && filtered("elsewhere") >= 1 && filtered("scanned") >= 3, "{ledger}");
    assert_eq!(ledger["lost"], serde_json::json!({}), "{ledger}");
}

#[test]
fn what_is_gone_or_in_an_archive_is_looked_at_by_its_descriptor() {
    let (dir, _turn) = dir("access-gone");
    let Some(mut watch) = Watch::begin(&dir) else { return };
    let script =
        "exec 3>gone && rm gone && printf '%s' acme_00000000000000aa >&3 && exec 3>&-; mkfifo pipe; : <>pipe";
    let status = Command::new("sh").args(["-ec", script]).current_dir(dir.path("in")).status();
    assert!(status.expect("sh runs").success());
    assert_eq!(watch.next()["path"], dir.text("in/gone"));
    let script = "printf '%s' acme_00000000000000bb | gzip > log.gz";
    let status = Command::new("sh").args(["-ec", script]).current_dir(dir.path("in")).status();
    assert!(status.expect("sh runs").success());
    assert_eq!(watch.next()["path"], dir.text("in/log.gz!log"));
    let (status, _, ledger, said) = watch.end();
    assert_eq!((status, said.as_str()), (Some(1), ""), "{ledger}");
}

#[test]
fn what_the_kernel_throws_away_is_told() {
    let (dir, _turn) = dir("access-overflow");
    let Some(watch) = Watch::begin(&dir) else { return };
    let most = fs::read_to_string("/proc/sys/fs/fanotify/max_queued_events").expect("a number");
    let most: u32 = most.trim().parse().expect("a number");
    assert!(most <= 100_000, "more files than a test should make: {most}");
    watch.signal(Signal::SIGSTOP);
    for number in 0..most + 100 {
        fs::write(dir.path(&format!("in/{number}")), "").expect("written");
    }
    watch.signal(Signal::SIGCONT);
    let mut watch = watch;
    let mut line = String::new();
    watch.stderr.read_line(&mut line).expect("a line");
    assert!(line.contains("the kernel's queue was full, and files were missed; raise /proc/sys"), "{line}");
    let (status, _, ledger, _) = watch.end();
    assert_eq!(status, Some(2), "{ledger}");
    assert!(ledger["lost"]["queue_overflow"].as_u64() >= Some(1), "{ledger}");
}

/// In a mount namespace of its own, which ends with the script.
#[test]
fn what_is_mounted_below_or_reached_by_another_mount_is_looked_at_as_well() {
    let (dir, _turn) = dir("access-mount");
    if !Uid::effective().is_root() {
        println!("skipped: mounting needs root; run the tests as root");
        return;
    }
    fs::write(dir.path("rules.toml"), RULES).expect("written");
    let script = "
        mkdir 'in/a b' && mount -t tmpfs none 'in/a b' && mkdir in/proc && mount -t proc none in/proc
        \"$0\" scan --rules rules.toml --format jsonl --on-access in >out 2>err & scan=$!
        trap 'exit 1' TERM; trap 'kill -KILL $scan 2>/dev/null || :' EXIT
        until [ $(wc -l <err) -ge 3 ]; do kill -0 $scan; sleep 0.02; done
        printf 'acme_00000000000000cc' >'in/a b/new'
        until [ -s out ]; do kill -0 $scan; sleep 0.02; done
        mkdir -p in/deep other && mount --bind in/deep other
        unshare -m sh -ec 'printf acme_00000000000000dd >other/new
            until [ $(wc -l <out) -ge 2 ]; do kill -0 $0; sleep 0.02; done' $scan
        kill -TERM $scan; wait $scan || exit $?";
    let status = Command::new("timeout")
        .args(["120", "unshare", "-m", "sh", "-ec", script, env!("CARGO_BIN_EXE_kernscope")])
        .current_dir(dir.path(""))
        .status();
    let said = fs::read_to_string(dir.path("err")).expect("text");
    assert_eq!(status.expect("timeout runs").code(), Some(1), "{said}");
    let records = records(&dir.path("out"));
    assert_eq!(records[0]["path"], dir.text("in/a b/new"));
    assert_eq!(records[1]["path"], dir.text("in/deep/new"));
    let hook = &records[2]["hooks"][0];
    assert_eq!(hook["state"], "partial", "{hook}");
    assert!(hook["why"].as_str().is_some_and(|why| why.contains("/in/proc was not watched")), "{hook}");
    assert!(said.contains("/in/a b is watched; ") && said.contains("/in/proc is not watched: "), "{said}");
}

#[test]
fn refusals_say_what_is_missing() {
    let (dir, _turn) = dir("access-refused");
    let file = dir.path("in/file");
    fs::write(&file, "").expect("written");
    refused(&["scan", "--on-access", &dir.text("in/file")], "it is no folder; name a folder");
    refused(&["scan", "--on-access", "/proc"], "the kernel makes its files up");
    refused(&["scan", "--on-access", "/tmp", "--git"], "cannot be used with");
    if !Uid::effective().is_root() {
        return refused(&["scan", "--on-access", &dir.text("in")], "it needs CAP_SYS_ADMIN: run as root");
    }
    let binary = dir.path("kernscope");
    fs::copy(env!("CARGO_BIN_EXE_kernscope"), &binary).expect("a copy that anyone can run");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(["scan", "--on-access", &dir.text("in")])
        .output()
        .expect("setpriv runs");
    assert_eq!(output.status.code(), Some(2));
    let line = stderr(&output);
    assert!(line.lines().count() == 1 && line.contains("it needs CAP_SYS_ADMIN: run as root"), "{line}");
}

//! `contrib/systemd/kernscope-lan.service`: well-formed, and enough. Where systemd does not run, what it would do for privileges and
//! files is done by `setpriv` and mounts; its filter of system calls is not.

use crate::lan_daemons::have;
use crate::lan_live::{on_a_cable, set_up};
use crate::run::{Dir, checked};
use std::path::Path;
use std::process::Command;

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/systemd/kernscope-lan.service");
/// The user of the service, who owns nothing else.
const USER: &str = "47110";
/// Files are read-only but for the state; `/tmp` and homes are empty.
const SANDBOX: &str = "\
mount --bind \"$STATE\" /mnt && mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /home || exit 99
for tree in / /proc/sys /dev; do mount --bind $tree $tree && mount -o remount,bind,ro $tree || exit 99; done
mount -t tmpfs tmpfs /tmp || exit 99
umask 077; ulimit -n 4096
exec setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --no-new-privs \
  --inh-caps=$CAPS --ambient-caps=$CAPS --bounding-set=$CAPS \
  sh -c 'touch /etc/kernscope-was-here 2> /dev/null && exit 98; exec \"$@\"' - \"$@\"";

fn setting(unit: &str, key: &str) -> String {
    let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{key} is set")).to_owned()
}

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    if !have("a unit of systemd", &["systemd-analyze"]) {
        return;
    }
    let dir = Dir::new("lan-unit");
    let unit = std::fs::read_to_string(UNIT).expect("the unit");
    let unit = unit.replace("/usr/local/bin/kernscope", env!("CARGO_BIN_EXE_kernscope"));
    let path = dir.path("kernscope-lan.service");
    std::fs::write(&path, unit).expect("write");
    for args in [&["verify"][..], &["security", "--offline=yes", "--threshold=25"]] {
        let output = Command::new("systemd-analyze").args(args).arg(&path).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("kernscope-lan.service:"), "{args:?}: {said}");
    }
}

#[test]
fn what_the_unit_leaves_is_enough_for_a_run() {
    let test = "what_the_unit_leaves_is_enough_for_a_run";
    if !have(test, &["setpriv", "unshare", "mount"]) || !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: {test}: needs root");
        return;
    }
    let unit = std::fs::read_to_string(UNIT).expect("the unit");
    assert_eq!(setting(&unit, "NoNewPrivileges"), "yes");
    let names = setting(&unit, "AmbientCapabilities").to_lowercase().replace("cap_", "+").replace(' ', ",");
    let caps = format!("-all,{names}");
    on_a_cable(test, move || {
        set_up("lo", true);
        for backend in ["xdp", "packet"] {
            let state =
                Path::new("/var/tmp").join(format!("kernscope-unit-{backend}-{}", std::process::id()));
            std::fs::create_dir(&state).expect("a directory");
            std::fs::copy(env!("CARGO_BIN_EXE_kernscope"), state.join("program"))
                .expect("a copy that it may read");
            let owner = [&format!("{USER}:{USER}"), "-R"];
            assert!(Command::new("chown").args(owner).arg(&state).status().expect("runs").success());
            let output = Command::new("unshare")
                .args([
                    "-m",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    SANDBOX,
                    "-",
                    "/mnt/program",
                    "lan",
                    "run",
                ])
                .args(["--interface", "right", "--backend", backend, "--duration", "1", "--format", "jsonl"])
                .args(["--serve", "127.0.0.1:0", "--metrics", "127.0.0.1:0"])
                .env("STATE", &state)
                .env("USER_ID", USER)
                .env("CAPS", &caps)
                .env("XDG_STATE_HOME", "/mnt")
                .current_dir("/")
                .output()
                .expect("runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_kept = state.join("kernscope/lan.db").exists();
            std::fs::remove_dir_all(&state).expect("removed");
            assert_eq!(output.status.code(), Some(0), "{backend}: {said}");
            let records = checked(&String::from_utf8_lossy(&output.stdout));
            let coverage = &records[records.len() - 2];
            assert_eq!(coverage["backend"], backend, "{said}");
            let gap =
                coverage["hooks"].as_array().expect("hooks").iter().find(|hook| hook["name"] == "privileges");
            assert_eq!(gap.expect("told")["why"], "", "{coverage}");
            assert!(is_kept, "{said}");
        }
    });
}

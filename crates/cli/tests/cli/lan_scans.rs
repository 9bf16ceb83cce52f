//! A device that scans, by nmap at the other end of a cable: how much it sought is told, of it alone.

use crate::lan_daemons::{Running, have, mac_of, other_end};
use crate::lan_live::{BACKENDS, devices, end, on_a_cable, start};
use serde_json::Value;
use std::time::Duration;

/// What the end `left` and this end sought while nmap did something there.
fn scanned(backend: &str, inside: &str, args: &str) -> (Value, Value) {
    let child = start(&["--backend", backend, "--no-db"]);
    Running::new(&format!("{inside}nmap -n -T4 --max-retries 0 {args}")).finish();
    std::thread::sleep(Duration::from_millis(300));
    let mut seen = devices(&end(child));
    let mut of = |name, inside| seen.remove(&mac_of(name, inside)).expect(name)["sought"].take();
    (of("left", inside), of("right", ""))
}

fn is_about(count: &Value, expected: f64) -> bool {
    count.as_f64().is_some_and(|count| (count - expected).abs() <= expected * 0.08)
}

#[test]
fn a_scan_is_told_of_the_one_who_scans() {
    if !have("a_scan_is_told_of_the_one_who_scans", &["nmap", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable("a_scan_is_told_of_the_one_who_scans", || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        for backend in BACKENDS {
            for kind in ["-sS", "-sF", "-sX"] {
                let (scanner, other) = scanned(backend, &inside, &format!("-Pn {kind} -p 1-1000 10.5.5.2"));
                assert!(is_about(&scanner["ports"], 1000.0), "{backend} {kind}: {scanner}");
                assert_eq!(scanner["addresses"], 1, "{backend} {kind}: {scanner}");
                assert!(other.is_null() || other["ports"] == 0, "{backend} {kind}: {other}");
            }
            let (scanner, other) = scanned(backend, &inside, "-sn 10.5.5.0/24");
            assert!(is_about(&scanner["addresses"], 255.0), "{backend}: {scanner}");
            assert!(scanner["ports"].as_u64() < Some(3), "{backend}: {scanner}");
            assert!(other.is_null() || other["addresses"] == 1, "{backend}: {other}");
        }
        drop(holder);
    });
}

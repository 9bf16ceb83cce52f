//! Alerts of `kernscope lan`: none on captures of devices at work; scans, spoofing and rogue servers by real tools, each told with
//! its rule and of the one who did it.

use crate::lan::shared;
use crate::lan_daemons::{Running, dhcp_server, have, mac_of, other_end};
use crate::lan_live::{BACKENDS, end, on_a_cable, start};
use crate::run::{Dir, checked, run, stderr};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

fn alerts(records: &[Value]) -> Vec<Value> {
    records.iter().filter(|record| record["kind"] == "alert").cloned().collect()
}

/// The alerts of a run beside which something happened.
fn told_of(backend: &str, happens: impl FnOnce()) -> Vec<Value> {
    let child = start(&["--backend", backend, "--no-db"]);
    happens();
    std::thread::sleep(Duration::from_millis(300));
    let records = end(child);
    let told = alerts(&records);
    for alert in &told {
        let seq = alert["evidence"][0].as_u64().expect("evidence") as usize;
        assert_eq!(
            (&records[seq]["kind"], &records[seq]["mac"]),
            (&"device".into(), &alert["mac"]),
            "{alert}"
        );
    }
    told
}

/// Those of a rule must be one, by this device from this address.
fn is_one(told: &[Value], rule: &str, mac: &str, ip: &str) {
    let of_rule: Vec<_> = told.iter().filter(|alert| alert["rule"] == rule).collect();
    let [alert] = of_rule[..] else { panic!("{rule}: {told:?}") };
    assert_eq!((alert["mac"].to_string().as_str(), &alert["ip"]), (mac, &ip.into()), "{alert}");
    assert!(alert["message"].as_str().is_some_and(|message| message.contains(ip)), "{alert}");
}

fn captures(below: &str) -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| path.extension().is_none_or(|ext| ext != "csv" && ext != "md");
    let inside = |path: PathBuf| match std::fs::read_dir(&path) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(_) => vec![path],
    };
    shared(below).into_iter().flatten().flat_map(inside).filter(is_capture).collect()
}

#[test]
fn devices_at_work_raise_no_alert() {
    for below in ["iot-sentinel", "pcap/tcpdump", "pcap/zeek", "pcap/mercury"] {
        let files: Vec<_> = captures(below).iter().map(|file| file.display().to_string()).collect();
        if files.is_empty() {
            continue;
        }
        let mut args = vec!["lan", "replay", "--format", "jsonl"];
        args.extend(files.iter().map(String::as_str));
        let output = run(&args);
        let told = alerts(&checked(&String::from_utf8(output.stdout.clone()).expect("UTF-8")));
        assert!(told.is_empty(), "{below}: {told:?}");
        assert!(matches!(output.status.code(), Some(0 | 2)), "{below}: {}", stderr(&output));
    }
}

#[test]
fn scans_by_nmap_are_told_of_the_one_who_scans() {
    let test = "scans_by_nmap_are_told_of_the_one_who_scans";
    if !have(test, &["nmap", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        let left = mac_of("left", &inside);
        for backend in BACKENDS {
            for (rule, args) in [
                ("port_scan_vertical", "-Pn -sS -p 1-300 10.5.5.2"),
                ("port_scan_vertical", "-Pn -sT -F 10.5.5.2"),
                ("port_scan_vertical", "-Pn -sU -p 1-60 --max-retries 0 10.5.5.2"),
                ("port_scan_horizontal", "-sn 10.5.5.0/24"),
                ("port_scan_horizontal", "-Pn -sS -p 22 10.5.5.0/24"),
            ] {
                let told = told_of(backend, || Running::new(&format!("{inside}nmap -n -T4 {args}")).finish());
                is_one(&told, rule, &left, "10.5.5.1");
                assert_eq!(told.len(), 1, "{backend}: {args}: {told:?}");
            }
        }
        drop(holder);
    });
}

/// So slow that it takes a minute and a half; by one back end, since both see the same.
#[test]
fn a_slow_scan_by_nmap_is_told_as_slow() {
    let test = "a_slow_scan_by_nmap_is_told_as_slow";
    if !have(test, &["nmap", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        let told = told_of("packet", || {
            let nmap = "nmap -n -Pn -sS --max-retries 0 --scan-delay 5s -p 1-21 10.5.5.2";
            Running::new(&format!("{inside}{nmap}")).finish_within(Duration::from_secs(300));
        });
        is_one(&told, "port_scan_slow", &mac_of("left", &inside), "10.5.5.1");
        assert!(told[0]["message"].as_str().is_some_and(|said| said.contains("slow vertical")), "{told:?}");
        drop(holder);
    });
}

/// A second device at the other end, with an address.
fn beside(inside: &str, address: &str) -> String {
    Running::new(&format!("{inside}ip link add link left name evil type macvlan mode bridge")).finish();
    Running::new(&format!("{inside}ip addr add {address} dev evil")).finish();
    Running::new(&format!("{inside}ip link set evil up")).finish();
    mac_of("evil", inside)
}

/// Replies that nobody asked for, as spoofers send them.
fn forged(inside: &str, mac: &str, claimed: &str, times: u32) {
    let mac = mac.trim_matches('"');
    Running::new(&format!(
        "{inside}nping --arp --arp-type arp-reply --send-eth -e evil --source-mac {mac} --arp-sender-mac {mac} --arp-sender-ip \
         {claimed} --arp-target-ip 10.5.5.2 --dest-mac ff:ff:ff:ff:ff:ff --delay 200ms -c {times} 10.5.5.2"
    ))
    .finish();
}

#[test]
fn who_takes_anothers_address_is_told() {
    let test = "who_takes_anothers_address_is_told";
    if !have(test, &["nping", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        Running::new("ip route add default via 10.5.5.1").finish();
        let evil = beside(&inside, "10.5.5.66/24");
        for backend in BACKENDS {
            let told = told_of(backend, || {
                // Both ends say where they are.
                Running::new(&format!("{inside}nping --arp -e left -c 1 10.5.5.2")).finish();
                std::thread::sleep(Duration::from_millis(200));
                forged(&inside, &evil, "10.5.5.1", 8);
            });
            is_one(&told, "arp_spoof", &evil, "10.5.5.1");
            is_one(&told, "gateway_change", &evil, "10.5.5.1");
            assert_eq!(told.len(), 2, "{backend}: {told:?}");
        }
        drop(holder);
    });
}

#[test]
fn a_second_dhcp_server_is_told() {
    let test = "a_second_dhcp_server_is_told";
    if !have(test, &["dnsmasq", "udhcpc", "unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let dir = Dir::new("lan-rogue-dhcp");
        let (holder, inside) = other_end();
        let evil = beside(&inside, "10.5.5.66/24");
        let client = "udhcpc -i right -n -q -f -t 4 -T 1 -s /bin/true";
        for backend in BACKENDS {
            let told = told_of(backend, || {
                let server = dhcp_server(&inside, "left", &dir.text("leases"));
                Running::new(client).finish();
                let rogue = dhcp_server(&inside, "evil", &dir.text("rogue"));
                std::thread::sleep(Duration::from_millis(500));
                drop(server);
                Running::new(client).finish();
                drop(rogue);
            });
            is_one(&told, "rogue_dhcp", &evil, "10.5.5.66");
        }
        drop(holder);
    });
}

#[test]
fn a_second_ipv6_router_is_told() {
    let test = "a_second_ipv6_router_is_told";
    if !have(test, &["radvd", "unshare", "nsenter", "ip", "sysctl"]) {
        return;
    }
    on_a_cable(test, || {
        let dir = Dir::new("lan-rogue-ra");
        let (holder, inside) = other_end();
        let evil = beside(&inside, "10.5.5.66/24");
        Running::new(&format!("{inside}sysctl -qw net.ipv6.conf.all.forwarding=1")).finish();
        let radvd = |interface: &str, last: u32| {
            let sysctl = format!("{inside}sysctl -qw net.ipv6.conf.{interface}.disable_ipv6=0");
            Running::new(&sysctl).finish();
            Running::new(&format!("{inside}ip addr add fe80::{last}/64 dev {interface} nodad")).finish();
            let conf = format!(
                "interface {interface} {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; \
                 prefix 2001:db8:{last}::/64 {{ }}; }};\n"
            );
            std::fs::write(dir.path(interface), conf).expect("write");
            let (conf, pid) = (dir.text(interface), dir.text(&format!("{interface}.pid")));
            Running::new(&format!("{inside}radvd -n -C {conf} -p {pid} -m stderr"))
        };
        let told = told_of("xdp", || {
            let router = radvd("left", 1);
            std::thread::sleep(Duration::from_secs(4));
            let rogue = radvd("evil", 66);
            std::thread::sleep(Duration::from_secs(5));
            drop((router, rogue));
        });
        let of_rule: Vec<_> = told.iter().filter(|alert| alert["rule"] == "rogue_ra").collect();
        let [alert] = of_rule[..] else { panic!("{told:?}") };
        assert_eq!(alert["mac"].to_string(), evil, "{alert}");
        assert!(alert["message"].as_str().is_some_and(|said| said.contains("2001:db8:66::/64")), "{alert}");
        drop(holder);
    });
}

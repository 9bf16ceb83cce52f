//! Records about something else than a call: findings, devices, alerts, counts.

use crate::{
    Alert, Answer, Body, Cause, Device, DeviceName, Evidence, FilterCounts, Match, PolicyDeny, Probe,
    Severity, Sought, Suggestion, Verdict,
};

pub(super) fn probe() -> Body {
    Body::Probe(Probe {
        name: "fentry".to_owned(),
        group: "program".to_owned(),
        answer: Answer::No,
        cause: Some(Cause::Forbidden),
        why: "EPERM".to_owned(),
        detail: String::new(),
        costs: "watch: exact parents".to_owned(),
        fix: "run as root".to_owned(),
    })
}

pub(super) fn matched() -> Body {
    Body::Match(Match {
        rule: "github-pat".to_owned(),
        description: "A personal access token of GitHub".to_owned(),
        severity: "high".to_owned(),
        path: "src/main.rs".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        start: 120,
        end: 160,
        secret_start: 120,
        line: 7,
        column: 12,
        redacted: "ghp_[36 bytes more]".to_owned(),
        secret_bytes: 40,
        entropy: 4.25,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
    })
}

pub(super) fn device() -> Body {
    let name = |name: &str, via: &str| DeviceName { name: name.to_owned(), via: via.to_owned() };
    Body::Device(Device {
        mac: "00:17:88:24:76:ff".to_owned(),
        ips: vec!["192.0.2.7".to_owned(), "fe80::217:88ff:fe24:76ff".to_owned()],
        vendor: Some("Philips Lighting BV".to_owned()),
        hostname: Some("Philips-hue".to_owned()),
        names: vec![name("Philips-hue", "dhcp"), name("hue.local", "mdns")],
        device_type: "light bridge".to_owned(),
        category: "hub".to_owned(),
        label: Some("HueBridge".to_owned()),
        one_of: Vec::new(),
        confidence: 0.97,
        os: Some("Linux".to_owned()),
        model: Some("BSB002".to_owned()),
        roles: vec!["dhcp_server".to_owned()],
        evidence: vec![Evidence {
            fact: "mdns service _hue._tcp".to_owned(),
            speaks_for: "hub".to_owned(),
            weight: 4.0,
        }],
        same_as: vec![Suggestion {
            mac: "02:17:88:24:76:ff".to_owned(),
            because: vec!["name hue.local".to_owned()],
        }],
        sought: Some(Sought { addresses: 3, ports: 2, addresses_a_minute: 2, ports_a_minute: 2 }),
        frames: 12,
        first_seen: "2026-01-02T03:04:05.000000000Z".to_owned(),
        last_seen: "2026-01-02T03:05:05.000000000Z".to_owned(),
        online: true,
        source: "office.pcap".to_owned(),
        mac_random: false,
    })
}

pub(super) fn alert() -> Body {
    Body::Alert(Alert {
        rule: "port_scan_vertical".to_owned(),
        severity: Severity::High,
        message: "192.0.2.7 looks for open ports of 192.0.2.9: 15 of 15 did not answer".to_owned(),
        evidence: vec![4],
        because: vec!["tcp ports 1 to 15".to_owned()],
        id: "0123456789abcdef".to_owned(),
        mac: "00:17:88:24:76:ff".to_owned(),
        ip: Some("192.0.2.7".to_owned()),
        count: 15,
        first_seen: "2026-01-02T03:04:05.000000000Z".to_owned(),
        last_seen: "2026-01-02T03:05:05.000000000Z".to_owned(),
        source: "office.pcap".to_owned(),
        technique: vec!["T1595".to_owned()],
        tags: vec!["scan".to_owned()],
        acknowledged: false,
    })
}

pub(super) fn policy_deny() -> Body {
    Body::PolicyDeny(PolicyDeny {
        rule: "read: ~/.ssh/**".to_owned(),
        policy: "agent".to_owned(),
        action: "read".to_owned(),
        enforced: false,
        why: Some("the policy observes".to_owned()),
        path: Some("/home/u/.ssh/id_ed25519".to_owned()),
        evidence: vec![7],
        ..PolicyDeny::default()
    })
}

pub(super) fn counts() -> Body {
    Body::FilterCounts(FilterCounts {
        interface: "eth0".to_owned(),
        hook: "xdp".to_owned(),
        direction: "ingress".to_owned(),
        packets: 120,
        matched: Some(3),
        passed: 117,
        dropped: 3,
        other: 0,
    })
}

pub(super) fn verdict() -> Body {
    Body::Verdict(Verdict {
        feature: "watch".to_owned(),
        tier: "ptrace".to_owned(),
        why: "no eBPF: EPERM".to_owned(),
        lost: vec!["byte counts".to_owned()],
    })
}

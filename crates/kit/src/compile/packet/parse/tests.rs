//! Expressions as they are written, and what is wrong with others.

use super::*;

/// Text, and how it is printed.
const READ: &[(&str, &str)] = &[
    ("ip", "ether proto 0x0800"),
    ("ip6 or arp", "ether proto 0x86dd or ether proto 0x0806"),
    ("tcp", "proto 6"),
    ("icmp6", "ip6 proto 58"),
    ("ip proto \\udp", "ip proto 17"),
    ("tcp dst port 80", "tcp dst port 80"),
    ("src or dst port https", "port 443"),
    ("src and dst portrange 1-1023", "src and dst portrange 1-1023"),
    ("host 10.0.0.1", "net 10.0.0.1/32"),
    ("src host fe80::1 or dst net 10", "src net fe80::1/128 or dst net 10.0.0.0/8"),
    ("ip src net 192.168.0.0/16", "ip src net 192.168.0.0/16"),
    ("arp host 10.0.0.1", "arp net 10.0.0.1/32"),
    ("ether src 0:11:22:33:44:FF", "ether src host 00:11:22:33:44:ff"),
    ("ether broadcast", "ether dst host ff:ff:ff:ff:ff:ff"),
    ("ether multicast", "ether[0:1] & 0x1 = 1"),
    ("vlan && outer vlan 5 && inner vlan 7", "vlan and outer vlan 5 and inner vlan 7"),
    ("less 64 or len > 0x100", "len <= 64 or len > 256"),
    ("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "tcp[13:1] & 0x12 = 2"),
    ("ip[2:2]>=1500", "ip[2:2] >= 1500"),
    ("not udp and !(tcp or icmp)", "not proto 17 and not (proto 6 or ip proto 1)"),
    // Both words bind alike, to the left.
    ("tcp or udp and port 53", "(proto 6 or proto 17) and port 53"),
    ("tcp and (udp and icmp) and arp", "proto 6 and proto 17 and ip proto 1 and ether proto 0x0806"),
];

#[test]
fn reads_and_prints() {
    for (text, printed) in READ {
        let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expr.to_string(), *printed, "{text}");
        assert_eq!(parse(printed), Ok(expr), "{text}");
    }
}

#[test]
fn names_the_column_and_the_cause() {
    for (text, says) in [
        ("", "column 1: a test such as `udp` or `dst port 53` is expected, not the end"),
        ("udp and", "column 8: a test such as `udp` or `dst port 53` is expected, not the end"),
        ("udp port", "column 9: a port such as 53 is expected, not the end"),
        ("port 65536", "column 6: a port such as 53 is expected, not `65536`"),
        ("portrange 9-1", "column 11: a portrange such as 6000-6010 is expected, not `9-1`"),
        (
            "udb",
            "column 1: a test such as `udp`, `dst port 53`, `host 10.0.0.1` or `ip[8] < 5` is expected, not `udb`",
        ),
        ("port 80 or 443", "column 12: a test such as"),
        ("tcp port 80 udp", "column 13: `and`, `or` or the end is expected, not `udp`"),
        ("(udp", "column 5: `)` is expected, not the end"),
        ("net 10.0.0.1/8", "column 5: a network such as 10.0.0.0/8 is expected, not `10.0.0.1/8`"),
        ("ip host fe80::1", "column 9: an address of that protocol is expected"),
        ("tcp host 10.0.0.1", "column 5: `port` or `portrange` is expected, not `host`"),
        ("ether src 1:2", "column 11: an address such as 00:11:22:33:44:55 is expected, not `1:2`"),
        ("ether udp", "column 7: `host`, `src`, `dst`, `proto`"),
        (
            "ip[8:3] = 1",
            "column 3: an offset such as `[12]` or `[2:2]`, of 1, 2 or 4 bytes and up to 65535, is expected",
        ),
        ("ip[8] 5", "column 7: `=`, `!=`, `<`, `<=`, `>` or `>=` is expected, not `5`"),
        ("ip[8] < x", "column 9: a number is expected, not `x`"),
        ("ip[x\n]", "up to 65535, is expected, not `[x\\n]`"),
        ("ip[8", "column 3: `[` is not closed; add `]`"),
        ("udp ; tcp", "column 5: `;` has no meaning"),
        ("udp \u{e9}", "column 5: `\\u{e9}` has no meaning"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?} gave {error:?}, not {says:?}");
    }
}

#[test]
fn content_comes_beside_headers() {
    let both = parse_filter(r#"udp and dst port 53 and content "e\x76il\"" and content /a\/b+/"#).unwrap();
    assert_eq!(both.packet, Some(parse("udp and dst port 53").unwrap()));
    let Some(Content::All(list)) = both.content else { panic!("{both:?}") };
    assert!(matches!(&list[0], Content::Literal { bytes, fold: false } if bytes == b"evil\""));
    assert!(matches!(&list[1], Content::Regex(regex) if regex.pattern() == r"a\/b+"));
    let either = parse_filter(r#"udp and (content "a" or content nocase "b")"#).unwrap();
    assert!(matches!(either.content, Some(Content::Any(list)) if list.len() == 2));
    let alone = parse_filter(r#"content "a""#).unwrap();
    assert!(alone.packet.is_none() && alone.content.is_some());
    for (text, says) in [
        (r#"udp or content "a""#, "column 5: `or` cannot join headers with content"),
        (r#"udp and content "a" or content "b""#, "column 21: `or` cannot join"),
        (r#"not content "a""#, "column 1: `not` takes headers only"),
        ("content nocase /a/", "column 16: a text in quotes (a pattern takes `(?i)`) is expected"),
        (
            "content a",
            "column 9: `nocase`, a text in quotes or a pattern between slashes is expected, not `a`",
        ),
        ("content /(/", "column 9: "),
        (r#"content "a"#, "column 9: a text is not closed"),
        (r#"content "a\q""#, "column 11: an unknown escape"),
        (r#"content "\x4""#, "column 10: `\\x` wants two hexadecimal digits"),
    ] {
        let error = parse_filter(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?} gave {error:?}, not {says:?}");
    }
    assert!(parse(r#"content "a""#).unwrap_err().cause.contains("it is for filters"));
}

#[test]
fn depth_is_bounded() {
    for deep in ["(".repeat(5000), "not ".repeat(5000), "udp and tcp or ".repeat(5000)] {
        let error = parse(&deep).unwrap_err();
        assert!(error.cause.contains("more than 64 conditions inside each other"), "{error}");
    }
    assert!(parse(&format!("udp{}", " or tcp".repeat(5000))).is_ok());
}

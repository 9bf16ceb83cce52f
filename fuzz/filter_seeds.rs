//! Writes the seed corpora of the targets on filters: expressions with a packet, and what tcpdump printed for others.
//!
//! ```text
//! cargo run --example filter_seeds        (in fuzz/)
//! ```

use kernscope_kit::compile::cbpf::Classic;
use std::fs;

/// Every word of the language.
const EXPRESSIONS: [&str; 12] = [
    "udp and dst port 53 and content \"evil\\x00\"",
    "not (tcp or sctp) and src or dst portrange 6000-6010",
    "ether src 00:11:22:33:44:55 or ether broadcast or ether proto 0x88cc",
    "vlan and outer vlan 5 and inner vlan 7",
    "ip src net 10.0.0.0/8 || ip6 dst host fe80::1 || arp host 10.0.0.1",
    "src and dst net 192.168.0.0/16",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "ip[2:2] >= 1500 and len <= 64 and greater 10",
    "icmp[icmptype] = icmp-echo or icmp6[0] = 128 or ip6 proto 44",
    "ip multicast or ip6 multicast or ether multicast",
    "proto 89 or igmp or esp or ah",
    "content nocase \"a\" and (content /b+c/ or content \"d\")",
];

/// Conditions on content, each with data that nearly meets it or does.
const CONTENTS: [(&str, &[u8]); 7] = [
    ("#a>=3,b>=1;window=6", b"..a.ab..aab.a"),
    ("#\\x00>=2;window=200", &[0, 1, 2, 0]),
    ("/ghp_[0-9a-zA-Z]{6}", b"token = ghp_a1B2c3;"),
    ("/(?-u)[a-z]+@[a-z]+\\.(com|onion)$", b"mail somebody@example.com"),
    ("/\\bkey\\b|[A-F0-9]{12,}", b"a monkey, key 0123456789ABCDEF"),
    ("=passw0rd\nx-api-key:\nq", b"a passw0r, a passw0rd"),
    ("~Authorization: Bearer\nSECRET", b"authorization: bearer s3cret"),
];

/// An Ethernet frame with a tag, IPv4 and UDP to port 53.
const FRAME: [u8; 46] = [
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0,
    0, 1, 10, 0, 1, 2, 3, 232, 0, 53, 0, 8, 0, 0,
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all("seeds/filter_expr")?;
    fs::create_dir_all("seeds/cbpf")?;
    for (at, expression) in EXPRESSIONS.iter().enumerate() {
        fs::write(format!("seeds/filter_expr/{at}"), [expression.as_bytes(), &[0], &FRAME].concat())?;
    }
    for (at, (text, data)) in CONTENTS.iter().enumerate() {
        fs::write(format!("seeds/filter_expr/content-{at}"), [text.as_bytes(), &[0], data].concat())?;
    }
    let fixtures = fs::read_to_string("../crates/kit/tests/cbpf/tcpdump.txt")?;
    for (at, block) in fixtures.split("# ").skip(1).enumerate().step_by(6) {
        let (_, text) = block.split_once('\n').ok_or("a program follows its expression")?;
        fs::write(format!("seeds/cbpf/{at}.txt"), text)?;
        let program = Classic::parse(text)?;
        let Ok(count) = u8::try_from(program.insns().len()) else { continue };
        let mut bytes = vec![count];
        for insn in program.insns() {
            bytes.extend(insn.code.to_le_bytes());
            bytes.extend([insn.jt, insn.jf]);
            bytes.extend(insn.k.to_le_bytes());
        }
        bytes.extend(FRAME);
        fs::write(format!("seeds/cbpf/{at}"), bytes)?;
    }
    Ok(())
}

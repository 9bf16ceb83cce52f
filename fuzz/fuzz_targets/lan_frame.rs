//! Any frames, of any kind of link: first a byte for the kind, then a length and a frame, again and again.

#![no_main]

#[path = "../lan.rs"]
mod lan;

use kernscope_lan::capture::{Frame, LinkType};
use kernscope_lan::replay::Account;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&kind, mut rest)) = input.split_first() else { return };
    let link =
        [LinkType::Ethernet, LinkType::LinuxSll, LinkType::LinuxSll2, LinkType::RawIp][usize::from(kind % 4)];
    let (mut registry, mut account, mut ts_ns) = (lan::watched(), Account::default(), 0);
    while let Some(([high, low], tail)) = rest.split_first_chunk() {
        let (bytes, next) = tail.split_at(tail.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
        // Time goes on so fast that what is waited for is decided.
        (rest, ts_ns) = (next, ts_ns + 700_000_000);
        account.take(&Frame { ts_ns, link, bytes, wire_bytes: bytes.len() as u32 }, &mut registry);
    }
    lan::check(&registry, &account);
});

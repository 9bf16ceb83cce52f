//! Any message to any decoder: the first byte chooses which, the rest is its message. With `KERNSCOPE_DECODER=dhcp`
//! all go to that one.

#![no_main]

#[path = "../lan.rs"]
mod lan;
#[path = "../lan_wrap.rs"]
mod lan_wrap;

use kernscope_lan::capture::{Frame, LinkType};
use kernscope_lan::replay::Account;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ONLY: LazyLock<Option<usize>> = LazyLock::new(|| {
    let name = std::env::var("KERNSCOPE_DECODER").ok()?;
    let at = lan_wrap::DECODERS.iter().position(|(known, _)| *known == name);
    Some(at.unwrap_or_else(|| panic!("KERNSCOPE_DECODER={name}: choose one of {:?}", lan_wrap::DECODERS)))
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, message)) = input.split_first() else { return };
    let at = ONLY.unwrap_or(usize::from(choice)) % lan_wrap::DECODERS.len();
    let (mut registry, mut account) = (lan::watched(), Account::default());
    let bytes = lan_wrap::wrapped(lan_wrap::DECODERS[at].1, message);
    let frame = Frame { ts_ns: 1, link: LinkType::Ethernet, bytes: &bytes, wire_bytes: bytes.len() as u32 };
    account.take(&frame, &mut registry);
    assert_eq!(account.frames, 1);
    lan::check(&registry, &account);
});

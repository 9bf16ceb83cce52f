//! Any bytes as both sides of a connection that may speak HTTP: no panic, what is told is bounded, and parts of any size tell the same.
//!
//! The first byte says in how large parts the rest is said, the second how much of it is the first side's.

#![no_main]

use kernscope_watch::talk::http::{BODY_BYTES, Conversation, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [step, share, rest @ ..] = input else { return };
    let cut = rest.len() * usize::from(*share) / 255;
    let parts = told(rest, cut, usize::from(*step).max(1));
    assert_eq!(told(rest, cut, usize::MAX), parts);
    for message in &parts {
        assert!(message.body.as_ref().is_none_or(|body| body.len() <= BODY_BYTES));
        assert!(message.offset <= rest.len() as u64);
    }
});

fn told(bytes: &[u8], cut: usize, step: usize) -> Vec<Message> {
    let (mut talk, mut out) = (Conversation::default(), Vec::new());
    for (side, bytes) in [&bytes[..cut], &bytes[cut..]].into_iter().enumerate() {
        let mut offset = 0;
        for part in bytes.chunks(step) {
            talk.push(side, offset, part, &mut out);
            offset += part.len() as u64;
        }
    }
    talk.end(&mut out);
    out
}

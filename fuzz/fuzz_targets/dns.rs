//! Any bytes as a DNS message: no panic, and what is read is bounded by what was there.

#![no_main]

use kernscope_watch::talk::dns::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(message) = Message::read(input) else { return };
    // A byte is written as four at most, and a name has 255.
    assert!(message.query.len() <= 4 * 255);
    assert!(message.answers.len() <= 256 && message.addresses().count() <= message.answers.len());
    assert!(message.rcode.is_some() || message.answers.is_empty());
});

//! Any text as what a shell is told to run: no panic, and bounded results.

#![no_main]

use kernscope_watch::detect::shell;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reading = shell::read(text, std::iter::empty());
    assert_eq!(reading.text, text);
    // A text has at most 512 commands, and those that it hands to others.
    assert!(reading.commands.len() <= 2048, "{} commands", reading.commands.len());
    assert!(reading.signs.len() <= 16, "{:?}", reading.signs);
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let _ = shell::text_of(&words);
});

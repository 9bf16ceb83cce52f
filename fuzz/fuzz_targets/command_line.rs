//! Command lines and signatures of agents: no panic, no argument more or less, errors in one line.

#![no_main]

use kernscope_watch::agents::Signatures;
use kernscope_watch::core::argv::shown;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let argv: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let all = shown(&argv);
    assert_eq!(all.len(), argv.len());
    let _ = Signatures::builtin().agent(&argv[0], &argv);
    if let Err(error) = Signatures::parse(&text) {
        assert!(!error.contains('\n'));
    }
});

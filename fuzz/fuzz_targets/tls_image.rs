//! Programs and libraries in which TLS is sought: ELF, symbols, Go's table of functions, code.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = kernscope_watch::tls::find(bytes);
    // Programs are put nowhere but into the file, and at one place one of a kind.
    for one in &found {
        let places: std::collections::BTreeSet<_> =
            one.hooks.iter().map(|hook| (hook.offset, hook.on_return, hook.program)).collect();
        assert_eq!(places.len(), one.hooks.len());
        assert!(one.hooks.iter().all(|hook| hook.offset < bytes.len() as u64));
    }
});

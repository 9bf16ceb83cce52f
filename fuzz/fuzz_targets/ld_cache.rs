//! The dynamic linker's cache.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let paths = kernscope_watch::tls::ldcache::tls_libraries(bytes);
    assert!(paths.is_sorted() && paths.iter().all(|path| path.len() <= bytes.len()));
});

//! Files that are there on most machines, and bytes that are no file.

use super::*;

#[test]
fn what_is_no_library_has_nothing() {
    assert!(find(&b""[..]).is_empty());
    assert!(find(&b"\x7fELF"[..]).is_empty());
    let own = std::fs::read("/proc/self/exe").expect("our own image");
    assert!(find(own.as_slice()).is_empty());
    for len in [16, 64, 100, 1000, own.len() / 2, own.len() - 1] {
        assert!(find(&own[..len]).is_empty(), "{len}");
    }
}

#[test]
fn the_libraries_of_this_machine_have_their_functions() {
    let cache = std::fs::read("/etc/ld.so.cache").unwrap_or_default();
    let mut seen = 0;
    for path in ldcache::tls_libraries(&cache) {
        let Ok(bytes) = std::fs::read(path) else { continue };
        // libssl.so of 32 bits may stand beside.
        if bytes.get(4) != Some(&2) {
            continue;
        }
        let found = find(bytes.as_slice());
        assert_eq!(found.len(), 1, "{path}");
        let hooks = &found[0].hooks;
        let count = |on_return| hooks.iter().filter(|hook| hook.on_return == on_return).count();
        assert!(count(true) >= 4 && count(false) > count(true), "{path}: {hooks:?}");
        assert!(hooks.iter().all(|hook| hook.offset < bytes.len() as u64));
        seen += 1;
    }
    if seen == 0 {
        eprintln!("skipped: the dynamic linker of this machine knows no TLS library");
    }
}

#[test]
fn every_program_is_named_once() {
    let names: Vec<_> = programs().collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
    assert!(names.contains(&RETURN));
}

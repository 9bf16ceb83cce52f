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

#[test]
fn a_stripped_program_of_go_has_its_functions_and_every_return() {
    let text = fixture::FIRST_AT as u64;
    let hook = |offset, program| Hook { offset: text + offset, program, on_return: false };
    let expected = [
        hook(0, "tls_go_out"),
        hook(4, "tls_go_return"),
        hook(8, "tls_go_in"),
        hook(13, "tls_go_return"),
        hook(14, "tls_go_return"),
        hook(16, "tls_go_end"),
    ];
    // The table says where the code begins; it says nothing, and `.text` does; it lies, and the code there is another's.
    for said in [fixture::BASE + text, 0, fixture::BASE + text + 1] {
        let found = find(fixture::go(said).as_slice());
        assert_eq!(found, [Found { library: Library::Go, hooks: expected.to_vec() }], "{said:#x}");
    }
}

#[test]
fn a_function_of_go_that_leaves_by_a_jump_is_not_half_hooked() {
    let mut file = fixture::go(0);
    let last_return = fixture::FIRST_AT + 14;
    assert_eq!(file[last_return], 0xc3);
    // jmp to what lies behind.
    file[last_return..last_return + 2].copy_from_slice(&[0xeb, 0x40]);
    assert!(find(file.as_slice()).is_empty());
}

#[test]
fn a_library_is_known_by_its_functions_and_half_of_one_is_none() {
    let whole = fixture::library(&["SSL_read", "SSL_write", "SSL_new"]);
    let found = find(whole.as_slice());
    assert_eq!((found.len(), found[0].library), (1, Library::OpenSsl));
    let programs: Vec<_> = found[0].hooks.iter().map(|hook| (hook.offset - 0x100, hook.program)).collect();
    assert_eq!(
        programs,
        [(0, "tls_openssl_in"), (0, RETURN), (1, "tls_openssl_out"), (1, RETURN)],
        "each function, and its return"
    );
    assert!(find(fixture::library(&["SSL_write", "SSL_free"]).as_slice()).is_empty());
}

#[test]
fn files_that_are_cut_or_changed_give_less_and_never_a_panic() {
    for whole in [fixture::go(0), fixture::library(&["SSL_read", "gnutls_record_recv"])] {
        for len in 0..whole.len() {
            find(&whole[..len]);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let len = changed.len() as u64;
                let found = find(changed.as_slice());
                assert!(found.iter().flat_map(|one| &one.hooks).all(|hook| hook.offset < len), "{at}");
            }
        }
    }
}

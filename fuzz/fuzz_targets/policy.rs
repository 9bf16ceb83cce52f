//! A policy: read or refused in one line; what was read judges paths, and its lists compile again to the same table.

#![no_main]

use kernscope_watch::policy::Policy;
use kernscope_watch::policy::paths::{Class, Places};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Lists in files are files of this machine.
    if text.contains("_file") {
        return;
    }
    let places = Places { home: "/home/u".into(), cwd: "/home/u/work".into() };
    match Policy::parse(text, Path::new("/p.toml"), &places) {
        Ok(mut policy) => {
            let slots = policy.paths.slots().to_vec();
            policy.compile(&places).expect("it compiled before");
            assert_eq!(slots, policy.paths.slots());
            for class in Class::ALL {
                for path in ["/", "/home/u/.ssh/id", "/a/b/c/d.pem"] {
                    let denied =
                        policy.paths.denied(path.as_bytes(), class, policy.rule(class).default_denied);
                    assert!(denied.is_none() || policy.restricts(class));
                }
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});

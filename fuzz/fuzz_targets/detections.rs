//! Files of detections: read or refused in one line; the examples of what was read can be tried.

#![no_main]

use kernscope_watch::detect::Detections;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Detections::parse(text) {
        Ok(all) => {
            let (count, faults) = all.verify();
            assert!(faults.len() <= count);
            for fault in faults {
                assert!(!fault.to_string().contains('\n'));
            }
            let mut twice = all.clone();
            twice.extend_with(all.clone());
            assert_eq!(twice.rules.len(), all.rules.len());
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
});

//! Any text as a file of detections: it is refused in one line, or its examples can be tried.

#![no_main]

use kernscope_watch::detect::Detections;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Detections::parse(text) {
    Ok(detections) => {
        let (count, faults) = detections.verify();
        assert!(faults.len() <= count);
    }
    Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
});

//! What a client of `watch ctl` sends: a request or a refusal in one line; a change leaves the policy as it was, or gives one that holds.

#![no_main]

use kernscope_watch::policy::Policy;
use kernscope_watch::policy::edit::Edit;
use kernscope_watch::policy::paths::Places;
use kernscope_watch::policy::request::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let places = Places { home: "/home/u".into(), cwd: "/home/u/work".into() };
    let request = match Request::parse(line) {
        Ok(request) => request,
        Err(error) => return assert!(!error.contains('\n')),
    };
    let again = serde_json::to_string(&request).expect("a line");
    assert_eq!(Request::parse(&again).as_ref(), Ok(&request));
    let Some((list, edit)) = request.edit() else { return };
    match Policy::default().edited(list, &edit, &places) {
        Ok(policy) => {
            let entries = policy.entries(list.parse().expect("it was changed"));
            if let Edit::Add(new) | Edit::Replace(new) = &edit {
                assert!(new.iter().all(|entry| entries.contains(entry)));
            }
        }
        Err(error) => assert!(!error.contains('\n')),
    }
});

//! Data that somebody has, looked at as a file is.

use crate::desk::Desk;
use crate::name::Name;
use crate::{Options, Outcome};
use kernscope_sieve::matcher::Matcher;
use std::io::{Read, Seek};
use std::sync::atomic::AtomicBool;

/// Looks at `data` as at a file called `path`, archives and all, on this thread. Ends early when `stop` is set.
///
/// ```
/// use kernscope_scan::{Options, scan_data};
/// use kernscope_sieve::matcher::Matcher;
/// use kernscope_sieve::rules::RuleSet;
///
/// let rules = RuleSet::parse("[[rule]]\nid = 'pin'\nregex = 'pin=[0-9]{4}'").expect("rules");
/// let (matcher, stop) = (Matcher::new(rules), false.into());
/// let data = std::io::Cursor::new("name=a\npin=1234\n");
/// let outcome = scan_data(&Options::default(), &matcher, &stop, b"form.txt", data);
/// assert_eq!((outcome.found[0].at.line, outcome.found[0].at.start), (2, 7));
/// ```
pub fn scan_data<R: Read + Seek>(
    options: &Options,
    matcher: &Matcher,
    stop: &AtomicBool,
    path: &[u8],
    data: R,
) -> Outcome {
    let (mut desk, name) = (Desk::new(options, matcher, stop), Name::new(path, path));
    desk.outcome.tally.seen("file");
    if !desk.is_excused(&name) {
        desk.search(&name, data);
    }
    desk.outcome
}

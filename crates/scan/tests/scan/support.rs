//! A scan of bytes in a file of its own.

use kernscope_scan::{Options, Outcome, Progress, Tally};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Fits the rule of these tests.
pub(crate) const TOKEN: &str = "acme_0a1b2c3d4e5f6071";
const RULES: &str = r"
[[rule]]
id = 'acme'
regex = 'acme_[0-9a-f]{16}'
[[rule]]
id = 'name'
paths = ['(?:^|/)secret\.key$']
[[allowlist]]
paths = ['(?:^|/)excused$']
";

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Result {
    /// Paths below the root, with offsets.
    pub(crate) found: Vec<(String, u64, u64)>,
    /// Commits of those.
    pub(crate) commits: Vec<Option<String>>,
    pub(crate) tally: Tally,
    pub(crate) troubles: Vec<String>,
}

impl Result {
    fn take(&mut self, outcome: Outcome) {
        for found in outcome.found {
            let below = String::from_utf8_lossy(&found.below).into_owned();
            self.found.push((below, found.at.start, found.at.end));
            self.commits.push(found.commit.as_deref().map(str::to_owned));
        }
        self.troubles.extend(outcome.troubles.into_iter().map(|trouble| trouble.line));
        self.tally.add(&outcome.tally);
    }

    /// Paths of what was found.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.found.iter().map(|(path, ..)| path.as_str()).collect()
    }

    pub(crate) fn lost(&self, cause: &str) -> u64 {
        self.tally.lost_by.get(cause).copied().unwrap_or(0)
    }
}

/// Scans `data` as a file of this name. All that was met is accounted for.
pub(crate) fn scan(name: &str, data: &[u8]) -> Result {
    scan_with(name, data, Options::default())
}

pub(crate) fn scan_with(name: &str, data: &[u8], options: Options) -> Result {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("kernscope-scan-{}-{next}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), data).expect("written");
    let result = scan_paths(vec![folder.clone()], options);
    std::fs::remove_dir_all(&folder).expect("removed");
    result
}

pub(crate) fn scan_paths(roots: Vec<PathBuf>, options: Options) -> Result {
    let matcher = Matcher::new(RuleSet::parse(RULES).expect("rules"));
    let options = Options { roots, threads: 2, ..options };
    let (mut result, stop) = (Result::default(), AtomicBool::new(false));
    let take = &mut |outcome| result.take(outcome);
    kernscope_scan::scan(&options, &matcher, &stop, &Progress::default(), take);
    let sum = |map: &std::collections::BTreeMap<&str, u64>| map.values().sum::<u64>();
    let tally = &result.tally;
    assert_eq!(sum(&tally.seen_by), sum(&tally.filtered_by) + sum(&tally.lost_by), "{result:?}");
    result
}

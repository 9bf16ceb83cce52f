//! What the kit's compiler makes of a real rule set: nothing that a rule matches is lost, and the kernel takes it.
//!
//! Skipped, out loud, where gitleaks' file (`KERNSCOPE_DATA`) or the privilege to load programs is not at hand.

use crate::random::Random;
use crate::sample::sample;
use crate::{gitleaks, regex};
use kernscope_kit::compile::rules::Pattern;
use kernscope_kit::compile::{Compiled, Content, Filter, Host, LoopShape, Options, Target, compile, oracle};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe::{self, ProgType};

/// Samples of each rule.
const SAMPLES: usize = 6;

/// Data that the rule's expression and a keyword of it match, by the `regex` crate.
fn matching(pattern: &str, keywords: &[Vec<u8>], random: &mut Random) -> Vec<Vec<u8>> {
    let regex = regex(pattern);
    let hir = regex_syntax::parse(pattern).expect("parses");
    let samples = (0..4 * SAMPLES).map(|_| {
        let mut text = b"let x = \"".to_vec();
        sample(&hir, random, &mut text);
        text.extend_from_slice(b"\"; // nothing else");
        text
    });
    let keyword = |data: &[u8]| {
        let lower = data.to_ascii_lowercase();
        keywords.is_empty()
            || keywords.iter().any(|word| lower.windows(word.len()).any(|here| here == &word[..]))
    };
    samples.filter(|data| regex.is_match(data) && keyword(data)).take(SAMPLES).collect()
}

#[test]
fn nothing_that_gitleaks_rules_match_is_lost() {
    let Some(rules) = gitleaks() else { return };
    let rules = rules.conditions();
    let content = rules.content();
    let running = privileged().then(|| Running::new(&content));
    let mut random = Random(11);
    let (mut samples, mut sampled) = (0, 0);
    for (rule, (id, condition)) in rules.rules.iter().zip(rules.conditions()) {
        let Pattern::Regex(pattern) = &rule.pattern else { panic!("{id}: gitleaks has expressions only") };
        let data = matching(pattern, &rule.keywords, &mut random);
        sampled += usize::from(!data.is_empty());
        for data in data {
            samples += 1;
            assert!(oracle::matches(&condition, &data), "{id}: {}", data.escape_ascii());
            assert!(oracle::matches(&content, &data), "all, {id}: {}", data.escape_ascii());
            if let Some(running) = running.as_ref().filter(|_| data.len() < 3000) {
                assert!(running.is_match(&data), "in the kernel, {id}: {}", data.escape_ascii());
            }
        }
    }
    eprintln!("{samples} samples of {sampled} rules of {}", rules.rules.len());
    assert!(sampled > 200, "samples for {sampled} rules only");
}

#[test]
fn the_whole_of_gitleaks_is_one_small_program() {
    let Some(rules) = gitleaks() else { return };
    assert_eq!(rules.rules.len(), 222);
    if !privileged() {
        return;
    }
    let running = Running::new(&rules.conditions().content());
    let info = running.loaded.info().expect("info");
    if Host::running().shape == LoopShape::MayGoto {
        assert!(info.verified_insns < 1_000, "{info:?}");
    }
    assert!(!running.is_match(b"an ordinary line of text that holds nothing"));
}

/// Whether programs can be loaded here; says so if not.
fn privileged() -> bool {
    let answer = probe::prog_type(ProgType::Xdp);
    if !answer.is_yes() {
        eprintln!("skipped: XDP programs: {}", answer.why());
    }
    answer.is_yes()
}

/// A condition in the kernel.
struct Running {
    compiled: Compiled,
    loaded: Loaded,
}

impl Running {
    fn new(content: &Content) -> Running {
        let options = Options::new(Target::Xdp, Host::running());
        let compiled = compile(&Filter::content(content.clone()), &options).expect("compiles");
        let loaded = Loaded::load(&compiled.program).unwrap_or_else(|error| panic!("{error}"));
        Running { compiled, loaded }
    }

    fn is_match(&self, data: &[u8]) -> bool {
        let returned = self.loaded.test_run(&TestRun { data, ..TestRun::default() }).expect("runs").retval;
        Target::Xdp.is_match(returned, self.compiled.options().on_match)
    }
}

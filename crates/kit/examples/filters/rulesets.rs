//! Random rule sets, shaped like those of secret scanners: words, something between, a sign, a value, an end.

use std::fmt;
use std::sync::Arc;

use kernscope_kit::compile::rules::{Pattern, Rule, Rules};

use crate::contents::Sought;
use crate::random::Random;

/// What rules are right about: the `regex` crate, and keywords sought one by one.
pub(crate) struct Oracle(Vec<(Vec<Vec<u8>>, regex::bytes::Regex)>);

impl Oracle {
    /// Whether a rule matches: its expression does, and one of its keywords is there.
    pub(crate) fn matches(&self, data: &[u8]) -> bool {
        let lower = data.to_ascii_lowercase();
        let has = |word: &Vec<u8>| lower.windows(word.len()).any(|here| here == word);
        let keyword = |words: &[Vec<u8>]| words.is_empty() || words.iter().any(has);
        self.0.iter().any(|(words, regex)| keyword(words) && regex.is_match(data))
    }
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |(words, regex): &(Vec<Vec<u8>>, regex::bytes::Regex)| {
            let words: Vec<_> = words.iter().map(|word| word.escape_ascii().to_string()).collect();
            format!("{} with [{}]", regex.as_str(), words.join(", "))
        };
        write!(f, "rules: {}", self.0.iter().map(told).collect::<Vec<_>>().join("; "))
    }
}

/// One to eight rules, and what they match; `None` when the `regex` crate refuses one.
pub(crate) fn rules(random: &mut Random) -> Option<Sought> {
    let parts: Vec<_> = (0..random.within(1, 8)).map(|_| rule(random)).collect();
    let (mut rules, mut oracle, mut plants) = (Vec::new(), Vec::new(), Vec::new());
    for (number, Parts { keywords, text, samples }) in parts.into_iter().enumerate() {
        oracle.push((keywords.clone(), regex::bytes::Regex::new(&text).ok()?));
        rules.push(Rule { id: number.to_string(), keywords, pattern: Pattern::Regex(text) });
        plants.extend(samples);
    }
    let content = Rules { rules, paths_only: Vec::new() }.content();
    let alphabet = b"key=:tosn\"01aAK ._-;\n\xc3\xa9".to_vec();
    Some(Sought { content, plants, alphabet, rules: Some(Arc::new(Oracle(oracle))) })
}

/// A rule, and texts most of which it matches.
struct Parts {
    keywords: Vec<Vec<u8>>,
    text: String,
    samples: Vec<Vec<u8>>,
}

/// A part of an expression: how it is written, and texts that it matches.
type Part = (&'static str, &'static [&'static str]);

const BEFORE: [Part; 4] = [("", &[""]), (r"[\w.-]{0,50}?", &["", "a.b_"]), (r"\b", &[""]), ("^", &[""])];
const WORDS: [&str; 10] = ["key", "tok", "s.", "ab", "k", "api_", "eyJ", "sk", "secret", "q~"];
const BETWEEN: [Part; 7] = [
    ("", &[""]),
    (r"[ \t\w.-]{0,20}", &["", "_id ", "éé", "aaaaaaaaaaaaaaaaaaaa"]),
    (r#"[\s'"]{0,3}"#, &["", " \"", "\n"]),
    (".{0,9}", &["", "123456789"]),
    ("(?:_x|-y)?", &["", "_x"]),
    (r"(?-u:\W)*", &["", " = "]),
    ("(?:[a-f]{2}-){2}", &["ab-cd-", "ef-ef-"]),
];
const SIGNS: [Part; 4] = [
    ("", &[""]),
    ("[=:]", &["=", ":"]),
    (r"(?:=|>|:{1,3}=|\|\||=>)", &["=", ":::=", "||"]),
    ("[^a]", &["\n", "é"]),
];
const QUOTES: [Part; 2] = [("", &[""]), (r#"[\s'"=]{0,5}"#, &["", "\"", " = \""])];
const VALUES: [Part; 6] = [
    ("[a-z0-9]", &["0", "a", "k"]),
    (r"[\w.=-]", &["a", "-", "é"]),
    ("[a-h]", &["a", "e"]),
    ("(?s:.)", &["a", "\n"]),
    ("(?:no|on)", &["no", "on"]),
    ("[^\\s]", &["k", "\""]),
];
const ENDS: [Part; 6] = [
    ("", &[""]),
    ("$", &[""]),
    (r"\b", &["", " "]),
    (r#"(?:["\s;]|$)"#, &["\"", "\n", ""]),
    (r"(?m:$)", &["", "\n"]),
    ("(?:;a){2}", &[";a;a"]),
];

fn rule(random: &mut Random) -> Parts {
    let words: Vec<&str> = (0..random.within(1, 3)).map(|_| random.pick(&WORDS)).collect();
    let parts = [&BEFORE[..], &BETWEEN, &SIGNS, &QUOTES, &VALUES, &ENDS].map(|parts| random.pick(parts));
    let low = random.pick(&[1, 3, 8, 16, 24, 40]);
    let (high, count) = match random.below(3) {
        0 => (low, format!("{{{low}}}")),
        1 => (low + 4, format!("{{{low},}}")),
        _ => (low + 110, format!("{{{low},{}}}", low + 110)),
    };
    let [before, between, sign, quote, value, end] = parts;
    let written: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    let written = written.join("|");
    let fold = random.once_in(2);
    let text = format!(
        "{}{}(?:{written}){}{}{}{}{count}{}",
        if fold { "(?i)" } else { "" },
        before.0,
        between.0,
        sign.0,
        quote.0,
        value.0,
        end.0
    );
    let samples = (0..6).map(|_| {
        let mut sample = random.pick(before.1).to_owned() + random.pick(&words);
        for part in [between, sign, quote] {
            sample.push_str(random.pick(part.1));
        }
        (0..random.within(low, high)).for_each(|_| sample.push_str(random.pick(value.1)));
        sample.push_str(random.pick(end.1));
        if fold { spelled(random, &sample) } else { sample }.into_bytes()
    });
    let samples = samples.collect();
    let keywords = match random.below(8) {
        0 | 1 => Vec::new(),
        2 => vec![b"a".to_vec()],
        _ => words.iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect(),
    };
    Parts { keywords, text, samples }
}

/// Some letters in the other case, or as one of the characters beyond ASCII that have no other case than theirs.
fn spelled(random: &mut Random, text: &str) -> String {
    let other = |c: char| match (random.below(12), c) {
        (0, 's') => '\u{17f}',
        (0, 'k') => '\u{212a}',
        (0..4, c) => c.to_ascii_uppercase(),
        _ => c,
    };
    text.chars().map(other).collect()
}

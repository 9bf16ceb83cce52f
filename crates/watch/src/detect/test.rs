//! What a field must be: `path = "/etc/shadow"`, `path = ["/a", "/b"]`, or a table of tests that must all hold.
//!
//! Of a list of texts (`argv`) one must meet them all, and none what stands in `not`.

use super::pattern::Pattern;
use super::value::Value;

/// Keys of a table of tests, for error messages.
const KEYS: &str = "is, name, prefix, suffix, contains, glob, regex, ge, le, bits, known, not";

/// A checked test.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// All must hold, of one and the same text.
    atoms: Vec<Atom>,
    /// None may hold.
    not: Option<Box<Test>>,
    /// There must (not) be a value.
    known: Option<bool>,
}

#[derive(Clone, Debug)]
enum Atom {
    Is(Vec<String>),
    Name(Vec<String>),
    Prefix(Vec<String>),
    Suffix(Vec<String>),
    Contains(Vec<String>),
    Regex(Pattern),
    Numbers(Vec<i64>),
    AtLeast(i64),
    AtMost(i64),
    Bits(i64),
    Flag(bool),
}

impl Test {
    /// Reads a test; `Err` says what is wrong and what would be right.
    pub(super) fn parse(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Table(table) => Self::table(table),
            toml::Value::Boolean(flag) => Ok(Self::one(Atom::Flag(*flag))),
            other => Ok(Self::one(is(other)?)),
        }
    }

    fn one(atom: Atom) -> Self {
        Self { atoms: vec![atom], not: None, known: None }
    }

    fn table(table: &toml::Table) -> Result<Self, String> {
        let mut test = Self { atoms: Vec::new(), not: None, known: None };
        for (key, value) in table {
            let in_key = |why: String| format!("{key}: {why}");
            let atom = match key.as_str() {
                "is" => is(value).map_err(in_key)?,
                "name" => Atom::Name(texts(value).map_err(in_key)?),
                "prefix" => Atom::Prefix(texts(value).map_err(in_key)?),
                "suffix" => Atom::Suffix(texts(value).map_err(in_key)?),
                "contains" => Atom::Contains(texts(value).map_err(in_key)?),
                "glob" => {
                    let globs: Vec<String> =
                        texts(value).map_err(in_key)?.iter().map(|glob| as_regex(glob)).collect();
                    Atom::Regex(Pattern::new(format!("(?s)^(?:{})$", globs.join("|"))))
                }
                "regex" => {
                    let all: Vec<String> =
                        texts(value).map_err(in_key)?.iter().map(|one| format!("(?:{one})")).collect();
                    Atom::Regex(Pattern::new(all.join("|")))
                }
                "ge" => Atom::AtLeast(number(value).map_err(in_key)?),
                "le" => Atom::AtMost(number(value).map_err(in_key)?),
                "bits" => Atom::Bits(number(value).map_err(in_key)?),
                "known" => {
                    let known = value.as_bool().ok_or("must be true or false".to_owned());
                    test.known = Some(known.map_err(in_key)?);
                    continue;
                }
                "not" => {
                    test.not = Some(Box::new(Self::parse(value).map_err(in_key)?));
                    continue;
                }
                _ => return Err(format!("{key} is no test; there are {KEYS}")),
            };
            test.atoms.push(atom);
        }
        Ok(test)
    }

    /// Whether a field's value meets it.
    pub(super) fn holds(&self, value: Value<'_>) -> bool {
        let known = match value {
            Value::Missing => false,
            Value::Texts(texts) => !texts.is_empty(),
            _ => true,
        };
        if self.known.is_some_and(|wanted| wanted != known) {
            return false;
        }
        let met = match value {
            _ if self.atoms.is_empty() => true,
            Value::Texts(texts) => texts.iter().any(|text| self.meets(text)),
            Value::Text(text) => self.meets(text),
            Value::Number(number) => self.atoms.iter().all(|atom| atom.number(number)),
            Value::Flag(flag) => {
                self.atoms.iter().all(|atom| matches!(atom, Atom::Flag(wanted) if *wanted == flag))
            }
            Value::Missing => false,
        };
        met && !self.not.as_ref().is_some_and(|not| not.holds(value))
    }

    /// Makes ready every expression.
    ///
    /// # Errors
    /// One that cannot be, and why.
    pub(super) fn compile(&self) -> Result<(), String> {
        for atom in &self.atoms {
            if let Atom::Regex(pattern) = atom {
                pattern.compile().map_err(|why| format!("regex: {why}"))?;
            }
        }
        self.not.as_ref().map_or(Ok(()), |not| not.compile().map_err(|why| format!("not: {why}")))
    }

    fn meets(&self, text: &str) -> bool {
        self.atoms.iter().all(|atom| atom.text(text))
    }
}

impl Atom {
    fn text(&self, text: &str) -> bool {
        match self {
            Self::Is(all) => all.iter().any(|one| one == text),
            Self::Name(all) => {
                let name = text.rsplit('/').next().unwrap_or(text);
                all.iter().any(|one| one == name)
            }
            Self::Prefix(all) => all.iter().any(|one| text.starts_with(one.as_str())),
            Self::Suffix(all) => all.iter().any(|one| text.ends_with(one.as_str())),
            Self::Contains(all) => {
                all.iter().any(|one| memchr::memmem::find(text.as_bytes(), one.as_bytes()).is_some())
            }
            Self::Regex(regex) => regex.is_match(text),
            _ => false,
        }
    }

    fn number(&self, number: i64) -> bool {
        match self {
            Self::Numbers(all) => all.contains(&number),
            Self::AtLeast(least) => number >= *least,
            Self::AtMost(most) => number <= *most,
            Self::Bits(bits) => number & bits != 0,
            _ => false,
        }
    }
}

fn is(value: &toml::Value) -> Result<Atom, String> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let numbers: Option<Vec<i64>> = list.iter().map(toml::Value::as_integer).collect();
    match numbers.filter(|numbers| !numbers.is_empty()) {
        Some(numbers) => Ok(Atom::Numbers(numbers)),
        None => texts(value).map(Atom::Is),
    }
}

fn texts(value: &toml::Value) -> Result<Vec<String>, String> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let all: Option<Vec<String>> = list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    all.filter(|all| !all.is_empty()).ok_or_else(|| "must be a text or a list of texts".to_owned())
}

fn number(value: &toml::Value) -> Result<i64, String> {
    value.as_integer().ok_or_else(|| "must be a whole number".to_owned())
}

/// A glob as a regular expression: `*` stops at `/`, `**` does not, `?`, `[...]`, `{a,b}`.
fn as_regex(glob: &str) -> String {
    let mut out = String::new();
    let mut rest = glob.chars().peekable();
    let mut depth = 0;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' | ']' => out.push(c),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(text: &str) -> Test {
        let table: toml::Table = format!("t = {text}").parse().expect("TOML");
        Test::parse(&table["t"]).expect("a test")
    }

    fn wrong(text: &str) -> String {
        let table: toml::Table = format!("t = {text}").parse().expect("TOML");
        Test::parse(&table["t"]).and_then(|test| test.compile()).expect_err("wrong")
    }

    #[test]
    fn texts() {
        let holds = |wanted: &str, text: &str| test(wanted).holds(Value::Text(text));
        assert!(holds("'/a'", "/a") && !holds("'/a'", "/ab"));
        assert!(holds("['a', 'b']", "b") && !holds("['a', 'b']", "c"));
        assert!(holds("{ name = 'sh' }", "/bin/sh") && !holds("{ name = 'sh' }", "/bin/bash"));
        assert!(holds("{ prefix = '/etc/', suffix = '.d' }", "/etc/x.d"));
        assert!(!holds("{ prefix = '/etc/', suffix = '.d' }", "/etc/x"));
        assert!(holds("{ glob = '/home/*/.ssh/{id_*,authorized_keys}' }", "/home/a/.ssh/id_rsa"));
        assert!(!holds("{ glob = '/home/*/.ssh/id_*' }", "/home/a/b/.ssh/id_rsa"));
        assert!(holds("{ glob = '**/.ssh/id_?' }", "/home/a/b/.ssh/id_a"));
        assert!(
            holds("{ regex = '^a.c$', not = 'abc' }", "axc")
                && !holds("{ regex = '^a.c$', not = 'abc' }", "abc")
        );
    }

    #[test]
    fn lists_numbers_and_nothing() {
        let argv = ["curl".to_owned(), "-d".to_owned(), "@/etc/passwd".to_owned()];
        assert!(test("'-d'").holds(Value::Texts(&argv)));
        assert!(!test("{ prefix = '@', suffix = 'shadow' }").holds(Value::Texts(&argv)));
        assert!(!test("{ not = '-d' }").holds(Value::Texts(&argv)));
        assert!(test("{ bits = 0o6000 }").holds(Value::Number(0o4755)));
        assert!(!test("{ ge = 3, le = 5 }").holds(Value::Number(6)) && test("3").holds(Value::Number(3)));
        assert!(
            test("{ known = false }").holds(Value::Missing)
                && !test("{ known = true }").holds(Value::Missing)
        );
        assert!(test("{ not = 'a' }").holds(Value::Missing) && !test("'a'").holds(Value::Missing));
        assert!(test("true").holds(Value::Flag(true)) && !test("true").holds(Value::Flag(false)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(wrong("{ sufix = 'a' }").starts_with("sufix is no test; there are is, name"));
        assert_eq!(wrong("{ prefix = 3 }"), "prefix: must be a text or a list of texts");
        assert!(wrong("{ regex = '(' }").starts_with("regex: not a regular expression: "));
        assert_eq!(wrong("[]"), "must be a text or a list of texts");
        assert_eq!(wrong("{ ge = 'a' }"), "ge: must be a whole number");
    }
}

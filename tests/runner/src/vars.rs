//! Placeholders: `${DIR}`, `${UID}`, `${BIN}` and what a program says about itself.
//!
//! A program under test tells facts that only it knows, such as its process id or the port it was given, by
//! printing lines `name=value` on standard output; a pattern can keep a field of a record under a name with
//! `bind`. Both are then placeholders.

use std::collections::BTreeMap;

/// Names and values.
#[derive(Clone, Debug, Default)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Sets or replaces one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes over the `name=value` lines of a program's output; other lines are not facts.
    pub fn take_facts(&mut self, stdout: &[u8]) {
        for line in String::from_utf8_lossy(stdout).lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                self.set(name, value);
            }
        }
    }

    /// `text` with its placeholders filled in; one without a value stays as it is, so that it shows.
    pub fn expand(&self, text: &str) -> String {
        self.expand_with(text, str::to_owned)
    }

    /// The same for a regular expression: values are taken literally.
    pub fn expand_re(&self, text: &str) -> String {
        self.expand_with(text, regex::escape)
    }

    fn expand_with(&self, text: &str, quote: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(len) = rest[start..].find('}') else { break };
            out.push_str(&rest[..start]);
            match self.0.get(&rest[start + 2..start + len]) {
                Some(value) => out.push_str(&quote(value)),
                None => out.push_str(&rest[start..=start + len]),
            }
            rest = &rest[start + len + 1..];
        }
        out.push_str(rest);
        out
    }

    /// All of them, for a failure's report.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_placeholders() {
        let mut vars = Vars::default();
        vars.set("DIR", "/tmp/x.y");
        vars.take_facts(b"child=12\nnot a fact = 1\nbroken\n");
        assert_eq!(vars.expand("${DIR}/a ${child} ${unset} ${"), "/tmp/x.y/a 12 ${unset} ${");
        assert_eq!(vars.expand_re("^${DIR}/.$"), r"^/tmp/x\.y/.$");
    }
}

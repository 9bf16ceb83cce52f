//! Secrets taken out of data that is to be shown.

use kernscope_sieve::matcher::{Matcher, Place, Scratch};
use kernscope_sieve::redact::redact;
use kernscope_sieve::rules::RuleSet;
use std::borrow::Cow;

/// The built-in rules, laid out when data first asks for them.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    rules: Option<(Matcher, Scratch)>,
}

impl Secrets {
    /// The data with each secret redacted, and how many those are.
    pub(super) fn redact<'a>(&mut self, data: &'a [u8]) -> (Cow<'a, [u8]>, u64) {
        let (matcher, scratch) = self.rules.get_or_insert_with(|| {
            let matcher = Matcher::new(RuleSet::builtin());
            let scratch = matcher.scratch();
            (matcher, scratch)
        });
        let mut found: Vec<(usize, Vec<u8>)> = matcher
            .find(data, &Place::default(), scratch)
            .into_iter()
            .filter_map(|found| Some((usize::try_from(found.secret_start).ok()?, found.secret)))
            .filter(|(_, secret)| !secret.is_empty())
            .collect();
        if found.is_empty() {
            return (data.into(), 0);
        }
        // Of those that overlap the one that begins first, and of those the longest: nothing of another may show.
        found.sort_by_key(|(start, secret)| (*start, std::cmp::Reverse(secret.len())));
        let (mut shown, mut done, mut count) = (Vec::with_capacity(data.len()), 0, 0);
        for (start, secret) in found {
            let end = start.saturating_add(secret.len()).min(data.len());
            if end <= done {
                continue;
            }
            if start >= done {
                shown.extend_from_slice(&data[done..start]);
                shown.extend_from_slice(redact(&secret).as_bytes());
            }
            done = end;
            count += 1;
        }
        shown.extend_from_slice(&data[done..]);
        (shown.into(), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_and_the_rest_is() {
        // Written in two parts, so that no scanner finds a token here.
        let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
        let text = format!("GET / HTTP/1.1\r\nAuthorization: token {token}\r\n\r\n");
        let mut secrets = Secrets::default();
        let (shown, count) = secrets.redact(text.as_bytes());
        let shown = String::from_utf8(shown.into_owned()).expect("text");
        assert_eq!(count, 1);
        assert!(!shown.contains(&token[8..]) && shown.starts_with("GET / HTTP/1.1\r\nAuthorization: token "));
        assert!(shown.ends_with("\r\n\r\n"));
        let plain = b"nothing \xff here";
        assert_eq!(secrets.redact(plain), (Cow::Borrowed(&plain[..]), 0));
    }
}

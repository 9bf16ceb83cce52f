//! Keys of TOML in lower case: gitleaks reads its keys whatever their case.

use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The same table with all keys in lower case, those of tables within it too. Of keys that are alike then one is kept.
pub(super) fn lower(table: DeTable<'_>) -> DeTable<'_> {
    table.into_iter().map(|(key, value)| (key_of(key), within(value))).collect()
}

fn key_of(key: Spanned<Cow<'_, str>>) -> Spanned<Cow<'_, str>> {
    match key.get_ref().bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Spanned::new(key.span(), Cow::Owned(key.get_ref().to_ascii_lowercase())),
        false => key,
    }
}

fn within(value: Spanned<DeValue<'_>>) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let lowered = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(lower(table)),
        DeValue::Array(list) => DeValue::Array(list.into_iter().map(within).collect()),
        other => other,
    };
    Spanned::new(span, lowered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn keys_are_lower_and_values_stay() {
        let text = "A = 'B'\n[[C]]\nD = { E = ['F', { G = 1 }] }";
        let table = lower(DeTable::parse(text).expect("TOML").into_inner());
        let lower =
            DeTable::parse("a = 'B'\n[[c]]\nd = { e = ['F', { g = 1 }] }").expect("TOML").into_inner();
        let plain = |table: DeTable<'_>| {
            toml::Table::deserialize(toml::Deserializer::from(Spanned::new(0..0, table)))
        };
        assert_eq!(plain(table).expect("a table"), plain(lower).expect("a table"));
    }
}

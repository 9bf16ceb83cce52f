//! The JSON Schema of a record, and the same for people, both from the types.
//!
//! `docs/record.schema.json` and `docs/SCHEMA.md` hold what [`json`] and [`markdown()`] give; a test compares
//! them, `cargo xtask schema` writes them.

mod markdown;

use crate::Record;
use schemars::generate::SchemaSettings;
use serde_json::Value;

pub use markdown::markdown;

/// The JSON Schema (draft 2020-12) of one line of output, ending in a newline.
pub fn json() -> String {
    let mut text = serde_json::to_string_pretty(&value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema as a value.
pub fn value() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Record>().to_value();
    schema["title"] = "kernscope record".into();
    schema
}

#[cfg(test)]
mod tests;

//! The schema as tables.

use super::value;
use crate::SCHEMA_VERSION;
use serde_json::Value;
use std::fmt::Write;

const INTRO: &str = "\
# Record schema

Generated from the types by `cargo xtask schema`; do not edit. The same as a JSON Schema:
[record.schema.json](record.schema.json).

`kernscope watch --format jsonl` writes one JSON object a line, in UTF-8. Fields may be added in any version; a
field changes its meaning or goes away only with a new `v`. A reader should ignore fields and kinds that it does
not know. A field marked *optional* is left out when it has nothing to say.

Bytes that are not UTF-8: the field's name stands in `escaped`, and in that field each byte that is no part of a
character stands as `\\xHH` and each backslash as `\\\\`; so the bytes can be had back. In fields that are not in
`escaped`, backslashes are just backslashes.

The second-to-last record of a run is `coverage`, the last is `ledger`. `kernscope doctor --format jsonl` writes
`probe`, `verdict` and a `ledger`; `kernscope scan --format jsonl` writes `match`, `coverage` and a `ledger`;
`kernscope lan replay --format jsonl` writes `device`, `coverage` and a `ledger`;
`kernscope filter attach --format jsonl` writes `filter_counts`, `coverage` and a `ledger`.
";

/// The schema for people.
pub fn markdown() -> String {
    let schema = value();
    let mut out = format!("{INTRO}\nSchema version: {SCHEMA_VERSION}\n\n## Every record\n\n");
    table(&mut out, &schema, &[]);
    for variant in list(&schema, "oneOf") {
        let Some(kind) = kind_of(variant) else { continue };
        let _ = write!(out, "\n## `{kind}`\n\n{}\n\n", description(variant));
        table(&mut out, variant, &["kind"]);
    }
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        let _ = write!(out, "\n## Type `{name}`\n\n{}\n\n", description(definition));
        if definition["properties"].is_object() {
            table(&mut out, definition, &[]);
        } else {
            words(&mut out, definition);
        }
    }
    out
}

fn kind_of(variant: &Value) -> Option<&str> {
    variant["properties"]["kind"]["const"].as_str()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn table(out: &mut String, object: &Value, skip: &[&str]) {
    out.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
    let required = |name: &str| list(object, "required").any(|other| other == name);
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        if skip.contains(&name.as_str()) {
            continue;
        }
        let optional = if required(name) { "" } else { ", *optional*" };
        let _ = writeln!(out, "| `{name}` | {}{optional} | {} |", type_of(field), description(field));
    }
}

/// The words that an enumeration consists of.
fn words(out: &mut String, definition: &Value) {
    out.push_str("| value | meaning |\n| --- | --- |\n");
    for word in list(definition, "oneOf") {
        let _ = writeln!(out, "| `{}` | {} |", word["const"].as_str().unwrap_or("?"), description(word));
    }
}

fn type_of(field: &Value) -> String {
    if let Some(name) = field["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return link(name);
    }
    let mut names: Vec<String> = list(field, "anyOf").map(type_of).collect();
    match &field["type"] {
        Value::String(name) => names.push(name.clone()),
        Value::Array(types) => names.extend(types.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    for name in &mut names {
        if name == "array" {
            *name = format!("array of {}", type_of(&field["items"]));
        } else if name == "object" && field["additionalProperties"].is_object() {
            *name = format!("object of {}", type_of(&field["additionalProperties"]));
        }
    }
    if names.is_empty() { "any".to_owned() } else { names.join(" or ") }
}

fn link(name: &str) -> String {
    format!("[{name}](#type-{})", name.to_lowercase())
}

fn description(value: &Value) -> String {
    value["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

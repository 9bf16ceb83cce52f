use super::*;
use crate::samples;
use crate::sequence::Sequencer;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn lines() -> Vec<Value> {
    let mut sequencer = Sequencer::new(1_700_000_000_000_000_000);
    samples::entries()
        .iter()
        .map(|entry| serde_json::to_value(sequencer.stamp(entry)).expect("serialises"))
        .collect()
}

fn kinds(schema: &Value) -> BTreeSet<String> {
    let variants = schema["oneOf"].as_array().expect("variants");
    variants.iter().map(|v| v["properties"]["kind"]["const"].as_str().expect("kind").to_owned()).collect()
}

#[test]
fn the_committed_files_are_the_generated_ones() {
    for (name, generated) in [("record.schema.json", json()), ("SCHEMA.md", markdown())] {
        let committed = std::fs::read_to_string(docs(name)).unwrap_or_default();
        assert!(committed == generated, "docs/{name} is out of date: run `cargo xtask schema`");
    }
}

#[test]
fn a_record_of_every_kind_is_valid() {
    let schema = value();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let lines = lines();
    for line in &lines {
        let faults: Vec<_> = validator.iter_errors(line).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }
    let sampled: BTreeSet<_> =
        lines.iter().map(|line| line["kind"].as_str().expect("kind").to_owned()).collect();
    assert_eq!(sampled, kinds(&schema), "every kind has a sample");
    assert!(samples::entries().iter().all(|entry| sampled.contains(entry.body.kind())));
}

#[test]
fn wrong_records_are_refused() {
    let schema = value();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let spoil: [(&str, Value); 7] = [
        ("ts", "2026-11-20T19:29:47Z".into()),
        ("ts", 5.into()),
        ("seq", (-1).into()),
        ("v", (crate::SCHEMA_VERSION + 1).into()),
        ("kind", "file_teleport".into()),
        ("proc", Value::Null),
        ("escaped", "path".into()),
    ];
    for line in &lines() {
        for (field, value) in &spoil {
            let mut wrong = line.clone();
            wrong[field] = value.clone();
            assert!(!validator.is_valid(&wrong), "{field} = {value} in {wrong}");
        }
        for field in ["v", "seq", "ts", "kind"] {
            let mut wrong = line.clone();
            wrong.as_object_mut().expect("object").remove(field);
            assert!(!validator.is_valid(&wrong), "{wrong} without {field}");
        }
    }
}

#[test]
fn a_missing_field_is_refused_and_an_unknown_one_is_not() {
    let schema = value();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let open = lines().into_iter().find(|line| line["kind"] == "file_open").expect("file_open");
    for field in ["path", "raw_path", "dirfd", "flags", "mode", "dev", "inode", "ret"] {
        let mut wrong = open.clone();
        wrong.as_object_mut().expect("object").remove(field);
        assert!(!validator.is_valid(&wrong), "without {field}");
    }
    let mut newer = open;
    newer["a_field_of_a_later_version"] = 1.into();
    assert!(validator.is_valid(&newer));
}

#[test]
fn the_tables_name_every_kind_and_field() {
    let (schema, text) = (value(), markdown());
    for variant in schema["oneOf"].as_array().expect("variants") {
        let kind = variant["properties"]["kind"]["const"].as_str().expect("kind");
        let section = text.split(&format!("\n## `{kind}`\n")).nth(1).expect("a section");
        let section = section.split("\n## ").next().expect("its end");
        for name in variant["properties"].as_object().expect("fields").keys().filter(|name| *name != "kind") {
            assert!(section.contains(&format!("| `{name}` |")), "{kind}.{name}");
        }
    }
}

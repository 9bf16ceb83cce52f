//! A view for each kind of record, with a column a field, made from the record schema: so that a new field is a new column.
//!
//! Beside the fields each has `session`, `seq`, `ts` and the process (`pid`, `tid`, `ppid`, `uid`, `comm`, `exe`; those that are
//! fields of the kind as well stand as `proc_exe` and so on). Lists and objects are JSON, for SQLite's own functions.

use crate::schema;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Kinds that `watch` does not write.
const OF_OTHERS: [&str; 5] = ["match", "device", "filter_counts", "probe", "verdict"];
/// Fields of [`Proc`](crate::Proc) that are columns.
const PROC: [&str; 6] = ["pid", "tid", "ppid", "uid", "comm", "exe"];
/// Columns of the table that are taken from there: they are indexed.
const STORED: [&str; 7] = ["pid", "comm", "path", "remote", "rule", "severity", "kind"];

/// The view that has a row a process, and not a record.
pub(super) const OF_PROCESSES: &str = "process";

/// One view.
#[derive(Debug, Hash)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) sql: String,
}

/// All of them: one a kind, and `process`, a row a process.
pub(super) fn all() -> Vec<View> {
    let schema = schema::value();
    let kinds = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut views: Vec<_> = kinds.iter().filter_map(|kind| of_kind(&schema, kind)).collect();
    views.push(View { name: OF_PROCESSES.to_owned(), sql: PROCESS.to_owned() });
    views
}

/// Tells one set of views from another.
pub(super) fn digest(views: &[View]) -> String {
    let mut hasher = DefaultHasher::new();
    views.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

const PROCESS: &str = "CREATE VIEW process AS
    SELECT session, pid, record ->> '$.proc.start_ns' AS start_ns, min(ts) AS first_seen, max(ts) AS last_seen,
        max(record ->> '$.proc.ppid') AS ppid, max(record ->> '$.proc.uid') AS uid,
        max(CASE WHEN kind IN ('process_exec', 'process_snapshot') THEN record ->> '$.argv' END) AS argv,
        max(CASE WHEN kind IN ('process_exec', 'process_snapshot') THEN record ->> '$.exe' END) AS exe,
        max(CASE WHEN kind = 'process_exit' THEN record ->> '$.code' END) AS code,
        max(CASE WHEN kind = 'process_exit' THEN record ->> '$.signal' END) AS signal,
        count(*) AS records
    FROM record WHERE pid IS NOT NULL GROUP BY session, pid, start_ns";

fn of_kind(schema: &Value, variant: &Value) -> Option<View> {
    let own = variant["properties"].as_object()?;
    let kind = own.get("kind")?["const"].as_str()?;
    // A kind that is a type of its own refers to it.
    let of_type = variant["$ref"].as_str().and_then(|path| schema.pointer(path.trim_start_matches('#')));
    let of_type = of_type.and_then(|of_type| of_type["properties"].as_object());
    let properties: BTreeSet<&str> =
        own.keys().chain(of_type.into_iter().flat_map(Map::keys)).map(String::as_str).collect();
    if OF_OTHERS.contains(&kind) {
        return None;
    }
    let mut columns = vec!["session".to_owned(), "seq".to_owned(), "ts".to_owned()];
    for field in PROC {
        let name = if properties.contains(field) { format!("proc_{field}") } else { field.to_owned() };
        columns.push(column(field, &format!("$.proc.{field}"), &name));
    }
    for field in properties.into_iter().filter(|field| *field != "kind") {
        columns.push(column(field, &format!("$.{field}"), field));
    }
    columns.push("record".to_owned());
    let columns = columns.join(", ");
    let sql = format!("CREATE VIEW \"{kind}\" AS SELECT {columns} FROM record WHERE kind = '{kind}'");
    Some(View { name: kind.to_owned(), sql })
}

/// A stored column where it is the same, else a look into the JSON. Names are those of Rust fields: nothing to escape.
fn column(field: &str, path: &str, name: &str) -> String {
    if name == field && STORED.contains(&field) {
        return field.to_owned();
    }
    format!("record ->> '{path}' AS \"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_run_has_a_view_with_its_fields() {
        let views = all();
        let of = |name: &str| &views.iter().find(|view| view.name == name).expect(name).sql;
        assert!(of("process_exec").contains("'$.argv' AS \"argv\""), "{}", of("process_exec"));
        assert!(of("process_exec").contains("'$.proc.exe' AS \"proc_exe\""), "the process's own beside it");
        assert!(of("file_open").contains(", path, "), "stored: {}", of("file_open"));
        assert!(of("net_connect").contains(", remote, "));
        assert!(of("ledger").contains("'$.lost' AS \"lost\""));
        assert!(views.iter().all(|view| view.name != "device"));
    }

    #[test]
    fn the_digest_tells_sets_apart() {
        let views = all();
        assert_eq!(digest(&views), digest(&all()));
        assert_ne!(digest(&views), digest(&views[1..]));
    }
}

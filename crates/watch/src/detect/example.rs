//! Examples of rules: records that must, or must not, raise the alert.
//!
//! ```toml
//! [[detection.match]]
//! by = [{ exe = "/usr/bin/python3", argv = ["python3", "app.py"] }]      # ancestors, outermost first
//! records = [{ kind = "file_open", path = "/etc/shadow", mode = "read" }]
//! [[detection.near]]
//! records = [{ kind = "file_open", path = "/etc/passwd", mode = "read" }]
//! ```
//!
//! Fields that are left out are empty, 0 or `null`. `proc` may have any field of a process, and `argv`. Records are a second
//! apart. A process is known by `proc.pid`; without, it is the child of the last of `by`.

use super::rule::Detection;
use super::{Detections, Detector, value};
use crate::core::{Sketch, Table};
use kernscope_report::{Body, Entry, Proc};
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::Arc;

/// Pid of the first ancestor.
const FIRST_PID: u32 = 100;

/// One example.
#[derive(Clone, Debug)]
pub(super) struct Example {
    by: Vec<Sketch>,
    entries: Vec<Played>,
}

/// Examples as they are written: a run that tries none does not read them.
#[derive(Clone, Debug)]
pub(super) struct Given(Option<toml::Value>);

impl Given {
    pub(super) fn new(value: Option<toml::Value>) -> Self {
        Self(value)
    }

    /// # Errors
    /// What is wrong with one.
    pub(super) fn read(&self) -> Result<Vec<Example>, String> {
        Example::list(self.0.as_ref())
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.0.as_ref().and_then(toml::Value::as_array).map_or(0, Vec::len)
    }

    /// Those that can be read: all, where [`Detections::parse`] has read the rule or the tests have.
    fn all(&self) -> Vec<Example> {
        self.read().unwrap_or_default()
    }
}

/// A rule that is not what its examples say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFault {
    /// The rule.
    pub rule: String,
    /// `match` or `near`.
    pub list: &'static str,
    /// Which, counted from 1.
    pub number: usize,
}

impl fmt::Display for ExampleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self { rule, list, number }, what) =
            (self, if self.list == "match" { "no alert" } else { "an alert" });
        write!(f, "rule {rule:?}: {list} {number} gives {what}; change the rule or the example")
    }
}

impl Detections {
    /// Tries every example of every rule; how many there are, and those that fail.
    pub fn verify(&self) -> (usize, Vec<ExampleFault>) {
        let mut count = 0;
        let mut faults = Vec::new();
        for rule in &self.rules {
            for (list, examples, wanted) in [("match", &rule.examples, true), ("near", &rule.near, false)] {
                for (example, number) in examples.all().iter().zip(1..) {
                    count += 1;
                    if example.alerts(rule) != wanted {
                        faults.push(ExampleFault { rule: rule.id.clone(), list, number });
                    }
                }
            }
        }
        (count, faults)
    }

    /// Rules that raise an alert on an example that is another rule's: (example of, raised by).
    pub fn overlaps(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for rule in &self.rules {
            let near = rule.near.all();
            for other in self.rules.iter().filter(|other| other.id != rule.id) {
                if near.iter().any(|example| example.alerts(other)) {
                    all.push((rule.id.clone(), other.id.clone()));
                }
            }
        }
        all
    }
}

impl Detection {
    /// How many examples of what matches and of what nearly does there are.
    pub fn examples(&self) -> (usize, usize) {
        (self.examples.len(), self.near.len())
    }
}

impl Example {
    pub(super) fn list(value: Option<&toml::Value>) -> Result<Vec<Self>, String> {
        let Some(value) = value else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or("must be a list of tables")?;
        let one = |(number, value): (usize, &toml::Value)| {
            Self::parse(value).map_err(|why| format!("{}: {why}", number + 1))
        };
        list.iter().enumerate().map(one).collect()
    }

    fn parse(value: &toml::Value) -> Result<Self, String> {
        let table = value.as_table().ok_or("must be a table with records")?;
        if let Some(key) = table.keys().find(|key| !["by", "records"].contains(&key.as_str())) {
            return Err(format!("{key} is no key of an example; there are by, records"));
        }
        let none = Vec::new();
        let list = |key: &str| match table.get(key) {
            None => Ok(&none),
            Some(value) => value.as_array().ok_or_else(|| format!("{key}: must be a list of tables")),
        };
        let mut by = Vec::new();
        for (value, pid) in list("by")?.iter().zip(FIRST_PID..) {
            by.push(sketch(&json!(value), pid, pid - 1).map_err(|why| format!("by: {why}"))?);
        }
        let pid = FIRST_PID + u32::try_from(by.len()).unwrap_or(0);
        let mut entries = Vec::new();
        for (value, ts_s) in list("records")?.iter().zip(1..) {
            entries.push(record(&json!(value), pid, ts_s)?);
        }
        if entries.is_empty() {
            return Err("records: there must be one".to_owned());
        }
        Ok(Self { by, entries })
    }

    /// Whether the rule raises an alert.
    fn alerts(&self, rule: &Detection) -> bool {
        let mut detector = Detector::new(Detections { rules: vec![rule.clone()] });
        let mut table = Table::default();
        self.by.iter().for_each(|sketch| table.sketch(sketch));
        let mut alerted = false;
        for ((entry, sketch), seq) in self.entries.iter().zip(0..) {
            table.sketch(sketch);
            alerted |= !detector.see(&table, seq, entry).is_empty();
        }
        alerted
    }
}

/// A process as an example has it.
fn sketch(value: &Value, pid: u32, ppid: u32) -> Result<Sketch, String> {
    const KEYS: [&str; 6] = ["pid", "ppid", "uid", "comm", "exe", "argv"];
    let empty = Map::new();
    let table = value.as_object().unwrap_or(&empty);
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("{key} is no key of a process; there are {}", KEYS.join(", ")));
    }
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let number = |key: &str| table.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let argv = table.get("argv").and_then(Value::as_array);
    let argv: Option<Vec<String>> =
        argv.map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let exe = text("exe").map(str::to_owned).or_else(|| argv.as_ref()?.first().cloned());
    let name = exe.as_deref().and_then(|exe| exe.rsplit('/').next()).unwrap_or("x");
    Ok(Sketch {
        pid: number("pid").unwrap_or(pid),
        ppid: number("ppid").unwrap_or(ppid),
        uid: number("uid").unwrap_or(1000),
        comm: text("comm").unwrap_or(name).to_owned(),
        exe,
        argv,
    })
}

/// A record, and the process that it is of.
pub(super) type Played = (Entry, Sketch);

/// Reads a record. `pid`: the process that it is of if it names none. `ts_s`: its time.
pub(super) fn record(value: &Value, pid: u32, ts_s: u64) -> Result<Played, String> {
    let mut fields = value.as_object().ok_or("records: must be tables")?.clone();
    let proc = fields.remove("proc").unwrap_or(json!({}));
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    for name in fields.keys().filter(|name| *name != "kind") {
        let worked_out = ["line", "run", "shell", "from"].contains(&name.as_str());
        if worked_out || !value::fields(&kind).any(|known| known == name) {
            return Err(format!("records: {name} is no field of {kind:?} that a record has"));
        }
    }
    let mut sketch = sketch(&proc, pid, pid - 1)?;
    if kind == "process_exec" {
        let argv = fields.get("argv").and_then(Value::as_array);
        let argv: Vec<String> =
            argv.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let exe = fields.get("exe").and_then(Value::as_str).map(str::to_owned);
        sketch.exe = exe.or_else(|| argv.first().cloned());
        sketch.comm = sketch.exe.as_deref().and_then(|exe| exe.rsplit('/').next()).unwrap_or("x").to_owned();
        fields.insert("exe".to_owned(), json!(sketch.exe));
        sketch.argv = Some(argv);
    }
    let mut whole = blank(&kind);
    whole.extend(fields);
    let body: Body =
        serde_json::from_value(Value::Object(whole)).map_err(|why| format!("records: {kind}: {why}"))?;
    let proc = Proc {
        pid: sketch.pid,
        tid: sketch.pid,
        ppid: sketch.ppid,
        uid: sketch.uid,
        comm: Arc::from(&*sketch.comm),
        exe: sketch.exe.as_deref().map(Arc::from),
        start_ns: sketch.start_ns(),
        agent: None,
    };
    Ok((Entry { ts_ns: ts_s * 1_000_000_000, proc: Some(proc), body, escaped: Vec::new() }, sketch))
}

/// The fields that a record of a kind cannot be without.
fn blank(kind: &str) -> Map<String, Value> {
    let mut all = json!({
        "argv": [], "argc": 0, "dev": 0, "inode": 0, "dirfd": -100, "flags": [], "ret": 0, "fd": 3, "cause": "close",
        "prot": [], "shared": false, "len": 0, "offset": 0, "child_pid": 0, "child_start_ns": 0, "length": 0,
        "proto": "tcp", "query": "", "qtype": "A", "answers": [], "id": 0, "server": null, "rcode": null,
        "message": "request", "version": "1.1", "conn": 1, "direction": "recv", "body_bytes": 0,
        "library": "openssl", "call_bytes": 0, "truncated": false, "data": "", "body": null,
        "rule": "", "description": "", "severity": "high", "source": "file_read", "redacted": "", "secret_bytes": 0,
    });
    all["mode"] = if kind == "file_open" { json!("read") } else { json!(0) };
    match all {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

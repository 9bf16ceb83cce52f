//! Conditions of a rule: tests of fields, put together.
//!
//! In a table every key must hold. Keys are fields of the record; `process`, `parent` and `ancestor` (any of them) ask
//! about the command that a process runs; `all`, `any` and `not` put conditions together.

use super::scene::Scene;
use super::test::Test;
use super::value::{self, Value};
use crate::core::Process;

/// What may be asked about a process.
const COMMAND_FIELDS: [&str; 4] = ["exe", "comm", "argv", "line"];

/// A checked condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Field(String, Test),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The process itself, its parent or one of its ancestors.
    Who(Relation, Vec<(String, Test)>),
}

/// Whose command is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Process,
    Parent,
    Ancestor,
}

impl Condition {
    /// Reads the condition of records of `kind`. The key `kind` is skipped.
    pub(super) fn parse(kind: &str, table: &toml::Table) -> Result<Self, String> {
        let mut all = Vec::new();
        for (key, value) in table.iter().filter(|(key, _)| *key != "kind") {
            let in_key = |why: String| format!("{key}: {why}");
            match (key.as_str(), value) {
                ("all", value) => all.push(Self::All(list(kind, value).map_err(in_key)?)),
                ("any", value) => all.push(Self::Any(list(kind, value).map_err(in_key)?)),
                ("not", toml::Value::Table(below)) => {
                    all.push(Self::Not(Box::new(Self::parse(kind, below).map_err(in_key)?)));
                }
                ("process", toml::Value::Table(below)) => {
                    all.push(who(Relation::Process, below).map_err(in_key)?)
                }
                ("parent", toml::Value::Table(below)) => {
                    all.push(who(Relation::Parent, below).map_err(in_key)?)
                }
                ("ancestor", toml::Value::Table(below)) => {
                    all.push(who(Relation::Ancestor, below).map_err(in_key)?);
                }
                ("not" | "process" | "parent" | "ancestor", _) => {
                    return Err(format!("{key}: must be a table of conditions"));
                }
                ("proc", toml::Value::Table(below)) => {
                    for (name, value) in below {
                        all.push(field(kind, &format!("proc.{name}"), value)?);
                    }
                }
                _ => all.push(field(kind, key, value)?),
            }
        }
        Ok(Self::All(all))
    }

    /// Whether it holds.
    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        match self {
            Self::Field(name, test) => scene.with(name, |value| test.holds(value)),
            Self::All(all) => all.iter().all(|one| one.holds(scene)),
            Self::Any(any) => any.iter().any(|one| one.holds(scene)),
            Self::Not(one) => !one.holds(scene),
            Self::Who(Relation::Process, tests) => {
                scene.process().is_some_and(|process| about(process, tests))
            }
            Self::Who(Relation::Parent, tests) => {
                scene.lineage().next().is_some_and(|process| about(process, tests))
            }
            Self::Who(Relation::Ancestor, tests) => scene.lineage().any(|process| about(process, tests)),
        }
    }

    /// Makes ready every expression in it.
    ///
    /// # Errors
    /// One that cannot be, and why.
    pub(super) fn compile(&self) -> Result<(), String> {
        match self {
            Self::Field(name, test) => test.compile().map_err(|why| format!("{name}: {why}")),
            Self::All(all) | Self::Any(all) => all.iter().try_for_each(Self::compile),
            Self::Not(one) => one.compile(),
            Self::Who(_, tests) => tests
                .iter()
                .try_for_each(|(name, test)| test.compile().map_err(|why| format!("{name}: {why}"))),
        }
    }

    /// Whether a field is asked about somewhere.
    pub(super) fn asks(&self, field: &str) -> bool {
        match self {
            Self::Field(name, _) => name == field,
            Self::All(all) | Self::Any(all) => all.iter().any(|one| one.asks(field)),
            Self::Not(one) => one.asks(field),
            Self::Who(..) => false,
        }
    }
}

fn about(process: &Process, tests: &[(String, Test)]) -> bool {
    let command = process.command();
    tests.iter().all(|(name, test)| match name.as_str() {
        "exe" => test.holds(process.exe.as_ref().map_or(Value::Missing, |exe| Value::Text(&exe.text))),
        "comm" => test.holds(Value::Text(&process.comm.text)),
        "argv" => test.holds(command.map_or(Value::Missing, |command| Value::Texts(&command.argv))),
        _ => match command {
            Some(command) => test.holds(Value::Text(&command.argv.join(" "))),
            None => test.holds(Value::Missing),
        },
    })
}

fn who(relation: Relation, table: &toml::Table) -> Result<Condition, String> {
    let tests = table.iter().map(|(name, value)| {
        if !COMMAND_FIELDS.contains(&name.as_str()) {
            return Err(format!("{name} is not known of a process; there are {}", COMMAND_FIELDS.join(", ")));
        }
        let test = Test::parse(value).map_err(|why| format!("{name}: {why}"))?;
        Ok((name.clone(), test))
    });
    Ok(Condition::Who(relation, tests.collect::<Result<_, _>>()?))
}

fn field(kind: &str, name: &str, value: &toml::Value) -> Result<Condition, String> {
    if !value::fields(kind).any(|known| known == name) {
        let known: Vec<_> = value::fields(kind).collect();
        return Err(format!(
            "{name} is no field of {kind}; there are {}, and process, parent, ancestor, all, any, not",
            known.join(", ")
        ));
    }
    let test = Test::parse(value).map_err(|why| format!("{name}: {why}"))?;
    let name = if kind == value::WRITTEN && name == "path" { "written" } else { name };
    Ok(Condition::Field(name.to_owned(), test))
}

fn list(kind: &str, value: &toml::Value) -> Result<Vec<Condition>, String> {
    let tables = value.as_array().filter(|all| !all.is_empty());
    let tables = tables.ok_or_else(|| "must be a list of tables of conditions".to_owned())?;
    let table = |value: &toml::Value| match value {
        toml::Value::Table(table) => Condition::parse(kind, table),
        _ => Err("must be a list of tables of conditions".to_owned()),
    };
    tables.iter().map(table).collect()
}

//! One field of a record against what a case wants of it.
//!
//! A plain value means "equal"; a table names tests, all of which must hold. Text in a case may hold
//! placeholders (see [`crate::vars`]); a number in a record equals its digits in text, so that `"${child}"`
//! can stand for a process id.

use crate::vars::Vars;
use serde::Deserialize;
use serde_json::Value;

/// What a field's value must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Want {
    /// Tests, all of which must hold.
    Tests(Box<Tests>),
    /// Equal to this.
    Exact(Value),
}

/// The tests that a case can name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    /// Equal; for use beside `bind`.
    pub eq: Option<Value>,
    /// Different.
    pub ne: Option<Value>,
    /// Text (or digits) that this regular expression matches.
    pub re: Option<String>,
    /// At least.
    pub ge: Option<i64>,
    /// At most.
    pub le: Option<i64>,
    /// An array that holds all of these.
    pub has: Option<Vec<Value>>,
    /// An array that holds none of these.
    pub lacks: Option<Vec<Value>>,
    /// Length of text in bytes, or of an array.
    pub len: Option<usize>,
    /// Text that ends so.
    pub suffix: Option<String>,
    /// One of these.
    pub one_of: Option<Vec<Value>>,
    /// The field is `null` or left out (`true`), or there with a value (`false`).
    pub null: Option<bool>,
    /// Keep the value of the first record that matches under this name.
    pub bind: Option<String>,
}

/// The value at a dotted path (`proc.comm`, `argv.0`).
pub fn field<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(record, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

impl Want {
    /// Whether `actual` (`None`: left out) is what is wanted.
    pub fn holds(&self, actual: Option<&Value>, vars: &Vars) -> bool {
        match self {
            Self::Exact(want) => equal(want, actual, vars),
            Self::Tests(tests) => tests.hold(actual, vars),
        }
    }

    /// The name to keep the value under.
    pub fn bind(&self) -> Option<&str> {
        match self {
            Self::Tests(tests) => tests.bind.as_deref(),
            Self::Exact(_) => None,
        }
    }
}

impl Tests {
    fn hold(&self, actual: Option<&Value>, vars: &Vars) -> bool {
        let missing = actual.is_none_or(Value::is_null);
        if let Some(null) = self.null {
            if null != missing {
                return false;
            }
        } else if missing {
            return false;
        }
        let number = actual.and_then(Value::as_i64);
        let text = actual.map(plain).unwrap_or_default();
        let items = actual.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let member = |want: &Value| items.iter().any(|item| equal(want, Some(item), vars));
        self.eq.as_ref().is_none_or(|want| equal(want, actual, vars))
            && self.ne.as_ref().is_none_or(|want| !equal(want, actual, vars))
            && self.re.as_ref().is_none_or(|re| matches_re(&vars.expand_re(re), &text))
            && self.ge.is_none_or(|least| number.is_some_and(|n| n >= least))
            && self.le.is_none_or(|most| number.is_some_and(|n| n <= most))
            && self.has.as_ref().is_none_or(|want| want.iter().all(member))
            && self.lacks.as_ref().is_none_or(|want| !want.iter().any(member))
            && self.len.is_none_or(|len| length(actual) == Some(len))
            && self.suffix.as_ref().is_none_or(|end| text.ends_with(&vars.expand(end)))
            && self.one_of.as_ref().is_none_or(|want| want.iter().any(|w| equal(w, actual, vars)))
    }
}

fn length(actual: Option<&Value>) -> Option<usize> {
    match actual? {
        Value::String(text) => Some(text.len()),
        Value::Array(items) => Some(items.len()),
        _ => None,
    }
}

fn matches_re(pattern: &str, text: &str) -> bool {
    // A pattern that does not compile matches nothing, so that its `must` fails and shows it.
    regex::Regex::new(pattern).is_ok_and(|re| re.is_match(text))
}

/// Text as it is, anything else as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn equal(want: &Value, actual: Option<&Value>, vars: &Vars) -> bool {
    let Some(actual) = actual else { return false };
    match (want, actual) {
        (Value::String(want), Value::String(actual)) => vars.expand(want) == *actual,
        (Value::String(want), Value::Number(actual)) => vars.expand(want) == actual.to_string(),
        (Value::Array(want), Value::Array(actual)) => {
            want.len() == actual.len() && want.iter().zip(actual).all(|(w, a)| equal(w, Some(a), vars))
        }
        (want, actual) => want == actual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(want: Value, actual: Value) -> bool {
        let want: Want = serde_json::from_value(want).expect("a want");
        let mut vars = Vars::default();
        vars.set("child", "17");
        want.holds(Some(&actual), &vars)
    }

    #[test]
    fn values_texts_and_tests() {
        assert!(holds(json!("a"), json!("a")) && !holds(json!("a"), json!("b")));
        assert!(holds(json!("${child}"), json!(17)) && !holds(json!("${child}"), json!(18)));
        assert!(holds(json!({"ge": 3}), json!(3)) && !holds(json!({"ge": 3}), json!(2)));
        assert!(holds(json!({"has": ["O_CREAT"]}), json!(["O_CREAT", "O_EXCL"])));
        assert!(!holds(json!({"has": ["O_PATH"]}), json!(["O_CREAT"])));
        assert!(holds(json!({"re": "^a.c$"}), json!("abc")) && !holds(json!({"re": "["}), json!("[")));
        assert!(holds(json!({"null": true}), Value::Null) && !holds(json!({"null": false}), Value::Null));
        assert!(holds(json!(["x", "y"]), json!(["x", "y"])) && !holds(json!(["x"]), json!(["x", "y"])));
    }

    #[test]
    fn a_missing_field_fails_every_test_but_null() {
        let tests: Want = serde_json::from_value(json!({"ne": 1})).expect("a want");
        assert!(!tests.holds(None, &Vars::default()));
        let null: Want = serde_json::from_value(json!({"null": true})).expect("a want");
        assert!(null.holds(None, &Vars::default()));
    }

    #[test]
    fn dotted_paths_reach_into_objects_and_arrays() {
        let record = json!({"proc": {"comm": "sh"}, "argv": ["a", "b"]});
        assert_eq!(field(&record, "proc.comm"), Some(&json!("sh")));
        assert_eq!(field(&record, "argv.1"), Some(&json!("b")));
        assert_eq!(field(&record, "argv.2"), None);
    }
}

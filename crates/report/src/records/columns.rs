//! What of a record is a column beside its JSON.

use crate::{Body, Entry};

/// The values of the columns; those that a record does not have are `NULL`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns<'a> {
    pub(super) pid: Option<u32>,
    pub(super) comm: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) remote: Option<&'a str>,
    pub(super) rule: Option<&'a str>,
    pub(super) severity: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Those of an entry.
    pub(super) fn of(entry: &'a Entry) -> Self {
        let mut columns = Self::of_body(&entry.body);
        if let Some(proc) = &entry.proc {
            (columns.pid, columns.comm) = (Some(proc.pid), Some(&*proc.comm));
        }
        columns
    }

    fn of_body(body: &'a Body) -> Self {
        let path = |path: &'a Option<String>| Self { path: path.as_deref(), ..Self::default() };
        let remote = |remote: &'a Option<String>| Self { remote: remote.as_deref(), ..Self::default() };
        match body {
            Body::ProcessExecFailed { path: info, .. }
            | Body::FileOpen { path: info, .. }
            | Body::FileClose { path: info, .. }
            | Body::FileMmap { path: info, .. } => path(&info.path),
            Body::TlsData(data) => remote(&data.remote),
            // Its `path` is that of a URL; a column is the field of its name all the same.
            Body::Http(http) => Self { path: http.path.as_deref(), ..remote(&http.remote) },
            Body::ContentMatch(found) => Self {
                path: found.path.path.as_deref(),
                rule: Some(&found.rule),
                severity: Some(&found.severity),
                ..remote(&found.remote)
            },
            Body::PolicyDeny(deny) => {
                Self { path: deny.path.as_deref(), rule: Some(&deny.rule), ..remote(&deny.remote) }
            }
            Body::Alert(alert) => {
                Self { rule: Some(&alert.rule), severity: Some(alert.severity.word()), ..Self::default() }
            }
            _ => Self {
                path: body.path_call().and_then(|call| call.path.path.as_deref()),
                remote: body.net_call().and_then(|call| call.remote.as_deref()),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use serde_json::Value;

    /// A column of a view is taken to be the field of the same name.
    #[test]
    fn a_column_is_the_field_of_its_name() {
        for entry in samples::entries() {
            let json: Value = serde_json::to_value(&entry.body).expect("serialises");
            if matches!(
                json["kind"].as_str(),
                Some("match" | "device" | "filter_counts" | "probe" | "verdict")
            ) {
                continue;
            }
            let columns = Columns::of(&entry);
            let texts = [
                ("path", columns.path),
                ("remote", columns.remote),
                ("rule", columns.rule),
                ("severity", columns.severity),
            ];
            for (name, told) in texts {
                assert_eq!(told, json[name].as_str(), "{name} of {json}");
            }
            assert_eq!(columns.pid, entry.proc.as_ref().map(|proc| proc.pid));
        }
    }
}

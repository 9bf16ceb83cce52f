//! Rules by themselves; tests/builtin_detections.rs holds the shipped ones against their examples.

use super::*;

fn wrong(text: &str) -> String {
    Detections::parse(text).expect_err("wrong").to_string()
}

const RULE: &str = "[[detection]]\nid = 'a'\nseverity = 'low'\nmessage = '{process} {path}'\n";

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let after = |text: &str| wrong(&format!("{RULE}{text}"));
    for (error, wanted) in [
        (wrong("x = 1"), "read detections: x is no key of a file; there is [[detection]]"),
        (wrong("[[detection]\n"), "read detections: line 1: "),
        (
            wrong("[[detection]]\nid = 'A'"),
            "read detections: a [[detection]] has the id \"A\"; it must be of small letters, digits and -",
        ),
        (after("sevrity = 'x'"), "rule \"a\": sevrity is no key of a detection; there are id, severity"),
        (after(""), "rule \"a\": needs one of the tables when and sequence"),
        (after("when = { kind = 'file_opn' }"), "when: kind: \"file_opn\" is none; there are process_fork, "),
        (
            after("when = { kind = 'file_open', pth = 'x' }"),
            "when: pth is no field of file_open; there are path, ",
        ),
        (
            after("when = { kind = 'file_open', path = { sufix = 'x' } }"),
            "when: path: sufix is no test; there are is, ",
        ),
        (
            after("when = { kind = 'file_open', parent = { pid = 1 } }"),
            "when: parent: pid is not known of a process; there are exe",
        ),
        (
            after("when = { kind = 'file_open', any = [] }"),
            "when: any: must be a list of tables of conditions",
        ),
        (after("when = { kind = 'process_exit' }"), "message: {path} is no field of process_exit"),
        (
            after("sequence = { by = 'same', step = [] }"),
            "sequence: within_s: must be a number of seconds up to 86400",
        ),
        (
            after("sequence = { within_s = 1, by = 'me' }"),
            "sequence: by: must be same, descendant, siblings or tree",
        ),
        (
            after("sequence = { within_s = 1, by = 'same', step = [{ kind = 'file_open' }] }"),
            "sequence: step: there must be 2 to 8",
        ),
        (
            after(
                "when = { kind = 'file_open' }\nmatch = [{ records = [{ kind = 'file_open', pth = 'x' }] }]",
            ),
            "match: 1: records: pth is no field of",
        ),
    ] {
        assert!(error.contains(wanted), "{error}\nwanted: {wanted}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn rules_are_replaced_muted_and_unique() {
    let one = format!("{RULE}when = {{ kind = 'file_open', path = '/a' }}\n");
    assert!(wrong(&format!("{one}{one}")).contains("there is another rule of this id"));
    let mut all = Detections::parse(&one).expect("a rule");
    all.extend_with(Detections::parse(&one.replace("'low'", "'high'")).expect("a rule"));
    assert_eq!((all.rules.len(), all.rules[0].severity), (1, kernscope_report::Severity::High));
    assert!(all.mute("b").is_err());
    all.mute("a").expect("it is there");
    assert!(all.rules.is_empty());
}

/// Alerts of a rule on records, each made by `(pid, kind, fields)`.
fn alerts(rule: &str, records: &str) -> bool {
    let text = format!("{RULE}{rule}\n[[detection.match]]\n{records}\n").replace("{process} {path}", "x");
    let (count, faults) = Detections::parse(&text).expect("a rule").verify();
    assert_eq!(count, 1);
    faults.is_empty()
}

#[test]
fn steps_belong_together() {
    let rule = |by: &str| {
        format!(
            "[detection.sequence]\nwithin_s = 5\nby = '{by}'\nstep = [{{ kind = 'file_open', path = '/a' }}, \
             {{ kind = 'file_unlink', same = {{ path = 'path' }} }}]"
        )
    };
    let records = |first: &str, second: &str, path: &str| {
        format!(
            "by = [{{ argv = ['init'] }}, {{ argv = ['sh'] }}]\nrecords = [{{ kind = 'file_open', path = '/a', proc = {{ {first} }} }}, \
             {{ kind = 'file_unlink', path = '{path}', proc = {{ {second} }} }}]"
        )
    };
    let (one, other, child) = ("pid = 201, ppid = 101", "pid = 202, ppid = 101", "pid = 203, ppid = 201");
    let far = "pid = 204, ppid = 1";
    for (by, second, wanted) in [
        ("same", one, true),
        ("same", other, false),
        ("descendant", child, true),
        ("descendant", other, false),
        ("siblings", other, true),
        ("siblings", child, false),
        ("tree", other, true),
        ("tree", child, true),
        ("tree", far, false),
    ] {
        assert_eq!(alerts(&rule(by), &records(one, second, "/a")), wanted, "{by} {second}");
        assert!(!alerts(&rule(by), &records(one, second, "/b")), "another path");
    }
}

#[test]
fn a_sequence_takes_its_time_and_no_more() {
    let rule = |within_s: u32| {
        format!(
            "[detection.sequence]\nwithin_s = {within_s}\nby = 'same'\nstep = [{{ kind = 'file_open', path = '/a' }}, \
             {{ kind = 'file_open', path = '/b' }}]"
        )
    };
    let path = |path: &str| format!("{{ kind = 'file_open', path = '{path}' }}");
    let records = format!("records = [{}, {}, {}, {}]", path("/a"), path("/x"), path("/x"), path("/b"));
    assert!(alerts(&rule(3), &records) && !alerts(&rule(2), &records));
    let backwards = format!("records = [{}, {}]", path("/b"), path("/a"));
    assert!(!alerts(&rule(3), &backwards));
}

#[test]
fn calls_that_failed_count_when_they_were_refused() {
    let rule = "when = { kind = 'file_open', path = '/a' }";
    let record = |ret: i32, errno: &str| {
        format!("records = [{{ kind = 'file_open', path = '/a', ret = {ret}, errno = '{errno}' }}]")
    };
    assert!(alerts(rule, &record(-13, "EACCES")) && !alerts(rule, &record(-2, "ENOENT")));
    assert!(alerts("when = { kind = 'file_open', path = '/a', errno = 'ENOENT' }", &record(-2, "ENOENT")));
}

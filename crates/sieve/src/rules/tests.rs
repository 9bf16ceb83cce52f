use super::*;

fn failed(text: &str) -> String {
    RuleSet::parse(text).expect_err(text).to_string()
}

#[test]
fn own_rules_have_all_their_keys() {
    let set = RuleSet::parse(
        r#"
        title = "ours"
        [[rule]]
        id = "acme"
        description = "A token"
        severity = "high"
        regex = '\bacme_([0-9a-f]{8})\b'
        keywords = ["ACME_"]
        paths = ['\.env$']
        entropy = 2.5
        secret_group = 1
        match = ["acme_01234567"]
        no_match = ["acme_0", "acme_00000000"]
        [[rule.allowlist]]
        condition = "and"
        stopwords = ["DEAD"]
        paths = ['^tests/']
        [[rule]]
        id = "words"
        literals = ["Begin", "äé"]
        fold = true
        [[rule]]
        id = "counts"
        bytes = "a>=3,b>=1;window=64"
        [[rule]]
        id = "file"
        paths = ['(?:^|/)id_rsa$']
        match = ["home/id_rsa"]
        no_match = ["id_rsa.pub"]
        [[allowlist]]
        regexes = ['^EXAMPLE']
        target = "line"
        "#,
    )
    .expect("parses");
    let [acme, words, counts, file] = &set.rules[..] else { panic!("four rules") };
    assert_eq!((acme.line, acme.severity, acme.secret_group), (3, Severity::High, Some(1)));
    assert_eq!(acme.keywords, [b"acme_"]);
    assert!(acme.allow[0].all && acme.allow[0].stopwords == ["dead"]);
    assert!(acme.paths.is_match(b"a/.env") && !acme.paths.is_match(b"env"));
    assert!(matches!(&words.pattern, Pattern::Literals { list, fold: true, .. } if list.len() == 2));
    assert!(matches!(counts.pattern, Pattern::Counts(_)));
    assert!(matches!(file.pattern, Pattern::Path));
    assert_eq!(set.allow[0].target, Target::Line);
    let verified = set.verify();
    assert_eq!((verified.rules, verified.examples, &verified.faults[..]), (2, 5, &[][..]));
    let (line, id) = (counts.line, counts.id.clone());
    let refused = set.for_matching().expect_err("byte counts are refused").to_string();
    assert!(refused.starts_with(&format!("read rules: line {line}: rule {id:?}: bytes is for")), "{refused}");
}

#[test]
fn bad_rules_say_line_rule_and_reason() {
    for (text, message) in [
        ("[[rule]]\nid = 3", "read rules: line 2: invalid type: integer `3`, expected a string"),
        (
            "\n[[rule]]\nid = 'x'",
            "read rules: line 2: rule \"x\": asks for nothing; give it regex, literal, literals, bytes or paths",
        ),
        ("[[rules]]\nid = 'x'", "read rules: line 1: rule \"x\": asks for nothing; give it regex or path"),
        ("title = 'x'", "read rules: there is no [[rule]] and no [[rules]] in it"),
        (
            "[[rule]]\nid = 'x'\nbytes = 'a>3;window=2'",
            "read rules: line 3: rule \"x\": parse thresholds \"a>3;window=2\": \"a>3\" is not BYTE>=COUNT",
        ),
        (
            "[[rule]]\nid = 'x'\nliteral = 'a'\nregex = 'b'",
            "read rules: line 1: rule \"x\": asks for several things; make it several rules",
        ),
        (
            "[[rule]]\nid = 'x'\n\nregex = 'a(b'",
            "read rules: line 4: rule \"x\": regex: unclosed group at column 2",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = 'a*'",
            "read rules: line 3: rule \"x\": regex: the expression matches the empty text, and so everywhere; ask for something",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = 'a'\nsecret_group = 2",
            "read rules: line 1: rule \"x\": secret_group: there is no group 2; the expression has 0",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = '\\w{900}{900}'",
            "read rules: line 3: rule \"x\": regex: the expression is too large; lower the counts in { }",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = 'a'\n[[rule]]\nid = 'x'\nregex = 'b'",
            "read rules: line 4: rule \"x\": the name is taken by the rule in line 1; give it another",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = 'a'\n[[rule.allowlist]]\npaths = ['(']",
            "read rules: line 5: rule \"x\": allowlist: paths: unclosed group at column 1",
        ),
        (
            "[[rules]]\nid = 'x'\nregex = 'a'\n[[rules.allowlists]]\ncondition = 'xor'\npaths = ['a']",
            "read rules: line 1: rule \"x\": condition: \"xor\" is neither AND nor OR",
        ),
        (
            "[[rule]]\nid = 'x'\nregex = 'a'\nkeywords = ['']",
            "read rules: line 1: rule \"x\": an empty keyword is everywhere; leave it out",
        ),
        (
            "[[rule]]\n[[rules]]",
            "read rules: [[rule]] is kernscope's and [[rules]] gitleaks'; make it two files",
        ),
    ] {
        assert_eq!(failed(text), message, "{text}");
    }
    let unknown = failed("[[rule]]\nid = 'x'\nregx = 'a'");
    assert!(unknown.starts_with("read rules: line 3: unknown field `regx`"), "{unknown}");
}

#[test]
fn gitleaks_files_are_read_as_they_are() {
    let set = RuleSet::parse(
        r#"
        title = "theirs"
        minVersion = "v8.25.0"
        [extend]
        useDefault = true
        disabledRules = ["b"]
        [allowlist]
        paths = ['go\.sum$']
        [[allowlists]]
        targetRules = ["a"]
        stopwords = ["x"]
        [[rules]]
        id = "a"
        regex = '''key = ${(\w+)}'''
        secretGroup = 1
        entropy = 3
        tags = ["k"]
        path = '\.tf$'
        [[rules.allowlists]]
        condition = "AND"
        regexTarget = "match"
        regexes = ['a']
        commits = ["0000"]
        [rules.allowlist]
        stopwords = ["y"]
        [[rules]]
        id = "quiet"
        regex = "a"
        skipReport = true
        [[rules]]
        id = "p"
        path = "a"
        [[rules.required]]
        id = "quiet"
        "#,
    )
    .expect("parses");
    let names: Vec<&str> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(names, ["a", "p"]);
    assert_eq!(set.extends, Extends { path: None, default: true, disabled: vec!["b".to_owned()] });
    assert_eq!((set.allow.len(), set.rules[0].allow.len(), set.notes.len()), (2, 2, 1));
    assert_eq!((set.rules[0].entropy, set.rules[0].secret_group), (Some(3.0), Some(1)));
    assert_eq!(set.rules[0].pattern.expression().expect("an expression").text(), r"key = $\{(\w+)}");
}

#[test]
fn keys_of_gitleaks_may_have_any_case() {
    let set = RuleSet::parse(
        "[Extend]\nusedefault = true\n[[Rules]]\nID = 'a'\nRegex = 'a(b)'\nsecretgroup = 1\n\
         [[Rules.Allowlists]]\nregextarget = 'line'\nRegexes = ['c']",
    )
    .expect("parses");
    let [rule] = &set.rules[..] else { panic!("{set:?}") };
    assert!(set.extends.default && rule.secret_group == Some(1));
    assert_eq!(rule.allow[0].target, Target::Line);
}

#[test]
fn a_file_builds_on_another() {
    let base = "[[rules]]\nid='a'\nregex='1'\n[[rules]]\nid='b'\nregex='2'\n[[rules]]\nid='c'\nregex='3'";
    let mut set = RuleSet::parse("[extend]\npath='x'\ndisabledRules=['c']\n[[rules]]\nid='a'\nregex='4'")
        .expect("parses");
    set.extend_with(RuleSet::parse(base).expect("parses"));
    let list: Vec<_> = set.rules.iter().map(|rule| rule.pattern.expression().expect("one").text()).collect();
    assert_eq!(list, ["4", "2"]);
}

#[test]
fn examples_that_do_not_hold_are_named() {
    let text = "[[rule]]\nid = 'x'\nregex = 'a1'\nmatch = ['a1', 'a2']\nno_match = ['b', 'a1']";
    let faults: Vec<String> =
        RuleSet::parse(text).expect("parses").verify().faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "line 1: rule \"x\": finds nothing in its example 2 (match)",
            "line 1: rule \"x\": finds something in its example 2 (no_match)"
        ]
    );
}

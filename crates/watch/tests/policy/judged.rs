//! The kernel's programs and `policy::paths` say the same of paths.

use super::bench::{Folder, is_root, of_whole_path, ready, run};
use super::random::Numbers;
use kernscope_watch::ebpf::Policy;
use kernscope_watch::policy::paths::{Class, List, Places, Table};
use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;

/// Opens each file below a directory.
const OPEN_ALL: &str = "find \"$1\" -type f -print0 | xargs -0 -n 200 cat; /bin/true";

fn table(patterns: &[String]) -> Table {
    let mut builder = Table::builder(Places { home: "/root".into(), cwd: "/tmp".into() });
    let lists = [List::Allow, List::Deny, List::Except];
    for (at, pattern) in patterns.iter().enumerate() {
        builder.add(Class::ALL[at % 3], lists[at / 3 % 3], pattern.as_bytes()).expect("a pattern");
    }
    builder.build().expect("a table")
}

fn files(numbers: &mut Numbers, root: &Path, count: usize) {
    for _ in 0..count {
        let file = numbers.file(root);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, "").expect("a file");
    }
}

#[test]
fn as_in_userspace_for_random_patterns_and_paths() {
    if !is_root() {
        return;
    }
    let (mut compared, mut matched) = (0, HashMap::<u32, u32>::new());
    for seed in 1..=4 {
        let mut numbers = Numbers(seed * 0x9e37_79b9);
        let dir = Folder::new("random");
        let root = dir.text().to_owned();
        files(&mut numbers, &dir.0, 1500);
        let patterns: Vec<_> = (0..90).map(|_| numbers.pattern(&root)).collect();
        let table = table(&patterns);
        let mut backend = ready(&["sh", "-c", OPEN_ALL, "sh", &root], Policy::Judge).expect("it loads");
        backend.set_policy(table.slots(), 0).expect("there is room");
        run(&mut backend, &mut |_| {}, &mut |event| {
            let Some((path, judged)) = of_whole_path(event) else { return };
            assert_eq!(judged, table.bits(&path), "{}: {patterns:?}", String::from_utf8_lossy(&path));
            compared += 1;
            *matched.entry(judged).or_default() += 1;
        });
    }
    println!("{compared} paths: {matched:?}");
    assert!(compared > 3000 && matched.len() > 20, "{compared} paths: {matched:?}");
}

#[test]
fn while_tables_change_each_path_is_judged_by_one_of_them() {
    if !is_root() {
        return;
    }
    let dir = Folder::new("changes");
    let root = dir.text().to_owned();
    std::fs::write(dir.0.join("seen"), "").expect("a file");
    // Two lists of other shapes, so that their tables have other nodes in the same slots.
    let many = |what: &str| -> Vec<String> {
        (0..2000).map(|n| format!("{root}/{what}{n}/**")).chain([format!("{root}/**/{what}n")]).collect()
    };
    let tables = [table(&[many("see"), vec![format!("{root}/seen")]].concat()), table(&many("no"))];
    // It goes on until enough was seen, however much else this machine does.
    let looped = "while [ ! -e \"$1\"/enough ]; do i=0; while [ $i -lt 100 ]; do : < \"$1\"/seen; i=$((i + 1)); done; done";
    let mut backend = ready(&["sh", "-c", looped, "sh", &root], Policy::Judge).expect("it loads");
    backend.set_policy(tables[0].slots(), 0).expect("there is room");
    let (by, mut turn) = ([Cell::new(0), Cell::new(0)], 0);
    let mut change = |backend: &mut kernscope_watch::ebpf::Ebpf| {
        // An odd number, so that between two looks now the one holds and now the other.
        for _ in 0..21 {
            turn += 1;
            backend.set_policy(tables[turn % 2].slots(), 0).expect("there is room");
        }
        if turn > 100 && by.iter().all(|seen| seen.get() > 1000) {
            std::fs::write(dir.0.join("enough"), "").expect("a file");
        }
    };
    run(&mut backend, &mut change, &mut |event| {
        let Some((path, judged)) = of_whole_path(event).filter(|(path, _)| path.ends_with(b"/seen")) else {
            return;
        };
        let is_of = [0, 1].map(|n| tables[n].bits(&path) == judged);
        assert!(is_of[0] != is_of[1], "{judged:x}");
        let seen = &by[usize::from(is_of[1])];
        seen.set(seen.get() + 1);
    });
    println!("{by:?} judged by each table, {turn} changes");
}

#[test]
fn without_a_policy_nothing_is_said() {
    if !is_root() {
        return;
    }
    for policy in [Policy::None, Policy::Judge] {
        let mut backend = ready(&["true"], policy).expect("it loads");
        run(&mut backend, &mut |_| {}, &mut |event| {
            assert!(event.sections.get(kernscope_abi::SEC_JUDGED).is_none());
        });
    }
    let mut backend = ready(&["true"], Policy::None).expect("it loads");
    let refused = backend.set_policy(&[0; 512], 0).expect_err("it has no room for one");
    assert_eq!(refused.to_string(), "set policy: this run was set up without one; start it with one");
}

use super::*;

const MS: u64 = 1_000_000;

fn header(pid: u32, start_ms: u64, ppid: u32) -> abi::Header {
    abi::Header { pid, tid: pid, ppid, start_ns: start_ms * MS, ..Default::default() }
}

fn id(pid: u32, start_ms: u64) -> ProcId {
    ProcId { pid, start_ns: start_ms * MS }
}

fn fork(table: &mut Table, parent: abi::Header, child: u32, start_ms: u64) {
    let fork = abi::Fork {
        child_pid: child,
        child_tid: child,
        child_ppid: parent.pid,
        child_start_ns: start_ms * MS,
        ..Default::default()
    };
    table.fork(&parent, &fork, &mut Interner::default());
}

fn pids(table: &Table, of: ProcId) -> Vec<u32> {
    table.lineage(of).map(|process| process.id.pid).collect()
}

#[test]
fn lineage_survives_reparenting() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    table.enter(&header(10, 100, 1), &mut names);
    fork(&mut table, header(10, 100, 1), 11, 200);
    fork(&mut table, header(11, 200, 10), 12, 300);
    table.end(id(11, 200));
    // 12 belongs to init now; its lineage does not.
    table.enter(&header(12, 300, 1), &mut names);
    assert_eq!(pids(&table, id(12, 300)), [11, 10]);
    assert_eq!(table.depth(id(12, 300)), 2);
    assert_eq!(table.children(id(10, 100)).len(), 1);
}

#[test]
fn a_pid_used_again_is_another_process() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    table.enter(&header(10, 100, 1), &mut names);
    fork(&mut table, header(10, 100, 1), 11, 200);
    fork(&mut table, header(11, 200, 10), 12, 300);
    fork(&mut table, header(10, 100, 1), 11, 900);
    assert!(table.get(id(11, 200)).unwrap().ended);
    assert!(!table.current(11).unwrap().ended);
    assert_eq!(pids(&table, id(12, 300)), [11, 10]);
    assert_eq!(table.lineage(id(12, 300)).next().unwrap().id, id(11, 200));
}

#[test]
fn a_start_time_from_proc_names_the_same_process() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    table.enter(&header(10, 100, 1), &mut names);
    let exact = abi::Header { start_ns: 100 * MS + 12_345, ..header(10, 0, 1) };
    table.enter(&exact, &mut names);
    assert_eq!(table.len(), 1);
    assert_eq!(table.get(id(10, 100)).unwrap().id.start_ns, 100 * MS + 12_345);
}

#[test]
fn the_fork_event_may_come_after_the_first_of_the_child() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    table.enter(&header(11, 200, 10), &mut names);
    table.enter(&header(10, 100, 1), &mut names);
    assert_eq!(pids(&table, id(11, 200)), [10], "by the parent's pid");
    fork(&mut table, header(10, 100, 1), 11, 200);
    assert_eq!(table.get(id(11, 200)).unwrap().parent, Some(id(10, 100)));
}

#[test]
fn an_unknown_parent_is_not_taken_from_the_future() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    table.enter(&header(11, 200, 10), &mut names);
    table.enter(&header(10, 900, 1), &mut names);
    assert_eq!(pids(&table, id(11, 200)), [0; 0]);
}

#[test]
fn a_circle_ends() {
    let mut table = Table::default();
    fork(&mut table, header(10, 100, 11), 11, 100);
    fork(&mut table, header(11, 100, 10), 10, 100);
    assert_eq!(table.lineage(id(10, 100)).count(), MAX_LINEAGE);
    table.end(id(10, 100));
    table.end(id(11, 100));
}

#[test]
fn ended_processes_are_forgotten_when_nobody_descends_from_them() {
    let mut table = Table::default();
    table.enter(&header(1, 0, 0), &mut Interner::default());
    for n in 0..10_000_u32 {
        fork(&mut table, header(1, 0, 0), 10 + n, 100 + u64::from(n) * 10);
        table.end(id(10 + n, 100 + u64::from(n) * 10));
    }
    assert_eq!(table.len(), 1 + KEEP_ENDED);
    assert_eq!(table.get(id(1, 0)).unwrap().children as usize, KEEP_ENDED);
}

#[test]
fn a_chain_of_ended_ancestors_is_kept_and_bounded() {
    let mut table = Table::default();
    let start = |n: u32| 100 + u64::from(n) * 10;
    for n in 0..40_000_u32 {
        fork(&mut table, header(10 + n, start(n), 1), 11 + n, start(n + 1));
        table.end(id(10 + n, start(n)));
    }
    let last = id(10 + 40_000, start(40_000));
    assert_eq!(table.lineage(last).count(), MAX_LINEAGE);
    assert!(table.len() <= MAX_ANCESTORS + KEEP_ENDED + 2, "{}", table.len());
}

#[test]
fn names() {
    let (mut table, mut names) = (Table::default(), Interner::default());
    let mut head = header(10, 100, 1);
    head.comm[..4].copy_from_slice(b"bash");
    let exe = names.name(b"/usr/bin/python3");
    let process = table.enter(&head, &mut names).unwrap();
    assert_eq!(process.name(), "bash");
    process.exe = Some(exe);
    assert_eq!(process.name(), "python3");
}

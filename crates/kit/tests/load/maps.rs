//! Maps from this side.

use crate::{privileged, spec};
use kernscope_kit::load::Map;
use kernscope_kit::program::{MapSpec, MapType};
use std::collections::BTreeMap;

fn key(n: u32) -> Vec<u8> {
    n.to_ne_bytes().to_vec()
}

fn value(n: u64) -> Vec<u8> {
    n.to_ne_bytes().to_vec()
}

#[test]
fn a_hash_map_gives_what_it_was_given() {
    if !privileged("a_hash_map_gives_what_it_was_given") {
        return;
    }
    let map = Map::create(&spec(MapType::Hash, 4, 8, 2)).expect("create");
    assert_eq!(map.lookup(&key(1)).expect("look up"), None);
    map.update(&key(1), &value(10)).expect("insert");
    map.update(&key(1), &value(11)).expect("replace");
    map.update(&key(2), &value(20)).expect("insert");
    let full = map.update(&key(3), &value(30)).expect_err("it holds two");
    assert_eq!(full.cause.raw_os_error(), Some(7), "{full}");
    assert_eq!(map.lookup(&key(1)).expect("look up"), Some(value(11)));
    assert!(map.delete(&key(1)).expect("delete"));
    assert!(!map.delete(&key(1)).expect("delete"));
    assert_eq!(map.keys().collect::<Result<Vec<_>, _>>().expect("keys"), [key(2)]);
}

#[test]
fn thousands_of_entries_go_in_and_come_out_at_once() {
    if !privileged("thousands_of_entries_go_in_and_come_out_at_once") {
        return;
    }
    let entries: BTreeMap<_, _> = (0..5000).map(|n| (key(n), value(u64::from(n) * 3))).collect();
    for kind in [MapType::Hash, MapType::Array] {
        let entries = entries.clone().into_iter().collect();
        let map = Map::create(&MapSpec { entries, ..spec(kind, 4, 8, 5000) }).expect("create");
        let found = map.entries().expect("read");
        assert_eq!(found.len(), 5000, "{kind:?}");
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>().len(), 5000);
        assert_eq!(map.keys().count(), 5000, "{kind:?}");
        assert_eq!(map.lookup(&key(4711)).expect("look up"), Some(value(4711 * 3)), "{kind:?}");
    }
}

#[test]
fn every_cpu_has_a_value_and_they_add_up() {
    if !privileged("every_cpu_has_a_value_and_they_add_up") {
        return;
    }
    for kind in [MapType::PercpuArray, MapType::PercpuHash] {
        let entries = vec![(key(0), [value(5), vec![1; 4]].concat())];
        let map = Map::create(&MapSpec { entries, ..spec(kind, 4, 12, 4) }).expect("create");
        let values = map.lookup_each_cpu(&key(0)).expect("look up").expect("it is there");
        assert!(values.iter().all(|found| found[..8] == value(5) && found[8..] == [1; 4]), "{values:?}");
        assert_eq!(map.sum_u64(&key(0)).expect("sum"), 5 * values.len() as u64);
        assert!(map.lookup(&key(0)).is_err(), "it has no one value");
    }
}

#[test]
fn bytes_of_another_length_never_reach_the_kernel() {
    if !privileged("bytes_of_another_length_never_reach_the_kernel") {
        return;
    }
    let map = Map::create(&spec(MapType::Array, 4, 8, 1)).expect("create");
    for error in [
        map.lookup(&[0; 3]).expect_err("key").to_string(),
        map.update(&[0; 5], &[0; 8]).expect_err("key").to_string(),
    ] {
        assert!(error.contains("map test: its keys have 4 bytes, not "), "{error}");
    }
    let error = map.update(&[0; 4], &[0; 4]).expect_err("value").to_string();
    assert_eq!(error, "update map test: its values have 8 bytes, not 4");
    assert!(map.lookup_into(&[0; 4], &mut [0; 4]).is_err());
    assert!(map.lookup_each_cpu(&[0; 4]).is_err());
}

#[test]
fn a_frozen_map_is_written_no_more() {
    if !privileged("a_frozen_map_is_written_no_more") {
        return;
    }
    let map = Map::create(&MapSpec::table("ice", vec![1; 8])).expect("create");
    map.freeze().expect("freeze");
    let error = map.update(&[0; 4], &[2; 8]).expect_err("it is frozen");
    assert_eq!(error.cause.raw_os_error(), Some(1), "{error}");
    assert_eq!(map.lookup(&[0; 4]).expect("look up"), Some(vec![1; 8]));
}

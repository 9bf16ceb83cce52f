//! Pins, in a bpffs that nobody else sees.

use crate::{load, privileged, program};
use kernscope_kit::asm::{Asm, Reg};
use kernscope_kit::load::{Loaded, Map, TestRun};
use kernscope_kit::program::{MapSpec, ProgramType};
use kernscope_kit::sys;
use std::os::fd::AsRawFd;

#[test]
fn a_pin_keeps_what_its_maker_has_dropped() {
    if !privileged("a_pin_keeps_what_its_maker_has_dropped") {
        return;
    }
    let mount = sys::detached_mount(c"bpf").expect("bpffs");
    let at = |name: &str| format!("/proc/self/fd/{}/{name}", mount.as_raw_fd());
    let map = Map::create(&MapSpec::table("kept", vec![3; 8])).expect("create");
    map.pin(at("map")).expect("pin");
    let told = map.pin(at("map")).expect_err("it is taken").to_string();
    assert!(told.ends_with("there is something of this name; remove it or take another name"), "{told}");
    drop(map);
    let map = Map::open_pinned(at("map")).expect("open");
    assert_eq!((map.name(), map.value_size()), ("kept", 8));
    assert_eq!(map.lookup(&[0; 4]).expect("look up"), Some(vec![3; 8]));

    let mut asm = Asm::new();
    asm.mov(Reg::R0, 77).exit();
    load(&program(ProgramType::Xdp, asm, vec![])).pin(at("prog")).expect("pin");
    let loaded = Loaded::open_pinned(at("prog")).expect("open");
    assert_eq!((loaded.name(), loaded.program_type()), ("test", ProgramType::Xdp));
    let run = TestRun { data: &[0; 64], ..TestRun::default() };
    assert_eq!(loaded.test_run(&run).expect("run").retval, 77);

    let told = Map::open_pinned(at("prog")).expect_err("it is a program").to_string();
    assert!(told.ends_with("it is anon_inode:bpf-prog, no bpf-map"), "{told}");
    assert!(Loaded::open_pinned(at("map")).is_err());
    assert!(Map::open_pinned(at("nothing")).is_err());
}

#[test]
fn a_path_outside_bpffs_is_told_with_what_to_do() {
    if !privileged("a_path_outside_bpffs_is_told_with_what_to_do") {
        return;
    }
    let map = Map::create(&MapSpec::table("kept", vec![3; 8])).expect("create");
    let told = map.pin("/proc/kept").expect_err("/proc is no bpffs").to_string();
    let fix = "/proc is not in bpffs; mount -t bpf bpf /sys/fs/bpf, and give a path in it";
    assert_eq!(told, format!("pin map kept at /proc/kept: {fix}"));
}

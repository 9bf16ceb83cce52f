//! Pins, in a bpffs that nobody else sees.

use crate::{load, privileged, program};
use kernscope_kit::asm::{Asm, Reg};
use kernscope_kit::load::{Loaded, Map, TestRun};
use kernscope_kit::program::{MapSpec, ProgramType};
use kernscope_kit::sys;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};

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
fn a_map_of_others_is_read_by_what_the_kernel_copies_of_it() {
    if !privileged("a_map_of_others_is_read_by_what_the_kernel_copies_of_it") {
        return;
    }
    let mount = sys::detached_mount(c"bpf").expect("bpffs");
    let path = format!("/proc/self/fd/{}/storage", mount.as_raw_fd());
    // `BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`: not made here, but there may be one in any bpffs.
    let create = sys::MapCreate { map_type: 21, key_size: 8, value_size: 8, ..sys::MapCreate::default() };
    let storage = sys::map_create(create).expect("create");
    sys::object_pin(storage.as_fd(), &CString::new(path.clone()).expect("a path")).expect("pin");
    let map = Map::open_pinned(&path).expect("open");
    assert!(map.is_per_cpu());
    let told = map.lookup(&[0; 8]).expect_err("a value for each CPU would not fit").to_string();
    assert!(told.ends_with("it is per CPU"), "{told}");
    let told = sys::array_first(storage.as_fd()).expect_err("it is no array");
    assert_eq!(told.raw_os_error(), Some(nix::libc::EINVAL));
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

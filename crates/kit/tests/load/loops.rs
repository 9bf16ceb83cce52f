//! What the probe says of loops is what loops do.

use crate::{load, privileged, program};
use kernscope_kit::asm::{Asm, Reg};
use kernscope_kit::probe::{self, Helper, LoopShape};
use kernscope_kit::program::ProgramType;

#[test]
fn shapes_are_told_as_the_features_behind_them() {
    if !privileged("shapes_are_told_as_the_features_behind_them") {
        return;
    }
    let features = [Helper::MayGoto, Helper::IterNum, Helper::BpfLoop, Helper::BoundedLoop];
    let expected: Vec<LoopShape> = LoopShape::ALL
        .into_iter()
        .zip(features)
        .filter_map(|(shape, helper)| probe::helper(helper).is_yes().then_some(shape))
        .collect();
    assert_eq!(probe::loops(), expected);
    assert!(expected.contains(&LoopShape::Bounded), "every supported kernel has bounded loops");
}

#[test]
fn a_kernel_function_has_a_number() {
    let Ok(btf) = kernscope_kit::btf::Btf::vmlinux() else {
        eprintln!("skipped: the kernel has no BTF");
        return;
    };
    let id = btf.id(kernscope_kit::btf::Named::Function, "schedule");
    assert!(id.is_some());
    assert_eq!(probe::kfunc("schedule"), id);
    assert_eq!(probe::kfunc("no_such_function_anywhere"), None);
}

/// The kernel numbers programs in the order in which they are loaded.
fn programs_so_far() -> u32 {
    let mut asm = Asm::new();
    asm.mov(Reg::R0, 0).exit();
    load(&program(ProgramType::SocketFilter, asm, vec![])).info().expect("info").id
}

#[test]
fn asking_again_loads_nothing() {
    if !privileged("asking_again_loads_nothing") {
        return;
    }
    let first = probe::loops();
    let before = programs_so_far();
    for _ in 0..1000 {
        assert_eq!(probe::loops(), first);
    }
    // Other tests load some dozens meanwhile; a thousand times all shapes would be thousands.
    let loaded = programs_so_far() - before;
    assert!(loaded < 1000, "{loaded}");
}

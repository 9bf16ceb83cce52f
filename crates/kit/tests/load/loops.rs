//! What the probe says of loops is what loops do.

use crate::privileged;
use kernscope_kit::probe::{self, Helper, LoopShape};

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

#[test]
fn asking_again_costs_nothing() {
    let first = probe::loops();
    let start = std::time::Instant::now();
    for _ in 0..1000 {
        assert_eq!(probe::loops(), first);
    }
    // A thousand loads would take longer by far.
    assert!(start.elapsed().as_millis() < 100, "{:?}", start.elapsed());
}

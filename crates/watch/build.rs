//! Names the eBPF object to embed: the committed one, or one from the folder that `KERNSCOPE_OBJECTS` names, so that
//! an object that was just rebuilt can be tested.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=KERNSCOPE_OBJECTS");
    let committed = || PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("objects");
    let dir = env::var_os("KERNSCOPE_OBJECTS").map_or_else(committed, PathBuf::from);
    let object = dir.join("watch.bpf.o");
    println!("cargo::rerun-if-changed={}", object.display());
    println!("cargo::rustc-env=KERNSCOPE_WATCH_OBJECT={}", object.display());
}

//! Prints what is known of each device in captures: `cargo run -p kernscope-lan --example facts -- FILE...`, a line
//! each, tabs between file, address and fact.

use kernscope_lan::Registry;
use std::fs::File;

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let mut registry = Registry::default();
        kernscope_lan::replay::replay(File::open(&path)?, &mut registry);
        for device in registry.devices() {
            for fact in device.facts() {
                println!("{path}\t{}\t{fact:?}", device.mac);
            }
            for (via, name) in device.names() {
                println!("{path}\t{}\tName({name:?}, {via:?})", device.mac);
            }
            for shape in device.shapes() {
                println!("{path}\t{}\tShape({shape})", device.mac);
            }
        }
    }
    Ok(())
}

//! Programs and maps in the running kernel. Without the privilege each test says so and does nothing.

mod loops;
mod maps;
mod pins;
mod programs;

use kernscope_kit::asm::Asm;
use kernscope_kit::load::Loaded;
use kernscope_kit::probe::{self, Cause, ProgType};
use kernscope_kit::program::{MapSpec, MapType, Program, ProgramType};

/// Whether this process may load programs; says so if not.
fn privileged(test: &str) -> bool {
    let answer = probe::prog_type(ProgType::Xdp);
    if let probe::Answer::No(no) = &answer {
        assert_ne!(no.cause, Cause::Unsupported, "XDP programs: {}", no.why);
    }
    if !answer.is_yes() {
        eprintln!("skipped: {test}: {}", answer.why());
    }
    answer.is_yes()
}

fn program(kind: ProgramType, asm: Asm, maps: Vec<MapSpec>) -> Program {
    let insns = asm.finish().expect("labels");
    Program { name: "test".into(), program_type: kind, insns, maps, functions: vec![] }
}

fn load(program: &Program) -> Loaded {
    Loaded::load(program).unwrap_or_else(|err| panic!("{err}\n{}", err.log))
}

fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    let entries = vec![];
    MapSpec { name: "test".into(), map_type, key_size, value_size, max_entries, flags: 0, entries }
}

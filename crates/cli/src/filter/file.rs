//! A program with its maps, as JSON: what `filter compile` writes and `filter exec` reads.

use super::wrong;
use crate::failure::Failure;
use kernscope_kit::asm::{Insn, from_hex, to_hex};
use kernscope_kit::program::{Function, MapSpec, MapType, Program, ProgramType};
use serde_json::{Value, json};

/// Types of programs by name, as libbpf calls them.
const PROGRAMS: [(&str, ProgramType); 5] = [
    ("socket", ProgramType::SocketFilter),
    ("tc", ProgramType::SchedCls),
    ("xdp", ProgramType::Xdp),
    ("raw_tracepoint", ProgramType::RawTracepoint),
    ("syscall", ProgramType::Syscall),
];
/// Types of maps by name, as bpftool prints them.
const MAPS: [(&str, MapType); 9] = [
    ("hash", MapType::Hash),
    ("array", MapType::Array),
    ("prog_array", MapType::ProgArray),
    ("percpu_hash", MapType::PercpuHash),
    ("percpu_array", MapType::PercpuArray),
    ("lru_hash", MapType::LruHash),
    ("lpm_trie", MapType::LpmTrie),
    ("array_of_maps", MapType::ArrayOfMaps),
    ("ringbuf", MapType::RingBuf),
];

/// Name or number.
fn name_of<T: PartialEq + Copy>(table: &[(&'static str, T)], kind: T) -> &'static str {
    table.iter().find(|(_, known)| *known == kind).map_or("other", |(name, _)| name)
}

/// The program as one line of JSON: bytes as hex, a map by its index in `maps`.
pub(super) fn write(program: &Program) -> String {
    let maps: Vec<Value> = program.maps.iter().map(write_map).collect();
    let functions: Vec<Value> = program
        .functions
        .iter()
        .map(|function| json!({"name": function.name, "start": function.start, "args": function.args}))
        .collect();
    json!({
        "name": program.name,
        "type": name_of(&PROGRAMS, program.program_type),
        "insns": to_hex(&Insn::all_to_bytes(&program.insns)),
        "maps": maps,
        "functions": functions,
    })
    .to_string()
}

fn write_map(map: &MapSpec) -> Value {
    let entries: Vec<[String; 2]> =
        map.entries.iter().map(|(key, value)| [to_hex(key), to_hex(value)]).collect();
    json!({
        "name": map.name,
        "type": name_of(&MAPS, map.map_type),
        "key_size": map.key_size,
        "value_size": map.value_size,
        "max_entries": map.max_entries,
        "flags": map.flags,
        "entries": entries,
    })
}

/// A program from JSON; what is wrong with it is named by its field.
pub(super) fn read(text: &str) -> Result<Program, Failure> {
    let value: Value =
        serde_json::from_str(text).map_err(|cause| wrong(format_args!("read program: {cause}")))?;
    Ok(Program {
        name: string(&value, "name")?.to_owned(),
        program_type: kind(&value, &PROGRAMS)?,
        insns: Insn::all_from_bytes(&bytes(string(&value, "insns")?)?).map_err(wrong)?,
        maps: list(&value, "maps")?.iter().map(read_map).collect::<Result<_, _>>()?,
        functions: list(&value, "functions")?.iter().map(read_function).collect::<Result<_, _>>()?,
    })
}

fn read_map(map: &Value) -> Result<MapSpec, Failure> {
    let entry = |entry: &Value| match entry.as_array().map(Vec::as_slice) {
        Some([Value::String(key), Value::String(value)]) => Ok((bytes(key)?, bytes(value)?)),
        _ => Err(field("entries")),
    };
    Ok(MapSpec {
        name: string(map, "name")?.to_owned(),
        map_type: kind(map, &MAPS)?,
        key_size: number(map, "key_size")?,
        value_size: number(map, "value_size")?,
        max_entries: number(map, "max_entries")?,
        flags: number(map, "flags")?,
        entries: list(map, "entries")?.iter().map(entry).collect::<Result<_, _>>()?,
    })
}

fn read_function(function: &Value) -> Result<Function, Failure> {
    Ok(Function {
        name: string(function, "name")?.to_owned(),
        start: number(function, "start")?,
        args: number(function, "args")?.try_into().map_err(|_| field("args"))?,
    })
}

fn field(name: &str) -> Failure {
    wrong(format_args!("read program: {name:?} is missing or not what it should be"))
}

fn string<'v>(value: &'v Value, name: &str) -> Result<&'v str, Failure> {
    value[name].as_str().ok_or_else(|| field(name))
}

fn number(value: &Value, name: &str) -> Result<u32, Failure> {
    value[name].as_u64().and_then(|number| number.try_into().ok()).ok_or_else(|| field(name))
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], Failure> {
    value[name].as_array().map(Vec::as_slice).ok_or_else(|| field(name))
}

fn kind<T: Copy>(value: &Value, table: &[(&str, T)]) -> Result<T, Failure> {
    let name = string(value, "type")?;
    table.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(|| field("type"))
}

fn bytes(hex: &str) -> Result<Vec<u8>, Failure> {
    from_hex(hex).map_err(wrong)
}

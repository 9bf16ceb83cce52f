//! Making the maps of a program.

use super::{LoadError, Map};
use crate::memlock::Raised;
use crate::program::{MapSpec, MapType};
use crate::sys::{self, MapCreate};
use std::os::fd::{AsFd, AsRawFd};

/// Makes maps, each with what is in it from the start.
///
/// A map of maps has indexes in `specs` for values; the maps it names come before it, and have one shape.
pub(super) fn create(specs: &[MapSpec]) -> Result<Vec<Map>, LoadError> {
    let mut maps: Vec<Map> = Vec::with_capacity(specs.len());
    for spec in specs {
        let map = match spec.map_type {
            MapType::ArrayOfMaps => of_maps(spec, &maps)?,
            _ => Map::create(spec)?,
        };
        maps.push(map);
    }
    Ok(maps)
}

impl Map {
    /// Makes a map with what is in it from the start. In a per-CPU map every CPU starts with the same value.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_CREATE`; a key or value of another size; more entries than fit. A map of maps is made
    /// only together with the maps in it, by [`super::Loaded::load`].
    pub fn create(spec: &MapSpec) -> Result<Map, LoadError> {
        let map = empty(spec, None)?;
        let filled = if let (true, [(_, value)]) = (map.is_mapped(), &spec.entries[..]) {
            map.write(0, value)
        } else if map.is_per_cpu() {
            spec.entries.iter().try_for_each(|(key, value)| map.update_each_cpu(key, value))
        } else {
            map.update_all(&spec.entries)
        };
        filled.map_err(|err| LoadError::new("fill map", &spec.name, err.cause))?;
        Ok(map)
    }
}

fn empty(spec: &MapSpec, inner: Option<&Map>) -> Result<Map, LoadError> {
    let _raised = Raised::for_bpf();
    let fd = sys::map_create(MapCreate {
        map_type: spec.map_type as u32,
        key_size: spec.key_size,
        value_size: spec.value_size,
        max_entries: spec.max_entries,
        map_flags: spec.flags,
        inner_map_fd: inner.map_or(0, |map| map.as_fd().as_raw_fd().cast_unsigned()),
        map_name: sys::name(&spec.name),
        ..MapCreate::default()
    });
    let fd = fd.map_err(|err| LoadError::map("create map", &spec.name, &err))?;
    Ok(Map::new(fd, spec))
}

fn of_maps(spec: &MapSpec, before: &[Map]) -> Result<Map, LoadError> {
    let named = |value: &[u8]| {
        let index = value.try_into().map(u32::from_ne_bytes).ok()?;
        before.get(index as usize)
    };
    let unknown = || LoadError::new("fill map", &spec.name, "its values must be indexes of maps before it");
    let first = spec.entries.first().ok_or_else(unknown)?;
    let outer = empty(spec, Some(named(&first.1).ok_or_else(unknown)?))?;
    for (key, value) in &spec.entries {
        let inner = named(value).ok_or_else(unknown)?;
        outer.set_fd(key, inner.as_fd()).map_err(|err| LoadError::new("fill map", &spec.name, err.cause))?;
    }
    Ok(outer)
}

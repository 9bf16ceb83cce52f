//! Maps of an object: opened with their types, and filled.

use super::{Object, chain};
use crate::load::{LoadError, Map};
use crate::ring::Ring;
use crate::sys;
use aya::maps::{Array, HashMap, MapData, PerCpuArray};
use kernscope_abi::pod::{self, Pod, bytes_of};
use std::os::fd::AsFd;

impl Object {
    /// A map of the object as it was opened, if it has one.
    pub(in crate::load) fn opened(&self, name: &str) -> Option<&aya::maps::Map> {
        self.ebpf.map(name)
    }

    /// A map of the object, for programs beside it.
    pub(in crate::load) fn map(&self, name: &str) -> Result<Map, LoadError> {
        let absent = || LoadError::new("find map", name, "not in the object");
        let data = match self.ebpf.map(name).ok_or_else(absent)? {
            aya::maps::Map::Array(data) | aya::maps::Map::ProgramArray(data) => data,
            _ => return Err(LoadError::new("open map", name, "it is another type of map")),
        };
        let opened = data.fd().as_fd().try_clone_to_owned().and_then(|fd| {
            let info = sys::map_info(fd.as_fd())?;
            Ok(Map::opened(fd, &info))
        });
        opened.map_err(|error| LoadError::new("open map", name, error))
    }

    /// Another handle of a map: programs that are loaded later need the object's own.
    fn handle(&self, name: &str) -> Result<aya::maps::Map, LoadError> {
        use aya::maps::Map::{HashMap, PerCpuArray, RingBuf};
        let absent = || LoadError::new("find map", name, "not in the object");
        let opened = |data: &MapData| {
            let fd = data.fd().as_fd().try_clone_to_owned();
            let fd = fd.map_err(|error| LoadError::new("open map", name, error))?;
            MapData::from_fd(fd).map_err(|error| LoadError::new("open map", name, chain(&error)))
        };
        match self.ebpf.map(name).ok_or_else(absent)? {
            HashMap(data) => opened(data).map(HashMap),
            PerCpuArray(data) => opened(data).map(PerCpuArray),
            RingBuf(data) => opened(data).map(RingBuf),
            _ => Err(LoadError::new("open map", name, "it is another type of map")),
        }
    }

    /// The ring buffer `name`.
    ///
    /// # Errors
    /// When it is not there or cannot be mapped.
    pub fn ring(&self, name: &str) -> Result<Ring, LoadError> {
        match self.handle(name)? {
            aya::maps::Map::RingBuf(map) => {
                Ring::of(map.fd()).map_err(|err| LoadError::new("map ring", name, err))
            }
            _ => Err(LoadError::new("map ring", name, "it is another type of map")),
        }
    }

    /// The hash map `name`.
    ///
    /// # Errors
    /// When it is not there or has other sizes.
    pub fn table<K: Pod, V: Pod, const KEY: usize, const VALUE: usize>(
        &self,
        name: &str,
    ) -> Result<Table<K, V, KEY, VALUE>, LoadError> {
        HashMap::try_from(self.handle(name)?)
            .map(|map| Table { map, _types: std::marker::PhantomData })
            .map_err(|error| LoadError::new("open map", name, chain(&error)))
    }

    /// The per-CPU array `name` of one element.
    ///
    /// # Errors
    /// When it is not there or has another size.
    pub fn per_cpu<V: Pod, const VALUE: usize>(&self, name: &str) -> Result<PerCpu<V, VALUE>, LoadError> {
        PerCpuArray::try_from(self.handle(name)?)
            .map(|map| PerCpu { map, _type: std::marker::PhantomData })
            .map_err(|error| LoadError::new("open map", name, chain(&error)))
    }

    /// Writes the elements of the array `name`.
    ///
    /// # Errors
    /// When it is not there, has another size, or an index is out of bounds.
    pub fn fill_array<V: Pod, const VALUE: usize>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = (u32, V)>,
    ) -> Result<(), LoadError> {
        let map =
            self.ebpf.map_mut(name).ok_or_else(|| LoadError::new("find map", name, "not in the object"))?;
        let mut array: Array<_, [u8; VALUE]> =
            Array::try_from(map).map_err(|error| LoadError::new("open map", name, chain(&error)))?;
        for (index, value) in values {
            array
                .set(index, array_of(&value), 0)
                .map_err(|error| LoadError::new("fill", name, chain(&error)))?;
        }
        Ok(())
    }
}

fn array_of<V: Pod, const N: usize>(value: &V) -> [u8; N] {
    let mut bytes = [0; N];
    let source = bytes_of(value);
    let len = source.len().min(N);
    bytes[..len].copy_from_slice(&source[..len]);
    bytes
}

/// Only where there is an entry (include/uapi/linux/bpf.h).
const BPF_EXIST: u64 = 2;

/// A hash map with keys `K` of `KEY` bytes and values `V` of `VALUE` bytes.
#[derive(Debug)]
pub struct Table<K, V, const KEY: usize, const VALUE: usize> {
    map: HashMap<MapData, [u8; KEY], [u8; VALUE]>,
    _types: std::marker::PhantomData<(K, V)>,
}

impl<K: Pod, V: Pod, const KEY: usize, const VALUE: usize> Table<K, V, KEY, VALUE> {
    /// Inserts or replaces.
    ///
    /// # Errors
    /// When the map is full.
    pub fn insert(&mut self, key: &K, value: &V) -> Result<(), LoadError> {
        let (key, value): ([u8; KEY], [u8; VALUE]) = (array_of(key), array_of(value));
        self.map.insert(key, value, 0).map_err(|error| LoadError::new("insert into", "map", chain(&error)))
    }

    /// Replaces an entry that is there, in one step: none is made for a key that has none; `false` then.
    pub fn replace(&mut self, key: &K, value: &V) -> bool {
        let (key, value): ([u8; KEY], [u8; VALUE]) = (array_of(key), array_of(value));
        self.map.insert(key, value, BPF_EXIST).is_ok()
    }

    /// The entry, if there is one.
    pub fn get(&self, key: &K) -> Option<V> {
        self.map.get(&array_of(key), 0).ok().and_then(|bytes| pod::read(&bytes))
    }

    /// Whether there is an entry.
    pub fn contains(&self, key: &K) -> bool {
        self.map.get(&array_of(key), 0).is_ok()
    }

    /// Takes an entry out.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self, key: &K) -> Result<(), LoadError> {
        self.map.remove(&array_of(key)).map_err(|error| LoadError::new("remove from", "map", chain(&error)))
    }

    /// Whether there are no entries; one system call.
    pub fn is_empty(&self) -> bool {
        self.map.keys().next().is_none()
    }

    /// The keys.
    pub fn keys(&self) -> Vec<K> {
        self.map.keys().filter_map(|key| key.ok().and_then(|bytes| pod::read(&bytes))).collect()
    }
}

/// One element for each CPU.
#[expect(missing_debug_implementations, reason = "the map type of the library has none")]
pub struct PerCpu<V, const VALUE: usize> {
    map: PerCpuArray<MapData, [u8; VALUE]>,
    _type: std::marker::PhantomData<V>,
}

impl<V: Pod, const VALUE: usize> PerCpu<V, VALUE> {
    /// The elements, one a CPU; empty when they cannot be read.
    pub fn get(&self) -> Vec<V> {
        self.map
            .get(&0, 0)
            .map(|values| values.iter().filter_map(|bytes| pod::read(bytes)).collect())
            .unwrap_or_default()
    }
}

//! A map, used from this side, one element at a time.

use super::UseError;
use crate::program::{MMAPABLE, MapSpec};
use crate::sys::{self, Elem};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

/// `enum bpf_map_type`: per-CPU hash, per-CPU array, per-CPU LRU hash, per-CPU cgroup storage. Of these the kernel copies a
/// value for each possible CPU (`bpf_map_value_size`, kernel/bpf/syscall.c): one that is missing here would be written past
/// the end of a buffer.
const PER_CPU: [u32; 4] = [5, 6, 10, 21];

/// A map in the kernel; it stays as long as this, a program or a pin refers to it.
///
/// Keys and values are bytes; a call with bytes of another length than the map's is refused here, so that the kernel
/// never reads or writes past them.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    name: String,
    map_type: u32,
    key_size: usize,
    value_size: usize,
    max_entries: u32,
    flags: u32,
}

impl Map {
    pub(super) fn new(fd: OwnedFd, spec: &MapSpec) -> Map {
        Map {
            fd,
            name: spec.name.clone(),
            map_type: spec.map_type as u32,
            key_size: spec.key_size as usize,
            value_size: spec.value_size as usize,
            max_entries: spec.max_entries,
            flags: spec.flags,
        }
    }

    /// A map that was made by others.
    pub(super) fn opened(fd: OwnedFd, info: &sys::MapInfo) -> Map {
        Map {
            fd,
            name: sys::name_text(&info.name),
            map_type: info.map_type,
            key_size: info.key_size as usize,
            value_size: info.value_size as usize,
            max_entries: info.max_entries,
            flags: info.map_flags,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Entries, or bytes for a ring buffer.
    pub fn max_entries(&self) -> u32 {
        self.max_entries
    }

    /// Bytes of a key.
    pub fn key_size(&self) -> usize {
        self.key_size
    }

    /// Bytes of a value, of one CPU.
    pub fn value_size(&self) -> usize {
        self.value_size
    }

    /// Whether each CPU has its own values.
    pub fn is_per_cpu(&self) -> bool {
        PER_CPU.contains(&self.map_type)
    }

    /// The value of a key; `None` when there is none.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_LOOKUP_ELEM`; a per-CPU map has no one value.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, UseError> {
        let mut value = vec![0; self.value_size];
        Ok(self.lookup_into(key, &mut value)?.then_some(value))
    }

    /// Writes the value of a key to `value`; whether there is one.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    pub fn lookup_into(&self, key: &[u8], value: &mut [u8]) -> Result<bool, UseError> {
        self.check(LOOK_UP, key, value.len(), false)?;
        self.get(LOOK_UP, key, value)
    }

    /// The value of a key on each possible CPU, by number; `None` when there is none.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_LOOKUP_ELEM`; the map is not per CPU.
    pub fn lookup_each_cpu(&self, key: &[u8]) -> Result<Option<Vec<Vec<u8>>>, UseError> {
        self.check(LOOK_UP, key, self.value_size, true)?;
        let mut all = vec![0; self.slot_bytes() * possible_cpus(&self.name)?];
        if !self.get(LOOK_UP, key, &mut all)? {
            return Ok(None);
        }
        Ok(Some(all.chunks(self.slot_bytes()).map(|slot| slot[..self.value_size].to_vec()).collect()))
    }

    /// The sum over all CPUs of the `u64` at the start of the value; zero when there is none.
    ///
    /// # Errors
    /// As [`Map::lookup_each_cpu`]; values shorter than eight bytes.
    pub fn sum_u64(&self, key: &[u8]) -> Result<u64, UseError> {
        let first = |value: &Vec<u8>| value.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes));
        let short = || UseError::invalid("sum up", self.told(), "its values are shorter than eight bytes");
        let values = self.lookup_each_cpu(key)?.unwrap_or_default();
        values.iter().map(|value| first(value).ok_or_else(short)).sum()
    }

    /// Inserts or replaces.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_UPDATE_ELEM`: `E2BIG` when the map is full or has no such index, `EPERM` when frozen.
    pub fn update(&self, key: &[u8], value: &[u8]) -> Result<(), UseError> {
        self.check(UPDATE, key, value.len(), false)?;
        self.put(key, value)
    }

    /// Whether it is an array whose memory is written where it lies, by [`Map::write`].
    pub fn is_mapped(&self) -> bool {
        self.flags & MMAPABLE != 0
    }

    /// Writes bytes of the only value of a mapped array, from `offset` on. Programs that run meanwhile may see some of
    /// them old and some new.
    ///
    /// # Errors
    /// When it is no such array, or the bytes are not all in it; `EPERM` when it is frozen.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), UseError> {
        let fits = offset.checked_add(bytes.len()).is_some_and(|end| end <= self.value_size);
        if !self.is_mapped() || !fits {
            let why = format!("{} bytes at {offset} are not in an array that can be mapped", bytes.len());
            return Err(UseError::invalid(UPDATE, self.told(), why));
        }
        // SAFETY: it was made mappable, and holds at least one value, which has the bytes as was just checked.
        unsafe { sys::array_write(self.as_fd(), offset, bytes) }
            .map_err(|err| UseError::new(UPDATE, self.told(), err))
    }

    /// Inserts or replaces, with the same value on every CPU.
    ///
    /// # Errors
    /// As [`Map::update`]; the map is not per CPU.
    pub fn update_each_cpu(&self, key: &[u8], value: &[u8]) -> Result<(), UseError> {
        self.check(UPDATE, key, value.len(), true)?;
        let mut slot = value.to_vec();
        slot.resize(self.slot_bytes(), 0);
        self.put(key, &slot.repeat(possible_cpus(&self.name)?))
    }

    /// Puts a program into a program array, or a map into a map of maps.
    ///
    /// # Errors
    /// As [`Map::update`]; `EINVAL` when that does not fit what is there.
    pub fn set_fd(&self, key: &[u8], object: BorrowedFd<'_>) -> Result<(), UseError> {
        self.update(key, &object.as_raw_fd().to_ne_bytes())
    }

    /// Takes a key out; whether it was there.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_DELETE_ELEM`: `EINVAL` for arrays.
    pub fn delete(&self, key: &[u8]) -> Result<bool, UseError> {
        self.check("delete from", key, self.value_size, self.is_per_cpu())?;
        // SAFETY: the key has the map's size; this command takes no value.
        let outcome = unsafe { sys::map_elem(Elem::Delete, self.as_fd(), key.as_ptr(), ptr::null_mut(), 0) };
        self.found("delete from", outcome)
    }

    /// The key after `key`, in the map's order; after `None` or a key that is gone, the first.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_GET_NEXT_KEY`.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, UseError> {
        const ACT: &str = "go through";
        if let Some(key) = key {
            self.check(ACT, key, self.value_size, self.is_per_cpu())?;
        }
        let mut next = vec![0; self.key_size];
        let from = key.map_or(ptr::null(), <[u8]>::as_ptr);
        // SAFETY: both keys have the map's size, or the first is null.
        let outcome = unsafe { sys::map_elem(Elem::NextKey, self.as_fd(), from, next.as_mut_ptr(), 0) };
        Ok(self.found(ACT, outcome)?.then_some(next))
    }

    /// All keys. While others insert and delete, some may come twice or not at all.
    pub fn keys(&self) -> impl Iterator<Item = Result<Vec<u8>, UseError>> + '_ {
        let mut last: Option<Vec<u8>> = None;
        std::iter::from_fn(move || {
            let next = self.next_key(last.as_deref()).transpose()?;
            if let Ok(key) = &next {
                last = Some(key.clone());
            }
            Some(next)
        })
        .take(self.max_entries as usize)
    }

    /// Makes the map read-only for everybody outside the kernel, for good.
    ///
    /// # Errors
    /// The errno of `BPF_MAP_FREEZE`.
    pub fn freeze(&self) -> Result<(), UseError> {
        sys::map_freeze(self.as_fd()).map_err(|err| UseError::new("freeze", self.told(), err))
    }

    /// Another handle of the same map.
    ///
    /// # Errors
    /// When this process has too many descriptors.
    pub fn try_clone(&self) -> Result<Map, UseError> {
        let fd = self.fd.try_clone().map_err(|err| UseError::new("duplicate", self.told(), err))?;
        Ok(Map { fd, name: self.name.clone(), ..*self })
    }

    /// The map as errors name it.
    pub(super) fn told(&self) -> String {
        format!("map {}", self.name)
    }

    /// Bytes of one CPU's value in a per-CPU map.
    fn slot_bytes(&self) -> usize {
        self.value_size.next_multiple_of(8)
    }

    /// That lengths are the map's, and that it is per CPU or not.
    pub(super) fn check(
        &self,
        act: &'static str,
        key: &[u8],
        value: usize,
        per_cpu: bool,
    ) -> Result<(), UseError> {
        let why = if key.len() != self.key_size {
            format!("its keys have {} bytes, not {}", self.key_size, key.len())
        } else if value != self.value_size {
            format!("its values have {} bytes, not {value}", self.value_size)
        } else if per_cpu != self.is_per_cpu() {
            format!("it is {}per CPU", if per_cpu { "not " } else { "" })
        } else {
            return Ok(());
        };
        Err(UseError::invalid(act, self.told(), why))
    }

    fn get(&self, act: &'static str, key: &[u8], value: &mut [u8]) -> Result<bool, UseError> {
        // SAFETY: the callers made the value as large as this map's are, on all CPUs; the key was checked.
        let outcome =
            unsafe { sys::map_elem(Elem::Lookup, self.as_fd(), key.as_ptr(), value.as_mut_ptr(), 0) };
        self.found(act, outcome)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), UseError> {
        let value = value.as_ptr().cast_mut();
        // SAFETY: as in `get`; this command only reads the value.
        unsafe { sys::map_elem(Elem::Update, self.as_fd(), key.as_ptr(), value, 0) }
            .map_err(|err| UseError::new(UPDATE, self.told(), err))
    }

    /// `ENOENT` is an answer.
    fn found(&self, act: &'static str, outcome: io::Result<()>) -> Result<bool, UseError> {
        match outcome {
            Ok(()) => Ok(true),
            Err(err) if err.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(err) => Err(UseError::new(act, self.told(), err)),
        }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

const LOOK_UP: &str = "look up in";
const UPDATE: &str = "update";

/// CPUs that the kernel may ever have; so many values a key of a per-CPU map has.
fn possible_cpus(map: &str) -> Result<usize, UseError> {
    aya::util::nr_cpus().map_err(|(path, err)| UseError::new("read", format!("{path}, for map {map}"), err))
}

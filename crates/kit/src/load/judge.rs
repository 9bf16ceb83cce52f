//! A generated program among those of an object, which call it by a tail call and go on behind it.

use super::{LoadError, Loaded, Map, Object};
use crate::compile::{Compiled, Target};
use crate::program::ProgramType;
use std::os::fd::AsFd;

/// Where in an object a generated program has its place.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The map whose values are the [windows](crate::compile::window) of the CPUs.
    pub window: &'a str,
    /// The program array from which it is called, and in which it finds what comes next.
    pub calls: &'a str,
    /// Its index there.
    pub index: u32,
    /// The id of `btf_trace_X` in the kernel's BTF, where programs of the tracepoint `X` call it. `None` for plain
    /// tracepoints.
    pub tracepoint: Option<u32>,
}

impl Object {
    /// Loads a program that was compiled for [`Target::Buffer`] and puts it into its place. It stays there as long as the
    /// program array; [`Compiled::install`] changes what it looks for.
    ///
    /// # Errors
    /// When it was compiled for something else, the object has no such maps, or the kernel refuses the program.
    pub fn add_judge(&mut self, compiled: &Compiled, place: &Place<'_>) -> Result<Loaded, LoadError> {
        let mut program = compiled.program.clone();
        if compiled.options().target != Target::Buffer {
            return Err(LoadError::new("load", &program.name, "it does not judge buffers"));
        }
        program.program_type = match place.tracepoint {
            Some(_) => ProgramType::Tracing,
            None => ProgramType::Tracepoint,
        };
        let calls = self.map(place.calls)?;
        let mut maps = Vec::with_capacity(program.maps.len());
        for (index, spec) in program.maps.iter().enumerate() {
            maps.push(match index as u32 {
                index if index == Compiled::WINDOW.0 => self.map(place.window)?,
                index if compiled.onward().is_some_and(|map| map.0 == index) => self.map(place.calls)?,
                _ => Map::create(spec)?,
            });
        }
        let loaded = Loaded::load_for(&program, maps, place.tracepoint, 0)?;
        calls
            .set_fd(&place.index.to_ne_bytes(), loaded.as_fd())
            .map_err(|error| LoadError::new("fill", place.calls, error.cause))?;
        Ok(loaded)
    }
}

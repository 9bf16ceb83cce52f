//! Loops over vectors, chosen at run time by what the CPU has; the only `unsafe` of this crate.
//!
//! An [`Op`] is a loop written once, over any [`Vector`]. [`Level::run`] compiles it for each kind of CPU and runs the
//! one that was asked for. A [`Level`] can only be had for what this CPU has, so nothing else has to be checked.
#![expect(unsafe_code, reason = "vector instructions; a `Level` exists only where the CPU has them")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod columns;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;

pub(crate) use columns::{BUCKETS, Columns, Form, WINDOW, code};
use std::fmt;

/// Bytes that a vector loop looks at together.
pub(crate) const BLOCK: usize = 64;

/// What the loops need of a CPU. A bit of a mask is a byte of the block, the first one lowest.
pub(crate) trait Vector: Copy {
    /// Which bytes of the block are this one.
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64;

    /// For which `j` there are at least `need` more bits in `enter` below bit `j` than there are in `leave`.
    /// `need` is between -64 and 64.
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64;

    /// Which of the first 64 bytes begin a window that some bucket takes; perhaps more than those.
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64;
}

/// A loop over vectors. `run` and all it calls must be `#[inline(always)]`, or it is compiled for the least CPU.
pub(crate) trait Op {
    /// What it finds.
    type Output;
    /// Runs it.
    fn run<V: Vector>(self, vector: V) -> Self::Output;
}

/// Which vector instructions are used; only those that this CPU has can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// The fastest that this CPU has.
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        let best = if avx512::detected() {
            Kind::Avx512
        } else if avx2::detected() {
            Kind::Avx2
        } else {
            Kind::Sse2
        };
        #[cfg(target_arch = "aarch64")]
        let best = Kind::Neon;
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let best = Kind::Portable;
        Level(best)
    }

    /// All that this CPU has, slowest first. For tests and measurements: every one gives the same answers.
    pub fn all() -> Vec<Level> {
        let mut all = vec![Level(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            all.push(Level(Kind::Sse2));
            if avx2::detected() {
                all.push(Level(Kind::Avx2));
            }
            if avx512::detected() {
                all.push(Level(Kind::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        all.push(Level(Kind::Neon));
        all
    }

    /// Its name: `portable`, `sse2`, `avx2`, `avx512`, `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Sse2 => "sse2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
        }
    }

    /// How it asks what places take.
    pub(crate) fn form(self) -> Form {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Form::Halves,
            _ => Form::Codes,
        }
    }

    /// Runs a loop, compiled for this level.
    pub(crate) fn run<O: Op>(self, op: O) -> O::Output {
        match self.0 {
            Kind::Portable => op.run(portable::Portable),
            #[cfg(target_arch = "x86_64")]
            Kind::Sse2 => op.run(sse2::Sse2),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Level` of this kind is made only where the CPU was seen to have these instructions.
            Kind::Avx2 => unsafe { avx2::run(op) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Avx512 => unsafe { avx512::run(op) },
            #[cfg(target_arch = "aarch64")]
            // NEON is part of every aarch64 that std supports.
            Kind::Neon => op.run(neon::Neon),
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

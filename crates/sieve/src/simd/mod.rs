//! Loops over vectors, chosen at run time by what the CPU has; the only `unsafe` of this crate.

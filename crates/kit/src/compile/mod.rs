//! From conditions to programs.

pub mod cbpf;

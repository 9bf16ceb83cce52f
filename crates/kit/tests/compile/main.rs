//! Filters in the kernel, beside the plain Rust that says what is right.
//!
//! Needs the privilege to load programs; without it every test says that it was skipped.

mod content;
mod nested;
mod rules;
mod support;
mod update;

//! The library on files, archives and streams that are made here.

mod ahead;
mod archives;
mod benign;
mod formats;
mod history;
mod limits;
mod support;
mod tools;
mod utf16;

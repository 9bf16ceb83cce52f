//! What the host tells the eBPF programs, and what they share with it in maps.

mod account;
mod calls;
mod config;
mod fields;
mod tables;
pub mod window;

pub use account::*;
pub use calls::*;
pub use config::*;
pub use fields::*;
pub use tables::*;

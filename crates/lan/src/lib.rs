//! What is on a local network: frames to signals, signals to devices, devices to what they are.
//!
//! Passive: it looks at frames that are there anyway and sends none. The core is a function of frames; a capture file, a
//! socket or the kernel may bring them.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod anomaly;
pub mod capture;
mod cursor;
mod decode;
pub mod fingerprint;
mod link;
pub mod live;
pub mod mac;
#[cfg(feature = "onnx")]
pub mod model;
pub mod mud;
pub mod oui;
mod packet;
pub mod record;
pub mod registry;
pub mod replay;
pub mod same;
pub mod signal;
mod sought;
pub mod store;

pub use mac::Mac;
pub use registry::Registry;
pub use signal::{Said, Signal};
pub use sought::Seeks;

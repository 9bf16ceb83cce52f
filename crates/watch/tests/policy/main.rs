//! Policies in the kernel: what its programs say of paths, and what they do not let happen.

mod agent;
mod bench;
mod command;
mod denied;
mod judged;
mod learnt;
mod random;
mod sender;

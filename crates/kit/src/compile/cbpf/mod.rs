//! Classic BPF: what `tcpdump -ddd` prints, read, checked, run and translated to eBPF.
//!
//! [`Classic`] is a program of the old machine: two registers, A and X, sixteen scratch words, jumps that only go
//! forward, and a value returned that says how many bytes of the packet to keep (0: none, drop it). A load beyond the
//! packet ends the program with 0. [`Classic::run`] does what the kernel does, one instruction after the other, and is
//! what the translations are held against; [`Classic::translate`] makes an eBPF program of it for one [`Target`].
//!
//! ```
//! use kernscope_kit::compile::cbpf::{Classic, Packet, Target};
//!
//! // tcpdump -ddd -y EN10MB ip
//! let ip = Classic::parse("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n")?;
//! let mut frame = [0u8; 60];
//! assert_eq!(ip.run(&Packet::new(&frame)), 0);
//! frame[12] = 8;
//! assert_eq!(ip.run(&Packet::new(&frame)), 262144);
//! assert_eq!(ip.translate(Target::Socket)?.insns.len(), 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attach;
mod check;
mod flow;
mod insn;
mod load;
pub mod op;
mod parse;
mod run;
mod translate;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

pub use check::CheckError;
pub use insn::{Ancillary, Insn};
pub use parse::ParseError;
pub use run::{Metadata, Packet};
pub use translate::{Actions, Target, TranslateError};

use crate::program::Program;

/// A classic BPF program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Classic {
    insns: Vec<Insn>,
}

impl Classic {
    /// From instructions, which are not checked here.
    pub fn new(insns: Vec<Insn>) -> Classic {
        Classic { insns }
    }

    /// Reads what `tcpdump -ddd` (numbers) or `tcpdump -dd` (a table in C) prints, and checks it.
    ///
    /// # Errors
    /// Text of another form, and programs that the kernel would not take.
    pub fn parse(text: &str) -> Result<Classic, ReadError> {
        let program = parse::parse(text)?;
        program.check()?;
        Ok(program)
    }

    /// The instructions.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// Whether the kernel would take it: see the rules in `net/core/filter.c`, `bpf_check_classic`.
    ///
    /// # Errors
    /// The first instruction that breaks a rule.
    pub fn check(&self) -> Result<(), CheckError> {
        check::check(self)
    }

    /// Runs it as the kernel does, and gives what it returns: bytes of the packet to keep.
    ///
    /// # Panics
    /// If [`Classic::check`] refuses the program.
    pub fn run(&self, packet: &Packet<'_>) -> u32 {
        run::run(self, packet)
    }

    /// Puts it on a socket as it is: the kernel checks and converts it, and keeps as much of each packet as it returns.
    ///
    /// # Errors
    /// `EINVAL` for a program that [`Classic::check`] refuses; the errno of `setsockopt`.
    pub fn attach(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        attach::attach(&self.insns, socket)
    }

    /// The same program in eBPF.
    ///
    /// # Errors
    /// A program that [`Classic::check`] refuses, and ancillary data that the target does not have.
    pub fn translate(&self, target: Target) -> Result<Program, TranslateError> {
        self.check()?;
        translate::translate(self, target)
    }
}

/// The form of `tcpdump -ddd`.
impl fmt::Display for Classic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.insns.len())?;
        self.insns.iter().try_for_each(|insn| writeln!(f, "{} {} {} {}", insn.code, insn.jt, insn.jf, insn.k))
    }
}

/// Text that is not a program that the kernel would take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not in either form.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It breaks a rule.
    #[error(transparent)]
    Check(#[from] CheckError),
}

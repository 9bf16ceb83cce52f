//! A condition in front of a socket.

use super::Offload;
use kernscope_kit::attach::{Decided, SocketFilter, Tallied, socket_target};
use kernscope_kit::compile::{Action, CompileError, Compiled, Content, Filter, Host, Options, compile};
use kernscope_kit::load::{Loaded, UseError};
use std::os::fd::AsFd;

/// A filter in the kernel that keeps from a socket what cannot meet a condition. Dropped, it detaches.
///
/// Every datagram that meets the condition is read as before, whole; of those that do not, some may be read too, where the
/// condition is too large to be compiled [exactly](SocketSieve::is_exact), where a datagram is longer than
/// [`SocketSieve::limit_bytes`], or where it came before the filter did. The condition is asked of one datagram alone:
/// what reads matches across datagrams must not use this.
///
/// # Minimum kernel
/// 5.3.
///
/// # Privileges
/// `CAP_BPF`.
#[derive(Debug)]
pub struct SocketSieve<'a> {
    _attached: SocketFilter<'a>,
    compiled: Compiled,
    tallied: Tallied,
    loaded: Loaded,
}

/// Why another condition does not take the place of the one that is attached, which stays.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// It needs another program; attach it anew.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The kernel refused.
    #[error(transparent)]
    Use(#[from] UseError),
}

impl<'a> SocketSieve<'a> {
    /// Puts the condition in front of a socket of datagrams, raw packets or frames: of rules
    /// (`rules.conditions().content()`), of thresholds ([`crate::frequency::Filter::content`]), or made by hand. It takes
    /// the place of a filter that the socket has.
    ///
    /// `Offload::None` where the socket is a stream, or kernel or privileges do not suffice.
    pub fn attach(socket: &'a impl AsFd, content: &Content) -> Offload<Self> {
        Self::try_attach(socket, content).map_or_else(Offload::None, Offload::Kernel)
    }

    fn try_attach(socket: &'a impl AsFd, content: &Content) -> Result<Self, String> {
        let target = socket_target(socket).map_err(|error| error.to_string())?;
        let target =
            target.ok_or("attach to a socket: it is a stream, which cannot do without what is dropped")?;
        let options = Options { on_match: Action::Pass, ..Options::new(target, Host::running()) };
        let compiled =
            compile(&Filter::content(content.clone()), &options).map_err(|error| error.to_string())?;
        let tallied = Tallied::new(&compiled.program, true).map_err(|error| error.to_string())?;
        let loaded = Loaded::load(&tallied.program).map_err(|error| error.brief())?;
        let attached = SocketFilter::attach(socket, &loaded).map_err(|error| error.to_string())?;
        Ok(Self { _attached: attached, compiled, tallied, loaded })
    }

    /// Datagrams so far: those that the program can read have passed, those that it is spared are dropped. Includes
    /// those that found no room in the socket's buffer.
    ///
    /// # Errors
    /// The errno of the lookup.
    pub fn counts(&self) -> Result<Decided, UseError> {
        self.tallied.read(&self.loaded)
    }

    /// Another condition of the same kind, in place: every datagram is held against the old one or the new one.
    ///
    /// # Errors
    /// When it needs another program or more room; the old one stays.
    pub fn update(&mut self, content: &Content) -> Result<(), UpdateError> {
        let compiled = self.compiled.with(&Filter::content(content.clone()))?;
        compiled.install(&self.loaded)?;
        self.compiled = compiled;
        Ok(())
    }

    /// Whether only what meets the condition passes.
    pub fn is_exact(&self) -> bool {
        self.compiled.exact()
    }

    /// Longest datagram that is looked at, bytes; longer ones pass.
    pub fn limit_bytes(&self) -> u32 {
        self.compiled.limit_bytes()
    }
}

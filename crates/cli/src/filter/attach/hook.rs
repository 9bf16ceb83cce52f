//! The hook that a program is put on, and what is told of it.

use super::{AttachArgs, Target};
use kernscope_kit::attach::{AttachError, Direction, Interface, Tc, Xdp};
use kernscope_kit::load::Loaded;

/// Held as long as the program is attached.
pub(super) enum Hooked {
    Xdp(Xdp),
    Tc(Tc, super::Way),
}

/// Attaches by the best way there is.
pub(super) fn attach(
    loaded: &Loaded,
    interface: &Interface,
    args: &AttachArgs,
) -> Result<Hooked, AttachError> {
    match args.target {
        Target::Xdp => Xdp::attach(loaded, interface).map(Hooked::Xdp),
        Target::Tc => {
            let tc = Tc::attach(loaded, interface, args.direction.into())?;
            Ok(Hooked::Tc(tc, args.direction))
        }
    }
}

impl Hooked {
    /// The way it is attached, in a few words, and why not a better one.
    pub(super) fn tier(&self) -> (String, String) {
        match self {
            Self::Xdp(xdp) => (format!("XDP in {} mode", xdp.mode()), xdp.why().to_owned()),
            Self::Tc(tc, way) => (format!("{} {}", tc.tier(), Direction::from(*way)), tc.why().to_owned()),
        }
    }

    /// The same in one piece.
    pub(super) fn told(&self) -> String {
        let (how, why) = self.tier();
        if why.is_empty() { how } else { format!("{how} ({why})") }
    }
}

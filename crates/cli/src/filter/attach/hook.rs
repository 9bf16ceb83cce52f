//! The hook that a program is put on, and what is told of it.

use super::{AttachArgs, Target};
use kernscope_kit::attach::{AttachError, Interface, Tc, Xdp};
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
    /// How it is attached, and why not better.
    pub(super) fn told(&self) -> String {
        let (how, why) = match self {
            Self::Xdp(xdp) => (format!("XDP in {} mode", xdp.mode()), xdp.why()),
            Self::Tc(tc, way) => {
                (format!("{} {}", tc.tier(), kernscope_kit::attach::Direction::from(*way)), tc.why())
            }
        };
        if why.is_empty() { how } else { format!("{how} ({why})") }
    }
}

//! A small web server for what kernscope knows: pages, an interface for programs, metrics.
//!
//! What it hands out is a map of somebody's network, so that it is careful by itself and not by its sites: by default on this
//! machine only, elsewhere with a token only; a name that it is not called by is refused (a name that an attacker controls may
//! lead here: DNS rebinding), and so are requests that a page of another origin makes a browser send. Pages run no script and no
//! style but their own files.
//!
//! It runs on one thread beside the run, has bounded connections, heads and bodies, and gives up on who dawdles, so that no
//! number of clients disturbs what is being looked at.

mod gate;
mod reply;
mod server;
mod token;

pub(crate) use gate::{Access, Gate};
pub(crate) use reply::{Events, Reply};
pub(crate) use server::{Ask, Served, Site, start};
pub(crate) use token::Token;

use crate::failure::Failure;
use std::net::{SocketAddr, TcpListener};

/// Listens at an address. `what` is what is to be served, for the message.
pub(crate) fn listen(address: SocketAddr, what: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|cause| {
        Failure::usage(format_args!("serve {what} at {address}: {cause}; choose another address or port"))
    })
}

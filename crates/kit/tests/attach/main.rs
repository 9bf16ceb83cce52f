//! Programs on real hooks under real traffic, in network namespaces of the test's own: nothing outside them is touched,
//! and they are gone with their last descriptor, whatever becomes of the test.
//!
//! Without the privilege each test says so and does nothing.

mod compiled;
mod filter;
mod killed;
mod net;
mod sockets;
mod tc;
mod xdp;

use kernscope_kit::load::Loaded;
use kernscope_kit::probe::{self, Cause, ProgType};
use kernscope_kit::program::Program;

/// Whether this process may attach programs to interfaces; says so if not.
fn privileged(test: &str) -> bool {
    let answer = probe::prog_type(ProgType::Xdp);
    if let probe::Answer::No(no) = &answer {
        assert_ne!(no.cause, Cause::Unsupported, "XDP programs: {}", no.why);
    }
    if !answer.is_yes() {
        eprintln!("skipped: {test}: {}", answer.why());
        return false;
    }
    match net::Namespace::new().and_then(|left| net::Pair::new(left, net::Namespace::new()?)) {
        Ok(_) => true,
        Err(err) => {
            eprintln!("skipped: {test}: a veth pair in two network namespaces: {err}");
            false
        }
    }
}

fn load(program: &Program) -> Loaded {
    Loaded::load(program).unwrap_or_else(|err| panic!("{err}\n{}", err.log))
}

//! Names and addresses: what this machine knows at the start, and what name servers answer while a run goes on.

use kernscope_report::{Body, Entry};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};
use std::rc::Rc;

/// The addresses of a name, as this machine has them.
pub(super) fn addresses_of(name: &str) -> Vec<IpAddr> {
    (name, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect()).unwrap_or_default()
}

/// Those that programs of this machine ask.
pub(super) fn name_servers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let server = |line: &str| line.strip_prefix("nameserver")?.trim().parse().ok();
    text.lines().filter_map(server).collect()
}

/// What name servers have answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(super) all: Rc<RefCell<BTreeSet<(IpAddr, String)>>>,
    news: Rc<Cell<bool>>,
}

impl Answers {
    /// Takes what a record tells.
    pub(crate) fn see(&self, entry: &Entry) {
        let Body::Dns(dns) = &entry.body else { return };
        for address in dns.answers.iter().filter_map(|answer| answer.parse().ok()) {
            if self.all.borrow_mut().insert((address, dns.query.clone())) {
                self.news.set(true);
            }
        }
    }

    pub(super) fn take_news(&self) -> bool {
        self.news.replace(false)
    }
}

//! Where the page and the metrics of a run are served, and who may have them.

use super::Page;
use crate::failure::{Failure, Outcome};
use crate::lan::database::{default_path, failed};
use crate::lan::metrics::Metrics;
use crate::lan::{ServeArgs, run};
use crate::stream::note;
use crate::watch::signals::Signals;
use crate::web::{Gate, Served, Token, listen, start};
use kernscope_lan::store::Store;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Where the page is unless it is said.
pub(in crate::lan) const PAGE_AT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8077);

/// What a run serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lan) struct Faces {
    /// The page.
    pub(in crate::lan) page: Option<SocketAddr>,
    /// Metrics for Prometheus.
    pub(in crate::lan) metrics: Option<SocketAddr>,
    /// Devices with series of their own.
    pub(in crate::lan) metrics_devices: usize,
    pub(in crate::lan) token_file: Option<PathBuf>,
    /// Names that the page is called by.
    pub(in crate::lan) hosts: Vec<String>,
}

/// Listeners that wait for the run to begin: low ports want privileges that it gives up.
pub(in crate::lan) struct Listening {
    page: Option<(TcpListener, SocketAddr)>,
    metrics: Option<(TcpListener, SocketAddr)>,
    token: Option<Token>,
    faces: Faces,
}

impl Faces {
    /// Listens.
    ///
    /// # Errors
    /// When an address is taken, or is not of this machine only and there is no token.
    pub(in crate::lan) fn listen(self) -> Result<Listening, Failure> {
        let token = self.token_file.as_deref().map(Token::read).transpose()?;
        let listen = |address: Option<SocketAddr>, what: &str| -> Result<_, Failure> {
            let Some(address) = address else { return Ok(None) };
            if !address.ip().is_loopback() && token.is_none() {
                return Err(Failure::usage(format_args!(
                    "serve {what} at {address}: others can reach it, and there is no token; give --token-file FILE, or 127.0.0.1"
                )));
            }
            let listener = listen(address, what)?;
            let address = listener.local_addr().map_err(Failure::usage)?;
            Ok(Some((listener, address)))
        };
        let page = listen(self.page, "the page")?;
        let metrics = listen(self.metrics, "metrics")?;
        Ok(Listening { page, metrics, token, faces: self })
    }
}

impl Listening {
    /// Serves from here on. `database` is what the page is over, `live`: a run writes to it.
    pub(in crate::lan) fn serve(
        self,
        database: Option<&Path>,
        live: bool,
        metrics: &Metrics,
    ) -> Result<(), Failure> {
        let mut sites = Vec::new();
        if let Some((listener, address)) = self.metrics {
            note(format_args!("metrics at http://{address}/metrics"));
            let gate = Gate::new(address, self.token.clone(), false, self.faces.hosts.clone());
            sites.push(Served { listener, gate, site: Arc::new(metrics.clone()) });
        }
        if let Some((listener, address)) = self.page {
            let path = database.ok_or_else(|| {
                Failure::usage("serve the page: it is drawn from the database; leave --no-db out")
            })?;
            let store = Store::open(path).map_err(Failure::usage)?;
            let is_closed = self.token.is_some();
            let token = self.token.map_or_else(Token::random, Ok)?;
            // One that was given is known to who gave it, and not to the log.
            let shown = if is_closed { "the token" } else { token.show() };
            note(format_args!("the page is at http://{address}/#token={shown}"));
            let gate = Gate::new(address, Some(token.clone()), is_closed, self.faces.hosts);
            sites.push(Served { listener, gate, site: Arc::new(Page::new(store, live)) });
        }
        if sites.is_empty() {
            return Ok(());
        }
        start(sites).map_err(|cause| Failure::usage(format_args!("start the web server: {cause}")))
    }
}

/// `lan serve`.
pub(in crate::lan) fn serve(args: &ServeArgs) -> Outcome {
    if args.run.interface.is_some() || args.run.config.is_some() {
        return run::serve(args);
    }
    let signals = Signals::install()
        .map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))?;
    let faces = Faces {
        page: Some(args.listen.unwrap_or(PAGE_AT)),
        token_file: args.run.token_file.clone(),
        hosts: args.run.host.clone(),
        ..Faces::default()
    };
    let path = args.run.db.clone().map_or_else(default_path, Ok)?;
    // A database that is not there is told before anybody listens.
    drop(Store::open(&path).map_err(failed_to_open)?);
    faces.listen()?.serve(Some(&path), false, &Metrics::default())?;
    let mut stop = false;
    while !stop {
        std::thread::sleep(Duration::from_millis(100));
        signals.poll(false, |_, _| stop = true);
    }
    Ok(ExitCode::SUCCESS)
}

fn failed_to_open(why: kernscope_lan::store::StoreError) -> Failure {
    if why.is_passing() { failed(why) } else { Failure::usage(why) }
}

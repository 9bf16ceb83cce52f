//! Connections, and how much of everything a client may have.

use super::reply::Content;
use super::{Access, Gate, Reply};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_200;
/// Descriptors that connections, files and the rest of the program need.
const DESCRIPTORS: u64 = CONNECTIONS_MAX as u64 + 200;
/// How long a head may take to come, the first or the next.
const HEAD_TIME: Duration = Duration::from_secs(5);
const BODY_TIME: Duration = Duration::from_secs(5);
/// A connection ends then, whatever it does: a page connects anew.
const LIFE: Duration = Duration::from_secs(120);
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 4 << 10;

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

/// What is served at an address. Answers are to be ready at hand: all clients share a thread.
pub(crate) trait Site: Send + Sync + 'static {
    /// What is wanted by a request for this path.
    fn access(&self, path: &str) -> Access;

    /// The answer to a request.
    fn answer(&self, ask: &Ask, gate: &Gate) -> Reply;

    /// Called every second.
    fn tick(&self) {}
}

/// A site, where it is and who keeps it.
pub(crate) struct Served {
    pub(crate) listener: TcpListener,
    pub(crate) gate: Gate,
    pub(crate) site: Arc<dyn Site>,
}

/// Serves sites on a thread of their own, until the process ends.
///
/// # Errors
/// When the kernel gives no thread, or nothing to wait with.
pub(crate) fn start(sites: Vec<Served>) -> io::Result<()> {
    // Where more is not allowed, clients wait for each other.
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _as_it_was = setrlimit(Resource::RLIMIT_NOFILE, soft.max(DESCRIPTORS.min(hard)), hard);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    for served in &sites {
        served.listener.set_nonblocking(true)?;
    }
    std::thread::Builder::new().name("web".to_owned()).spawn(move || runtime.block_on(serve(sites)))?;
    Ok(())
}

async fn serve(sites: Vec<Served>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let clocks: Vec<_> = sites.iter().map(|served| Arc::clone(&served.site)).collect();
    for Served { listener, gate, site } in sites {
        if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
            tokio::spawn(accept(listener, Arc::new(gate), site, Arc::clone(&places)));
        }
    }
    loop {
        sleep(Duration::from_secs(1)).await;
        clocks.iter().for_each(|site| site.tick());
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    gate: Arc<Gate>,
    site: Arc<dyn Site>,
    places: Arc<Semaphore>,
) {
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&gate), Arc::clone(&site), place));
            }
            // Out of descriptors: some come back soon.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(
    stream: tokio::net::TcpStream,
    gate: Arc<Gate>,
    site: Arc<dyn Site>,
    _place: OwnedSemaphorePermit,
) {
    let _whole_segments = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &gate, &*site));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever a client does wrong is its own matter.
    let _ended = timeout(LIFE, connection).await;
}

async fn answer(
    request: Request<Incoming>,
    gate: &Gate,
    site: &dyn Site,
) -> Result<Response<Content>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Err((status, why)) = gate.check(&parts, site.access(parts.uri.path())) {
        return Ok(Reply::refusal(status, why).response());
    }
    let body = timeout(BODY_TIME, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let reply = match body {
        Ok(Ok(body)) => site.answer(&Ask { parts, body: body.to_bytes() }, gate),
        _ => Reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or took too long\n"),
    };
    Ok(reply.response())
}

//! Bodies of events about TLS.

use crate::Endpoint;
use crate::FileId;
use crate::pod::plain;

/// Most bytes of plain text in one [`crate::KIND_TLS`] event; a call that moved more is told in several.
pub const MAX_TLS_CHUNK: usize = 16 * 1024;

/// [`Tls::direction`]: bytes that the process received.
pub const TLS_IN: u32 = 0;
/// [`Tls::direction`]: bytes that the process sent.
pub const TLS_OUT: u32 = 1;
/// [`Tls::direction`]: the library let go of the connection.
pub const TLS_END: u32 = 2;
/// [`Tls::direction`]: the process called the library for the first time. Nothing is said of bytes.
pub const TLS_USED: u32 = 3;
/// [`Tls::direction`]: a handshake went over a socket, by whatever library. Of the others only the socket is said.
pub const TLS_SEEN: u32 = 4;
/// [`Tls::library`]: OpenSSL, or another library with its functions (BoringSSL, LibreSSL).
pub const TLS_OPENSSL: u32 = 0;
/// [`Tls::library`]: GnuTLS.
pub const TLS_GNUTLS: u32 = 1;
/// [`Tls::library`]: NSS, behind the functions of NSPR.
pub const TLS_NSS: u32 = 2;
/// [`Tls::library`]: Go's crypto/tls.
pub const TLS_GO: u32 = 3;
/// [`Tls::library`]: rustls.
pub const TLS_RUSTLS: u32 = 4;
/// [`Tls::joined`]: the connection's socket is not known.
pub const TLS_SOCKET_NONE: u32 = 0;
/// [`Tls::joined`]: the library used this socket inside a call for the connection, or was given it.
pub const TLS_SOCKET_USED: u32 = 1;
/// [`Tls::joined`]: the last socket that the thread used before; the program moves the bytes by itself.
pub const TLS_SOCKET_LAST: u32 = 2;

/// Body of [`crate::KIND_TLS`]. Section: `DATA`, of those that move bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The library's connection; with `born_ns` and the process it names one for good. An opaque number.
    pub handle: u64,
    /// When it was first used, `CLOCK_MONOTONIC` nanoseconds.
    pub born_ns: u64,
    /// Where the call's first byte lies among all that went this way; of an end, all bytes received.
    pub offset: u64,
    /// Bytes that the call moved; of an end, all bytes sent.
    pub call_bytes: u64,
    /// Where in the call the data begins.
    pub at: u64,
    /// The socket; zero where it is not known.
    pub file: FileId,
    /// Its own end.
    pub local: Endpoint,
    /// Its other end.
    pub remote: Endpoint,
    /// The descriptor; -1 where it is not known.
    pub fd: i32,
    /// `TLS_SOCKET_*`.
    pub joined: u32,
    /// `TLS_IN`, `TLS_OUT`, `TLS_END`, `TLS_USED` or `TLS_SEEN`.
    pub direction: u32,
    /// `TLS_*` library.
    pub library: u32,
    /// Number that the host gave to the file with the library's code; 0 when the kernel cannot tell (before 5.15).
    pub target: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Body of [`crate::KIND_TLS_TARGET`]. Sections: `RESOLVED` (the file); `RAW`, in words, what of it is not followed and why.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsTarget {
    /// Its number, as in [`Tls::target`].
    pub target: u32,
    /// `TLS_*` library.
    pub library: u32,
}

plain! {
    Tls = 136 { handle @ 0, born_ns @ 8, offset @ 16, call_bytes @ 24, at @ 32, file @ 40, local @ 64, remote @ 88, fd @ 112, joined @ 116, direction @ 120, library @ 124, target @ 128, pad @ 132 }
    TlsTarget = 8 { target @ 0, library @ 4 }
}

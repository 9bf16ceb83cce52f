//! The functions of TLS libraries that are followed.
//!
//! Sources: the manual pages SSL_read(3), SSL_write(3) and SSL_do_handshake(3) of OpenSSL, the chapter "Core TLS API" of
//! GnuTLS's manual, and prio.h of NSPR. What is not followed: SSL_peek, whose data SSL_read gives again; functions that
//! end in one that is followed (SSL_read_early_data, gnutls_record_send_file).

use kernscope_abi as abi;

/// Whose functions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Library {
    /// OpenSSL, and libraries with its functions: BoringSSL, LibreSSL.
    OpenSsl,
    /// GnuTLS.
    GnuTls,
    /// NSS, behind the functions of NSPR.
    Nss,
    /// Go's package crypto/tls.
    Go,
    /// rustls.
    Rustls,
}

impl Library {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::OpenSsl, Self::GnuTls, Self::Nss, Self::Go, Self::Rustls];

    /// The `TLS_*` number.
    pub fn number(self) -> u32 {
        match self {
            Self::OpenSsl => abi::TLS_OPENSSL,
            Self::GnuTls => abi::TLS_GNUTLS,
            Self::Nss => abi::TLS_NSS,
            Self::Go => abi::TLS_GO,
            Self::Rustls => abi::TLS_RUSTLS,
        }
    }
}

/// A function, and the program for its beginning.
pub(super) struct Function {
    pub(super) symbol: &'static str,
    pub(super) library: Library,
    pub(super) program: &'static str,
    /// What it did is known when it returns.
    pub(super) returns: bool,
}

const fn call(library: Library, symbol: &'static str, program: &'static str) -> Function {
    Function { symbol, library, program, returns: true }
}

const fn end(library: Library, symbol: &'static str, program: &'static str) -> Function {
    Function { symbol, library, program, returns: false }
}

use Library::{GnuTls, Nss, OpenSsl};

/// All of them.
pub(super) const FUNCTIONS: &[Function] = &[
    call(OpenSsl, "SSL_read", "tls_openssl_in"),
    call(OpenSsl, "SSL_read_ex", "tls_openssl_in_4"),
    call(OpenSsl, "SSL_write", "tls_openssl_out"),
    call(OpenSsl, "SSL_write_ex", "tls_openssl_out_4"),
    call(OpenSsl, "SSL_write_ex2", "tls_openssl_out_5"),
    call(OpenSsl, "SSL_do_handshake", "tls_openssl_begin"),
    call(OpenSsl, "SSL_connect", "tls_openssl_begin"),
    call(OpenSsl, "SSL_accept", "tls_openssl_begin"),
    end(OpenSsl, "SSL_free", "tls_openssl_end"),
    call(GnuTls, "gnutls_record_recv", "tls_gnutls_in"),
    call(GnuTls, "gnutls_record_recv_seq", "tls_gnutls_in"),
    call(GnuTls, "gnutls_record_send", "tls_gnutls_out"),
    call(GnuTls, "gnutls_record_send2", "tls_gnutls_out"),
    call(GnuTls, "gnutls_record_send_range", "tls_gnutls_out"),
    call(GnuTls, "gnutls_handshake", "tls_gnutls_begin"),
    end(GnuTls, "gnutls_deinit", "tls_gnutls_end"),
    call(Nss, "PR_Read", "tls_nss_in"),
    call(Nss, "PR_Recv", "tls_nss_recv"),
    call(Nss, "PR_Write", "tls_nss_out"),
    call(Nss, "PR_Send", "tls_nss_out"),
    end(Nss, "PR_Close", "tls_nss_end"),
];

/// A file has a library if it has functions with one of these programs.
pub(super) const ANCHORS: &[&str] = &["tls_openssl_in", "tls_openssl_in_4", "tls_gnutls_in", "tls_nss_in"];

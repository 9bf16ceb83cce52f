//! Who may have what: by name of the host, origin of the page, and token.

use super::Token;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode, header};
use std::net::{IpAddr, SocketAddr};

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// What says nothing of anybody: the files of the page.
    Page,
    /// To know something.
    Read,
    /// To change something.
    Write,
}

/// Keeps a site.
#[derive(Clone)]
pub(crate) struct Gate {
    token: Option<Token>,
    /// Reading wants the token as well.
    is_closed: bool,
    /// Names that the site is called by, beside addresses and `localhost`.
    names: Vec<String>,
    cookie: String,
}

impl Gate {
    /// The gate of a site at an address; reading without a token is for this machine only.
    pub(crate) fn new(
        address: SocketAddr,
        token: Option<Token>,
        is_closed: bool,
        names: Vec<String>,
    ) -> Self {
        let is_closed = is_closed || !address.ip().is_loopback();
        // Cookies are of a host, whatever the port.
        Self { token, is_closed, names, cookie: format!("kernscope_{}", address.port()) }
    }

    /// Lets a request in, or says why not.
    pub(crate) fn check(&self, parts: &Parts, access: Access) -> Result<(), (StatusCode, &'static str)> {
        let headers = &parts.headers;
        let has_token = self.has_bearer(headers);
        let host = text(headers, header::HOST).unwrap_or_default();
        // Whoever has the token was not led here by a name.
        if !has_token && !self.is_named(host) {
            return Err((StatusCode::MISDIRECTED_REQUEST, "this server is not called so; see --host\n"));
        }
        if is_foreign(headers, host, access) {
            return Err((StatusCode::FORBIDDEN, "a page of another origin asks\n"));
        }
        let wants_token = match access {
            Access::Page => false,
            Access::Read => self.is_closed,
            Access::Write => true,
        };
        if wants_token && !self.may_write(headers) {
            return Err((StatusCode::UNAUTHORIZED, "a token is needed\n"));
        }
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
        if is_safe == (access == Access::Write) {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "not by this method\n"));
        }
        Ok(())
    }

    /// What makes a browser show the token from here on; only for who has shown it.
    pub(crate) fn cookie(&self, headers: &HeaderMap) -> Option<String> {
        let token = self.token.as_ref().filter(|_| self.has_bearer(headers))?;
        Some(format!("{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800", self.cookie, token.show()))
    }

    /// Whether who asks may change things.
    pub(crate) fn may_write(&self, headers: &HeaderMap) -> bool {
        self.has_bearer(headers) || self.has_cookie(headers)
    }

    fn is_token(&self, shown: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.is(shown))
    }

    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let shown = text(headers, header::AUTHORIZATION).and_then(|shown| shown.strip_prefix("Bearer "));
        shown.is_some_and(|shown| self.is_token(shown.trim()))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == self.cookie && self.is_token(value))
    }

    /// An address cannot be made to lead elsewhere; a name can.
    fn is_named(&self, host: &str) -> bool {
        let name = name_of(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok()
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// `name` of `name:port`.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page of somebody else made the browser ask.
fn is_foreign(headers: &HeaderMap, host: &str, access: Access) -> bool {
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if own != Some(host) {
            return true;
        }
    }
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    access != Access::Page && site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    const HERE: &str = "127.0.0.1:8077";

    fn gate(address: &str) -> (Gate, String) {
        let token = Token::random().expect("token");
        let shown = token.show().to_owned();
        let gate =
            Gate::new(address.parse().expect("address"), Some(token), false, vec!["lan.example".into()]);
        (gate, shown)
    }

    fn ask(gate: &Gate, access: Access, headers: &[(&str, &str)]) -> u16 {
        let method = if access == Access::Write { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("request").into_parts();
        gate.check(&parts, access).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn on_this_machine_who_reads_needs_no_token_and_who_changes_does() {
        let (gate, token) = gate(HERE);
        let bearer = format!("Bearer {token}");
        let cookie = format!("a=b; kernscope_8077={token}");
        assert_eq!(ask(&gate, Access::Read, &[("host", HERE)]), 200);
        assert_eq!(ask(&gate, Access::Write, &[("host", HERE)]), 401);
        assert_eq!(ask(&gate, Access::Write, &[("host", HERE), ("authorization", &bearer)]), 200);
        assert_eq!(ask(&gate, Access::Write, &[("host", HERE), ("cookie", &cookie)]), 200);
        let of_another_port = cookie.replace("8077", "8078");
        assert_eq!(ask(&gate, Access::Write, &[("host", HERE), ("cookie", &of_another_port)]), 401);
    }

    #[test]
    fn elsewhere_who_reads_needs_the_token_as_well() {
        let (gate, token) = gate("192.0.2.1:80");
        assert_eq!(ask(&gate, Access::Read, &[("host", "192.0.2.1")]), 401);
        assert_eq!(ask(&gate, Access::Read, &[("host", "192.0.2.1"), ("authorization", "Bearer no")]), 401);
        let bearer = format!("Bearer {token}");
        assert_eq!(ask(&gate, Access::Read, &[("host", "192.0.2.1"), ("authorization", &bearer)]), 200);
        assert_eq!(ask(&gate, Access::Page, &[("host", "192.0.2.1")]), 200);
    }

    #[test]
    fn names_that_are_not_ours_and_pages_of_others_are_refused() {
        let (gate, _) = gate(HERE);
        for host in
            ["evil.example", "evil.example:8077", "127.0.0.1.evil.example", "", "localhost.evil.example"]
        {
            assert_eq!(ask(&gate, Access::Read, &[("host", host)]), 421, "{host}");
            assert_eq!(ask(&gate, Access::Page, &[("host", host)]), 421, "{host}");
        }
        for host in ["localhost", "LocalHost:8077", "[::1]:8077", "lan.example:8077", "10.1.2.3"] {
            assert_eq!(ask(&gate, Access::Read, &[("host", host)]), 200, "{host}");
        }
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:9999"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(ask(&gate, Access::Read, &[("host", HERE), (name, value)]), 403, "{value}");
        }
        let own = [("host", HERE), ("origin", "http://127.0.0.1:8077"), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask(&gate, Access::Read, &own), 200);
    }
}

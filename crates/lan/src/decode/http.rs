//! HTTP in the clear (RFC 9112), as far as one segment shows it: who asks, who answers, and UPnP descriptions.

use crate::signal::{Said, Signal, Via, text};
use std::iter;

const METHODS: [&[u8]; 8] =
    [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"NOTIFY ", b"SUBSCRIBE ", b"PROPFIND "];
const LINES_MAX: usize = 64;
/// Elements of a UPnP description that say what a device is.
const ELEMENTS: [&str; 6] =
    ["deviceType", "friendlyName", "manufacturer", "modelName", "modelNumber", "modelDescription"];

/// `false`: this is no beginning of an HTTP message.
pub(super) fn decode(bytes: &[u8], said: &mut Said) -> bool {
    let response = bytes.starts_with(b"HTTP/1.");
    if !response && !METHODS.iter().any(|method| bytes.starts_with(method)) {
        return false;
    }
    let mut lines = lines(bytes);
    let first = lines.next().map(|(line, _)| line).unwrap_or_default();
    if let (false, Some(path)) = (response, first.split(|byte| *byte == b' ').nth(1)) {
        said.say(Signal::HttpPath(path_without_numbers(path)));
    }
    for (name, value) in lines {
        let signal = match (response, name.to_ascii_lowercase().as_slice()) {
            (false, b"user-agent") => Signal::UserAgent(text(value)),
            (false, b"host") => Signal::HttpHost(text(value)),
            (true, b"server") => Signal::HttpServer(text(value)),
            _ => continue,
        };
        said.say(signal);
    }
    if response {
        description(bytes, said);
    }
    true
}

/// Lines up to the empty one, each as name and value; of the first both are the whole line's parts.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    let mut first = true;
    iter::from_fn(move || {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            return None;
        }
        if std::mem::take(&mut first) {
            return Some((line, &line[..0]));
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        Some((line[..colon].trim_ascii(), line.get(colon + 1..).unwrap_or_default().trim_ascii()))
    })
    .take(LINES_MAX)
}

/// A path up to its query, digits as `0`: what stays the same from device to device.
fn path_without_numbers(path: &[u8]) -> String {
    let path: Vec<u8> = path
        .iter()
        .take_while(|byte| **byte != b'?')
        .take(64)
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte })
        .collect();
    text(&path)
}

/// A UPnP description tells type and model of the root device in its first elements.
fn description(bytes: &[u8], said: &mut Said) {
    if !bytes.windows(12).any(|window| window == b"<deviceType>") {
        return;
    }
    for element in ELEMENTS {
        let open = format!("<{element}>").into_bytes();
        let Some(at) = bytes.windows(open.len()).position(|window| window == open) else { continue };
        let value = &bytes[at + open.len()..];
        let Some(end) = value.iter().position(|byte| *byte == b'<') else { continue };
        let value = text(&value[..end]);
        if element == "friendlyName" {
            said.say(Signal::Name(value.clone(), Via::Upnp));
        }
        said.say(Signal::UpnpDescription(element, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(bytes: &[u8]) -> Vec<Signal> {
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        decode(bytes, &mut said);
        said.signals.into_iter().map(|(_, signal)| signal).collect()
    }

    #[test]
    fn requests_and_answers_tell_different_things() {
        let expected = [
            Signal::HttpPath("/api/v0".to_owned()),
            Signal::HttpHost("fw.example".to_owned()),
            Signal::UserAgent("kettle/2".to_owned()),
        ];
        assert_eq!(
            signals(b"GET /api/v1?id=7 HTTP/1.1\r\nHost: fw.example\r\nuser-agent: kettle/2\r\n\r\n"),
            expected
        );
        assert_eq!(
            signals(b"HTTP/1.1 200 OK\nServer: nginx\n\nServer: no"),
            [Signal::HttpServer("nginx".to_owned())]
        );
        assert!(signals(b"\x16\x03\x01").is_empty());
    }

    #[test]
    fn a_description_names_the_model() {
        let body =
            b"HTTP/1.1 200 OK\r\n\r\n<root><deviceType>urn:x</deviceType><modelName>Socket</modelName>";
        let expected = [
            Signal::UpnpDescription("deviceType", "urn:x".into()),
            Signal::UpnpDescription("modelName", "Socket".into()),
        ];
        assert_eq!(signals(body), expected);
    }
}

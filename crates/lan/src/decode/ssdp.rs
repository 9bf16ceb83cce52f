//! SSDP and UPnP (UPnP Device Architecture 2.0): NOTIFY and replies offer, M-SEARCH seeks.

use super::http::lines;
use crate::cursor::{Malformed, Read};
use crate::signal::{Said, Signal, text};

/// Shorter ones than this are no identifiers, whatever they are called.
const UUID_BYTES_MIN: usize = 12;

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut lines = lines(bytes);
    let Some((first, _)) = lines.next() else { return Err(Malformed("is empty")) };
    let seeks = first.starts_with(b"M-SEARCH");
    if !seeks && !first.starts_with(b"NOTIFY") && !first.starts_with(b"HTTP/1.") {
        return Err(Malformed("starts like no SSDP message"));
    }
    for (name, value) in lines {
        let signal = match name.to_ascii_lowercase().as_slice() {
            b"st" if seeks => Signal::UpnpSought(kind(value)),
            b"nt" | b"st" => Signal::UpnpOffered(kind(value)),
            b"usn" if !seeks => match identity(value) {
                Some(uuid) => Signal::UpnpDevice(uuid),
                None => continue,
            },
            b"server" | b"user-agent" => Signal::UpnpServer(text(value)),
            _ => continue,
        };
        said.say(signal);
    }
    Ok(())
}

/// Which device it is: of `uuid:4d69...::urn:x` the part between.
fn identity(value: &[u8]) -> Option<String> {
    let name = text(value).to_ascii_lowercase();
    let uuid = name.strip_prefix("uuid:")?.split("::").next()?.to_owned();
    Some(uuid).filter(|uuid| uuid.len() >= UUID_BYTES_MIN)
}

/// A type without what names the one device: of `uuid:...::urn:x` the urn; a bare uuid says no more than that there is one.
fn kind(value: &[u8]) -> String {
    let kind = text(value);
    if kind.starts_with("uuid:") { "uuid".to_owned() } else { kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_seeks_does_not_offer() {
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST:urn:Belkin:device:**\r\n\r\n";
        assert_eq!(decode(search, &mut said), Ok(()));
        let notify =
            b"NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\nServer: Unspecified, UPnP/1.0, Unspecified\r\n\
            USN: uuid:2F402F80-DA50-11E1::upnp:rootdevice\r\n";
        assert_eq!(decode(notify, &mut said), Ok(()));
        let signals: Vec<_> = said.signals.into_iter().map(|(_, signal)| signal).collect();
        let expected = [
            Signal::UpnpSought("urn:Belkin:device:**".to_owned()),
            Signal::UpnpOffered("upnp:rootdevice".to_owned()),
            Signal::UpnpServer("Unspecified, UPnP/1.0, Unspecified".to_owned()),
            Signal::UpnpDevice("2f402f80-da50-11e1".to_owned()),
        ];
        assert_eq!(signals, expected);
        assert!(decode(b"GET / HTTP/1.1\r\n", &mut Said::default()).is_err());
    }
}

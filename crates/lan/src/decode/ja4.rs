//! JA4: a short name for the way a client greets (FoxIO's specification of JA4, the TLS client part, BSD-3).
//!
//! Transport, version, with a server name or not, how many ciphers and extensions, first ALPN; then hashes of the ciphers and
//! of the extensions with the signature algorithms. Sorted, because browsers shuffle; grease left out, because it is random.

use super::tls::{Hello, is_grease};
use sha2::{Digest, Sha256};

pub(super) fn fingerprint(hello: &Hello<'_>, transport: char) -> String {
    let real = |list: &[u16]| -> Vec<u16> { list.iter().copied().filter(|n| !is_grease(*n)).collect() };
    let (mut ciphers, extensions) = (real(&hello.ciphers), real(&hello.extensions));
    ciphers.sort_unstable();
    let counts = [ciphers.len().min(99), extensions.len().min(99)];
    let mut hashed: Vec<u16> = extensions.into_iter().filter(|kind| !matches!(kind, 0 | 16)).collect();
    hashed.sort_unstable();
    let mut third = joined(&hashed);
    if !hello.signatures.is_empty() {
        third = format!("{third}_{}", joined(&hello.signatures));
    }
    format!(
        "{transport}{}{}{:02}{:02}{}_{}_{}",
        version(hello.version),
        if hello.server_name.is_some() { 'd' } else { 'i' },
        counts[0],
        counts[1],
        alpn(hello.alpn.unwrap_or_default()),
        if ciphers.is_empty() { "000000000000".to_owned() } else { hash(&joined(&ciphers)) },
        if hashed.is_empty() { "000000000000".to_owned() } else { hash(&third) },
    )
}

fn version(number: u16) -> &'static str {
    match number {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// First and last character; of their hex digits where either is no letter or digit.
fn alpn(value: &[u8]) -> String {
    match (value.first(), value.last()) {
        (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            [char::from(*first), char::from(*last)].iter().collect()
        }
        (Some(first), Some(last)) => format!("{:x}{:x}", first >> 4, last & 15),
        _ => "00".to_owned(),
    }
}

fn joined(numbers: &[u16]) -> String {
    numbers.iter().map(|number| format!("{number:04x}")).collect::<Vec<_>>().join(",")
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let ciphers = [
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        let extensions = [
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
            0xff01, 0x000b, 0x000a, 0x0015,
        ];
        let hello = Hello {
            version: 0x0304,
            ciphers: [&[0x3a3a], &ciphers[..]].concat(),
            extensions: [&[0xcaca], &extensions[..]].concat(),
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            alpn: Some(b"h2"),
            server_name: Some(b"example.com"),
            whole: true,
        };
        assert_eq!(fingerprint(&hello, 't'), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }
}

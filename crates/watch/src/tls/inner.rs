//! The functions of OpenSSL that its exported ones do their work by, and that are not exported themselves.
//!
//! `SSL_read` and `SSL_read_ex` both end in `ssl_read_internal`, `SSL_write` and `SSL_write_ex` in `ssl_write_internal`. What speaks TLS
//! through a BIO (`BIO_f_ssl`, as `openssl s_server -www` does) calls these two and none of the others, so they are hooked instead: of
//! the functions of the file that both exported ones call there must be exactly one. Where it is not so, as when a compiler has copied
//! them, the exported ones are what is hooked.
//!
//! Source: ssl/ssl_lib.c and ssl/bio_ssl.c of OpenSSL 1.1.1 to 3.5.

use super::built_in::{Code, Shape, shape};
use super::image::Image;
use super::{Hook, RETURN};
use object::ReadRef;
use object::elf::{SHT_DYNSYM, SHT_SYMTAB};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The two that read, and the two that write; of the last, newer libraries have one that takes flags, in which the other ends.
const READS: [&str; 2] = ["SSL_read", "SSL_read_ex"];
const WRITES: [&str; 3] = ["SSL_write", "SSL_write_ex2", "SSL_write_ex"];
/// Sections with calls of other files.
const CALLS_ABROAD: [&str; 3] = [".plt", ".plt.sec", ".plt.got"];
/// Longest of these functions, bytes.
const MAX_FUNCTION_BYTES: u64 = 16 << 10;

/// Replaces hooks of exported functions by those of what they end in, where that is beyond doubt.
pub(super) fn deepen<'data, R: ReadRef<'data>>(image: &Image<'data, R>, hooks: &mut Vec<Hook>) {
    if !image.is_x86_64() {
        return;
    }
    let functions = functions(image);
    for (names, is_read) in [(&READS[..], true), (&WRITES[..], false)] {
        let known: Vec<_> = names.iter().filter_map(|name| functions.get(name.as_bytes())).take(2).collect();
        let [first, second] = known[..] else { continue };
        let Some(inner) = inner(image, first, second) else { continue };
        let program = match (is_read, inner.has_flags) {
            (true, false) => "tls_openssl_in_4",
            (true, true) => continue,
            (false, false) => "tls_openssl_out_4",
            (false, true) => "tls_openssl_out_5",
        };
        let outer = [first, second].map(|function| image.code_offset(function.start));
        hooks.retain(|hook| !outer.contains(&Some(hook.offset)));
        hooks.push(Hook { offset: inner.offset, program, on_return: false });
        hooks.push(Hook { offset: inner.offset, program: RETURN, on_return: true });
    }
}

/// A function that two others call.
struct Inner {
    offset: u64,
    /// It takes flags before the place for the number of bytes.
    has_flags: bool,
}

/// Where the named functions lie.
fn functions<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> HashMap<&'data [u8], Range<u64>> {
    let mut found = HashMap::new();
    for kind in [SHT_DYNSYM, SHT_SYMTAB] {
        for (name, address, bytes) in image.sized_functions(kind) {
            let is_one = READS.iter().chain(&WRITES).any(|known| known.as_bytes() == name);
            if is_one && bytes <= MAX_FUNCTION_BYTES && address <= u64::MAX / 4 {
                found.entry(name).or_insert(address..address + bytes);
            }
        }
    }
    found
}

/// The one function of the file that both call.
fn inner<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    first: &Range<u64>,
    second: &Range<u64>,
) -> Option<Inner> {
    let shape = |function: &Range<u64>| {
        let bytes = image.bytes(function.start, function.end - function.start)?;
        self::shape(&Code { address: function.start, bytes, starts: &[] }, function)
    };
    let (first_shape, second_shape) = (shape(first)?, shape(second)?);
    let abroad: Vec<Range<u64>> = CALLS_ABROAD
        .iter()
        .filter_map(|name| image.section(name))
        .map(|(address, bytes)| address..address.saturating_add(bytes.len() as u64))
        .collect();
    let own = |shape: &Shape| -> BTreeSet<u64> {
        let called = shape.sites.iter().filter_map(|site| site.target);
        called.filter(|target| !abroad.iter().any(|calls| calls.contains(target))).collect()
    };
    let both: Vec<u64> = own(&first_shape).intersection(&own(&second_shape)).copied().collect();
    let [target] = both[..] else { return None };
    // What the first one passes: it has the number of bytes stored on its own stack.
    let site = first_shape.sites.iter().find(|site| site.target == Some(target))?;
    Some(Inner { offset: image.code_offset(target)?, has_flags: site.has_fifth_address })
}

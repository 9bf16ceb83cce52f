//! OpenSSL and BoringSSL in programs that have them built in and carry no symbols for them.
//!
//! Such a program still carries the texts with which the library says what went wrong and where, and every function that can go
//! wrong names them. BoringSSL passes the file's name, a reason and a line; OpenSSL 3 the function's own name. So the texts lead to
//! instructions, those to functions, and what a function passes beside the text says which one it is. Whatever is not told
//! beyond doubt is left alone: a program without hooks is `blind` in the coverage statement, one with wrong hooks would lie.
//!
//! Sources: ssl/ssl_lib.cc and include/openssl/{ssl,err}.h of BoringSSL, ssl/ssl_lib.c and include/openssl/err.h of OpenSSL 3.

mod code;
mod frames;
mod sites;

pub(super) use code::Code;
pub(super) use sites::{Shape, shape};

use super::image::Image;
use super::{Found, Hook, Library, RETURN};
use memchr::memmem;
use object::ReadRef;
use sites::Site;
use std::collections::BTreeMap;
use std::ops::Range;

/// How BoringSSL's file with the functions of connections ends; its callers pass the whole path, as it was built.
const BORING_FILE: &[u8] = b"/ssl/ssl_lib.cc\0";
/// `ERR_LIB_SSL` of BoringSSL.
const BORING_LIBRARY: u64 = 16;
/// Reasons of BoringSSL: `SSL_R_BAD_LENGTH`, `SSL_R_CONNECTION_TYPE_NOT_SET`, `SSL_R_SSL_HANDSHAKE_FAILURE`,
/// `SSL_R_UNINITIALIZED`, `ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED`.
const BAD_LENGTH: u64 = 111;
const TYPE_NOT_SET: u64 = 134;
const HANDSHAKE_FAILURE: u64 = 215;
const UNINITIALIZED: u64 = 226;
const NOT_TO_BE_CALLED: u64 = 66;
/// Names that OpenSSL's functions give with their errors; the first two are needed.
const OPENSSL_NAMES: [&[u8]; 5] =
    [b"SSL_read\0", b"SSL_write\0", b"SSL_do_handshake\0", b"ssl_read_internal\0", b"ssl_write_internal\0"];
/// Lines of a file of OpenSSL are fewer.
const MAX_LINE: u64 = 1 << 16;
/// Functions that name the file, of programs that are looked at: BoringSSL has some dozens.
const MAX_REFERENCES: usize = 1024;

/// The functions of a library: `read` and `write` take connection, buffer and length, and give how many bytes were moved.
#[derive(Debug, Default, PartialEq, Eq)]
struct Functions {
    read: u64,
    write: u64,
    handshake: Option<u64>,
    /// The same with the number of bytes stored where the fourth argument says, or the fifth.
    read_4: Option<u64>,
    write_4: Option<u64>,
    write_5: Option<u64>,
}

/// The library in a file, if there is one that its symbols do not tell.
pub(super) fn find<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Option<Found> {
    if !image.is_x86_64() {
        return None;
    }
    let texts: Vec<(u64, &[u8])> = image.segments(false).collect();
    let boring = places(&texts, BORING_FILE, true);
    let openssl = OPENSSL_NAMES.map(|name| places(&texts, name, false));
    let is_openssl = openssl[..2].iter().all(|places| !places.is_empty());
    if boring.is_empty() && !is_openssl {
        return None;
    }
    let starts = image.frames().map_or_else(Vec::new, |(address, table)| frames::starts(address, table));
    let functions = image.segments(true).find_map(|(address, bytes)| {
        let code = Code { address, bytes, starts: &starts };
        boringssl(&code, &boring).or_else(|| self::openssl(&code, &openssl).filter(|_| is_openssl))
    })?;
    let hooks = [
        (Some(functions.read), "tls_openssl_in", true),
        (Some(functions.write), "tls_openssl_out", true),
        (functions.handshake, "tls_openssl_begin", true),
        (functions.read_4, "tls_openssl_in_4", true),
        (functions.write_4, "tls_openssl_out_4", true),
        (functions.write_5, "tls_openssl_out_5", true),
    ];
    let mut placed = Vec::new();
    for (address, program, returns) in hooks {
        let Some(address) = address else { continue };
        let offset = image.code_offset(address)?;
        placed.push(Hook { offset, program, on_return: false });
        if returns {
            placed.push(Hook { offset, program: RETURN, on_return: true });
        }
    }
    placed.sort_unstable();
    Some(Found { library: Library::OpenSsl, hooks: placed })
}

/// Where a text is; of one that only ends so, where the whole of it begins.
fn places(texts: &[(u64, &[u8])], text: &[u8], is_end: bool) -> Vec<u64> {
    let mut found = Vec::new();
    for (address, bytes) in texts {
        for at in memmem::find_iter(bytes, text) {
            let start = if is_end { memchr::memrchr(0, &bytes[..at]).map_or(0, |nul| nul + 1) } else { at };
            found.push(address + start as u64);
        }
    }
    found
}

/// Functions that name one of these addresses, and what they do.
fn shapes(code: &Code<'_>, wanted: &[u64]) -> BTreeMap<u64, (Range<u64>, Shape)> {
    let references = code.references(wanted);
    if references.is_empty() || references.len() > MAX_REFERENCES {
        return BTreeMap::new();
    }
    let at: Vec<u64> = references.iter().map(|(at, _)| *at).collect();
    let functions = code.functions(&at).into_iter();
    functions
        .filter_map(|function| Some((function.start, (function.clone(), shape(code, &function)?))))
        .collect()
}

/// The reasons and lines of a function's errors.
fn errors<'a>(shape: &'a Shape, files: &'a [u64]) -> impl Iterator<Item = (u64, u64)> + 'a {
    shape.sites.iter().filter_map(|Site { arguments, .. }| {
        let [library, _, reason, file, line] = *arguments;
        let is_known = files.contains(&file?) && library.is_none_or(|library| library == BORING_LIBRARY);
        is_known.then_some((reason?, line?))
    })
}

fn boringssl(code: &Code<'_>, files: &[u64]) -> Option<Functions> {
    let shapes = shapes(code, files);
    let has = |shape: &Shape, wanted: u64| errors(shape, files).any(|(reason, _)| reason == wanted);
    let writes: Vec<_> = shapes
        .values()
        .filter(|(_, shape)| {
            [BAD_LENGTH, HANDSHAKE_FAILURE, UNINITIALIZED].iter().all(|one| has(shape, *one))
        })
        .collect();
    let [(write, write_shape)] = writes[..] else { return None };
    let first_line = errors(write_shape, files).map(|(_, line)| line).min()?;
    // SSL_peek stands between SSL_read and SSL_write; its check is the last one before.
    let refusals = |shape: &Shape| -> Option<u64> {
        errors(shape, files)
            .filter(|(reason, line)| *reason == NOT_TO_BE_CALLED && *line < first_line)
            .map(|(_, line)| line)
            .max()
    };
    let line = shapes.values().filter_map(|(_, shape)| refusals(shape)).max()?;
    let peeks: Vec<_> = shapes.values().filter(|(_, shape)| refusals(shape) == Some(line)).collect();
    // SSL_read takes away what it has read; SSL_peek, which it calls or has as a part, changes nothing.
    let read = match peeks.iter().filter(|(_, shape)| shape.stores).collect::<Vec<_>>()[..] {
        [(read, _)] => read.start,
        [] => caller(code, peeks.first()?.0.start)?,
        _ => return None,
    };
    let called = write_shape.sites.iter().filter_map(|site| site.target);
    let handshake = called
        .into_iter()
        .find(|target| shapes.get(target).is_some_and(|(_, shape)| has(shape, TYPE_NOT_SET)));
    Some(Functions { read, write: write.start, handshake, ..Functions::default() })
}

/// The function in front of SSL_peek that calls it and takes away what it gave.
fn caller(code: &Code<'_>, peek: u64) -> Option<u64> {
    let calls: Vec<u64> = code.calls_of(&[peek]).into_iter().map(|(at, _)| at).collect();
    let callers = code.functions(&calls);
    let mut reading = callers.iter().filter(|function| {
        function.end <= peek
            && shape(code, function).is_some_and(|shape| shape.stores && shape.sites.len() <= 6)
    });
    let read = reading.next_back()?;
    Some(read.start)
}

fn openssl(code: &Code<'_>, names: &[Vec<u64>; OPENSSL_NAMES.len()]) -> Option<Functions> {
    let wanted = names.concat();
    let shapes = shapes(code, &wanted);
    // ERR_set_debug(file, line, function)
    let named = |places: &[u64]| {
        // The name of the function behind a file and a line; programs that load a library by hand name its functions as well.
        let is_it = |site: &Site| {
            let [file, line, name, ..] = site.arguments;
            name.is_some_and(|name| places.contains(&name))
                && file.is_some()
                && line.is_some_and(|line| line < MAX_LINE)
        };
        let mut found = shapes.values().filter(|(_, shape)| shape.sites.iter().any(is_it));
        found.next().filter(|_| found.next().is_none())
    };
    let [read, write, handshake, read_4, write_more] = names.each_ref().map(|places| named(places));
    let write_more = write_more.map(|(function, _)| function.start);
    // Newer ones pass flags before the place for the number of bytes.
    let passes = |site: &&Site| site.target.is_some() && site.target == write_more;
    let has_flags = write?.1.sites.iter().find(passes).map(|site| site.has_fifth_address);
    Some(Functions {
        read: read?.0.start,
        write: write?.0.start,
        handshake: handshake.map(|(function, _)| function.start),
        read_4: read_4.map(|(function, _)| function.start),
        write_4: write_more.filter(|_| has_flags == Some(false)),
        write_5: write_more.filter(|_| has_flags == Some(true)),
    })
}

#[cfg(test)]
mod tests;

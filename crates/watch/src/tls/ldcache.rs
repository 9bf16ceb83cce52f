//! The libraries that the dynamic linker knows, from its cache.
//!
//! Format: `struct cache_file_new` of glibc (sysdeps/generic/dl-cache.h), which since glibc 2.2 stands alone or behind the
//! older one. The cache is read leniently: what does not fit is left out.

/// What the newer format begins with.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// Bytes of its header and of one entry.
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 65_536;
/// Where the numbers lie: of the count in the header, of name and path in an entry.
const COUNT_AT: usize = 20;
const NAME_AT: usize = 4;
const PATH_AT: usize = 8;

/// Beginnings of the names of libraries that speak TLS.
const NAMES: &[&str] = &["libssl.so", "libgnutls.so", "libnspr4.so"];

/// Paths of the TLS libraries in a cache, each once.
///
/// ```
/// assert!(kernscope_watch::tls::ldcache::tls_libraries(b"no cache").is_empty());
/// ```
pub fn tls_libraries(cache: &[u8]) -> Vec<&str> {
    let Some(start) = memchr_of(cache, MAGIC) else { return Vec::new() };
    let cache = &cache[start..];
    let count = number(cache, COUNT_AT).unwrap_or(0).min(MAX_ENTRIES);
    let entry = |index: usize| cache.get(HEADER_BYTES + index * ENTRY_BYTES..);
    let mut paths: Vec<&str> = (0..count)
        .filter_map(|index| {
            let entry = entry(index)?;
            let name = text(cache, number(entry, NAME_AT)?)?;
            let path = text(cache, number(entry, PATH_AT)?)?;
            NAMES.iter().any(|known| name.starts_with(known)).then_some(path)
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn memchr_of(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_ne_bytes(*bytes)).ok()
}

/// The text at an offset, up to its NUL.
fn text(cache: &[u8], at: usize) -> Option<&str> {
    let rest = cache.get(at..)?;
    let len = rest.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(&rest[..len]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache with these names and paths.
    fn cache(libraries: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[COUNT_AT..COUNT_AT + 4].copy_from_slice(&(libraries.len() as u32).to_ne_bytes());
        let strings_at = HEADER_BYTES + libraries.len() * ENTRY_BYTES;
        let mut strings = Vec::new();
        for (name, path) in libraries {
            let mut entry = [0; ENTRY_BYTES];
            for (at, string) in [(NAME_AT, name), (PATH_AT, path)] {
                let offset = (strings_at + strings.len()) as u32;
                entry[at..at + 4].copy_from_slice(&offset.to_ne_bytes());
                strings.extend_from_slice(string.as_bytes());
                strings.push(0);
            }
            bytes.extend_from_slice(&entry);
        }
        bytes.extend_from_slice(&strings);
        bytes
    }

    #[test]
    fn libraries_are_found_behind_the_older_format_too() {
        let new = cache(&[
            ("libssl.so.3", "/lib/libssl.so.3"),
            ("libc.so.6", "/lib/libc.so.6"),
            ("libgnutls.so.30", "/lib/libgnutls.so.30"),
            ("libssl.so", "/lib/libssl.so.3"),
        ]);
        let expected = ["/lib/libgnutls.so.30", "/lib/libssl.so.3"];
        assert_eq!(tls_libraries(&new), expected);
        let behind = [b"ld.so-1.7.0\0\0\0\0\0".as_slice(), &new].concat();
        assert_eq!(tls_libraries(&behind), expected);
    }

    #[test]
    fn cuts_and_lies_give_less_and_never_a_panic() {
        let whole = cache(&[("libssl.so.3", "/lib/libssl.so.3")]);
        for len in 0..whole.len() {
            assert!(tls_libraries(&whole[..len]).is_empty(), "{len}");
        }
        let mut lying = whole.clone();
        lying[COUNT_AT..COUNT_AT + 4].fill(0xff);
        assert_eq!(tls_libraries(&lying).len(), 1);
        lying[HEADER_BYTES + PATH_AT..HEADER_BYTES + PATH_AT + 4].fill(0xff);
        assert!(tls_libraries(&lying).is_empty());
    }
}

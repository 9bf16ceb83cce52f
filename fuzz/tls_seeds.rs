//! Writes the seeds of `tls_image` and `ld_cache`.
//!
//! ```text
//! cargo run --example tls_seeds        (in fuzz/)
//! ```

use std::fs;
use std::io;

#[path = "../crates/watch/src/tls/fixture.rs"]
mod fixture;

/// A cache of one library: magic, count, names and paths as offsets (dl-cache.h of glibc).
fn cache() -> Vec<u8> {
    let (name, path) = (b"libssl.so.3\0", b"/lib/libssl.so.3\0");
    let name_at = 48 + 24;
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    bytes.extend(1u32.to_ne_bytes());
    bytes.resize(48, 0);
    bytes.extend([0x303, name_at, name_at + name.len() as u32, 0, 0, 0].map(u32::to_ne_bytes).concat());
    [&bytes, &name[..], &path[..]].concat()
}

fn main() -> io::Result<()> {
    let image = [
        ("go", fixture::go(0)),
        ("go-said", fixture::go(fixture::BASE + fixture::FIRST_AT as u64)),
        ("openssl", fixture::library(&["SSL_read", "SSL_write", "SSL_free"])),
        ("both", fixture::library(&["gnutls_record_recv", "PR_Read", "SSL_read_ex"])),
    ];
    for (folder, seeds) in [("seeds/tls_image", &image[..]), ("seeds/ld_cache", &[("one", cache())])] {
        fs::create_dir_all(folder)?;
        for (name, bytes) in seeds {
            fs::write(format!("{folder}/{name}"), bytes)?;
        }
    }
    Ok(())
}

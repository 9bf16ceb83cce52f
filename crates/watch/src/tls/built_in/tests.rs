//! The real programs that are there: what is found by structure is what their symbols say.

use super::*;
use crate::tls::{find as find_all, symbols};
use std::process::Command;

/// Speaks no TLS: what counts is that the library is in it.
const PROGRAM: &str = "#include <openssl/ssl.h>\n\
    int main(int argc, char **argv) { char b[1]; size_t n; SSL *s = SSL_new(SSL_CTX_new(TLS_method()));\n\
    if (argc == 1) { SSL_read_ex(s, b, 1, &n); SSL_write_ex(s, b, 1, &n); }\n\
    SSL_do_handshake(s); return SSL_read(s, b, 1) + SSL_write(s, b, 1); }\n";

#[test]
fn openssl_without_symbols_is_found_where_its_symbols_were() {
    let dir = std::env::temp_dir().join(format!("kernscope-built-in-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("program.c"), PROGRAM).expect("written");
    let compile = |options: &[&str]| {
        let program = dir.join("program");
        let libraries = ["-l:libssl.a", "-l:libcrypto.a", "-ldl", "-lpthread", "-lz", "-lzstd"];
        let tried = [&libraries[..], &libraries[..4], &libraries[..5]];
        let built = tried.iter().any(|libraries| {
            let mut cc = Command::new("cc");
            cc.args(options).arg("-o").arg(&program).arg(dir.join("program.c")).args(*libraries);
            cc.output().is_ok_and(|output| output.status.success())
        });
        built.then(|| std::fs::read(&program).expect("what was built"))
    };
    for options in [&["-no-pie"][..], &["-pie", "-fPIE"], &["-static"]] {
        let Some(whole) = compile(options) else {
            eprintln!("skipped: {options:?}: no compiler, or no libssl.a");
            continue;
        };
        let stripped = compile(&[options, &["-s"]].concat()).expect("it compiled before");
        let names = ["SSL_read", "SSL_write", "SSL_do_handshake", "ssl_read_internal", "ssl_write_internal"];
        let image = Image::parse(&whole[..]).expect("ELF");
        let mut expected: Vec<u64> =
            symbols::offsets(&image, &names).into_iter().map(|one| one.expect("a symbol")).collect();
        expected.sort_unstable();
        let found = find_all(&stripped[..]);
        assert_eq!(found.len(), 1, "{options:?}");
        let mut offsets: Vec<u64> =
            found[0].hooks.iter().filter(|hook| !hook.on_return).map(|hook| hook.offset).collect();
        offsets.sort_unstable();
        assert_eq!(offsets, expected, "{options:?}: {found:?}");
    }
    std::fs::remove_dir_all(&dir).expect("removed");
}

/// Loads the library by hand, and so has the names of its functions.
const BY_HAND: &str = "#include <dlfcn.h>\nint main(int argc, char **argv) {\n\
    void *library = dlopen(argv[1], RTLD_NOW); int (*calls[3])(void *, void *, int) = {\n\
    dlsym(library, \"SSL_do_handshake\"), dlsym(library, \"SSL_read\"), dlsym(library, \"SSL_write\")};\n\
    return calls[argc](0, 0, 0); }\n";

#[test]
fn who_only_names_the_functions_has_none() {
    let dir = std::env::temp_dir().join(format!("kernscope-by-hand-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("program.c"), BY_HAND).expect("written");
    for optimized in ["-O0", "-O2"] {
        let mut cc = Command::new("cc");
        cc.args(["-s", optimized, "-o"]).arg(dir.join("program")).arg(dir.join("program.c")).arg("-ldl");
        if !cc.output().is_ok_and(|output| output.status.success()) {
            return eprintln!("skipped: no compiler");
        }
        let program = std::fs::read(dir.join("program")).expect("what was built");
        assert_eq!(find_all(&program[..]), Vec::new(), "{optimized}");
    }
    std::fs::remove_dir_all(&dir).expect("removed");
}

#[test]
fn boringssl_is_where_node_exports_it_or_nowhere() {
    // What exports its functions is found by them; programs of this machine have no other BoringSSL to compare with.
    let Ok(bun) = std::env::var("KERNSCOPE_BUN") else {
        return eprintln!("skipped: KERNSCOPE_BUN names no bun (npm pack @oven/bun-linux-x64 brings one)");
    };
    let bytes = std::fs::read(bun).expect("a program");
    let found = find_all(&bytes[..]);
    assert_eq!(found.len(), 1);
    let programs: Vec<&str> =
        found[0].hooks.iter().filter(|hook| !hook.on_return).map(|hook| hook.program).collect();
    assert_eq!(programs.len(), 3, "{found:?}");
}

/// Found by the fuzzer: a segment at the end of the address space, with the names of the library in it.
#[test]
fn a_segment_beyond_all_addresses_is_passed_over() {
    let mut file = vec![0; 256];
    // The header of an executable of x86-64, with one program header behind it.
    file[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0");
    for (at, value) in [(20, 1_u64), (32, 64), (52, 0x0038_0040), (56, 1)] {
        let bytes = if at == 32 { 8 } else { 4 };
        file[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }
    for (at, value) in [(64, 1_u64 | 4 << 32), (72, 0), (80, u64::MAX - 1), (96, 256), (104, 256)] {
        file[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    file.extend(OPENSSL_NAMES.concat());
    let len = file.len() as u64;
    file[96..104].copy_from_slice(&len.to_le_bytes());
    assert!(Image::parse(&file[..]).is_some_and(|image| image.is_x86_64()), "ELF");
    assert_eq!(find_all(&file[..]), Vec::new());
}

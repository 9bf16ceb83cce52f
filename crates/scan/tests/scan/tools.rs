//! Archives as the programs make them that people use; what is not installed is skipped, by name.

use crate::support::{Result, TOKEN, scan_paths};
use kernscope_scan::Options;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kernscope-tools-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("in")).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, data: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, data).expect("written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether all of these are here; says which is not.
fn have(tools: &[&str]) -> bool {
    let is_there = |tool: &&&str| {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).stdout(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    let missing: Vec<_> = tools.iter().filter(|tool| !is_there(tool)).collect();
    missing.iter().for_each(|tool| println!("skipped: {tool} is not installed"));
    missing.is_empty()
}

fn sh(folder: &Path, script: &str) {
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().expect("sh runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn scan(folder: &Folder, name: &str) -> Result {
    let result = scan_paths(vec![folder.0.join(name)], Options::default());
    assert!(result.troubles.is_empty(), "{name}: {result:?}");
    result
}

/// Text with some order in it, and none, of this size; a token at its end.
fn data(bytes: usize) -> Vec<u8> {
    let (mut data, mut seed) = (Vec::with_capacity(bytes + 64), 7u64);
    while data.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        match seed >> 62 {
            0 => data.extend(vec![b'a'; (seed >> 40) as usize % 700]),
            1 => data.extend(b"the same words again and again\n"),
            2 => data.extend(seed.to_le_bytes()),
            _ => data.extend(format!("line {seed}\n").bytes()),
        }
    }
    data.extend(format!("\n{TOKEN}\n").bytes());
    data
}

#[test]
fn tars_of_every_format() {
    if !have(&["tar"]) {
        return;
    }
    let folder = Folder::new("tar");
    let long = format!("in/{}/{}", "d".repeat(90), "f".repeat(95));
    let names = ["in/a", &long, "in/ümläut ☃"];
    names.iter().for_each(|name| folder.write(name, TOKEN));
    folder.write("in/excused", TOKEN);
    sh(
        &folder.0,
        "ln -s a in/link && ln in/a in/same && truncate -s 3M in/sparse && printf ' acme_0a1b2c3d4e5f6071' >>in/sparse",
    );
    for format in ["gnu", "oldgnu", "pax", "posix", "ustar"] {
        for sparse in ["", "--sparse"].into_iter().filter(|sparse| format != "ustar" || sparse.is_empty()) {
            sh(&folder.0, &format!("tar --format={format} {sparse} -cf {format}.tar in"));
            let name = format!("{format}.tar");
            let result = scan(&folder, &name);
            let mut paths = result.paths();
            paths.sort_unstable();
            paths.retain(|path| !path.contains("sparse"));
            assert_eq!(paths.len(), 3, "{name} {sparse}: {result:?}");
            for inner in names {
                // A hard link holds nothing: of two names the first that tar met has the data.
                let is_found = |inner: &str| paths.contains(&format!("{name}!{inner}").as_str());
                assert!(is_found(inner) || inner == "in/a" && is_found("in/same"), "{inner}: {result:?}");
            }
            assert_eq!(result.found.len(), 4, "the sparse one too, {name} {sparse}: {result:?}");
        }
    }
}

#[test]
fn streams_of_every_program_and_option() {
    for (tool, ending, ways) in [
        ("gzip", "gz", &["-1", "-9", "--rsyncable"][..]),
        (
            "xz",
            "xz",
            &[
                "-0",
                "-6 -T2 --block-size=200KiB",
                "--check=none",
                "--check=crc32",
                "--check=sha256",
                "--x86 --lzma2",
            ],
        ),
        ("zstd", "zst", &["-1", "-19", "--long=24", "--no-check", "-T2 -B1MiB"]),
        ("bzip2", "bz2", &["-1", "-9"]),
    ] {
        if !have(&[tool]) {
            continue;
        }
        let folder = Folder::new(tool);
        for bytes in [0, 1, 5_000, 99_981, 600_000] {
            folder.write("x", data(bytes));
            for way in ways {
                sh(&folder.0, &format!("{tool} {way} -c x >x.{ending}"));
                let result = scan(&folder, &format!("x.{ending}"));
                assert_eq!(result.paths(), [format!("x.{ending}!x")], "{tool} {way} {bytes}: {result:?}");
                assert_eq!(
                    result.found[0].1,
                    std::fs::metadata(folder.0.join("x")).expect("there").len() - 22
                );
            }
        }
        // Nothing, then something, one behind the other; and a tar.
        sh(
            &folder.0,
            &format!(
                ": >empty; {tool} -c empty >e.{ending}; cat e.{ending} x.{ending} e.{ending} x.{ending} >two.{ending}"
            ),
        );
        assert!(scan(&folder, &format!("e.{ending}")).found.is_empty());
        assert_eq!(scan(&folder, &format!("two.{ending}")).found.len(), 2);
        sh(&folder.0, &format!("mkdir -p in/sub; cp x in/sub; tar -c in | {tool} -c >in.tar.{ending}"));
        assert_eq!(scan(&folder, &format!("in.tar.{ending}")).paths(), [format!("in.tar.{ending}!in/sub/x")]);
        broken_off(&folder, &format!("x.{ending}"));
    }
}

/// What breaks off, or has another byte, is told, whatever of it was looked at.
fn broken_off(folder: &Folder, name: &str) {
    let whole = std::fs::read(folder.0.join(name)).expect("there");
    let mut other = whole.clone();
    other[whole.len() / 2] ^= 0x10;
    for (data, what) in [(&whole[..whole.len() - 9], "cut"), (&other[..], "changed")] {
        folder.write(name, data);
        let result = scan_paths(vec![folder.0.join(name)], Options::default());
        let lost = result.lost("broken_archive") + result.lost("archive_ratio");
        assert!(lost == 1 || what == "changed" && name.ends_with("zst"), "{name} {what}: {result:?}");
    }
}

#[test]
fn zips_of_every_way() {
    if !have(&["zip"]) {
        return;
    }
    let folder = Folder::new("zip");
    let names = ["in/a", "in/b/ümläut ☃"];
    names.iter().for_each(|name| folder.write(name, data(200_000)));
    for way in ["-0", "-9", "-Z bzip2", "-fz", "-y -X"] {
        sh(&folder.0, &format!("rm -f x.zip; zip -qr {way} x.zip in"));
        let result = scan(&folder, "x.zip");
        let mut paths = result.paths();
        paths.sort_unstable();
        assert_eq!(paths, names.map(|name| format!("x.zip!{name}")), "{way}: {result:?}");
    }
    // Written to a pipe: sizes stand behind the data.
    sh(&folder.0, "zip -qr - in | cat >pipe.zip; zip -q in-it.zip pipe.zip");
    assert_eq!(scan(&folder, "pipe.zip").found.len(), 2);
    assert_eq!(scan(&folder, "in-it.zip").found.len(), 2);
    sh(&folder.0, "zip -qr -P secret locked.zip in");
    let locked = scan_paths(vec![folder.0.join("locked.zip")], Options::default());
    assert_eq!((locked.lost("encrypted"), locked.found.len()), (2, 0), "{locked:?}");
    if have(&["jar"]) {
        // It takes names for what the locale says.
        sh(&folder.0, "LC_ALL=C.UTF-8 jar cf x.jar in");
        assert_eq!(scan(&folder, "x.jar").found.len(), 2);
    }
}

#[test]
fn utf_16_as_iconv_makes_it() {
    if !have(&["iconv", "gzip"]) {
        return;
    }
    let folder = Folder::new("iconv");
    let text = format!("Schlüssel ☃ ist {TOKEN} und nicht mehr\n");
    for lines in [1, 3_000] {
        folder.write("x", format!("a plain line of letters\n{}{text}", "and another one\n".repeat(lines)));
        for encoding in ["UTF-16", "UTF-16LE", "UTF-16BE"] {
            sh(&folder.0, &format!("iconv -f UTF-8 -t {encoding} x >wide; gzip -c wide >wide.gz"));
            let wide = scan(&folder, "wide");
            let mark = 2 * u64::from(encoding == "UTF-16");
            let units = "a plain line of letters\n".len()
                + lines * "and another one\n".len()
                + "Schlüssel ☃ ist ".chars().count();
            let start = mark + 2 * units as u64;
            let found = [("wide".to_owned(), start, start + 2 * TOKEN.len() as u64)];
            assert_eq!(wide.found, found, "{encoding} {lines}");
            assert_eq!(scan(&folder, "wide.gz").paths(), ["wide.gz!wide"], "{encoding} {lines}");
        }
    }
}

//! How common each byte and each pair of bytes is in the files of some folders, for `compile::common`.
//!
//! `byte_pairs OUT DIR...` writes 256 bytes, the rarity of each byte, and then 65,536, that of each byte after another:
//! -16 log2 of its share, at most 255. Every pair is taken to occur once more than it did.

use std::path::Path;

/// Most bytes of a file that are counted, so that no file decides.
const FILE_BYTES: usize = 256 << 10;
/// Names of files with text that people wrote.
const ENDINGS: [&str; 16] =
    ["rs", "toml", "md", "c", "h", "py", "txt", "json", "js", "ts", "go", "sh", "html", "yaml", "yml", "hpp"];

fn main() {
    let mut args = std::env::args_os().skip(1);
    let out = args.next().expect("the file to write");
    let mut pairs = vec![1u64; 65_536];
    args.for_each(|dir| count(Path::new(&dir), &mut pairs));
    let after: Vec<u64> = pairs.chunks(256).map(|row| row.iter().sum()).collect();
    let all: u64 = after.iter().sum();
    let rarity = |count: u64, of: u64| (-16.0 * (count as f64 / of as f64).log2()).clamp(0.0, 255.0) as u8;
    let single = after.iter().map(|&count| rarity(count, all));
    let paired = pairs.iter().enumerate().map(|(pair, &count)| rarity(count, after[pair / 256]));
    std::fs::write(&out, single.chain(paired).collect::<Vec<u8>>()).expect("the file is written");
    println!("{all} pairs counted");
}

fn count(dir: &Path, pairs: &mut [u64]) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => count(&path, pairs),
            Ok(kind) if kind.is_file() => {
                let known = path.extension().is_some_and(|ending| ENDINGS.iter().any(|name| ending == *name));
                let data = if known { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
                for pair in data[..data.len().min(FILE_BYTES)].windows(2) {
                    pairs[usize::from(pair[0]) * 256 + usize::from(pair[1])] += 1;
                }
            }
            _ => {}
        }
    }
}

//! Prints the table of `src/prefilter/common.rs`: four bytes in a row that are common in text, each directory counted alike.
//!
//! `cargo run --release -p kernscope-sieve --example common_grams -- DIR...`

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Bytes that are read of a directory, and of a file.
const MOST: [usize; 2] = [8 << 20, 64 << 10];
/// A file counts a gram once in so many of its bytes at most, so that its own names are not taken for the language's.
const APART: usize = 512;
/// Rarer ones are left out: 2 to the power of minus this.
const RAREST: i32 = 14;

type Gram = [u8; 4];

fn main() -> io::Result<()> {
    let dirs: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let mut shares: HashMap<Gram, f64> = HashMap::new();
    for dir in &dirs {
        let (counts, bytes) = count(dir)?;
        for (gram, count) in counts {
            *shares.entry(gram).or_default() += count as f64 / bytes as f64 / dirs.len() as f64;
        }
    }
    let mut classes: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (gram, share) in shares {
        let class = -share.log2().floor() as i32;
        if class <= RAREST && gram.iter().all(u8::is_ascii_graphic) {
            classes.entry(class).or_default().push(gram.iter().map(|&byte| char::from(byte)).collect());
        }
    }
    for (class, mut grams) in classes {
        grams.sort();
        println!("    ({class}, {:?}),", grams.concat());
    }
    Ok(())
}

/// How often each gram is in the text files below a directory, in lower case, and how many bytes were read.
fn count(dir: &Path) -> io::Result<(HashMap<Gram, usize>, usize)> {
    let (mut counts, mut read) = (HashMap::new(), 0);
    for path in files(dir)? {
        let Ok(mut data) = fs::read(path) else { continue };
        data.truncate(MOST[1]);
        data.make_ascii_lowercase();
        if data.contains(&0) {
            continue;
        }
        let mut own: HashMap<Gram, usize> = HashMap::new();
        data.array_windows().for_each(|gram| *own.entry(*gram).or_default() += 1);
        own.into_iter()
            .for_each(|(gram, count)| *counts.entry(gram).or_default() += count.min(1 + data.len() / APART));
        read += data.len();
        if read > MOST[0] {
            break;
        }
    }
    Ok((counts, read.max(1)))
}

/// Regular files, in an order that mixes folders.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut left) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            match entry.file_type()? {
                kind if kind.is_dir() => left.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort_by_cached_key(|path| {
        let name = path.as_os_str().as_encoded_bytes();
        name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    });
    Ok(files)
}

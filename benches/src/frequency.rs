//! Byte-frequency filters, beside the published crates.

use ebpfsieve::{ByteFrequencyFilter, ByteThreshold};
use flashsieve::BlockIndexBuilder;
use kernscope_sieve::Level;
use kernscope_sieve::frequency::Filter;

use crate::timing::{self, Row, measure};

/// Thresholds that are rare in source text, now and then met, and met nearly everywhere.
const SPECS: [&str; 5] = [
    "%>=4,=>=2;window=64",
    "a>=3,b>=1;window=64",
    "e>=12;window=64",
    "@>=3,.>=3,/>=2;window=256",
    "e>=1,t>=1;window=4096",
];
/// Bytes that the slow peers are given.
const PEER_BYTES: usize = 32 << 20;

/// Prints the tables, one for each filter.
pub(crate) fn tables(data: &[u8], rounds: usize) -> anyhow::Result<()> {
    for spec in SPECS {
        let filter: Filter = spec.parse()?;
        let part = &data[..data.len().min(PEER_BYTES)];
        let mut rows: Vec<Row> =
            Level::all().into_iter().map(|level| ours(&filter, level, data, rounds)).collect();
        rows.push(ours_reading(&filter, data, rounds));
        rows.push(ebpfsieve(&filter, part)?);
        timing::print(&format!("byte frequency `{spec}`"), &rows);
    }
    let part = &data[..data.len().min(PEER_BYTES)];
    let index = measure("flashsieve 0.1.3, index of 4 KiB blocks", part, 1, |data| {
        let blocks = &data[..data.len() / 4096 * 4096];
        BlockIndexBuilder::new()
            .block_size(4096)
            .build(blocks)
            .map_or("failed".to_owned(), |_| "index".to_owned())
    });
    let absent = measure("memchr, of a byte that is not there", data, rounds, |data| {
        format!("{} bytes", memchr::memchr_iter(0xfe, data).count())
    });
    timing::print("one byte", &[absent]);
    timing::print("byte histograms of blocks", &[index]);
    Ok(())
}

fn ours(filter: &Filter, level: Level, data: &[u8], rounds: usize) -> Row {
    let filter = filter.clone().with_level(level);
    measure(format!("kernscope, {}", level.name()), data, rounds, |data| {
        let (count, bytes) =
            filter.regions(data).fold((0, 0), |(count, bytes), region| (count + 1, bytes + region.len()));
        format!("{count} regions, {:.1} % of the data", 100.0 * bytes as f64 / data.len() as f64)
    })
}

fn ours_reading(filter: &Filter, data: &[u8], rounds: usize) -> Row {
    measure("kernscope, from a reader", data, rounds, |data| {
        format!("{} regions", filter.read(data).filter_map(Result::ok).count())
    })
}

fn ebpfsieve(filter: &Filter, data: &[u8]) -> anyhow::Result<Row> {
    let thresholds = filter.thresholds().iter().map(|&(byte, min)| ByteThreshold::new(byte, min as u16));
    let peer = ByteFrequencyFilter::new(thresholds)?.with_window_size(filter.window() as usize)?;
    let peer = peer.with_max_matches(usize::MAX);
    Ok(measure("ebpfsieve 0.1.6", data, 1, |data| {
        format!("{} windows", peer.matching_windows_iter(data).count())
    }))
}

//! How fast: the median of several runs over the same data.

use std::hint::black_box;
use std::time::Instant;

/// A line of a table.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Bytes a nanosecond, in the median.
    pub(crate) speed: f64,
    /// What was found, so that a fast nothing shows.
    pub(crate) found: String,
}

/// Runs `work` over the data; what it returns is shown.
pub(crate) fn measure(
    name: impl Into<String>,
    data: &[u8],
    rounds: usize,
    mut work: impl FnMut(&[u8]) -> String,
) -> Row {
    let mut found = String::new();
    let mut times: Vec<u128> = (0..rounds.max(1))
        .map(|_| {
            let begin = Instant::now();
            found = black_box(work(black_box(data)));
            begin.elapsed().as_nanos().max(1)
        })
        .collect();
    times.sort_unstable();
    Row { name: name.into(), speed: data.len() as f64 / times[times.len() / 2] as f64, found }
}

/// A table, as soon as it is made: one that dies later takes nothing with it.
pub(crate) fn print(title: &str, rows: &[Row]) {
    println!("\n| {title} | GB/s | found |\n| --- | --: | --- |");
    for row in rows {
        println!("| {} | {:.3} | {} |", row.name, row.speed, row.found);
    }
}

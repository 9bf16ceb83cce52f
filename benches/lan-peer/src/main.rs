//! A capture through huginn-net with all that it offers: `lan-peer FILE` prints how many results there were.

use huginn_net::{Database, FingerprintResult, HuginnNet};
use std::error::Error;
use std::sync::mpsc;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("read a capture: which? give a file")?;
    let (sender, receiver) = mpsc::channel::<FingerprintResult>();
    let count = std::thread::spawn(move || receiver.into_iter().count());
    let database = Database::load_default()?;
    HuginnNet::new(Some(&database), 100_000, None)?.analyze_pcap(&path, sender, None)?;
    println!("{}", count.join().map_err(|_| "count the results: the thread broke off")?);
    Ok(())
}

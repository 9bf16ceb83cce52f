//! A run under load: frames come, and a thousand clients ask for the page and the metrics without a pause.

use super::Args;
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use kernscope_kit::attach::Interface;
use kernscope_kit::packet::Tap;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Frames a second that are sent.
const RATE: u64 = 5_000;
/// Devices that they come from.
const DEVICES: u64 = 500;
/// Where the page and the metrics are, in a network namespace of its own.
const PAGE: &str = "127.0.0.1:8077";
const METRICS: &str = "127.0.0.1:9108";

/// The table of load.
pub(super) fn measure(kernscope: &Path, dir: &Path, args: &Args) -> Result<String> {
    for program in ["wrk", "ip"] {
        if tools::find(program).is_none() {
            return Ok(format!("Load was not measured: {program} is not installed.\n"));
        }
    }
    let text = std::thread::scope(|scope| scope.spawn(|| inside(kernscope, dir, args)).join());
    text.map_err(|_| anyhow::anyhow!("the thread of the load broke"))?
}

/// All of it, on a thread with a network of its own.
fn inside(kernscope: &Path, dir: &Path, args: &Args) -> Result<String> {
    unshare(CloneFlags::CLONE_NEWNET).context("make a network namespace; run this as root")?;
    for line in
        ["link set lo up", "link add left type veth peer name right", "link set left up", "link set right up"]
    {
        tools::run(Command::new("ip").args(line.split(' ')))?;
    }
    let mut text = format!(
        "{} connections by `wrk` for {} s, while {RATE} frames a second come from {DEVICES} devices.\n\n\
         | back end | asked for | answers/s | not answered | frames sent | seen | lost | ledger |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        args.connections, args.seconds
    );
    for backend in ["xdp", "packet"] {
        for (what, address, path) in
            [("nothing", "", ""), ("page", PAGE, "/api/devices"), ("metrics", METRICS, "/metrics")]
        {
            let row = one(kernscope, dir, args, backend, address, path)
                .with_context(|| format!("{backend}, {what}"))?;
            text += &format!("| {backend} | {what} | {row} |\n");
        }
    }
    Ok(text)
}

/// One run; its row of the table.
fn one(
    kernscope: &Path,
    dir: &Path,
    args: &Args,
    backend: &str,
    address: &str,
    path: &str,
) -> Result<String> {
    let database = dir.join(format!("load-{backend}-{}.db", path.len()));
    let mut child = Command::new(kernscope)
        .args([
            "lan",
            "run",
            "--interface",
            "right",
            "--format",
            "jsonl",
            "--backend",
            backend,
            "--mode",
            "span",
        ])
        .args(["--serve", PAGE, "--metrics", METRICS, "--db"])
        .arg(database)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start kernscope lan run")?;
    let records = read(child.stdout.take().context("its records")?);
    wait_for(&mut child)?;
    let end = Arc::<AtomicBool>::default();
    let sent = Arc::<AtomicU64>::default();
    let sender = send(Arc::clone(&end), Arc::clone(&sent))?;
    let asked = if address.is_empty() {
        std::thread::sleep(Duration::from_secs(u64::from(args.seconds)));
        Ok(("".to_owned(), "".to_owned()))
    } else {
        wrk(args, &format!("http://{address}{path}"))
    };
    end.store(true, Ordering::Relaxed);
    let _joined = sender.join();
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).context("end the run")?;
    let status = child.wait().context("wait for the run")?;
    let text = records.join().map_err(|_| anyhow::anyhow!("read its records"))?;
    ensure!(status.success(), "the run ended with {status}");
    let last = text.lines().last().context("a ledger")?;
    let ledger: Value = serde_json::from_str(last).context("a ledger")?;
    let lost: u64 =
        ledger["lost"].as_object().map_or(0, |lost| lost.values().filter_map(Value::as_u64).sum());
    let (answers, errors) = asked?;
    let closes = if ledger["closes"] == true { "closes" } else { "DOES NOT CLOSE" };
    let seen = &ledger["seen_by"]["frame"];
    Ok(format!("{answers} | {errors} | {} | {seen} | {lost} | {closes}", sent.load(Ordering::Relaxed)))
}

fn read(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        // What came until it broke is what is looked at.
        let _whole = from.read_to_string(&mut text);
        text
    })
}

/// Waits until it serves, and goes on reading what it says.
fn wait_for(child: &mut Child) -> Result<()> {
    let mut said = BufReader::new(child.stderr.take().context("its errors")?);
    let mut line = String::new();
    while !line.contains("looking") {
        line.clear();
        if said.read_line(&mut line).context("read what it says")? == 0 {
            bail!("start kernscope lan run: it ended");
        }
    }
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    Ok(())
}

/// Sends frames until the end: small UDP datagrams of many devices.
fn send(end: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> Result<std::thread::JoinHandle<()>> {
    let tap = Tap::open(&Interface::find("left")?, 1, false)?;
    Ok(std::thread::spawn(move || {
        let start = Instant::now();
        let mut next = 0;
        while !end.load(Ordering::Relaxed) {
            let due = start.elapsed().as_micros() as u64 * RATE / 1_000_000;
            while next < due {
                if nix::unistd::write(&tap, &frame(next)).is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                next += 1;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }))
}

fn frame(n: u64) -> Vec<u8> {
    let [.., a, b] = (n % DEVICES + 1).to_be_bytes();
    let mut frame = vec![2, 0, 0, 9, 9, 9, 2, 0, 0, 0, a, b, 8, 0];
    let mut header = vec![0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, a, b, 10, 9, 9, 9];
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(header);
    // A few ports a device, none of them one that is decoded.
    frame.extend([0xc0, (n / DEVICES % 4) as u8, 0x9c, 0x40, 0, 40, 0, 0]);
    frame.resize(14 + 60, 0x55);
    frame
}

/// Answers a second, and requests that got none.
fn wrk(args: &Args, url: &str) -> Result<(String, String)> {
    let mut command = Command::new("wrk");
    command.args(["-t", "1", "-c", &args.connections.to_string(), "-d", &format!("{}s", args.seconds)]);
    let text = tools::read(command.args(["--timeout", "10s", url]))?;
    let line = |head: &str| text.lines().find_map(|line| line.trim().strip_prefix(head).map(str::trim));
    let errors = [line("Socket errors:"), line("Non-2xx or 3xx responses:")];
    let errors: Vec<_> = errors.into_iter().flatten().collect();
    Ok((
        line("Requests/sec:").unwrap_or("0").to_owned(),
        if errors.is_empty() { "0".to_owned() } else { errors.join("; ") },
    ))
}

//! One alert to one place: a POST of HTTP/1.1, or a command with the alert on its standard input.
//!
//! There is no TLS here: who wants `https` names a command such as `curl`, or a proxy on this machine.

use crate::failure::Failure;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the outbox calls the command.
pub(super) const COMMAND: &str = "command";
const PATIENCE: Duration = Duration::from_secs(10);
/// A command that takes longer is killed.
const COMMAND_PATIENCE: Duration = Duration::from_secs(30);
/// Of an answer the first line counts.
const ANSWER_BYTES_MAX: u64 = 1_024;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `host:port`.
    address: String,
    host: String,
    path: String,
}

impl Target {
    /// Reads `http://host[:port][/path]`.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::usage(format_args!("notify {url}: {why}"));
        if url.starts_with("https://") {
            return Err(wrong(
                "there is no TLS in here; give --notify-command with curl, or http:// to a proxy on this machine",
            ));
        }
        let rest =
            url.strip_prefix("http://").ok_or_else(|| wrong("not an address; give http://HOST/PATH"))?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || host.contains('@') || !is_plain(rest) {
            return Err(wrong("not an address; give http://HOST/PATH"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = if has_port { host.to_owned() } else { format!("{host}:80") };
        Ok(Self { address, host: host.to_owned(), path: path.to_owned() })
    }
}

/// Sends it to a web server, which must answer with 2xx.
pub(super) fn by_request(url: &str, record: &str) -> Result<(), String> {
    let target = Target::parse(url).map_err(|_| "not an address".to_owned())?;
    let said = |cause: std::io::Error| cause.to_string();
    let mut all = target.address.to_socket_addrs().map_err(said)?;
    let address = all.next().ok_or("the name leads nowhere")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(said)?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .map_err(said)?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: kernscope/{}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        target.path,
        target.host,
        env!("CARGO_PKG_VERSION"),
        record.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(record.as_bytes())).map_err(said)?;
    let mut answer = Vec::new();
    let mut head = stream.take(ANSWER_BYTES_MAX);
    let mut bytes = [0; 256];
    while !answer.contains(&b'\n') {
        match head.read(&mut bytes).map_err(said)? {
            0 => break,
            count => answer.extend(&bytes[..count]),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text.lines().next().unwrap_or_default();
    let is_good =
        status.starts_with("HTTP/1.") && status.split(' ').nth(1).is_some_and(|code| code.starts_with('2'));
    if is_good { Ok(()) } else { Err(format!("it answers {status:?}")) }
}

/// Runs a command, which must end with status 0.
pub(super) fn by_command(command: &[String], record: &str) -> Result<(), String> {
    let (program, args) =
        command.split_first().ok_or("there is no command any more; give --notify-command")?;
    let said = |cause: std::io::Error| format!("run {program}: {cause}");
    let spawned = Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = spawned.map_err(said)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read may still do what it is for.
        let _unread = stdin.write_all(record.as_bytes()).and_then(|()| stdin.write_all(b"\n"));
    }
    let until = Instant::now() + COMMAND_PATIENCE;
    loop {
        match child.try_wait().map_err(said)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{program} ended with {status}")),
            None if Instant::now() >= until => {
                let _gone = child.kill().and_then(|()| child.wait().map(drop));
                return Err(format!("{program} did not end within {} seconds", COMMAND_PATIENCE.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_others_refused() {
        let target = Target::parse("http://hooks.example/a?b=c").expect("an address");
        assert_eq!((target.address.as_str(), target.path.as_str()), ("hooks.example:80", "/a?b=c"));
        assert_eq!(Target::parse("http://[::1]:9000").expect("an address").address, "[::1]:9000");
        for url in
            ["https://hooks.example/", "hooks.example", "http://", "http://a b/", "http://u:p@h/", "ftp://h/"]
        {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_command_gets_the_record_and_its_status_counts() {
        let path = std::env::temp_dir().join(format!("kernscope-notify-{}", std::process::id()));
        let script = |text: &str| ["/bin/sh", "-c", text, &path.display().to_string()].map(str::to_owned);
        by_command(&script("cat > \"$0\""), "{\"a\":1}").expect("status 0");
        assert_eq!(std::fs::read_to_string(&path).expect("written"), "{\"a\":1}\n");
        assert!(by_command(&script("exit 3"), "{}").expect_err("status 3").contains("exit status: 3"));
        assert!(by_command(&["/nonexistent".to_owned()], "{}").is_err() && by_command(&[], "{}").is_err());
        std::fs::remove_file(path).expect("remove");
    }
}

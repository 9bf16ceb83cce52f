//! A condition in front of real sockets: what cannot match is not read, what can is, and the numbers agree.

use kernscope_kit::attach::Decided;
use kernscope_kit::compile::Content;
use kernscope_sieve::frequency::Filter;
use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::offload::{Offload, SocketSieve};
use kernscope_sieve::rules::RuleSet;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, socket};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// Set for the run without privileges of a test that starts itself.
const UNPRIVILEGED: &str = "KERNSCOPE_TEST_UNPRIVILEGED";

const RULES: &str = r#"
    [[rule]]
    id = "token"
    regex = '\btok_[0-9a-f]{16}\b'
    [[rule]]
    id = "first"
    regex = '\Ahello \w+'
    [[rule]]
    id = "key"
    literals = ["BEGIN PRIVATE KEY"]
"#;

/// The sieve, or the reason on standard error.
fn attached<'a>(socket: &'a impl std::os::fd::AsFd, content: &Content) -> Option<SocketSieve<'a>> {
    let offload = SocketSieve::attach(socket, content);
    if let Some(why) = offload.why() {
        eprintln!("skipped: {why}");
    }
    offload.kernel()
}

/// Datagrams with something in them and without, and at the edges.
fn datagrams() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for length in [0, 1, 7, 8, 9, 20, 21, 64, 255, 1400, 9000] {
        all.push(vec![b'x'; length]);
        for word in
            ["tok_0123456789abcdef", "tok_0123456789abcdeg", "hello you", "BEGIN PRIVATE KEY", "hello"]
        {
            for place in [0, 1, length / 2, length] {
                let mut data = vec![b' '; place];
                data.extend_from_slice(word.as_bytes());
                data.resize(data.len() + length.saturating_sub(place), b'.');
                all.push(data);
            }
        }
    }
    all
}

/// All that is in a socket, in order.
fn read_all(mut receive: impl FnMut(&mut [u8]) -> std::io::Result<usize>) -> Vec<Vec<u8>> {
    let mut buffer = vec![0; 1 << 16];
    let mut all = Vec::new();
    loop {
        match receive(&mut buffer) {
            Ok(length) => all.push(buffer[..length].to_vec()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return all,
            Err(error) => panic!("receive: {error}"),
        }
    }
}

/// Frames on the loopback interface.
fn capture() -> OwnedFd {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).expect("a packet socket")
}

/// How many datagrams to a port it saw. On the loopback interface each is seen going out and coming in.
fn captured(capture: &OwnedFd, port: u16) -> u64 {
    let frames = read_all(|buffer| {
        recv(capture.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT).map_err(std::io::Error::from)
    });
    // Ethernet 14, IPv4 20, then source port 2.
    let to_port = |frame: &&Vec<u8>| {
        frame.get(12..14) == Some(&[8, 0])
            && frame.get(23) == Some(&17)
            && frame.get(36..38) == Some(&port.to_be_bytes())
    };
    frames.iter().filter(to_port).count() as u64 / 2
}

fn udp_pair() -> (UdpSocket, UdpSocket) {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("bind");
    receiver.set_read_timeout(Some(Duration::from_millis(100))).expect("time-out");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
    sender.connect(receiver.local_addr().expect("address")).expect("connect");
    (sender, receiver)
}

#[test]
fn a_reader_gets_every_datagram_that_a_rule_could_match() {
    let rules = RuleSet::parse(RULES).expect("rules");
    let content = rules.conditions().content();
    let (sender, receiver) = udp_pair();
    let Some(sieve) = attached(&receiver, &content) else { return };
    let port = receiver.local_addr().expect("address").port();
    let matcher = Matcher::new(rules);
    let mut scratch = matcher.scratch();
    let mut finds = |data: &[u8]| !matcher.find(data, &Place::default(), &mut scratch).is_empty();
    let (mut sent, mut read, mut seen) = (0, 0, 0);
    // In parts that the socket's buffer holds.
    for part in datagrams().chunks(6) {
        let capture = capture();
        part.iter().for_each(|data| _ = sender.send(data).expect("send"));
        let got = read_all(|buffer| receiver.recv(buffer));
        let wanted: Vec<_> = part.iter().filter(|data| finds(data)).cloned().collect();
        assert_eq!(got.iter().filter(|data| finds(data)).cloned().collect::<Vec<_>>(), wanted);
        assert!(got.iter().all(|data| part.contains(data)), "whole, as they were sent");
        (sent, read, seen) =
            (sent + part.len() as u64, read + got.len() as u64, seen + captured(&capture, port));
    }
    let counts = sieve.counts().expect("counts");
    assert_eq!((counts.passed + counts.dropped, counts.passed, seen), (sent, read, sent));
    let tempting = |data: &&Vec<u8>| {
        ["tok_", "hello ", "BEGIN"]
            .iter()
            .any(|word| data.windows(word.len()).any(|at| at == word.as_bytes()))
    };
    let tempting = datagrams().iter().filter(tempting).count() as u64;
    assert!(counts.passed <= tempting && tempting < sent, "{counts:?}, {tempting} of {sent} have a literal");
}

#[test]
fn thresholds_are_exact_on_a_socket() {
    let (sender, receiver) = udp_pair();
    let words = ["", "aaab", "aab", "a_a_a__b", "a_a_a____b", "bbbaa", "xxxxxxxxxxxxxxaaabxxx", "babab"];
    for text in ["a>=3,b>=1;window=8", "a>=2,b>=3;window=8"] {
        let filter = text.parse::<Filter>().expect("a filter");
        let Some(sieve) = attached(&receiver, &filter.content()) else { return };
        assert!(sieve.is_exact());
        words.iter().for_each(|word| _ = sender.send(word.as_bytes()).expect("send"));
        let wanted: Vec<_> = words.iter().filter(|word| filter.is_match(word)).collect();
        let got = read_all(|buffer| receiver.recv(buffer));
        assert!(got.iter().eq(wanted.iter().map(|word| word.as_bytes())), "{text}: {got:?}, not {wanted:?}");
    }
}

#[test]
fn literals_change_in_place_and_go_with_the_sieve() {
    let (sender, receiver) = udp_pair();
    let Some(mut sieve) = attached(&receiver, &Content::literal("wanted first")) else { return };
    let send = || ["wanted first", "wanted later"].map(|word| sender.send(word.as_bytes()).expect("send"));
    send();
    assert_eq!(read_all(|buffer| receiver.recv(buffer)), [b"wanted first"]);
    sieve.update(&Content::literal("wanted later")).expect("the same shape");
    send();
    assert_eq!(read_all(|buffer| receiver.recv(buffer)), [b"wanted later"]);
    let refused = sieve.update(&"a>=1;window=9".parse::<Filter>().expect("a filter").content());
    let refused = refused.expect_err("another program").to_string();
    assert!(refused.contains("load it anew"), "{refused}");
    assert_eq!(sieve.counts().expect("counts"), Decided { passed: 2, dropped: 2, other: 0, entered: 4 });
    drop(sieve);
    send();
    assert_eq!(read_all(|buffer| receiver.recv(buffer)).len(), 2, "nothing is attached any more");
}

#[test]
fn a_unix_socket_has_no_header() {
    let (sender, receiver) = UnixDatagram::pair().expect("a pair");
    receiver.set_nonblocking(true).expect("flag");
    let Some(_sieve) = attached(&receiver, &Content::literal("wanted")) else { return };
    for data in ["wanted", "not this", "also wanted here", "want"] {
        sender.send(data.as_bytes()).expect("send");
    }
    assert_eq!(read_all(|buffer| receiver.recv(buffer)), [b"wanted".to_vec(), b"also wanted here".to_vec()]);
}

#[test]
fn a_stream_is_not_cut() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let stream = std::net::TcpStream::connect(listener.local_addr().expect("address")).expect("connect");
    let Offload::None(why) = SocketSieve::attach(&stream, &Content::literal("x")) else {
        panic!("attached to a stream")
    };
    assert!(why.contains("stream"), "{why}");
    let file = std::fs::File::open("/dev/null").expect("a file");
    assert!(
        SocketSieve::attach(&file, &Content::literal("x")).why().expect("no socket").contains("non-socket")
    );
}

/// Starts itself as another user, in whose hands the socket is.
#[test]
fn without_privilege_the_answer_is_none_and_everything_is_read() {
    const NAME: &str = "without_privilege_the_answer_is_none_and_everything_is_read";
    if std::env::var_os(UNPRIVILEGED).is_none() {
        let this = std::env::current_exe().expect("a path");
        let mut again = Command::new(this);
        again.args(["--exact", NAME, "--nocapture"]).env(UNPRIVILEGED, "1").uid(65534);
        match again.status() {
            Ok(status) => assert!(status.success()),
            Err(error) => eprintln!("skipped: start as another user: {error}"),
        }
        return;
    }
    let (sender, receiver) = udp_pair();
    match SocketSieve::attach(&receiver, &Content::literal("wanted")) {
        Offload::None(why) => assert!(why.contains("CAP_BPF"), "{why}"),
        // A kernel that lets everybody load socket filters.
        Offload::Kernel(_) => return eprintln!("skipped: this kernel lets all users load filters"),
    }
    sender.send(b"whatever").expect("send");
    assert_eq!(read_all(|buffer| receiver.recv(buffer)), [b"whatever"]);
}

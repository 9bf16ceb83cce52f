//! Plain text of TLS connections: numbered, placed in its stream, redacted; and which processes spoke TLS how far seen.

use super::{Core, Name, Unknown, net};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, State, TlsData, TlsDirection, TlsTarget};
use std::collections::BTreeMap;

/// Most connections that are told apart at once. Beyond, the oldest half is forgotten: what follows on one of those is a
/// new connection.
const MAX_CONNS: usize = 65_536;
/// Most processes that the coverage statement names.
const MAX_SPEAKERS: usize = 4096;
/// Ports on which a connection is most likely TLS: https, DNS over TLS, and the other one of https.
const PORTS: &[u16] = &[443, 853, 8443];

/// What events have told of TLS.
#[derive(Debug, Default)]
pub(super) struct Tls {
    targets: BTreeMap<u32, Target>,
    conns: BTreeMap<ConnKey, Conn>,
    /// Connections so far.
    count: u64,
    speakers: BTreeMap<Speaker, Spoken>,
    /// Processes beyond [`MAX_SPEAKERS`].
    speakers_more: u64,
}

/// A file with a library.
#[derive(Debug)]
struct Target {
    path: String,
    why: String,
    /// Since when it is followed.
    since_ns: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ConnKey {
    pid: u32,
    start_ns: u64,
    handle: u64,
    born_ns: u64,
}

#[derive(Debug)]
struct Conn {
    number: u64,
    /// The file with the library.
    target: u32,
    /// Where the next byte of each direction is expected.
    next: [u64; 2],
}

/// A process, and the library and file that it uses; no library yet for one that only connected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Speaker {
    pid: u32,
    start_ns: u64,
    library: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Spoken {
    exe: Option<Name>,
    /// Bytes that were lost.
    missing_bytes: u64,
    /// What it did, and with whom, when no library is known.
    did: Did,
    remote: String,
    /// When it first made a handshake that went by no function that is followed.
    shook_ns: Option<u64>,
}

/// What a process did of which no library is known; the later, the surer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Did {
    #[default]
    Nothing,
    /// Connected to a port where TLS is usual.
    Connected,
    /// Made a handshake over a socket.
    Shook,
}

impl Core {
    pub(super) fn tls_target(&mut self, event: &Event<'_>, target: &abi::TlsTarget) {
        let text = |tag| event.sections.get(tag).map(|section| section.bytes).unwrap_or_default();
        let path = String::from_utf8_lossy(text(abi::SEC_RESOLVED)).into_owned();
        let why = String::from_utf8_lossy(text(abi::SEC_RAW)).into_owned();
        self.tls.targets.insert(target.target, Target { path, why, since_ns: event.header.ts_ns });
        self.tally.filter("tls_target");
    }

    pub(super) fn tls(
        &mut self,
        event: &Event<'_>,
        tls: &abi::Tls,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let header = &event.header;
        let key =
            ConnKey { pid: header.pid, start_ns: header.start_ns, handle: tls.handle, born_ns: tls.born_ns };
        let direction = match tls.direction {
            abi::TLS_IN => TlsDirection::Recv,
            abi::TLS_OUT => TlsDirection::Send,
            abi::TLS_END => {
                let conn = self.tls.conns.remove(&key);
                if let Some(conn) = &conn {
                    self.conn_ends(conn.number, out);
                }
                let (next, target) = conn.map_or(([0; 2], tls.target), |conn| (conn.next, conn.target));
                let missing =
                    tls.offset.saturating_sub(next[0]).saturating_add(tls.call_bytes.saturating_sub(next[1]));
                if missing > 0 {
                    let exe = self.who(header).exe;
                    self.tls.spoke(header, &abi::Tls { target, ..*tls }, exe, missing);
                }
                self.tally.filter("tls_end");
                return Ok(());
            }
            abi::TLS_USED => {
                let exe = self.who(header).exe;
                self.tls.spoke(header, tls, exe, 0);
                self.tally.filter("tls_used");
                return Ok(());
            }
            abi::TLS_SEEN => {
                let exe = self.who(header).exe;
                self.tls.seen_on(header, &tls.remote, exe);
                self.tally.filter("tls_seen");
                return Ok(());
            }
            _ => return Err(Unknown),
        };
        let data = event.sections.get(abi::SEC_DATA).ok_or(Unknown)?.bytes;
        let offset = tls.offset.checked_add(tls.at).ok_or(Unknown)?;
        offset.checked_add(data.len() as u64).ok_or(Unknown)?;
        for forgotten in self.tls.make_room(&key) {
            self.conn_ends(forgotten, out);
        }
        let (conn, missing_bytes) = self.tls.place(key, tls.target, direction, offset, data.len() as u64);
        let who = self.who(header);
        self.tls.spoke(header, tls, who.exe.clone(), missing_bytes);
        let is_known = tls.joined != abi::TLS_SOCKET_NONE;
        let body = TlsData {
            direction,
            library: library(tls.library).to_owned(),
            library_path: self.tls.targets.get(&tls.target).map(|target| target.path.clone()),
            conn,
            offset,
            len: data.len() as u64,
            call_bytes: tls.call_bytes,
            truncated: missing_bytes > 0,
            missing_bytes,
            data: String::new(),
            secrets: 0,
            fd: is_known.then_some(tls.fd),
            local: net::endpoint(&tls.local).filter(|_| is_known),
            remote: net::endpoint(&tls.remote).filter(|_| is_known),
            socket_guessed: tls.joined == abi::TLS_SOCKET_LAST,
        };
        let entry = who.entry(Body::TlsData(body), Escapes::default());
        self.http(&entry, data, out);
        self.say(entry, data, out);
        Ok(())
    }

    /// Tells what waits on the connections of a process that has ended.
    pub(super) fn tls_process_ends(&mut self, header: &abi::Header, out: &mut Vec<Entry>) {
        let key = |handle, born_ns| ConnKey { pid: header.pid, start_ns: header.start_ns, handle, born_ns };
        let own = self.tls.conns.range(key(0, 0)..=key(u64::MAX, u64::MAX));
        let ended: Vec<u64> = own.map(|(_, conn)| conn.number).collect();
        for conn in ended {
            self.conn_ends(conn, out);
        }
    }

    /// Notes a connection that is most likely TLS.
    pub(super) fn tls_connects(&mut self, header: &abi::Header, net: &abi::Net, exe: Option<Name>) {
        // EINPROGRESS: the connection is being made.
        let is_made = net.ret == 0 || net.ret == -115;
        if net.op == abi::NET_CONNECT && is_made && net.sock_type == 1 && PORTS.contains(&net.remote.port) {
            let key = Speaker { pid: header.pid, start_ns: header.start_ns, library: None };
            let remote = net::endpoint(&net.remote).unwrap_or_default();
            self.tls
                .speaker(key, Spoken { exe, missing_bytes: 0, did: Did::Connected, remote, shook_ns: None });
        }
    }

    /// Which processes spoke TLS, and how far that was seen.
    pub fn tls_coverage(&self) -> Vec<TlsTarget> {
        let speakers = &self.tls.speakers;
        let is_seen = |pid, start_ns| {
            speakers.keys().any(|key| key.pid == pid && key.start_ns == start_ns && key.library.is_some())
        };
        let told = speakers.iter().filter_map(|(key, spoken)| match key.library {
            Some((library, target)) => Some(self.tls.seen(key, library, target, spoken)),
            None if is_seen(key.pid, key.start_ns) => None,
            None => Some(self.tls.unseen(key.pid, spoken)),
        });
        told.collect()
    }
}

impl Tls {
    /// The connections that are forgotten so that one more can be told apart.
    fn make_room(&mut self, key: &ConnKey) -> Vec<u64> {
        if self.conns.len() < MAX_CONNS || self.conns.contains_key(key) {
            return Vec::new();
        }
        let recent = self.count - MAX_CONNS as u64 / 2;
        let old = self.conns.extract_if(.., |_, conn| conn.number <= recent);
        old.map(|(_, conn)| conn.number).collect()
    }

    /// The connection's number, and how many bytes are missing directly before the data.
    fn place(
        &mut self,
        key: ConnKey,
        target: u32,
        direction: TlsDirection,
        offset: u64,
        len: u64,
    ) -> (u64, u64) {
        let conn = self.conns.entry(key).or_insert_with(|| {
            self.count += 1;
            Conn { number: self.count, target, next: [0; 2] }
        });
        let next = &mut conn.next[usize::from(direction == TlsDirection::Send)];
        let missing = offset.saturating_sub(*next);
        *next = offset.saturating_add(len);
        (conn.number, missing)
    }

    /// Notes that the process was seen to speak TLS.
    fn spoke(&mut self, header: &abi::Header, tls: &abi::Tls, exe: Option<Name>, missing_bytes: u64) {
        let key =
            Speaker { pid: header.pid, start_ns: header.start_ns, library: Some((tls.library, tls.target)) };
        self.speaker(
            key,
            Spoken { exe, missing_bytes, did: Did::Nothing, remote: String::new(), shook_ns: None },
        );
    }

    /// Notes that TLS went over one of its sockets.
    fn seen_on(&mut self, header: &abi::Header, remote: &abi::Endpoint, exe: Option<Name>) {
        let key = Speaker { pid: header.pid, start_ns: header.start_ns, library: None };
        let remote = net::endpoint(remote).unwrap_or_else(|| "a UNIX socket".to_owned());
        self.speaker(
            key,
            Spoken { exe, missing_bytes: 0, did: Did::Shook, remote, shook_ns: Some(header.ts_ns) },
        );
    }

    fn speaker(&mut self, key: Speaker, spoken: Spoken) {
        if self.speakers.len() >= MAX_SPEAKERS && !self.speakers.contains_key(&key) {
            self.speakers_more += 1;
            return;
        }
        let Spoken { exe, missing_bytes, did, remote, shook_ns } = spoken;
        let nothing =
            || Spoken { exe, missing_bytes: 0, did: Did::Nothing, remote: String::new(), shook_ns: None };
        let known = self.speakers.entry(key).or_insert_with(nothing);
        known.missing_bytes = known.missing_bytes.saturating_add(missing_bytes);
        known.shook_ns = known.shook_ns.or(shook_ns);
        if did > known.did {
            known.did = did;
            known.remote = remote;
        }
    }

    fn seen(&self, key: &Speaker, library: u32, target: u32, spoken: &Spoken) -> TlsTarget {
        let file = self.targets.get(&target);
        let mut why: Vec<String> = file.map(|file| file.why.clone()).into_iter().collect();
        if spoken.missing_bytes > 0 {
            why.push(format!("{} bytes were lost; see the ledger", spoken.missing_bytes));
        }
        why.extend(file.and_then(|file| self.late(key, file)));
        why.retain(|reason| !reason.is_empty());
        TlsTarget {
            pid: key.pid,
            exe: exe(spoken),
            library: self::library(library).to_owned(),
            path: file.map(|file| file.path.clone()),
            state: if why.is_empty() { State::Attached } else { State::Partial },
            why: why.join("; "),
        }
    }

    /// Says so if the process made a handshake before the file with its library was followed.
    fn late(&self, key: &Speaker, file: &Target) -> Option<String> {
        let unknown = self.speakers.get(&Speaker { library: None, ..*key })?;
        let is_late = unknown.shook_ns.is_some_and(|shook| shook < file.since_ns);
        is_late.then(|| {
            let remote = &unknown.remote;
            format!("a TLS handshake went over a socket to {remote} before the library was followed; what it said by then is not told")
        })
    }

    fn unseen(&self, pid: u32, spoken: &Spoken) -> TlsTarget {
        let cause = match self.targets.is_empty() {
            true => "TLS libraries were not followed",
            false => "it called no function of a TLS library that is followed",
        };
        TlsTarget {
            pid,
            exe: exe(spoken),
            library: "unknown".to_owned(),
            path: None,
            state: State::Blind,
            why: match spoken.did {
                Did::Shook => format!("a TLS handshake went over a socket to {}: {cause}", spoken.remote),
                _ => format!("connected to {}: {cause}", spoken.remote),
            },
        }
    }
}

fn exe(spoken: &Spoken) -> String {
    spoken.exe.as_ref().map(|exe| exe.text.to_string()).unwrap_or_default()
}

fn library(number: u32) -> &'static str {
    match number {
        abi::TLS_OPENSSL => "openssl",
        abi::TLS_GNUTLS => "gnutls",
        abi::TLS_NSS => "nss",
        abi::TLS_GO => "go",
        abi::TLS_RUSTLS => "rustls",
        _ => "unknown",
    }
}

use super::*;
use crate::backend::{Backend, Progress};
use crate::raw::{Body, Builder};
use kernscope_report::State;
use proptest::prelude::*;
use std::cell::RefCell;
use std::io::{self, Cursor, Write};
use std::rc::Rc;
use std::time::Duration;

/// A file in memory that outlives its writer.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header() -> Header {
    Header {
        backend: "ebpf".into(),
        kernel: "6.1.0".into(),
        boot_offset_ns: 7,
        realtime_offset_ns: -3,
        counts: true,
    }
}

fn events() -> Vec<Vec<u8>> {
    let exit =
        |pid| Builder::new(abi::Header { pid, ..Default::default() }, Body::Exit(abi::Exit::default()));
    vec![exit(1).finish(), exit(2).section(abi::SEC_RAW, 0, b"some bytes").finish()]
}

fn trailer() -> Trailer {
    let mut trailer = Trailer::default();
    trailer.account.produced[usize::from(abi::KIND_EXIT)] = 5;
    trailer.account.lost.insert("ring_full", 3);
    trailer.coverage.why = "all there is".into();
    trailer
}

fn recording(trailer: Option<&Trailer>) -> Vec<u8> {
    let file = Shared::default();
    let mut writer = Writer::new(file.clone(), &header()).unwrap();
    for event in events() {
        writer.event(&event).unwrap();
    }
    match trailer {
        Some(trailer) => writer.finish(trailer).unwrap(),
        None => drop(writer),
    }
    file.0.take()
}

fn replay(bytes: &[u8]) -> (Replay<Cursor<&[u8]>>, Vec<Vec<u8>>) {
    let mut replay = Replay::new(Cursor::new(bytes)).unwrap();
    let mut got = Vec::new();
    while replay.poll(Duration::ZERO, &mut |event| got.push(event.to_vec())).unwrap() == Progress::Running {}
    (replay, got)
}

#[test]
fn what_is_written_is_read() {
    let bytes = recording(Some(&trailer()));
    let (mut replay, got) = replay(&bytes);
    assert_eq!(got, events());
    assert_eq!(replay.header(), &header());
    assert_eq!(replay.account(), trailer().account);
    let coverage = replay.coverage();
    assert_eq!(coverage.backend, "replay");
    assert_eq!(coverage.why, "recorded by the ebpf back end on Linux 6.1.0");
    assert!(coverage.hooks.is_empty());
}

#[test]
fn every_cut_is_replayed_up_to_the_cut_and_says_so() {
    let whole = recording(Some(&trailer()));
    let header_len =
        Writer::new(Shared::default(), &header()).map(|_| 20 + serde_json::to_vec(&header()).unwrap().len());
    for len in header_len.unwrap()..whole.len() {
        let (mut replay, got) = replay(&whole[..len]);
        assert_eq!(got, events()[..got.len()]);
        assert_eq!(replay.account().produced[usize::from(abi::KIND_EXIT)], got.len() as u64);
        let coverage = replay.coverage();
        assert_eq!((coverage.hooks[0].name.as_str(), coverage.hooks[0].state), ("recording", State::Partial));
        assert!(coverage.hooks[0].why.starts_with("cut short"), "{len}: {}", coverage.hooks[0].why);
    }
    let (_, got) = replay(&recording(None));
    assert_eq!(got, events(), "all events of a run that was killed");
}

#[test]
fn what_is_no_recording_is_refused() {
    let refused = |bytes: &[u8]| Reader::new(bytes).map(|_| ()).unwrap_err();
    let good = recording(None);
    assert!(matches!(refused(b""), StreamError::NotARecording));
    assert!(matches!(refused(b"{\"v\":1}\n{}"), StreamError::NotARecording));
    assert!(matches!(refused(&good[..30]), StreamError::NotARecording));
    let patched = |at: usize, with: [u8; 4]| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&with);
        bytes
    };
    let order = patched(8, BYTE_ORDER.swap_bytes().to_ne_bytes());
    assert!(matches!(refused(&order), StreamError::ByteOrder));
    assert!(matches!(refused(&patched(12, [9; 4])), StreamError::Version { found: 0x0909_0909 }));
    assert!(matches!(refused(&patched(16, [255; 4])), StreamError::Damaged { at: 16, .. }));
    assert!(matches!(refused(&patched(24, [0; 4])), StreamError::Damaged { at: 16, .. }));
}

#[test]
fn damage_ends_a_replay_with_its_place() {
    let mut bytes = recording(Some(&trailer()));
    let second = bytes.windows(4).position(|window| window == 78_u32.to_ne_bytes()).unwrap();
    bytes[second..second + 4].copy_from_slice(&7_u32.to_ne_bytes());
    let (replay, got) = replay(&bytes);
    assert_eq!(got, events()[..1]);
    let why = &replay.coverage().hooks[0].why;
    assert!(why.contains(&format!("damaged at byte {second}")), "{why}");
}

#[test]
fn an_event_that_lies_about_its_size_is_not_written() {
    let mut writer = Writer::new(Shared::default(), &header()).unwrap();
    let mut event = events().remove(0);
    event.push(0);
    assert!(writer.event(&event).is_err());
    assert!(writer.event(b"").is_err());
    assert!(writer.event(&vec![0; abi::MAX_EVENT + 1]).is_err());
}

#[test]
fn a_replay_that_is_stopped_says_so() {
    let bytes = recording(Some(&trailer()));
    let mut replay = Replay::new(Cursor::new(&bytes[..])).unwrap();
    replay.detach();
    assert_eq!(replay.poll(Duration::ZERO, &mut |_| {}).unwrap(), Progress::Ended);
    assert!(replay.coverage().hooks[0].why.starts_with("stopped"));
    assert_eq!(replay.account(), Account::default());
}

#[test]
fn names_of_causes_do_not_grow_without_bound() {
    let mut names = CauseNames(BTreeSet::new());
    assert_eq!(names.get(&"x".repeat(1000)), "other");
    for n in 0..MAX_CAUSES {
        assert_eq!(names.get(&format!("cause_{n}")), format!("cause_{n}"));
    }
    assert_eq!(names.get("one_more"), "other");
    assert_eq!(names.get("cause_0"), "cause_0");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_change_of_a_file_is_survived(at in 0..600_usize, with in any::<[u8; 6]>(), cut in 0..700_usize) {
        let mut bytes = recording(Some(&trailer()));
        let at = at % bytes.len();
        for (place, byte) in bytes[at..].iter_mut().zip(with) {
            *place = byte;
        }
        bytes.truncate(cut);
        if let Ok(mut replay) = Replay::new(Cursor::new(&bytes[..])) {
            let mut count = 0;
            while replay.poll(Duration::ZERO, &mut |_| count += 1).unwrap() == Progress::Running {}
            prop_assert!(count <= bytes.len() / 56);
            replay.coverage();
            replay.account();
        }
    }
}

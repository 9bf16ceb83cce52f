use super::layout::{ACTIVE, FLOWS, KEPT_BYTES};
use super::*;
use kernscope_kit::load::TestRun;
use kernscope_kit::probe;

/// A segment of TCP from port 40000 to `port` with this payload.
fn segment(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 0, 0x17, 0x88, 1, 2, 3, 8, 0, 0x45, 0];
    frame.extend((40 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 192, 168, 0, 7, 192, 168, 0, 1]);
    frame.extend(40_000u16.to_be_bytes());
    frame.extend(port.to_be_bytes());
    frame.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

fn loaded(program_type: ProgramType) -> Loaded {
    Loaded::load(&program::program(program_type).expect("assembles")).expect("the verifier takes it")
}

fn of(loaded: &Loaded, counter: i16) -> u64 {
    let each = loaded.map(COUNTERS).lookup_each_cpu(&[0; 4]).expect("read").expect("there");
    each.iter()
        .map(|value| u64::from_ne_bytes(*value[counter as usize..].first_chunk().expect("eight bytes")))
        .sum()
}

/// What comes out of the ring for frames that go in, one after the other.
fn seen(program_type: ProgramType, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let loaded = loaded(program_type);
    let mut ring = Ring::of(loaded.map(RING)).expect("map the ring");
    let mut seen = Vec::new();
    for frame in frames {
        loaded.test_run(&TestRun { data: frame, ..TestRun::default() }).expect("runs");
        ring.drain(16, &mut |record| seen.push(Record::read(record).expect("ours").bytes.to_vec()));
    }
    assert_eq!(of(&loaded, CAME), frames.len() as u64);
    assert_eq!(of(&loaded, COUNTED), (frames.len() - seen.len()) as u64);
    seen
}

fn privileged(test: &str) -> bool {
    let answer = probe::prog_type(probe::ProgType::Xdp);
    if !answer.is_yes() {
        eprintln!("skipped: {test}: {}", answer.why());
    }
    answer.is_yes()
}

#[test]
fn a_frame_is_counted_only_if_its_like_was_sent() {
    if !privileged("a_frame_is_counted_only_if_its_like_was_sent") {
        return;
    }
    let bulk = segment(443, &[0x17; 900]);
    let other = segment(443, &[0x17; 901]);
    let greeting = segment(443, &[0x16; 300]);
    let request = segment(80, b"GET / HTTP/1.1\r\n\r\n");
    let empty = segment(443, &[]);
    let mut tagged = bulk.clone();
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    let mut options = bulk.clone();
    options[14] = 0x46;
    for program_type in [ProgramType::Xdp, ProgramType::SchedCls] {
        let frames = [&bulk, &bulk, &other, &bulk, &greeting, &greeting, &request, &request, &empty, &empty];
        let sent = seen(program_type, &frames.map(Vec::clone));
        let expected = [&bulk, &other, &greeting, &greeting, &request, &request, &empty];
        assert_eq!(sent, expected.map(Vec::clone), "{program_type:?}");
        let sent = seen(program_type, &[tagged.clone(), tagged.clone(), options.clone(), options.clone()]);
        assert_eq!(sent, [&tagged, &options, &options].map(Vec::clone), "{program_type:?}");
    }
}

#[test]
fn frames_of_every_length_come_whole_or_cut_where_it_is_said() {
    if !privileged("frames_of_every_length_come_whole_or_cut_where_it_is_said") {
        return;
    }
    let [short, long] = KEPT_BYTES.map(|bytes| bytes as usize);
    let frame = |length: usize| (0..length).map(|n| (n * 7 + n / 256) as u8).collect::<Vec<_>>();
    let lengths = [14, 15, 21, 33, 60, 127, short - 1, short, short + 1, 1514, long, long + 1, 2000];
    for program_type in [ProgramType::Xdp, ProgramType::SchedCls] {
        let sent = seen(program_type, &lengths.map(frame));
        assert_eq!(
            sent,
            lengths.map(|length| frame(length)[..length.min(long)].to_vec()),
            "{program_type:?}"
        );
    }
}

#[test]
fn both_maps_of_flows_are_used_as_the_reader_says() {
    if !privileged("both_maps_of_flows_are_used_as_the_reader_says") {
        return;
    }
    let loaded = loaded(ProgramType::Xdp);
    for (index, flows) in (0u32..).zip(FLOWS) {
        loaded.map(ACTIVE).update(&[0; 4], &index.to_ne_bytes()).expect("update");
        for _ in 0..3 {
            loaded.test_run(&TestRun { data: &segment(443, &[1; 9]), ..TestRun::default() }).expect("runs");
        }
        let keys: Vec<_> = loaded.map(flows).keys().filter_map(Result::ok).collect();
        assert_eq!(keys.len(), 1);
        assert_eq!(layout::sender(&keys[0]), Some(crate::Mac([0, 0x17, 0x88, 1, 2, 3])));
        let values = loaded.map(flows).lookup_each_cpu(&keys[0]).expect("read").expect("there");
        assert_eq!(values.iter().filter_map(|value| layout::counted(value)).map(|(n, _)| n).sum::<u64>(), 2);
    }
}

use super::layout::{ACTIVE, FLOWS, KEPT_BYTES, SOUGHT};
use super::*;
use crate::Registry;
use crate::sought::Reach;
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

/// A packet of IPv4 of another protocol.
fn protocol(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = segment(0, &[])[..34].to_vec();
    frame[16..18].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    frame[23] = number;
    frame.extend(payload);
    frame
}

/// A frame of this EtherType.
fn kind(kind: [u8; 2]) -> Vec<u8> {
    let mut frame = segment(0, &[]);
    frame[12..14].copy_from_slice(&kind);
    frame
}

/// All programs: XDP as this kernel takes it and as an old one does, and tc.
const PROGRAMS: [(ProgramType, Copying); 3] = [
    (ProgramType::Xdp, Copying::Helper),
    (ProgramType::Xdp, Copying::Loop),
    (ProgramType::SchedCls, Copying::Helper),
];

fn loaded((program_type, copying): (ProgramType, Copying)) -> Loaded {
    let program = program(program_type, copying).expect("assembles");
    let loaded = match (program_type, copying) {
        (ProgramType::Xdp, Copying::Helper) => Loaded::load_in_pieces(&program),
        _ => Loaded::load(&program),
    };
    loaded.expect("the verifier takes it")
}

/// The programs that this kernel can take.
fn programs() -> impl Iterator<Item = (ProgramType, Copying)> {
    let in_pieces = probe::release() >= (5, 18);
    PROGRAMS.into_iter().filter(move |which| in_pieces || *which != PROGRAMS[0])
}

fn of(loaded: &Loaded, counter: i16) -> u64 {
    let each = loaded.map(COUNTERS).lookup_each_cpu(&[0; 4]).expect("read").expect("there");
    each.iter()
        .map(|value| u64::from_ne_bytes(*value[counter as usize..].first_chunk().expect("eight bytes")))
        .sum()
}

/// What comes out of the ring for frames that go in, one after the other.
fn seen(which: (ProgramType, Copying), frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let loaded = loaded(which);
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
    // More fragments; a piece says who sent it, however long it is.
    let mut piece = bulk.clone();
    piece[20] = 0x20;
    let mut longer = other.clone();
    longer[20] = 0x20;
    let [echo, reply] = [8, 0].map(|kind| protocol(1, &[kind; 30]));
    let [esp, longer_esp] = [60, 61].map(|length| protocol(50, &vec![7; length]));
    let [igmp, unknown, ethernet, arp] =
        [protocol(2, &[0; 8]), protocol(99, &[0; 8]), kind([0x88, 0xb5]), kind([8, 6])];
    for which in programs() {
        let frames = [&bulk, &bulk, &other, &bulk, &greeting, &greeting, &request, &request, &empty, &empty];
        let sent = seen(which, &frames.map(Vec::clone));
        let expected = [&bulk, &other, &greeting, &greeting, &request, &request, &empty];
        assert_eq!(sent, expected.map(Vec::clone), "{which:?}");
        let sent = seen(which, &[tagged.clone(), tagged.clone(), options.clone(), options.clone()]);
        assert_eq!(sent, [&tagged, &options, &options].map(Vec::clone), "{which:?}");
        let frames = [&piece, &longer, &piece, &echo, &echo, &reply, &esp, &longer_esp, &esp, &longer_esp];
        let sent = seen(which, &frames.map(Vec::clone));
        assert_eq!(sent, [&piece, &echo, &reply, &esp, &longer_esp].map(Vec::clone), "{which:?}");
        let frames = [&igmp, &igmp, &unknown, &unknown, &ethernet, &ethernet, &arp, &arp];
        let sent = seen(which, &frames.map(Vec::clone));
        assert_eq!(
            sent,
            [&igmp, &igmp, &unknown, &unknown, &ethernet, &arp, &arp].map(Vec::clone),
            "{which:?}"
        );
    }
}

#[test]
fn frames_of_every_length_come_whole_or_cut_where_it_is_said() {
    if !privileged("frames_of_every_length_come_whole_or_cut_where_it_is_said") {
        return;
    }
    let [short, usual, large] = KEPT_BYTES.map(|bytes| bytes as usize);
    let frame = |length: usize| {
        let mut frame = (0..length).map(|n| (n * 7 + n / 256) as u8).collect::<Vec<_>>();
        frame[12..14].copy_from_slice(&[8, 6]);
        frame
    };
    let lengths = [14, 15, 21, 33, 60, 127, short - 1, short, short + 1, 1514, usual, usual + 1, 2000];
    for which in programs() {
        let long = if which.1 == Copying::Loop { usual } else { large };
        let kept = lengths.map(|length| frame(length)[..length.min(long)].to_vec());
        assert_eq!(seen(which, &lengths.map(frame)), kept, "{which:?}");
    }
    if programs().any(|which| which == PROGRAMS[0]) {
        // Frames in several pieces.
        let lengths = [5000, 9014, large, large + 1, 20_000];
        let kept = lengths.map(|length| frame(length)[..length.min(large)].to_vec());
        assert_eq!(seen(PROGRAMS[0], &lengths.map(frame)), kept);
    }
}

#[test]
fn both_maps_of_flows_are_used_as_the_reader_says() {
    if !privileged("both_maps_of_flows_are_used_as_the_reader_says") {
        return;
    }
    let loaded = loaded(PROGRAMS[1]);
    for (index, flows) in (0u32..).zip(FLOWS) {
        loaded.map(ACTIVE).update(&[0; 4], &index.to_ne_bytes()).expect("update");
        for _ in 0..3 {
            loaded.test_run(&TestRun { data: &segment(443, &[1; 9]), ..TestRun::default() }).expect("runs");
        }
        let keys: Vec<_> = loaded.map(flows).keys().filter_map(Result::ok).collect();
        assert_eq!(keys.len(), 1);
        assert_eq!(layout::sender(&keys[0]), Some(crate::Mac([0, 0x17, 0x88, 1, 2, 3])));
        let values = loaded.map(flows).lookup_each_cpu(&keys[0]).expect("read").expect("there");
        assert_eq!(values.iter().filter_map(|value| layout::counted(value)).sum::<u64>(), 2);
    }
}

/// What a program noted of the sender of these frames, and what a reader of them all makes of them.
fn noted(which: (ProgramType, Copying), frames: &[Vec<u8>]) -> (Option<Reach>, Option<Reach>) {
    let (loaded, mut registry) = (loaded(which), Registry::default());
    for frame in frames {
        loaded.test_run(&TestRun { data: frame, ..TestRun::default() }).expect("runs");
        let link = crate::link::read(LinkType::Ethernet, frame).expect("reads").expect("ethernet");
        registry.frame(0, &link).expect("well-formed");
    }
    let key = [0, 0x17, 0x88, 1, 2, 3, 0, 0];
    let value = loaded.map(SOUGHT[0]).lookup(&key).expect("read");
    (value.as_deref().and_then(layout::reach), registry.devices()[0].reach())
}

#[test]
fn a_scan_is_noted_in_the_kernel_as_by_a_reader_though_the_ring_is_full() {
    if !privileged("a_scan_is_noted_in_the_kernel_as_by_a_reader_though_the_ring_is_full") {
        return;
    }
    let syn = |port: u16, host: u8, flags: u8| {
        let mut frame = segment(port, &[]);
        (frame[33], frame[47]) = (host, flags);
        frame
    };
    let datagram = |target: u16| {
        let mut payload = 40_000u16.to_be_bytes().to_vec();
        payload.extend([target.to_be_bytes(), [0, 8], [0, 0]].concat());
        protocol(17, &payload)
    };
    // More than the ring holds.
    let vertical: Vec<_> = (0..20_000u16).map(|n| syn(n % 3000 + 1, 1, 2)).collect();
    let mixed: Vec<_> = (1..200).map(|host| syn(80, host, 1)).chain((1..50).map(datagram)).collect();
    // Answers, and segments of connections that are there.
    let busy: Vec<_> = (1..200).map(|n| syn(n, 1, [0x12, 0x14, 0x10, 0x18][usize::from(n) % 4])).collect();
    let upward: Vec<_> = (40_000..40_100).map(datagram).collect();
    for which in programs() {
        for frames in [&vertical, &mixed, &busy, &upward] {
            let (kernel, reader) = noted(which, frames);
            assert_eq!(kernel, reader, "{which:?}");
            assert_eq!(kernel.is_some(), frames.len() > 200, "{which:?}");
        }
    }
}

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// A folder of its own, gone with this.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kernscope-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("make a folder");
        Self(dir)
    }

    fn db(&self) -> PathBuf {
        self.0.join("lan.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

const MAC: Mac = Mac([0, 0x17, 0x88, 1, 2, 3]);

fn seen(source: &str, second: u64, frames: u64) -> Device {
    let at = Clock::new(0).rfc3339(second * 1_000_000_000).to_owned();
    Device {
        mac: MAC.to_string(),
        source: source.to_owned(),
        category: "unknown".to_owned(),
        device_type: "unknown".to_owned(),
        first_seen: at.clone(),
        last_seen: at,
        frames,
        ..Device::default()
    }
}

#[test]
fn sightings_of_a_device_are_one_record_and_a_source_counts_once() {
    let dir = Dir::new("join");
    let mut store = Store::create(&dir.db()).expect("create");
    let known = Device {
        category: "lamp".into(),
        label: Some("HueBridge".into()),
        confidence: 0.9,
        ips: vec!["192.0.2.1".into()],
        hostname: Some("lamp".into()),
        ..seen("a.pcap", 100, 7)
    };
    let newer = Device { ips: vec!["192.0.2.9".into()], ..seen("b.pcap", 200, 5) };
    store.put(std::slice::from_ref(&known)).expect("put");
    store.put(&[known, newer]).expect("put");
    drop(store);
    let store = Store::open(&dir.db()).expect("open");
    let device = store.device(MAC, 300_000_000_000).expect("read").expect("there");
    assert_eq!((device.frames, device.ips[0].as_str(), device.online), (12, "192.0.2.9", true));
    assert_eq!((device.label.as_deref(), device.hostname.as_deref()), (Some("HueBridge"), Some("lamp")));
    assert!(device.first_seen < device.last_seen);
    let later = store.devices(900_000_000_000).expect("read");
    assert_eq!((later.len(), later[0].online), (1, false));
    assert_eq!(store.device(Mac([0; 6]), 0).expect("read"), None);
}

#[test]
fn what_a_user_says_stands_above_and_outlives_what_was_seen() {
    let dir = Dir::new("correct");
    let mut store = Store::create(&dir.db()).expect("create");
    store.put(&[Device { label: Some("Aria".into()), ..seen("a", 1, 1) }]).expect("put");
    let name = Correction { name: Some("the scale".into()), ..Correction::default() };
    let sort = Correction { category: Some("scale".into()), ..Correction::default() };
    store.correct(MAC, &name).expect("correct");
    store.correct(MAC, &sort).expect("correct");
    let device = store.devices(0).expect("read").remove(0);
    assert_eq!((device.hostname.as_deref(), device.names[0].via.as_str()), (Some("the scale"), "user"));
    assert_eq!(
        (device.label, device.device_type.as_str(), device.category.as_str()),
        (None, "scale", "scale")
    );
    assert_eq!((device.confidence, device.evidence[0].fact.as_str()), (1.0, "the user says so"));
    assert_eq!(store.forget_before(2_000_000_000).expect("forget"), 1);
    assert!(store.devices(0).expect("read").is_empty());
    store.put(&[seen("b", 3, 1)]).expect("put");
    assert_eq!(store.devices(0).expect("read")[0].category, "scale");
    assert!(store.uncorrect(MAC).expect("uncorrect") && !store.uncorrect(MAC).expect("uncorrect"));
    assert_eq!(store.devices(0).expect("read")[0].category, "unknown");
}

#[test]
fn the_file_and_its_log_are_for_their_owner_alone() {
    let dir = Dir::new("private");
    std::fs::write(dir.db(), "").expect("write");
    std::fs::set_permissions(dir.db(), std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let mut store = Store::create(&dir.db()).expect("create");
    store.put(&[seen("a", 1, 1)]).expect("put");
    let files: Vec<_> = std::fs::read_dir(&dir.0).expect("list").filter_map(Result::ok).collect();
    assert!(files.len() > 1, "a log beside the file");
    for file in files {
        let mode = file.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
}

#[test]
fn what_is_no_database_of_ours_is_refused_in_one_line() {
    let dir = Dir::new("refuse");
    let refusal = |store: Result<Store, StoreError>| {
        let line = store.expect_err("refused").to_string();
        assert!(!line.contains('\n') && line.contains("lan.db"), "{line}");
        line
    };
    assert!(refusal(Store::open(&dir.db())).contains("there is none yet"));
    std::fs::write(dir.db(), "no database at all, but long enough to be looked at").expect("write");
    assert!(refusal(Store::create(&dir.db())).contains("no database"));
    std::fs::remove_file(dir.db()).expect("remove");
    Connection::open(dir.db()).and_then(|db| db.execute_batch("CREATE TABLE x (y)")).expect("another's");
    assert!(refusal(Store::create(&dir.db())).contains("another program"));
    std::fs::remove_file(dir.db()).expect("remove");
    drop(Store::create(&dir.db()).expect("create"));
    Connection::open(dir.db()).and_then(|db| db.pragma_update(None, "user_version", 99)).expect("newer");
    assert!(refusal(Store::open(&dir.db())).contains("newer kernscope (schema 99"));
    std::fs::rename(dir.db(), dir.0.join("other")).expect("rename");
    std::os::unix::fs::symlink(dir.0.join("other"), dir.db()).expect("link");
    assert!(refusal(Store::create(&dir.db())).contains("symbolic link"));
}

#[test]
fn a_locked_database_is_told_in_clear_words_and_may_be_tried_again() {
    let dir = Dir::new("locked");
    let mut store = Store::create(&dir.db()).expect("create");
    let other = Connection::open(dir.db()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    store.db.busy_timeout(Duration::from_millis(1)).expect("impatient");
    let error = store.put(&[seen("a", 1, 1)]).expect_err("locked");
    assert!(error.is_passing() && error.to_string().contains("another process keeps it locked"), "{error}");
    other.execute_batch("ROLLBACK").expect("unlock");
    store.put(&[seen("a", 1, 1)]).expect("free again");
}

#[test]
fn a_file_at_its_limit_refuses_a_batch_and_keeps_the_ones_before() {
    let dir = Dir::new("full");
    let mut store = Store::create(&dir.db()).expect("create");
    store.put(&[seen("a", 1, 1)]).expect("put");
    let pages: i64 = store.db.pragma_query_value(None, "page_count", |row| row.get(0)).expect("pages");
    store.db.pragma_update(None, "max_page_count", pages).expect("limit");
    let many: Vec<_> = (0..1000).map(|at| seen(&format!("source {at}"), at, 1)).collect();
    let error = store.put(&many).expect_err("full");
    assert!(error.is_passing() && error.to_string().contains("disk is full"), "{error}");
    assert_eq!(store.devices(0).expect("read")[0].frames, 1);
    let learnt = |n: u32| crate::anomaly::Learnt {
        what: crate::anomaly::What::Contact,
        mac: MAC,
        key: format!("contact {n}"),
        value: Some("{}".to_owned()),
        last_ns: 0,
    };
    let error = store.put_learnt("eth0", &(0..1000).map(learnt).collect::<Vec<_>>()).expect_err("full");
    assert!(error.is_passing() && store.learnt("eth0").expect("read").is_empty(), "{error}");
}

#[test]
fn an_alert_is_kept_by_its_newest_word_since_its_first_time() {
    let dir = Dir::new("alerts");
    let mut store = Store::create(&dir.db()).expect("create");
    let alert = |second: u64, count| {
        let at = Clock::new(0).rfc3339(second * 1_000_000_000).to_owned();
        let id = "00000000000000aa".to_owned();
        kernscope_report::Alert { id, count, first_seen: at.clone(), last_seen: at, ..Default::default() }
    };
    store.put_alerts(&[alert(100, 1)]).expect("put");
    store.put_alerts(&[alert(200, 2), alert(50, 3)]).expect("put");
    let kept = store.alerts().expect("read").remove(0);
    assert_eq!((kept.alert.count, kept.alert.first_seen), (2, alert(50, 0).first_seen));
    assert!(store.say_of_alert("00000000000000aa", Said::Acknowledged).expect("say"));
    assert!(store.alerts().expect("read")[0].alert.acknowledged);
    store.put_alerts(&[alert(300, 4)]).expect("put");
    assert!(!store.alerts().expect("read")[0].alert.acknowledged, "seen again");
    assert!(store.say_of_alert("00000000000000aa", Said::Muted).expect("say"));
    store.forget_before(400_000_000_000).expect("forget");
    assert!(store.muted().expect("read").contains("00000000000000aa"), "what users said stays");
    assert!(!store.say_of_alert("00000000000000bb", Said::Open).expect("say"));
}

#[test]
fn talks_add_up_and_a_source_that_begins_anew_counts_once() {
    use crate::anomaly::{Channel, Peer, SPAN_S, Talk, Tally, Volume};
    let dir = Dir::new("talks");
    let mut store = Store::create(&dir.db()).expect("create");
    let here = Mac([2, 0, 0, 0, 0, 1]);
    let mut tally = Tally::default();
    let talk =
        Talk { connections: 1, bytes_sent: 10, bytes_received: 5, last_ns: 9_000_000_000, ..Talk::default() };
    tally.talks.insert((here, Peer::Remote("example.net".into()), Channel::Tcp(443)), talk);
    tally.volumes.insert((SPAN_S, here), Volume { sent: 10, received: 5 });
    for source in ["a", "a", "b"] {
        store.add_talks(source, &tally).expect("written");
    }
    let sums = |store: &Store| {
        let talks = store.talks_of(here, 9).expect("read");
        let [talk] = &talks[..] else { panic!("{talks:?}") };
        let spans = store.volumes(None, 0).expect("read");
        assert_eq!((talk.service.as_str(), spans.len(), spans[0].start_s), ("tcp 443", 1, SPAN_S));
        (talk.connections, talk.sent, spans[0].sent, spans[0].received)
    };
    assert_eq!(sums(&store), (3, 30, 30, 15));
    store.begin_source("a").expect("written");
    assert_eq!(sums(&store), (1, 10, 10, 5));
    assert_eq!(store.volumes_by_device(0).expect("read"), [(here.to_string(), 10, 5)]);
    store.forget_volumes_before(u64::MAX).expect("written");
    assert_eq!(
        (store.volumes(Some(here), 0).expect("read").len(), store.largest_talks(9).expect("read").len()),
        (0, 1)
    );
}

#[test]
fn what_was_learnt_is_kept_by_network_until_it_is_old() {
    use crate::anomaly::{Learnt, What};
    let dir = Dir::new("learnt");
    let mut store = Store::create(&dir.db()).expect("create");
    let row = |what, mac, value: Option<&str>, second: u64| Learnt {
        what,
        mac,
        key: "k".to_owned(),
        value: value.map(str::to_owned),
        last_ns: second * 1_000_000_000,
    };
    let rows = [row(What::Network, Mac::default(), Some("{}"), 10), row(What::Volume, MAC, Some("1"), 10)];
    store.put_learnt("eth0", &rows).expect("put");
    store.put_learnt("eth1", &rows).expect("put");
    let newer = row(What::Volume, MAC, Some("2"), 20);
    store.put_learnt("eth0", std::slice::from_ref(&newer)).expect("put");
    assert_eq!(store.learnt("eth0").expect("read"), [rows[0].clone(), newer.clone()]);
    let networks: Vec<_> = store.networks().expect("read").into_iter().map(|known| known.name).collect();
    assert_eq!(networks, ["eth0", "eth1"]);
    assert_eq!(store.learnt_of(MAC).expect("read").len(), 2);
    store.db.execute("UPDATE learnt SET what = 'of the future' WHERE network = 'eth1'", []).expect("update");
    assert!(store.learnt("eth1").expect("read").is_empty(), "a newer kernscope's words are left out");
    store.forget_before(15_000_000_000).expect("forget");
    assert_eq!(
        store.learnt("eth0").expect("read").len(),
        2,
        "what is known of a network goes with its last fact"
    );
    store.put_learnt("eth0", &[Learnt { value: None, ..newer }]).expect("put");
    assert_eq!(store.learnt("eth0").expect("read").len(), 1);
    store.forget_before(15_000_000_000).expect("forget");
    assert!(store.networks().expect("read").is_empty());
}

//! Producers at full speed on the other CPU: no record torn, none out of order, none lost without count.

use crate::privileged;
use crate::producer::{Account, Producer, check};
use kernscope_kit::ring::{AsyncRing, Ring, Tally};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the ring has to go round, unless `KERNSCOPE_TEST_ROUNDS` says otherwise; at least a hundred times.
const ROUNDS: u64 = 1200;
/// Records tried in one system call.
const CHUNK: u32 = 20_000;
/// After so long a test ends, and fails for want of rounds.
const PATIENCE: Duration = Duration::from_secs(60);

fn rounds() -> u64 {
    std::env::var("KERNSCOPE_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS).max(100)
}

/// How often so many bytes of records go round a ring.
fn rounds_of(tally: Tally, ring_bytes: u64) -> u64 {
    tally.bytes / ring_bytes
}

/// What a reader knows of one producer.
#[derive(Clone, Copy, Default)]
struct Seen {
    read: u64,
    /// Numbers that were skipped.
    gaps: u64,
    next: u64,
}

impl Seen {
    fn take(&mut self, number: u64) {
        assert!(number >= self.next, "record {number} came after {}", self.next);
        self.gaps += number - self.next;
        self.next = number + 1;
        self.read += 1;
    }
}

/// One look at the ring.
type How = fn(&mut Ring, &mut dyn FnMut(&[u8]));

/// Reads while the producers run, until the ring has gone round often enough; then what is left.
fn read(ring: &mut Ring, producers: &[Producer], rounds: u64, how: How) -> Vec<Seen> {
    let mut seen = vec![Seen::default(); producers.len()];
    let start = Instant::now();
    while_producing(producers, || {
        let is_enough = |ring: &Ring, seen: &[Seen]| {
            rounds_of(ring.tally(), ring.size_bytes()) >= rounds && seen.iter().all(|seen| seen.read > 100)
        };
        while !is_enough(ring, &seen) && start.elapsed() < PATIENCE {
            how(ring, &mut |record| take(&mut seen, record));
        }
    });
    ring.drain(usize::MAX, &mut |record| take(&mut seen, record));
    assert!(rounds_of(ring.tally(), ring.size_bytes()) >= rounds, "too slow: {:?}", ring.tally());
    seen
}

/// Checks a record and notes it for its producer.
fn take(seen: &mut [Seen], record: &[u8]) {
    let (number, id) = check(record);
    seen[id as usize].take(number);
}

/// Runs the producers on threads of their own for as long as `reading` takes.
fn while_producing(producers: &[Producer], reading: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for producer in producers {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    producer.produce(CHUNK);
                }
            });
        }
        // Also when a check fails: a panic must not leave the producers running.
        let _done = Set(&done);
        reading();
    });
}

struct Set<'a>(&'a AtomicBool);

impl Drop for Set<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything that producers tried was read, lost and counted, or given up.
fn balance(ring: &Ring, producers: &[Producer], seen: &[Seen]) -> Account {
    let mut sum = Account { tried: 0, lost: 0, given_up: 0 };
    for (producer, seen) in producers.iter().zip(seen) {
        let account = producer.account();
        assert_eq!(account.tried % u64::from(CHUNK), 0, "{account:?}");
        assert_eq!(account.tried, seen.read + account.lost + account.given_up, "{account:?}");
        let behind = account.tried - seen.next;
        assert_eq!(seen.gaps + behind, account.lost + account.given_up, "{account:?}");
        sum.tried += account.tried;
        sum.lost += account.lost;
        sum.given_up += account.given_up;
    }
    let tally = ring.tally();
    assert_eq!(tally.records, seen.iter().map(|seen| seen.read).sum::<u64>());
    assert_eq!(tally.discarded, sum.given_up);
    assert_eq!(ring.waiting_bytes(), 0);
    sum
}

fn drain_and_wait(ring: &mut Ring, each: &mut dyn FnMut(&[u8])) {
    if ring.drain(512, each) == 0 {
        ring.wait(Duration::from_millis(10));
    }
}

#[test]
fn a_ring_of_one_page_is_full_and_goes_round_thousands_of_times() {
    if !privileged("a_ring_of_one_page_is_full_and_goes_round_thousands_of_times") {
        return;
    }
    let (mut ring, producers) = Producer::several(1, 4096);
    let seen = read(&mut ring, &producers, rounds(), drain_and_wait);
    let sum = balance(&ring, &producers, &seen);
    assert!(sum.lost > 1000, "it was full {} times only", sum.lost);
    eprintln!("{sum:?}, {:?}", ring.tally());
}

#[test]
fn a_large_ring_loses_less() {
    if !privileged("a_large_ring_loses_less") {
        return;
    }
    let (mut ring, producers) = Producer::several(1, 1 << 20);
    let seen = read(&mut ring, &producers, rounds() / 100, drain_and_wait);
    let sum = balance(&ring, &producers, &seen);
    assert!(sum.given_up > 0);
    eprintln!("{sum:?}, {:?}", ring.tally());
}

#[test]
fn several_producers_keep_their_own_order() {
    if !privileged("several_producers_keep_their_own_order") {
        return;
    }
    for (bytes, rounds) in [(4096, rounds()), (256 * 1024, rounds() / 40)] {
        let (mut ring, producers) = Producer::several(3, bytes);
        let seen = read(&mut ring, &producers, rounds, drain_and_wait);
        let sum = balance(&ring, &producers, &seen);
        assert!(seen.iter().all(|seen| seen.read > 0));
        eprintln!("{bytes} bytes: {sum:?}, {:?}", ring.tally());
    }
}

#[test]
fn a_reader_that_never_waits_reads_the_same() {
    if !privileged("a_reader_that_never_waits_reads_the_same") {
        return;
    }
    let (mut ring, producers) = Producer::several(1, 16 * 1024);
    let seen = read(&mut ring, &producers, rounds() / 4, |ring, each| {
        ring.drain(7, each);
    });
    balance(&ring, &producers, &seen);
}

#[test]
fn a_task_reads_the_same() {
    if !privileged("a_task_reads_the_same") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let _inside = runtime.enter();
    let (ring, producers) = Producer::several(2, 16 * 1024);
    let size = ring.size_bytes();
    let mut ring = AsyncRing::new(ring).expect("register");
    let mut seen = vec![Seen::default(); producers.len()];
    let mut each = |record: &[u8]| take(&mut seen, record);
    while_producing(&producers, || {
        runtime.block_on(async {
            while rounds_of(ring.tally(), size) < rounds() / 4 {
                // The producers never rest: a reader that is not woken has missed something.
                let read = tokio::time::timeout(PATIENCE, ring.drain(100, &mut each)).await;
                assert!(read.expect("woken").expect("the runtime lives") > 0);
            }
        });
    });
    ring.drain_now(usize::MAX, &mut each);
    balance(&ring.into_inner(), &producers, &seen);
}

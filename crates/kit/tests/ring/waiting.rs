//! Waking and time-outs.

use crate::privileged;
use crate::producer::{Producer, check};
use kernscope_kit::ring::{AsyncRing, Ring};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

#[test]
fn an_empty_ring_is_waited_for_as_long_as_was_said() {
    if !privileged("an_empty_ring_is_waited_for_as_long_as_was_said") {
        return;
    }
    let mut ring = Ring::create("empty", 4096).expect("create");
    assert_eq!(ring.drain(10, &mut |_| panic!("it is empty")), 0);
    let start = Instant::now();
    ring.wait(SHORT);
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    assert!(start.elapsed() < LONG);
}

#[test]
fn a_record_ends_the_wait() {
    if !privileged("a_record_ends_the_wait") {
        return;
    }
    let (mut ring, producers) = Producer::several(1, 4096);
    for round in 0..50 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(round % 4));
                producers[0].produce(1);
            });
            ring.wait(LONG);
        });
        assert!(start.elapsed() < LONG / 2, "not woken in round {round}");
        // Each eighth is given up: that too ends the wait, and there is nothing to read.
        let read = ring.drain(10, &mut |record| assert_eq!(check(record).0, round));
        assert_eq!(read, usize::from(round % 8 != 7), "round {round}");
    }
}

#[test]
fn a_ring_is_told_of_by_epoll() {
    if !privileged("a_ring_is_told_of_by_epoll") {
        return;
    }
    let (mut ring, producers) = Producer::several(1, 4096);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
    epoll.add(&ring, EpollEvent::new(EpollFlags::EPOLLIN, 7)).expect("add");
    let mut events = [EpollEvent::empty()];
    assert_eq!(epoll.wait(&mut events, EpollTimeout::ZERO).expect("wait"), 0);
    producers[0].produce(3);
    assert_eq!(epoll.wait(&mut events, EpollTimeout::try_from(LONG).expect("fits")).expect("wait"), 1);
    assert_eq!(events[0].data(), 7);
    assert!(ring.waiting_bytes() > 0);
    assert_eq!(ring.drain(10, &mut |_| {}), 3);
    assert_eq!(epoll.wait(&mut events, EpollTimeout::ZERO).expect("wait"), 0);
}

#[test]
fn a_task_is_woken_and_loses_nothing_when_it_is_dropped() {
    if !privileged("a_task_is_woken_and_loses_nothing_when_it_is_dropped") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let (ring, producers) = Producer::several(1, 4096);
        let mut ring = AsyncRing::new(ring).expect("register");
        let waited = tokio::time::timeout(SHORT, ring.drain(10, &mut |_| {})).await;
        assert!(waited.is_err(), "it is empty");
        let thread = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            producers[0].produce(2);
            producers
        });
        let mut numbers = Vec::new();
        while numbers.len() < 2 {
            let mut each = |record: &[u8]| numbers.push(check(record).0);
            let read = ring.drain(10, &mut each);
            tokio::time::timeout(LONG, read).await.expect("woken").expect("the runtime lives");
        }
        assert_eq!(numbers, [0, 1]);
        drop(thread.join());
    });
}

#[test]
fn a_size_that_is_no_power_of_two_is_refused() {
    if !privileged("a_size_that_is_no_power_of_two_is_refused") {
        return;
    }
    let error = Ring::create("odd", 5000).expect_err("the kernel wants pages");
    assert!(error.to_string().starts_with("create map odd: "), "{error}");
}

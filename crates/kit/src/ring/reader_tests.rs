//! The reader over memory that a test writes to.

use super::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const SIZE: u64 = 64;

/// A ring of eight words, with what a producer would do to it.
#[derive(Clone, Debug, Default)]
struct Fake {
    /// The data, followed by itself.
    data: Rc<RefCell<Vec<u8>>>,
    produced: Rc<Cell<u64>>,
    consumed: Rc<Cell<u64>>,
    /// Submitted the moment the consumer's position is published: header position.
    on_publish: Rc<Cell<Option<u64>>>,
}

impl Fake {
    fn new() -> Self {
        let fake = Self::default();
        fake.data.borrow_mut().resize(2 * SIZE as usize, 0);
        fake
    }

    fn set(&self, position: u64, bytes: &[u8]) {
        for (n, &byte) in bytes.iter().enumerate() {
            let at = ((position + n as u64) % SIZE) as usize;
            let mut data = self.data.borrow_mut();
            (data[at], data[at + SIZE as usize]) = (byte, byte);
        }
    }

    /// Reserves and writes a record; `None` when it does not fit. Gives its position.
    fn reserve(&self, content: &[u8]) -> Option<u64> {
        let at = self.produced.get();
        let end = at + space(content.len() as u32);
        (end - self.consumed.get() <= SIZE).then(|| {
            self.set(at, &(content.len() as u32 | BUSY).to_ne_bytes());
            self.set(at + HEADER_BYTES, content);
            self.produced.set(end);
            at
        })
    }

    fn commit(&self, position: u64, flags: u32) {
        let len = self.header(position) & !BUSY;
        self.set(position, &(len | flags).to_ne_bytes());
    }

    fn submit(&self, content: &[u8]) -> bool {
        self.reserve(content).inspect(|&at| self.commit(at, 0)).is_some()
    }
}

impl Memory for Fake {
    fn size_bytes(&self) -> u64 {
        SIZE
    }

    fn consumed(&self) -> u64 {
        self.consumed.get()
    }

    fn produced(&self) -> u64 {
        self.produced.get()
    }

    fn header(&self, position: u64) -> u32 {
        let at = (position % SIZE) as usize;
        u32::from_ne_bytes(self.data.borrow()[at..at + 4].try_into().expect("four bytes"))
    }

    fn bytes(&self, position: u64, len: u32) -> &[u8] {
        let at = (position % SIZE) as usize;
        self.data.borrow()[at..at + len as usize].to_vec().leak()
    }

    fn publish(&self, position: u64) {
        self.consumed.set(position);
        if let Some(at) = self.on_publish.take() {
            self.commit(at, 0);
        }
    }
}

fn all(reader: &mut Reader<Fake>) -> Vec<Vec<u8>> {
    let mut read = Vec::new();
    reader.drain(usize::MAX, &mut |record| read.push(record.to_vec()));
    read
}

#[test]
fn a_record_being_written_holds_up_those_after_it() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    assert!(fake.submit(b"one"));
    let busy = fake.reserve(b"two").expect("room");
    assert!(fake.submit(b"three"));
    assert_eq!(all(&mut reader), [b"one".to_vec()]);
    assert!(reader.head_is_busy());
    assert!(all(&mut reader).is_empty());
    fake.commit(busy, 0);
    assert!(!reader.head_is_busy());
    assert_eq!(all(&mut reader), [b"two".to_vec(), b"three".to_vec()]);
    assert_eq!(reader.waiting_bytes(), 0);
}

#[test]
fn a_discarded_record_is_skipped_and_counted() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    let given_up = fake.reserve(b"never mind").expect("room");
    fake.commit(given_up, DISCARD);
    assert!(fake.submit(b"next"));
    assert_eq!(all(&mut reader), [b"next".to_vec()]);
    let tally = reader.tally();
    assert_eq!((tally.records, tally.bytes, tally.discarded), (1, 4, 1));
}

#[test]
fn records_run_across_the_end_of_the_ring_a_thousand_times() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    let mut lost = 0;
    let mut expected = Vec::new();
    let mut read = Vec::new();
    for n in 0..3000u64 {
        let content: Vec<u8> = (0..n % 31).map(|at| (n + at) as u8).collect();
        if fake.submit(&content) {
            expected.push(content);
        } else {
            lost += 1;
        }
        if n % 3 == 0 {
            read.extend(all(&mut reader));
        }
    }
    read.extend(all(&mut reader));
    assert_eq!(read, expected);
    assert!(lost > 0 && fake.produced() > 500 * SIZE, "it was full at times, and went round");
}

#[test]
fn a_limit_is_kept_and_space_given_back_all_the_same() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    (0..4).for_each(|_| assert!(fake.submit(&[1; 8])));
    assert!(!fake.submit(&[1; 8]), "full");
    assert_eq!(reader.drain(3, &mut |_| {}), 3);
    assert_eq!(fake.consumed(), 48);
    assert_eq!(reader.waiting_bytes(), 16);
}

#[test]
fn a_batch_gives_space_back_before_its_end() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    (0..4).for_each(|_| assert!(fake.submit(&[1; 8])));
    let mut given_back = Vec::new();
    reader.drain(4, &mut |_| given_back.push(fake.consumed()));
    assert_eq!(given_back, [0, 16, 32, 48]);
}

#[test]
fn what_is_submitted_while_the_position_is_published_is_not_slept_on() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    assert!(fake.submit(b""));
    // The producer finds the reader's old position, and does not wake it.
    fake.on_publish.set(fake.reserve(b"late"));
    let mut read = Vec::new();
    let n = reader.drain(10, &mut |record| read.push(record.to_vec()));
    assert_eq!((n, read), (2, vec![b"".to_vec(), b"late".to_vec()]));
}

#[test]
fn a_panic_in_a_reader_of_records_loses_none() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    assert!(fake.submit(b"a") && fake.submit(b"b"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        reader.drain(10, &mut |record| assert_ne!(record, b"b"));
    }));
    assert!(caught.is_err());
    assert_eq!(all(&mut reader), [b"b".to_vec()], "it was not read to its end");
}

#[test]
fn a_length_that_leads_out_of_the_ring_is_not_believed() {
    let fake = Fake::new();
    let mut reader = Reader::new(fake.clone());
    assert!(fake.submit(b"four"));
    fake.set(0, &1000u32.to_ne_bytes());
    assert!(all(&mut reader).is_empty());
}

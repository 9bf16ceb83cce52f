//! Data that comes in parts.

use crate::cover::{case, cover};
use crate::random::Random;
use kernscope_sieve::frequency::{Filter, ReadError};
use std::io::{self, Read};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Gives at most so many bytes at a time, and is interrupted before each.
struct Parts<'d> {
    data: &'d [u8],
    most: usize,
    interrupted: bool,
}

impl<'d> Parts<'d> {
    fn new(data: &'d [u8], most: usize) -> Parts<'d> {
        Parts { data, most, interrupted: false }
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.most.min(space.len());
        self.data.read(&mut space[..most])
    }
}

impl AsyncRead for Parts<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (part, rest) = self.data.split_at(self.most.min(space.remaining()).min(self.data.len()));
        space.put_slice(part);
        self.data = rest;
        Poll::Ready(Ok(()))
    }
}

fn read(filter: &Filter, data: &[u8], most: usize) -> Vec<Range<usize>> {
    let regions = filter.read(Parts::new(data, most));
    regions.map(|region| region.expect("data is read")).map(|r| r.start as usize..r.end as usize).collect()
}

fn read_async(filter: &Filter, data: &[u8], most: usize) -> Vec<Range<usize>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut regions = filter.read_async(Parts::new(data, most));
    let mut found = Vec::new();
    runtime.block_on(async {
        while let Some(region) = regions.next().await.expect("data is read") {
            found.push(region.start as usize..region.end as usize);
        }
    });
    found
}

#[test]
fn parts_of_every_size() {
    let mut random = Random(2);
    for _ in 0..60 {
        let (filter, data) = case(&mut random);
        let right = cover(&filter, &data);
        for most in 1..=data.len().max(1) {
            assert_eq!(
                read(&filter, &data, most),
                right,
                "{most} bytes at a time: {filter:?} on {}",
                data.escape_ascii()
            );
        }
        assert_eq!(read_async(&filter, &data, 1), right);
        assert_eq!(read_async(&filter, &data, data.len().max(1)), right);
    }
}

/// A match over each boundary there is: of parts, and of the reader's own buffer.
#[test]
fn matches_across_every_boundary() {
    let mut random = Random(3);
    let data: Vec<u8> = random.bytes(b"......................................x", 700_000);
    for window in [1, 2, 63, 64, 65, 1000, 200_000] {
        let need = (window as usize / 30).max(1) as u32;
        let filter = Filter::builder().at_least(b'x', need).window(window).build().expect("is a filter");
        let right: Vec<_> = filter.regions(&data).collect();
        for most in [1 << 17, (1 << 17) - 1, 4096, 65_537, usize::MAX] {
            assert_eq!(read(&filter, &data, most), right, "window {window}, {most} bytes at a time");
        }
    }
}

#[test]
fn what_was_found_before_an_error_is_told() {
    struct Breaks(u32);
    impl Read for Breaks {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => {
                    space[..5].copy_from_slice(b"..xx.");
                    Ok(5)
                }
                _ => Err(io::Error::other("the disk is gone")),
            }
        }
    }
    let filter = Filter::builder().at_least(b'x', 2).window(3).build().expect("is a filter");
    let mut regions = filter.read(Breaks(0));
    assert_eq!(regions.next().expect("a region").expect("found"), 1..5);
    let error = regions.next().expect("an error").expect_err("the reader failed");
    assert!(matches!(error, ReadError::Io { offset: 5, .. }));
    assert_eq!(error.to_string(), "read data to filter: at byte 5: the disk is gone");
    assert!(regions.next().is_none());
    assert_eq!((regions.bytes_read(), regions.tally().regions), (5, 1));
}

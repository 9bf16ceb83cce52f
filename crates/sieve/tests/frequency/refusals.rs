//! What is no filter, and what is said of it.

use kernscope_kit::compile::Content;
use kernscope_sieve::frequency::{Filter, FilterError, Limits};
use std::slice::from_ref;

#[test]
fn builders_say_what_is_wrong() {
    let said =
        |builder: kernscope_sieve::frequency::Builder| builder.build().expect_err("is refused").to_string();
    assert_eq!(
        said(Filter::builder().window(8)),
        "make byte-frequency filter: it has no thresholds, so nothing would be put aside; add one"
    );
    assert_eq!(
        said(Filter::builder().at_least(b'a', 1)),
        "make byte-frequency filter: a window of 0 bytes holds nothing; give a window of 1 byte or more"
    );
    assert_eq!(
        said(Filter::builder().at_least(0, 0).window(8)),
        "make byte-frequency filter: at least 0 of byte 0x00 is met by anything; ask for 1 or more, or leave it out"
    );
    assert_eq!(
        said(Filter::builder().at_least(b'a', 5).at_least(b'b', 4).window(8)),
        "make byte-frequency filter: 9 bytes are asked for in a window of 8; ask for fewer, or widen the window"
    );
    let limits = Limits { region_bytes: Some(15), ..Limits::default() };
    assert_eq!(
        said(Filter::builder().at_least(b'a', 5).window(8).limits(limits)),
        "make byte-frequency filter: regions of at most 15 bytes cannot hold two windows of 8; allow 16 or more"
    );
}

#[test]
fn of_a_byte_that_is_named_twice_the_larger_count_holds() {
    let filter =
        Filter::builder().at_least(b'a', 1).at_least(b'a', 3).window(3).build().expect("is a filter");
    assert_eq!(filter.thresholds(), [(b'a', 3)]);
    assert!(!filter.is_match("aabaa"));
}

#[test]
fn texts_say_where_they_are_wrong() {
    let said = |text: &str| Filter::from_toml(text).expect_err("is refused").to_string();
    for (text, expected) in [
        (
            "window = 8\n[[threshold]]\nbyte = \"ab\"\nmin = 1",
            "line 3: byte = \"ab\" is not one ASCII character, nor",
        ),
        (
            "window = 8\n[[threshold]]\nbyte = 256\nmin = 1",
            "line 3: byte = 256 is not one ASCII character, nor",
        ),
        ("window = 8\n[[threshold]]\nbyte = \"a\"\nmax = 1", "line 4: unknown field `max`"),
        ("window = -8", "line 1: invalid value: integer `-8`"),
        ("window = 8\n", "it has no thresholds"),
        ("[[threshold]]\nbyte = \"a\"\nmin = 1", "line 1: missing field `window`"),
        (
            "window = 8\n[limits]\nexceed = \"never\"",
            "line 3: unknown variant `never`, expected `fail` or `count`",
        ),
    ] {
        assert!(said(text).contains(expected), "{text:?}: {}", said(text));
    }
    let wrong = "a>=3".parse::<Filter>().expect_err("has no window");
    assert_eq!(
        wrong.to_string(),
        "read byte-frequency filter: parse thresholds \"a>=3\": no window; end with ;window=BYTES"
    );
}

#[test]
fn other_conditions_are_no_filters() {
    assert_eq!(Filter::from_content(&Content::literal("a")), Err(FilterError::NotThresholds));
    let none = Content::Thresholds { counts: vec![(b'a', 1)], window: 0 };
    assert_eq!(Filter::from_content(&none), Err(FilterError::NoWindow));
}

/// A condition that everything meets, or nothing, is one all the same where it comes from the compiler.
#[test]
fn conditions_are_taken_as_they_are() {
    let filter = |counts: &[(u8, u32)]| {
        Filter::from_content(&Content::Thresholds { counts: counts.to_vec(), window: 4 })
            .expect("is thresholds")
    };
    assert_eq!(filter(&[]).regions(b"").collect::<Vec<_>>(), from_ref(&(0..0)));
    assert_eq!(filter(&[(b'a', 0)]).regions(b"bbbbb").collect::<Vec<_>>(), from_ref(&(0..5)));
    assert_eq!(filter(&[(b'a', 1)]).regions(b"").count(), 0);
    assert_eq!(filter(&[(b'a', 9)]).regions(&[b'a'; 100]).count(), 0);
    let read = filter(&[]).read(&b""[..]).map(|region| region.expect("is read")).collect::<Vec<_>>();
    assert_eq!(read, from_ref(&(0..0)));
}

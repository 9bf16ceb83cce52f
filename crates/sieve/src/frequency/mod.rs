//! Byte counts in a sliding window: where enough of certain bytes come together.

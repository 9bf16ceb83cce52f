//! The ring buffer against producers in the kernel. Without the privilege each test says so and does nothing.

mod producer;
mod stress;
mod waiting;

use kernscope_kit::probe::{self, Cause, MapType};

/// Whether this process may make ring buffers; says so if not.
fn privileged(test: &str) -> bool {
    let answer = probe::map_type(MapType::Ringbuf);
    if let probe::Answer::No(no) = &answer {
        assert_ne!(no.cause, Cause::Unsupported, "ring buffers: {}", no.why);
    }
    if !answer.is_yes() {
        eprintln!("skipped: {test}: {}", answer.why());
    }
    answer.is_yes()
}

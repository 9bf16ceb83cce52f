//! Calls that have not returned.

/// Frames a program may have at once, as in the kernel.
pub(super) const MAX_FRAMES: usize = 8;

/// Rounds that `may_goto` gives a frame, and the most that `bpf_loop` takes, as in the kernel.
pub(super) const MAX_LOOPS: u32 = 8 * 1024 * 1024;

/// What a call leaves behind for its return.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// Which program it is of.
    pub(super) code: usize,
    /// Where the caller goes on.
    pub(super) pc: usize,
    /// Its r6 to r9.
    pub(super) saved: [u64; 4],
    /// Rounds that its `may_goto` has left.
    pub(super) rounds: u32,
    /// Set when the callee is called again and again by `bpf_loop`.
    pub(super) callback: Option<Callback>,
}

/// A loop by callback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callback {
    /// First instruction of the callback.
    pub(super) start: usize,
    /// Which round is running.
    pub(super) round: u32,
    /// Rounds in all.
    pub(super) rounds: u32,
    /// Passed to each.
    pub(super) context: u64,
}

//! The same work for many things, on as many threads as there are CPUs.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, available_parallelism, scope};

/// More threads than this are not worth starting for what is done here.
const MOST_THREADS: usize = 8;

/// How many threads work at most. Asked of the system once, which reads files for it: whoever forks while rules are laid out on
/// another thread calls this before, or the child may find such a file open.
pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS))
}

/// What `work` makes of each number below `count`, in order. This thread works too, so that it is done where no other can
/// be had.
pub(crate) fn map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let some = || {
        let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        numbers.take_while(|number| *number < count).map(|number| (number, work(number))).collect::<Vec<_>>()
    };
    let others = threads().min(count).saturating_sub(1);
    let mut all = scope(|scope| {
        let started: Vec<_> =
            (0..others).map_while(|_| Builder::new().spawn_scoped(scope, some).ok()).collect();
        let mut all = some();
        for thread in started {
            match thread.join() {
                Ok(theirs) => all.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_is_done_once_and_in_order() {
        for count in [0, 1, 2, 1000] {
            assert_eq!(super::map(count, |number| number * 2), (0..count).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}

//! Work that several threads share.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::{Mutex, OnceLock};
use std::thread::{available_parallelism, scope};

/// How many threads share a piece of work at most. What they have made is put together by one.
const MOST: usize = 8;

/// How many threads share a piece of work: as many as there are processors for this process, up to eight.
pub fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| available_parallelism().map_or(1, |n| n.get().min(MOST)))
}

/// Has so many threads do the parts of a piece of work, each of which has a number.
///
/// This one does them `here`, in order from the first; the others do theirs `elsewhere`, from the last one
/// back. So all end together, whenever each of them could begin. Gives what was made elsewhere, in order:
/// that of the last parts.
pub fn share<T: Send>(
    threads: usize,
    parts: usize,
    mut here: impl FnMut(usize),
    elsewhere: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let left = Mutex::new(0..parts);
    let take = |from: fn(&mut Range<usize>) -> Option<usize>| {
        from(&mut left.lock().expect("taking a number does not panic"))
    };
    let do_last = || {
        let numbers = std::iter::from_fn(|| take(Range::next_back));
        numbers.map(|number| (number, elsewhere(number))).collect::<Vec<_>>()
    };
    let mut made = scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(do_last)).collect();
        while let Some(number) = take(Range::next) {
            here(number);
        }
        let made = others.into_iter().map(|it| it.join().expect("no part panics"));
        made.flatten().collect::<Vec<_>>()
    });
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_done_once_and_all_are_in_order() {
        for (threads, parts) in [(1, 5), (2, 0), (2, 1), (3, 100)] {
            let mut done = Vec::new();
            let elsewhere = share(threads, parts, |part| done.push(part), |part| part);
            assert!(threads > 1 || elsewhere.is_empty());
            done.extend(elsewhere);
            assert_eq!(done, (0..parts).collect::<Vec<_>>());
        }
    }
}

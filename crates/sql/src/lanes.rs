//! Batches of queries over parts of a table that run side by side, handed out one part after the other.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;

use crate::error::SqlError;
use crate::reader::Stop;

/// Batches of the part whose turn it is that wait for whoever reads them.
const WAITING: usize = 1;

pub(crate) type Next = Result<RecordBatch, Stop>;

/// The parts of a result. Threads claim them in order and fill them; whoever reads the result empties them in order.
pub(crate) struct Lanes {
    state: Mutex<State>,
    changed: Condvar,
    /// Most bytes that wait, beside a batch of the part whose turn it is.
    ahead: usize,
}

struct State {
    lanes: Vec<Lane>,
    /// The part whose turn it is.
    front: usize,
    /// The first that nobody has claimed.
    unclaimed: usize,
    /// Bytes of all batches that wait.
    held: usize,
    /// Threads that fill.
    running: usize,
    is_closed: bool,
    is_broken: bool,
}

#[derive(Default)]
struct Lane {
    batches: VecDeque<(Next, usize)>,
    has_ended: bool,
}

impl Lanes {
    /// So many parts, filled by so many threads.
    pub(crate) fn new(parts: usize, threads: usize, ahead: usize) -> Self {
        let lanes = std::iter::repeat_with(Lane::default).take(parts).collect();
        let state =
            State { lanes, front: 0, unclaimed: 0, held: 0, running: threads, is_closed: false, is_broken: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), ahead }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next part to fill.
    pub(crate) fn claim(&self) -> Option<usize> {
        self.claim_some(|_| 1).map(|parts| parts.start)
    }

    /// The next parts to fill as one, through the first of them: at most so many from the first on, and a fair share of those that
    /// are left.
    pub(crate) fn claim_some(&self, most: impl Fn(usize) -> usize) -> Option<Range<usize>> {
        let mut state = self.state();
        let (first, left) = (state.unclaimed, state.lanes.len() - state.unclaimed);
        if state.is_closed || left == 0 {
            return None;
        }
        state.unclaimed += most(first).min(left.div_ceil(state.running.max(1))).max(1);
        Some(first..state.unclaimed)
    }

    /// Adds a batch to a part, when there is room; `false` when nobody wants more.
    pub(crate) fn push(&self, lane: usize, next: Next) -> bool {
        let size = next.as_ref().map_or(1, |batch| batch.get_array_memory_size().max(1));
        let mut state = self.state();
        loop {
            if state.is_closed {
                return false;
            }
            let waiting = state.lanes.get(lane).map_or(0, |lane| lane.batches.len());
            if (lane == state.front && waiting < WAITING) || state.held.saturating_add(size) <= self.ahead {
                break;
            }
            state = self.wait(state);
        }
        if next.is_err() {
            // Nothing comes after an error.
            state.unclaimed = state.lanes.len();
        }
        state.held += size;
        if let Some(lane) = state.lanes.get_mut(lane) {
            lane.batches.push_back((next, size));
        }
        drop(state);
        self.changed.notify_all();
        true
    }

    /// A part is complete.
    pub(crate) fn end(&self, lane: usize) {
        if let Some(lane) = self.state().lanes.get_mut(lane) {
            lane.has_ended = true;
        }
        self.changed.notify_all();
    }

    /// A thread fills no more.
    pub(crate) fn leave(&self) {
        self.state().running -= 1;
        self.changed.notify_all();
    }

    /// The next batch of the result; `None` when all parts are through, or an error was handed out.
    pub(crate) fn next(&self) -> Option<Next> {
        let mut state = self.state();
        loop {
            if std::mem::take(&mut state.is_broken) {
                let message = "a thread of the query has ended before its time".to_owned();
                return Some(Err(Stop::Sql(SqlError::Failed { message })));
            }
            if state.is_closed {
                return None;
            }
            let front = state.front;
            let lane = state.lanes.get_mut(front)?;
            if let Some((next, size)) = lane.batches.pop_front() {
                state.held -= size;
                state.is_closed = next.is_err();
                drop(state);
                self.changed.notify_all();
                return Some(next);
            }
            if lane.has_ended {
                state.front += 1;
                self.changed.notify_all();
            } else {
                state = self.wait(state);
            }
        }
    }

    /// Nobody wants more.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// A thread has ended without an error to tell: the rows are not all there, which must not look like their end.
    pub(crate) fn break_off(&self) {
        let mut state = self.state();
        (state.is_closed, state.is_broken) = (true, true);
        drop(state);
        self.changed.notify_all();
    }

    /// Whether all threads have left, waiting so long for it.
    pub(crate) fn wait_for_all(&self, time: Duration) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, time, |state| state.running > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.running == 0
    }

    /// How many parts are complete, and of how many.
    pub(crate) fn complete(&self) -> (usize, usize) {
        let state = self.state();
        (state.lanes.iter().filter(|lane| lane.has_ended).count(), state.lanes.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(value: i64) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![value; 1000]));
        RecordBatch::try_from_iter([("value", column)]).unwrap()
    }

    fn value(batch: &RecordBatch) -> i64 {
        use arrow::array::AsArray;
        batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
    }

    /// Fills parts of ten batches each, and counts those that were pushed.
    fn fill(lanes: &Arc<Lanes>, pushed: &Arc<AtomicUsize>) -> std::thread::JoinHandle<()> {
        let (lanes, pushed) = (Arc::clone(lanes), Arc::clone(pushed));
        std::thread::spawn(move || {
            while let Some(lane) = lanes.claim() {
                for number in 0..10 {
                    if !lanes.push(lane, Ok(batch(lane as i64 * 10 + number))) {
                        break;
                    }
                    pushed.fetch_add(1, Ordering::SeqCst);
                }
                lanes.end(lane);
            }
            lanes.leave();
        })
    }

    #[test]
    fn parts_come_in_turn_whoever_is_first() {
        for ahead in [0, 20_000, usize::MAX] {
            let lanes = Arc::new(Lanes::new(7, 3, ahead));
            let threads: Vec<_> = (0..3).map(|_| fill(&lanes, &Arc::default())).collect();
            let found: Vec<i64> = std::iter::from_fn(|| lanes.next()).map(|next| value(&next.unwrap())).collect();
            assert_eq!(found, (0..70).collect::<Vec<i64>>());
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(lanes.wait_for_all(Duration::ZERO));
            assert_eq!(lanes.complete(), (7, 7));
        }
    }

    #[test]
    fn several_parts_are_filled_as_one() {
        let lanes = Lanes::new(8, 2, usize::MAX);
        assert_eq!(lanes.claim(), Some(0));
        assert_eq!(lanes.claim_some(|first| first * 3), Some(1..4), "as many as may be");
        assert_eq!(lanes.claim_some(|_| 100), Some(4..6), "others want some as well");
        assert_eq!(lanes.claim_some(|_| 0), Some(6..7), "one at least");
        assert_eq!(lanes.claim_some(|_| 2), Some(7..8));
        assert_eq!(lanes.claim_some(|_| 2), None);
    }

    #[test]
    fn no_more_waits_than_may() {
        let size = batch(0).get_array_memory_size();
        let (lanes, pushed) = (Arc::new(Lanes::new(4, 2, 3 * size)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..2).map(|_| fill(&lanes, &pushed)).collect();
        assert!(lanes.next().unwrap().is_ok());
        // Both are held back now, or will be: those ahead by bytes, and the first by its one batch.
        std::thread::sleep(Duration::from_millis(50));
        assert!(pushed.load(Ordering::SeqCst) <= 5, "{pushed:?}");
        lanes.close();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(lanes.next().is_none());
    }

    #[test]
    fn an_error_comes_in_its_turn_and_is_the_last() {
        let lanes = Lanes::new(3, 1, usize::MAX);
        let (first, second) = (lanes.claim().unwrap(), lanes.claim().unwrap());
        assert!(lanes.push(second, Err(Stop::Sql(crate::SqlError::Cancelled))));
        assert!(lanes.push(first, Ok(batch(1))));
        lanes.end(first);
        assert_eq!(lanes.claim(), None);
        assert!(lanes.next().unwrap().is_ok());
        assert!(lanes.next().unwrap().is_err());
        assert!(lanes.next().is_none() && !lanes.push(first, Ok(batch(2))));
        let lanes = Lanes::new(1, 1, 0);
        lanes.break_off();
        assert!(lanes.next().unwrap().is_err() && lanes.next().is_none());
    }
}

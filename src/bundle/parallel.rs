//! Work on many files at a time: most of it waits for the place that they lie at.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Does the work for each of these, so many at a time, and gives what came of it in their order. After the first error none is
/// begun.
///
/// # Errors
/// The first that occurred.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if at_once < 2 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let one_after_another = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            match work(item) {
                Ok(result) => done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(items.len()) {
            scope.spawn(one_after_another);
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_each_is_in_their_order_and_an_error_ends_it() {
        let items: Vec<usize> = (0..100).collect();
        for at_once in [1, 2, 7, 200] {
            assert_eq!(each(&items, at_once, |n| Ok(n * 2)).unwrap(), (0..100).map(|n| n * 2).collect::<Vec<_>>());
            let begun = AtomicUsize::new(0);
            let error = each(&items, at_once, |n| {
                begun.fetch_add(1, Ordering::Relaxed);
                match n {
                    3 => Err(Error::Invalid("three".to_owned())),
                    _ => {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        Ok(())
                    }
                }
            });
            assert_eq!(error.unwrap_err().to_string(), "three");
            assert!(at_once == 200 || begun.into_inner() < 50);
        }
    }
}

//! Panics: one that ends a command is told as a defect of the program, and none is kept quiet.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether this thread is inside of [`caught`].
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// What the last panic inside of it said, and where it was.
    static WORDS: Cell<Option<String>> = const { Cell::new(None) };
}

/// Leaves panics inside of [`caught`] to whoever called it. Those of other threads go to the hook that was there before, which
/// prints them: nobody else would. Panics of decoders that meet damaged files are caught where they arise, and say nothing.
pub(super) fn install() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !IS_CAUGHT.get() {
            return previous(info);
        }
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let words = info.payload_as_str().unwrap_or("no message");
        WORDS.set(Some(format!("{words}{place}")));
    }));
    datafolio_handlers::quiet_decoder_panics();
}

/// Runs something, and catches a panic.
///
/// # Errors
/// What the panic said.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    IS_CAUGHT.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(false);
    result.map_err(|_| WORDS.take().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// All panics were taken for that of the command: one of another thread was never heard of, or told in its place.
    #[test]
    fn a_panic_of_another_thread_is_printed() {
        static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| match info.payload_as_str() {
            Some(words) if words.starts_with("tested: ") => PRINTED.lock().unwrap().push(words.to_owned()),
            _ => default(info),
        }));
        install();
        let result = caught(|| {
            assert!(std::thread::spawn(|| panic!("tested: elsewhere")).join().is_err());
            panic!("tested: here");
        });
        let words = result.map(|()| "no panic").unwrap_err();
        assert!(words.starts_with("tested: here at ") && words.contains("panics.rs:"), "{words}");
        assert_eq!(*PRINTED.lock().unwrap(), ["tested: elsewhere"]);
        // Nobody catches this one by `caught`.
        assert!(catch_unwind(|| panic!("tested: outside")).is_err());
        assert_eq!(*PRINTED.lock().unwrap(), ["tested: elsewhere", "tested: outside"]);
        assert_eq!(caught(|| 7), Ok(7));
    }
}

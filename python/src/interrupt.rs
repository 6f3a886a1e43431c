//! Ctrl-C during work that takes long: the interpreter is asked now and then, and the work is told to stop.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often the interpreter is asked whether somebody pressed Ctrl-C.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Tells work to stop.
pub(crate) type Stop = Arc<dyn Fn() + Send + Sync>;

/// Does work without the interpreter in a thread of its own, while this one looks for Ctrl-C.
///
/// # Errors
/// `KeyboardInterrupt`, once the work has stopped.
pub(crate) fn interruptible<T: Send>(py: Python<'_>, stop: &Stop, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| {
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(1);
            scope.spawn(move || {
                let _ = send.send(work());
            });
            let mut interrupt = None;
            loop {
                match receive.recv_timeout(ASKED_EVERY) {
                    Ok(done) => return interrupt.map_or(Ok(done), Err),
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(PyRuntimeError::new_err("a thread of datafolio has panicked"));
                    }
                    Err(RecvTimeoutError::Timeout) if interrupt.is_none() => {
                        if let Err(pressed) = Python::attach(|py| py.check_signals()) {
                            stop();
                            interrupt = Some(pressed);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        })
    })
}

//! Ctrl-C during work that takes long, and how far it is: the interpreter is asked now and then, and the work is told to stop.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::ending::{self, in_python};

/// How often the interpreter is asked whether somebody pressed Ctrl-C.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// What looks after work that takes long.
pub(crate) struct Watch {
    stop: Box<dyn Fn() + Send + Sync>,
    progress: Option<Progress>,
}

/// A callable of Python that is told how far the work is; where it answers `False`, the work stops.
struct Progress {
    call: Py<PyAny>,
    /// The part that is done, where the work can tell.
    fraction: Box<dyn Fn() -> Option<f64> + Send + Sync>,
    /// What was told last: it never goes back.
    told: Mutex<f64>,
}

impl Watch {
    /// With what tells the work to stop.
    pub(crate) fn new(stop: impl Fn() + Send + Sync + 'static) -> Self {
        Self { stop: Box::new(stop), progress: None }
    }

    /// With a callable that is told how far the work is.
    pub(crate) fn progress(
        mut self,
        call: Py<PyAny>,
        fraction: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Progress { call, fraction: Box::new(fraction), told: Mutex::new(0.0) });
        self
    }

    /// The callable is told that all is done.
    ///
    /// # Errors
    /// What it raises.
    pub(crate) fn done(&self, py: Python<'_>) -> PyResult<()> {
        self.progress.as_ref().map_or(Ok(()), |progress| progress.call.bind(py).call1((1.0,)).map(drop))
    }

    /// Looks for Ctrl-C, and tells how far the work is.
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        py.check_signals()?;
        let Some(progress) = &self.progress else { return Ok(()) };
        let fraction = {
            let mut told = progress.told.lock().unwrap_or_else(PoisonError::into_inner);
            // Work that cannot tell how far it is can be stopped all the same.
            *told = told.max((progress.fraction)().unwrap_or(0.0));
            *told
        };
        let answer = progress.call.bind(py).call1((fraction,))?;
        // What returns nothing goes on.
        if !answer.is_none() && !answer.is_truthy()? {
            (self.stop)();
        }
        Ok(())
    }
}

/// What the thread that waits for work is told.
enum Event {
    /// The work has ended.
    Done,
    /// Something is to be run in that thread.
    Run(Box<dyn FnOnce() + Send>),
}

/// Runs things in the thread that called from Python: what is behind rows may belong to it, as a connection to SQLite does.
pub(crate) struct Caller(Sender<Event>);

impl Caller {
    /// What a function gives in that thread; `None` when nobody waits there any more.
    pub(crate) fn run<T: Send + 'static>(&self, function: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        let run = move || {
            let _ = answer.send(function());
        };
        self.0.send(Event::Run(Box::new(run))).ok()?;
        answered.recv().ok()
    }
}

/// Where a thread waits that is also asked to run things.
pub(crate) struct Desk {
    send: Sender<Event>,
    receive: Receiver<Event>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let (send, receive) = channel();
        Self { send, receive }
    }

    /// What has things run by whoever waits here.
    pub(crate) fn caller(&self) -> Caller {
        Caller(self.send.clone())
    }
}

/// Does work without the interpreter in a thread of its own, while this one looks for Ctrl-C.
///
/// # Errors
/// `KeyboardInterrupt`, and what the callable for the progress raises, once the work has stopped.
pub(crate) fn interruptible<T: Send>(py: Python<'_>, watch: &Watch, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    attended(py, watch, Desk::new(), work)
}

/// The same, where this thread also runs what the work asks it to.
///
/// # Errors
/// As [`interruptible`].
pub(crate) fn attended<T: Send>(
    py: Python<'_>,
    watch: &Watch,
    desk: Desk,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    py.detach(|| {
        std::thread::scope(|scope| {
            let Desk { send, receive } = desk;
            let worker = scope.spawn(move || {
                // Told also when the work panics.
                let _ended = Ended(send);
                work()
            });
            let (mut interrupt, mut looked) = (None, Instant::now());
            loop {
                match receive.recv_timeout(ASKED_EVERY) {
                    Ok(Event::Run(run)) if interrupt.is_none() => run(),
                    // Whoever waits for the answer learns that there is none.
                    Ok(Event::Run(run)) => drop(run),
                    Ok(Event::Done) | Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if looked.elapsed() < ASKED_EVERY {
                    continue;
                }
                looked = Instant::now();
                if interrupt.is_none()
                    && let Some(Err(raised)) = in_python(|py| watch.look(py))
                {
                    (watch.stop)();
                    interrupt = Some(raised);
                }
            }
            // Nobody waits for an answer of this thread from here on.
            drop(receive);
            let done = worker.join().map_err(|_| PyRuntimeError::new_err("a thread of datafolio has panicked"))?;
            ending::check()?;
            interrupt.map_or(Ok(done), Err)
        })
    })
}

/// Tells of the end of work.
struct Ended(Sender<Event>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(Event::Done);
    }
}

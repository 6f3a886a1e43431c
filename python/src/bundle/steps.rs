//! A batch that stays open between two calls from Python: it lends the bundle, so it lives in a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use datafolio::{Batch, DataFolio, Error, Result};
use pyo3::Python;

use crate::error::Outcome;

/// A change that the batch is asked for.
type Step = Box<dyn for<'b, 'f> FnOnce(&'b mut Batch<'f>) + Send>;

/// An open batch.
pub(super) struct Steps {
    steps: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Step(Step),
    Commit(SyncSender<Result<u64>>),
}

impl Steps {
    /// Opens a batch.
    ///
    /// # Errors
    /// Those of [`DataFolio::batch`].
    pub(super) fn open(py: Python<'_>, folio: &Arc<DataFolio>) -> Outcome<Self> {
        let (steps, messages) = sync_channel(0);
        let (opened, is_open) = sync_channel(1);
        let folio = Arc::clone(folio);
        let work = move || match folio.batch() {
            Ok(batch) => {
                let _ = opened.send(Ok(()));
                run(batch, &messages);
            }
            Err(error) => {
                let _ = opened.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name("datafolio-batch".to_owned()).spawn(work).map_err(failed)?;
        py.detach(move || is_open.recv()).map_err(|_| gone())??;
        Ok(Self { steps, thread: Some(thread) })
    }

    /// Runs a change in the batch.
    ///
    /// # Errors
    /// Those of the change.
    pub(super) fn step<T: Send + 'static>(
        &self,
        step: impl for<'b, 'f> FnOnce(&'b mut Batch<'f>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = sync_channel(1);
        let step: Step = Box::new(move |batch| {
            let _ = answer.send(step(batch));
        });
        self.steps.send(Message::Step(step)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }

    /// Commits all changes.
    ///
    /// # Errors
    /// Those of [`Batch::commit`].
    pub(super) fn commit(mut self) -> Result<u64> {
        let (answer, answered) = sync_channel(1);
        self.steps.send(Message::Commit(answer)).map_err(|_| gone())?;
        let revision = answered.recv().map_err(|_| gone())?;
        self.wait();
        revision
    }

    /// Gives all changes up.
    pub(super) fn abandon(self) {
        let Self { steps, thread } = self;
        drop(steps);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread of a batch: until it is committed, or nobody can ask for more.
fn run(mut batch: Batch<'_>, messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Step(step) => step(&mut batch),
            Message::Commit(answer) => {
                let _ = answer.send(batch.commit());
                return;
            }
        }
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::File { action: "start a thread for a batch in", path: std::env::temp_dir(), source }
}

/// The thread is gone: only a panic in it can be the reason.
fn gone() -> Error {
    Error::Invalid("the batch has ended after a failure inside: nothing of it was committed".to_owned())
}

//! Threads that requests run on, while callers that are not asynchronous wait.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::runtime::{Builder, Handle, Runtime};

/// The threads of this process. They do not live on in a forked one, which gets its own.
static RUNTIME: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

fn handle() -> io::Result<Handle> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, runtime)) = &*runtime
        && *owner == process
    {
        return Ok(runtime.handle().clone());
    }
    let new =
        Arc::new(Builder::new_multi_thread().worker_threads(2).thread_name("datafolio-store").enable_all().build()?);
    let handle = new.handle().clone();
    if let Some(of_parent) = runtime.replace((process, new)) {
        // To drop it would mean to wait for threads that are not there.
        std::mem::forget(of_parent);
    }
    Ok(handle)
}

/// Runs a future to its end. The caller may itself be a task of another runtime: it waits, as for a disk.
///
/// # Errors
/// When no thread can be started, or the future panicked.
pub(crate) fn wait<T, F>(future: F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (sender, receiver) = mpsc::sync_channel(1);
    handle()?.spawn(async move {
        // Nobody waits any more when the receiver is gone.
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| io::Error::other("the request ended without an answer"))
}

/// Starts a future, for whoever waits for it later, or for nobody.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start<F>(future: F) -> io::Result<tokio::task::JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Ok(handle()?.spawn(future))
}

//! Small objects that are on their way while their writer goes on: many items of one batch are uploaded at once.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use datafolio_storage::{StorageError, StorageResult};

use crate::runtime;

/// Objects that are on their way at a time...
const MOST: usize = 16;
/// ...and their bytes, of which one object may have more.
const MOST_BYTES: usize = 32 << 20;

/// What is on its way, and what did not arrive. Whoever relies on an object asks for it by its path.
#[derive(Debug)]
pub(crate) struct Pending {
    shared: Arc<Shared>,
    /// In a forked process nobody carries on what its parent had begun.
    process: u32,
}

#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<HashMap<String, Object>>,
    changed: Condvar,
}

#[derive(Debug)]
enum Object {
    OnItsWay { bytes: usize },
    Failed(StorageError),
}

impl Default for Pending {
    fn default() -> Self {
        Self { shared: Arc::default(), process: std::process::id() }
    }
}

impl Pending {
    /// Whether something can be sent while its writer goes on.
    pub(crate) fn is_possible(&self) -> bool {
        self.process == std::process::id()
    }

    /// Sends an object of so many bytes, once there is room for it.
    ///
    /// # Errors
    /// When no thread can be started; what becomes of the object is told by [`arrived`](Self::arrived).
    pub(crate) fn send(
        &self,
        path: &str,
        bytes: usize,
        sending: impl Future<Output = StorageResult<()>> + Send + 'static,
    ) -> io::Result<()> {
        let mut objects = self.shared.lock();
        loop {
            let on_their_way = objects.values().filter_map(|object| match object {
                Object::OnItsWay { bytes } => Some(*bytes),
                Object::Failed(_) => None,
            });
            let (count, sum) = on_their_way.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
            if count == 0 || (count < MOST && sum + bytes <= MOST_BYTES) {
                break;
            }
            objects = self.shared.wait(objects);
        }
        objects.insert(path.to_owned(), Object::OnItsWay { bytes });
        drop(objects);
        let end = End { shared: Arc::clone(&self.shared), path: path.to_owned(), ended: None };
        let send = async move {
            let mut end = end;
            end.ended = Some(sending.await);
        };
        runtime::start(send).map(drop)
    }

    /// Waits for an object that may be on its way.
    ///
    /// # Errors
    /// Why it did not arrive. It is told once.
    pub(crate) fn arrived(&self, path: &str) -> StorageResult<()> {
        self.ended(path);
        match self.is_possible().then(|| self.shared.lock().remove(path)).flatten() {
            Some(Object::Failed(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits until an object has arrived, or is known not to.
    pub(crate) fn ended(&self, path: &str) {
        self.until(|objects| !matches!(objects.get(path), Some(Object::OnItsWay { .. })));
    }

    /// The same for all of them.
    pub(crate) fn all_ended(&self) {
        self.until(|objects| !objects.values().any(|object| matches!(object, Object::OnItsWay { .. })));
    }

    fn until(&self, holds: impl Fn(&HashMap<String, Object>) -> bool) {
        if !self.is_possible() {
            return;
        }
        let mut objects = self.shared.lock();
        while !holds(&objects) {
            objects = self.shared.wait(objects);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, objects: MutexGuard<'a, HashMap<String, Object>>) -> MutexGuard<'a, HashMap<String, Object>> {
        self.changed.wait(objects).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how it ended, also when it did so without an answer.
struct End {
    shared: Arc<Shared>,
    path: String,
    ended: Option<StorageResult<()>>,
}

impl Drop for End {
    fn drop(&mut self) {
        let ended = self.ended.take().unwrap_or_else(|| {
            Err(StorageError::from_io("write", &self.path, "", io::Error::other("the request ended without an answer")))
        });
        let path = std::mem::take(&mut self.path);
        let mut objects = self.shared.lock();
        match ended {
            Ok(()) => drop(objects.remove(&path)),
            Err(error) => drop(objects.insert(path, Object::Failed(error))),
        }
        self.shared.changed.notify_all();
    }
}

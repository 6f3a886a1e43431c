//! Writing a new object: in one request while it is small, in parts that are sent as they fill once it is not.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use datafolio_storage::{Staged, StorageError, StorageResult};
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::runtime;
use crate::storage::Place;

/// Bytes of a part. Stores take 10,000 of them, all of one size but the last: 80 GB.
const PART: usize = 8 << 20;
/// Parts that are sent at a time; one more waits, and one is being filled.
const IN_FLIGHT: usize = 2;

/// A new object that is being written.
pub(crate) struct Upload {
    place: Arc<Place>,
    key: Path,
    path: String,
    buffer: Vec<u8>,
    /// The task that sends parts, once there is more than one.
    parts: Option<Parts>,
    failed: bool,
}

struct Parts {
    sender: mpsc::Sender<Message>,
    task: JoinHandle<object_store::Result<()>>,
}

enum Message {
    Part(Bytes),
    /// All parts were sent.
    End,
}

impl Upload {
    pub(crate) fn new(place: Arc<Place>, key: Path, path: String) -> Self {
        Self { place, key, path, buffer: Vec::new(), parts: None, failed: false }
    }

    /// Hands a part to the task that sends them, which is started for the first one. Waits while others are on their way.
    fn send(&mut self, part: Vec<u8>) -> StorageResult<()> {
        if self.parts.is_none() {
            let clients = self.place.clients()?;
            let (sender, receiver) = mpsc::channel(1);
            let key = self.key.clone();
            let task = runtime::start(send_parts(clients.patient, key, receiver));
            self.parts = Some(Parts { sender, task: task.map_err(|error| self.io_error(error))? });
        }
        let Some(parts) = &self.parts else { return Ok(()) };
        let sender = parts.sender.clone();
        let sent = runtime::wait(async move { sender.send(Message::Part(part.into())).await.is_ok() });
        match sent {
            Ok(true) => Ok(()),
            // The task has ended, and says why.
            _ => Err(self.end_of_task().err().unwrap_or_else(|| self.io_error(io::ErrorKind::BrokenPipe.into()))),
        }
    }

    /// Waits for the task that sends parts.
    fn end_of_task(&mut self) -> StorageResult<()> {
        let Some(Parts { sender, task }) = self.parts.take() else { return Ok(()) };
        drop(sender);
        let ended = runtime::wait(task).map_err(|error| self.io_error(error))?;
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.place.act("write", &self.path).error(&error)),
            Err(error) => Err(self.io_error(io::Error::other(error.to_string()))),
        }
    }

    fn io_error(&self, error: io::Error) -> StorageError {
        StorageError::from_io("write", &self.path, &self.place.location, error)
    }

    /// Writes a small object in one request.
    fn put_whole(&mut self) -> StorageResult<()> {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let (clients, key) = (self.place.clients()?, self.key.clone());
        let put = async move { put_whole(clients.patient.as_ref(), &key, bytes).await };
        self.place.act("write", &self.path).wait(put)
    }

    /// Ends an upload in parts. Completing it names the object: should somebody have taken the name since, which is random,
    /// that is told before.
    fn complete(&mut self) -> StorageResult<()> {
        let last = std::mem::take(&mut self.buffer);
        if !last.is_empty() {
            self.send(last)?;
        }
        let Some(parts) = &self.parts else { return Ok(()) };
        let sender = parts.sender.clone();
        // A task that has ended says why below.
        let _ = runtime::wait(async move { sender.send(Message::End).await.is_ok() });
        self.end_of_task()
    }
}

/// Writes an object that is not there in one request. An answer may be lost, or tell of an earlier try of the same request:
/// then what is there tells. It never changes, so that the same bytes mean that this is done.
async fn put_whole(store: &dyn ObjectStore, key: &Path, bytes: Bytes) -> object_store::Result<()> {
    const TRIES: u32 = 6;
    let mut attempt = 0;
    loop {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let error = match store.put_opts(key, PutPayload::from_bytes(bytes.clone()), options).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        attempt += 1;
        if attempt == TRIES || crate::translate::is_final(&error) {
            return Err(error);
        }
        match held(store, key, bytes.len() as u64).await {
            Ok(Some(held)) if held == bytes => return Ok(()),
            Ok(Some(_)) => return Err(Error::AlreadyExists { path: key.to_string(), source: Box::new(error) }),
            // The store was busy with the name, or did not get to it.
            Ok(None) => tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await,
            Err(_) => return Err(error),
        }
    }
}

/// What an object holds, if it is there; nothing of one that has another size.
async fn held(store: &dyn ObjectStore, key: &Path, size: u64) -> object_store::Result<Option<Bytes>> {
    match store.head(key).await {
        Ok(meta) if meta.size != size => Ok(Some(Bytes::new())),
        Ok(_) => store.get(key).await?.bytes().await.map(Some),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends parts as they come. What is not completed is aborted, so that nothing is left that somebody pays for.
async fn send_parts(
    store: Arc<dyn ObjectStore>,
    key: Path,
    mut receiver: mpsc::Receiver<Message>,
) -> object_store::Result<()> {
    let mut upload = store.put_multipart(&key).await?;
    let mut size = 0;
    let done = match send_all(upload.as_mut(), &mut receiver, &mut size).await {
        Ok(true) => complete(upload.as_mut(), store.as_ref(), &key, size).await,
        Ok(false) => Err(Error::Generic { store: "store", source: "the upload was given up".into() }),
        Err(error) => Err(error),
    };
    if done.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(%key, error = %crate::translate::words(&error), "parts of an upload stay behind in the store");
    }
    done
}

/// Whether all parts were sent; `false` when the writer gave up before the end.
async fn send_all(
    upload: &mut dyn MultipartUpload,
    receiver: &mut mpsc::Receiver<Message>,
    size: &mut u64,
) -> object_store::Result<bool> {
    let mut in_flight = JoinSet::new();
    while let Some(message) = receiver.recv().await {
        match message {
            Message::Part(part) => {
                *size += part.len() as u64;
                while in_flight.len() >= IN_FLIGHT {
                    joined(in_flight.join_next().await)?;
                }
                in_flight.spawn(upload.put_part(PutPayload::from_bytes(part)));
            }
            Message::End => {
                while !in_flight.is_empty() {
                    joined(in_flight.join_next().await)?;
                }
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn joined(ended: Option<Result<object_store::Result<()>, tokio::task::JoinError>>) -> object_store::Result<()> {
    match ended {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

async fn complete(
    upload: &mut dyn MultipartUpload,
    store: &dyn ObjectStore,
    key: &Path,
    size: u64,
) -> object_store::Result<()> {
    match store.head(key).await {
        Ok(_) => return Err(Error::AlreadyExists { path: key.to_string(), source: "the name is taken".into() }),
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    match upload.complete().await {
        Ok(_) => Ok(()),
        // The answer may have been lost, and a second request finds the upload gone. The name is random and ours.
        Err(error) => match store.head(key).await {
            Ok(meta) if meta.size == size => Ok(()),
            _ => Err(error),
        },
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        if self.buffer.len() == PART {
            let part = std::mem::take(&mut self.buffer);
            self.send(part).inspect_err(|_| self.failed = true)?;
        }
        let taken = bytes.len().min(PART - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Upload {
    fn finish_later(mut self: Box<Self>) -> StorageResult<()> {
        if self.failed || self.parts.is_some() || !self.place.pending.is_possible() {
            return self.finish();
        }
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let (clients, place) = (self.place.clients()?, Arc::clone(&self.place));
        let (key, path, length) = (self.key.clone(), self.path.clone(), bytes.len());
        let sending = async move {
            let put = put_whole(clients.patient.as_ref(), &key, bytes).await;
            put.map_err(|error| place.act("write", &path).error(&error))
        };
        self.place.pending.send(&self.path, length, sending).map_err(|error| self.io_error(error))
    }

    fn finish(mut self: Box<Self>) -> StorageResult<()> {
        if self.failed {
            return Err(self.io_error(io::Error::other("an earlier write failed")));
        }
        match self.parts {
            None => self.put_whole(),
            Some(_) => self.complete(),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Without an end the task aborts the upload; who drops it waits, since the program may end next.
        if let Some(Parts { sender, task }) = self.parts.take() {
            drop(sender);
            let _ = runtime::wait(task);
        }
    }
}

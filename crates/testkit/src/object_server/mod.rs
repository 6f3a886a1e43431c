//! An object store in this process, reached over HTTP, that fails when told to.
//!
//! An [`ObjectServer`] has one bucket, named `bucket`. It speaks the part of the S3 API that programs use which read,
//! write, list and remove objects, and understands on the same paths what Google's XML API has of its own: generations,
//! their conditions and `x-goog-copy-source`. Whatever a request asks for is done under one lock, so that a condition
//! holds exactly. Signatures are not checked. [`Faults`] are switches that make it slow, forgetful or broken while it
//! runs.
//!
//! Where the two differ, a request with a bearer token is one of Google's API: there, removing what is not there is an
//! error.
//!
//! ```
//! use datafolio_testkit::object_server::{FaultKind, ObjectServer};
//!
//! let server = ObjectServer::start();
//! server.put("tables/t.parquet", b"bytes");
//! // The next object that is written arrives, and its writer never learns of it.
//! server.faults().next(FaultKind::CutAfter, Some("PUT"), "tables/");
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! ```

mod answers;
mod connection;
mod encoding;
mod exchange;
mod faults;
mod listing;
mod objects;
mod requests;
#[cfg(test)]
mod tests;
mod uploads;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;

use connection::{Door, Scissors};
use objects::Objects;

pub use faults::{FaultKind, Faults};

/// The only bucket there is.
const BUCKET: &str = "bucket";

/// A request that was answered, or whose connection was cut in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The key of the object, decoded; empty for a request to the bucket.
    pub key: String,
    /// What follows the question mark, as it was sent.
    pub query: String,
    /// The status of the answer; 0 where the connection was cut instead.
    pub status: u16,
    /// Bytes of the body of the request.
    pub received: u64,
    /// Bytes of the body of the answer; half of what it declares for [`FaultKind::ShortRead`].
    pub sent: u64,
    /// The range that was asked for.
    pub range: Option<String>,
}

/// An object store that runs until it is dropped.
#[derive(Debug)]
pub struct ObjectServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Nothing is sent: the server stops when this end is gone.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the requests work on, and what the tests look at.
#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<Objects>,
    faults: Faults,
    log: Mutex<Vec<Request>>,
}

impl Shared {
    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Vec<Request>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectServer {
    /// A server with an empty bucket, on a port of its own of the loopback address.
    #[expect(clippy::expect_used, reason = "without a port there is nothing to test")]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the loopback address");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("the address of the socket");
        let shared = Arc::<Shared>::default();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve(listener, shared, &stopped)
        });
        Self { shared, address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where clients find it, without a slash at the end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The switches, all off at first.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log().clone()
    }

    /// The requests since the last call of this.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.shared.log())
    }

    /// The keys and contents of the bucket, sorted by key.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        self.shared.objects().contents()
    }

    /// Writes an object as another program would, without a request.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let now = self.shared.faults.now();
        self.shared.objects().put(key, Bytes::copy_from_slice(bytes), now);
    }

    /// Removes an object as another program would, without a request; whether it was there.
    pub fn remove(&self, key: &str) -> bool {
        self.shared.objects().remove(key)
    }

    /// How many uploads in parts were begun and neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> usize {
        self.shared.objects().unfinished_uploads()
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

/// Answers requests until the other end of `stopped` is gone, and closes all connections then.
#[expect(clippy::expect_used, reason = "without a runtime there is nothing to test")]
fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: &Receiver<()>) {
    // The runtime lives on a thread of its own, for one may not be dropped where another one is running.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("object-server")
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of the runtime");
        let door = Door::new(listener, Arc::clone(&shared));
        let service = Router::new().fallback(exchange::answer).with_state(shared);
        let _ = axum::serve(door, service.into_make_service_with_connect_info::<Scissors>()).await;
    });
    let _ = stopped.recv();
}

//! Programs of others that speak the language of a store: what they take and answer is not what we have made of the documentation.
//!
//! * [`PeerStore::moto`] is the S3 of moto, which programs in Python are tested with.
//! * [`PeerStore::azurite`] is Azurite, Microsoft's own stand-in for Azure Blob Storage.
//!
//! Each has one bucket or container, named `bucket`, holds everything in memory, and answers to this machine alone.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use datafolio_storage::StorageOptions;

use crate::peers::{absent, installed, place};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// The account of Azurite, and its key.
const ACCOUNT: &str = "tester";
const KEY: &str = "c2VjcmV0IG9mIHRoZSB0ZXN0ZXI=";

/// A server in a process of its own, which ends with this value, and also with the process of the test, however that ends: it runs until
/// its input does. One runs at a time.
#[derive(Debug)]
pub struct PeerStore {
    process: Child,
    endpoint: String,
    kind: Kind,
    places: AtomicU32,
    _turn: MutexGuard<'static, ()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Moto,
    Azurite,
}

impl PeerStore {
    /// The S3 of moto; `None` where it is not installed and the tests may do without.
    ///
    /// # Panics
    /// When it is not installed and nobody said that the tests may do without; when it does not start.
    pub fn moto() -> Option<Self> {
        let mut command = Command::new(installed("DATAFOLIO_PYTHON_MOTO", "moto", "moto")?);
        command.args(["-W", "ignore", "-c", include_str!("serve_moto.py")]);
        Some(Self::start(command, Kind::Moto))
    }

    /// Azurite; `None` where it is not installed and the tests may do without, as they may where there is no npm to install it with.
    ///
    /// # Panics
    /// As [`PeerStore::moto`].
    pub fn azurite() -> Option<Self> {
        let mut command = Command::new("node");
        command.args(["-e", include_str!("serve_azurite.js")]).arg(azurite_program()?).args([ACCOUNT, KEY]);
        Some(Self::start(command, Kind::Azurite))
    }

    #[expect(clippy::panic, reason = "without a server there is nothing to test")]
    fn start(mut command: Command, kind: Kind) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{kind:?} cannot be started: {error}"));
        let output = process.stdout.take();
        let mut store = Self { process, endpoint: String::new(), kind, places: AtomicU32::new(0), _turn: turn };
        let (send, said) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output.into_iter().next()?).lines().map_while(Result::ok) {
                send.send(line).ok()?;
            }
            Some(())
        });
        // Whatever goes wrong from here on, the process ends with `store`.
        let first = said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{kind:?} does not say where it listens"));
        assert!(first.starts_with("http://127.0.0.1:"), "{kind:?} says {first:?}");
        store.endpoint = first;
        store
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it is reached with.
    pub fn options(&self) -> StorageOptions {
        let options = StorageOptions::new().with("endpoint", &self.endpoint);
        match self.kind {
            Kind::Moto => {
                options.with("access_key_id", "key").with("secret_access_key", "secret").with("region", "us-east-1")
            }
            Kind::Azurite => options.with("account_name", ACCOUNT).with("account_key", KEY),
        }
    }

    /// The address of a prefix.
    pub fn address(&self, prefix: &str) -> String {
        match self.kind {
            Kind::Moto => format!("s3://bucket/{prefix}"),
            Kind::Azurite => format!("az://bucket/{prefix}"),
        }
    }

    /// The address of a prefix that was never used before.
    pub fn new_place(&self, above: &str) -> String {
        self.address(&format!("{above}/{}", self.places.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Drop for PeerStore {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that is Azurite's service of blobs.
#[allow(clippy::print_stdout, reason = "whoever leaves tests out is told")]
fn azurite_program() -> Option<PathBuf> {
    const VARIABLE: &str = "DATAFOLIO_AZURITE";
    const BELOW: &str = "azurite/node_modules/azurite/dist/src/blob/main.js";
    let named = env::var_os(VARIABLE).map(PathBuf::from);
    let program = named.or_else(|| Some(place()?.join(BELOW))).filter(|program| program.is_file());
    if program.is_some() {
        return program;
    }
    if place()?.join("azurite/left-out").is_file() {
        println!("SKIPPED: Azurite is not installed, since npm could not get it when scripts/peers.sh ran");
        return None;
    }
    let npm = env::var_os("PATH").and_then(|path| env::split_paths(&path).find(|dir| dir.join("npm").is_file()));
    if npm.is_none() {
        println!(
            "SKIPPED: Azurite is not installed, and there is no npm, with which scripts/peers.sh would install it"
        );
        return None;
    }
    absent(&format!("Azurite is not installed: run scripts/peers.sh, or set {VARIABLE} to its dist/src/blob/main.js"))
}

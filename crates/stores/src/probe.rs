//! Whether a store keeps to the conditions of requests. One that writes in spite of them would lose commits.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use datafolio_storage::{StorageError, StorageResult};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};

use crate::connect::Clients;
use crate::random;
use crate::translate::Act;

/// Places that this process has found to keep to conditions.
static FOUND: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// How long what was found is relied upon by other processes of this machine.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// One place to be written to.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Endpoint and bucket: what is found for one bundle holds for all there.
    pub(crate) store: String,
    /// Where the probe may write: the bundle's prefix.
    pub(crate) prefix: Path,
    /// The file that remembers that the store keeps to conditions.
    pub(crate) marker: Option<PathBuf>,
}

impl Probe {
    /// Finds out, unless that is known.
    ///
    /// # Errors
    /// [`StorageError::ConditionsIgnored`]; when the store cannot be written to.
    pub(crate) fn check(&self, clients: &Clients, act: &Act<'_>) -> StorageResult<()> {
        let found = |found: &HashSet<String>| found.contains(&self.store);
        if found(&FOUND.lock().unwrap_or_else(PoisonError::into_inner)) || self.is_remembered() {
            return Ok(());
        }
        let (clients, key) = (clients.clone(), self.key(act)?);
        if let Some(ignored) = act.wait(async move { probe(&clients, &key).await })? {
            return Err(StorageError::ConditionsIgnored { location: act.location.to_owned(), ignored });
        }
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).insert(self.store.clone());
        self.remember();
        Ok(())
    }

    fn key(&self, act: &Act<'_>) -> StorageResult<Path> {
        let name = random::name().map_err(|error| act.bad_answer(error.to_string()))?;
        Ok(self.prefix.clone().join(format!(".datafolio-probe-{name}")))
    }

    fn is_remembered(&self) -> bool {
        let written = self.marker.as_ref().and_then(|marker| std::fs::symlink_metadata(marker).ok()?.modified().ok());
        written.and_then(|written| SystemTime::now().duration_since(written).ok()).is_some_and(|age| age < REMEMBERED)
    }

    /// Best effort: what is not remembered is found out again.
    fn remember(&self) {
        let Some(marker) = &self.marker else { return };
        let written = marker
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(marker, format!("{} keeps to conditions\n", self.store)));
        if let Err(error) = written {
            tracing::debug!(%error, "could not remember that the store keeps to conditions");
        }
    }
}

/// What the store ignores, if anything.
async fn probe(clients: &Clients, key: &Path) -> object_store::Result<Option<&'static str>> {
    let found = ask(clients, key).await;
    // Whatever was found, the probe leaves nothing behind if that can be helped.
    if let Err(error) = clients.patient.delete(key).await {
        tracing::debug!(%key, %error, "a probe stays behind");
    }
    found
}

async fn ask(clients: &Clients, key: &Path) -> object_store::Result<Option<&'static str>> {
    const TRIES: u32 = 8;
    let mut version = None;
    for attempt in 0..TRIES {
        match put(clients, key, "1", PutMode::Create).await {
            Ok(result) => {
                version = Some(UpdateVersion::from(result));
                break;
            }
            // The answer to an earlier try may have been lost: what is there is ours, under a name that nobody else uses.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                let meta = clients.patient.head(key).await;
                match meta {
                    Ok(meta) => {
                        version = Some(UpdateVersion { e_tag: meta.e_tag, version: meta.version });
                        break;
                    }
                    Err(Error::NotFound { .. }) if attempt + 1 < TRIES => pause(attempt).await,
                    Err(error) => return Err(error),
                }
            }
            Err(error) if attempt + 1 == TRIES || crate::translate::is_final(&error) => return Err(error),
            Err(_) => pause(attempt).await,
        }
    }
    let Some(version) = version.filter(|version| version.e_tag.is_some() || version.version.is_some()) else {
        return Ok(Some("gives no e-tag for what it has written"));
    };
    if !is_refused(clients, key, "2", || PutMode::Create).await? {
        return Ok(Some("wrote over an object that was to be created only if there is none"));
    }
    // A state that the object was never in: one of its own with other content.
    let stale = UpdateVersion {
        e_tag: version.e_tag.as_ref().map(|_| "\"00000000000000000000000000000000\"".to_owned()),
        version: version.version.as_ref().map(|version| if version == "1" { "2" } else { "1" }.to_owned()),
    };
    if !is_refused(clients, key, "3", || PutMode::Update(stale.clone())).await? {
        return Ok(Some("wrote over an object whose e-tag was not the one asked for"));
    }
    Ok(None)
}

/// Whether a write with a condition that does not hold is refused. An error on the way says nothing, and it is asked again.
async fn is_refused(
    clients: &Clients,
    key: &Path,
    content: &'static str,
    mode: impl Fn() -> PutMode,
) -> object_store::Result<bool> {
    const TRIES: u32 = 8;
    for attempt in 0..TRIES {
        match put(clients, key, content, mode()).await {
            Ok(_) => return Ok(false),
            // A store may say so by mistake; what it holds tells.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. }) => {
                let held = clients.patient.get(key).await?.bytes().await?;
                return Ok(held != content.as_bytes());
            }
            Err(error) if attempt + 1 == TRIES || crate::translate::is_final(&error) => return Err(error),
            Err(_) => pause(attempt).await,
        }
    }
    Ok(false)
}

async fn put(
    clients: &Clients,
    key: &Path,
    content: &'static str,
    mode: PutMode,
) -> object_store::Result<object_store::PutResult> {
    clients.once.put_opts(key, PutPayload::from_static(content.as_bytes()), mode.into()).await
}

async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(50 << attempt.min(6))).await;
}

//! Where a bundle lies: a directory of this machine, or an address on an object store or web server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_storage::{LocalStorage, OutsidePlaces, Storage, StorageError};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::settings::Settings;

/// A place as the caller named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A directory.
    Local(PathBuf),
    /// An address with a scheme: `s3://bucket/prefix`.
    Remote(String),
}

impl Place {
    /// Tells addresses from paths. `file://` is accepted as the formats write it.
    pub(crate) fn of(path: &Path) -> Self {
        let Some(text) = path.to_str() else { return Self::Local(path.to_owned()) };
        match text.split_once("://") {
            Some(("file", rest)) => Self::Local(PathBuf::from(rest)),
            // One letter before a colon is a drive.
            Some((scheme, _)) if scheme.len() > 1 && scheme.bytes().all(is_scheme) => Self::Remote(text.to_owned()),
            _ => Self::Local(path.to_owned()),
        }
    }

    /// Whether a bundle can be made there: not below the address of a web server.
    pub(crate) fn can_be_written(&self) -> bool {
        !matches!(self, Self::Remote(address) if address.starts_with("http://") || address.starts_with("https://"))
    }

    /// The storage of a bundle that is to be there.
    ///
    /// # Errors
    /// [`Error::NotABundle`] when there is no directory; an address or option that is not acceptable.
    pub(crate) fn existing(&self, settings: &Settings) -> Result<Arc<dyn Storage>> {
        let path = match self {
            Self::Local(path) => path,
            Self::Remote(address) => return remote::storage(address, settings),
        };
        refuse_file(path)?;
        if !path.is_dir() {
            return Err(Error::NotABundle { location: path.display().to_string() });
        }
        Ok(Arc::new(LocalStorage::open(path)?))
    }

    /// The storage of a bundle that is to be made.
    ///
    /// # Errors
    /// When the directory cannot be made; the address of a web server; an address or option that is not acceptable.
    pub(crate) fn new_one(&self, settings: &Settings) -> Result<Arc<dyn Storage>> {
        match self {
            Self::Local(path) => Ok(Arc::new(LocalStorage::create(path)?)),
            Self::Remote(address) => {
                if !self.can_be_written() {
                    // Before the options, which are those of another place when a bundle is pushed.
                    let (path, location) = ("a bundle".to_owned(), remote::location(address)?);
                    return Err(StorageError::ReadOnlyPlace { action: "make", path, location }.into());
                }
                remote::storage(address, settings)
            }
        }
    }

    /// The place beside it that has another name.
    pub(crate) fn renamed(&self, name: impl FnOnce(&str) -> Result<String>) -> Result<Self> {
        match self {
            Self::Local(path) => {
                let base = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Ok(Self::Local(path.with_file_name(name(&base)?)))
            }
            Self::Remote(address) => {
                let address = address.trim_end_matches('/');
                let (above, base) = address.rsplit_once('/').unwrap_or(("", address));
                Ok(Self::Remote(format!("{above}/{}", name(base)?)))
            }
        }
    }
}

/// What a bundle is reached with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreAccess {
    /// The bundle.
    pub location: String,
    /// Where the credentials come from, for people: `environment variable AWS_ACCESS_KEY_ID`. Never what they hold.
    pub credentials: String,
    /// The endpoint, where it is not the store's own.
    pub endpoint: Option<String>,
    /// The region, where one is known.
    pub region: Option<String>,
}

/// Says where the credentials for a bundle come from. Nothing is asked of the store, and there need be no bundle.
///
/// # Errors
/// An address or option that is not acceptable, or a profile that is not there.
pub fn store_access(place: impl AsRef<Path>, settings: &Settings) -> Result<StoreAccess> {
    match Place::of(place.as_ref()) {
        Place::Remote(address) => remote::access(&address, settings),
        Place::Local(path) => Ok(StoreAccess {
            location: path.display().to_string(),
            credentials: "none: it is on this machine".to_owned(),
            endpoint: None,
            region: None,
        }),
    }
}

/// What reaches tables that a bundle refers to on stores; `None` where this build cannot.
pub(crate) fn outside_places(storage: &dyn Storage, settings: &Settings) -> Option<Arc<dyn OutsidePlaces>> {
    remote::outside(storage, settings)
}

/// Refuses a file where a bundle is meant.
pub(crate) fn refuse_file(path: &Path) -> Result<()> {
    match path.is_file() {
        true => Err(Error::Invalid(format!("{} is a file, and a bundle is a directory", path.display()))),
        false => Ok(()),
    }
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(feature = "stores")]
mod remote {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    use datafolio_handlers::without_secrets;
    use datafolio_storage::{Patience, StorageOptions, StorageResult};
    use datafolio_stores::Scheme;

    use super::*;

    pub(super) fn storage(address: &str, settings: &Settings) -> Result<Arc<dyn Storage>> {
        let found = settings.cache_dir.as_ref().map(|dir| dir.join("stores"));
        Ok(datafolio_stores::open(&parse(address)?, &settings.storage_options, found)?)
    }

    pub(super) fn access(address: &str, settings: &Settings) -> Result<StoreAccess> {
        let address = parse(address)?;
        let access = datafolio_stores::access(&address, &settings.storage_options)?;
        let datafolio_stores::Access { credentials, endpoint, region } = access;
        Ok(StoreAccess { location: address.to_string(), credentials, endpoint, region })
    }

    /// Stores that a bundle refers to, each of which is connected to once.
    #[derive(Debug)]
    struct Outside {
        /// The kind of store that the bundle lies on; `None` for a bundle of this machine.
        scheme: Option<Scheme>,
        settings: Settings,
        known: Mutex<HashMap<(String, Patience), Arc<dyn Storage>>>,
    }

    /// Most places that are remembered; then all are forgotten, and connected to again.
    const MOST: usize = 256;

    pub(super) fn outside(storage: &dyn Storage, settings: &Settings) -> Option<Arc<dyn OutsidePlaces>> {
        let scheme = Scheme::of(&storage.location());
        Some(Arc::new(Outside { scheme, settings: settings.clone(), known: Mutex::default() }))
    }

    impl Outside {
        /// The options of the bundle where they can be meant: those of another kind of store would be refused, or tell it secrets.
        fn options(&self, scheme: Scheme, patience: Patience) -> StorageOptions {
            let is_meant = match self.scheme {
                Some(of_bundle) => of_bundle == scheme,
                None => scheme == Scheme::S3,
            };
            let mut options = if is_meant { self.settings.storage_options.clone() } else { StorageOptions::new() };
            if patience == Patience::Short {
                let short =
                    [("max_retries", "1"), ("retry_timeout", "5"), ("connect_timeout", "3s"), ("timeout", "10s")];
                for (name, value) in short {
                    if options.get(&[name]).is_none() {
                        options = options.with(name, value);
                    }
                }
            }
            options
        }
    }

    impl OutsidePlaces for Outside {
        fn at(&self, address: &str, patience: Patience) -> StorageResult<Arc<dyn Storage>> {
            let key = (address.to_owned(), patience);
            if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
                return Ok(Arc::clone(known));
            }
            let parsed = datafolio_stores::Address::parse(address).map_err(|error| StorageError::BadOption {
                location: without_secrets(address),
                reason: error.to_string(),
            })?;
            let found = self.settings.cache_dir.as_ref().map(|dir| dir.join("stores"));
            let storage = datafolio_stores::open(&parsed, &self.options(parsed.scheme(), patience), found)?;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key, Arc::clone(&storage));
            Ok(storage)
        }
    }

    /// The address as messages show it.
    pub(super) fn location(address: &str) -> Result<String> {
        Ok(parse(address)?.to_string())
    }

    fn parse(address: &str) -> Result<datafolio_stores::Address> {
        datafolio_stores::Address::parse(address).map_err(|error| Error::Invalid(error.to_string()))
    }
}

#[cfg(not(feature = "stores"))]
mod remote {
    use datafolio_handlers::HandlerError;

    use super::*;

    pub(super) fn storage(address: &str, _settings: &Settings) -> Result<Arc<dyn Storage>> {
        Err(unsupported(address))
    }

    pub(super) fn location(address: &str) -> Result<String> {
        Err(unsupported(address))
    }

    pub(super) fn outside(_storage: &dyn Storage, _settings: &Settings) -> Option<Arc<dyn OutsidePlaces>> {
        None
    }

    pub(super) fn access(address: &str, _settings: &Settings) -> Result<StoreAccess> {
        Err(unsupported(address))
    }

    fn unsupported(address: &str) -> Error {
        let scheme = address.split("://").next().unwrap_or_default();
        let what = format!("a bundle at {scheme}://");
        HandlerError::Unsupported { what, needs: "a build with the feature stores".to_owned() }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for (text, expected) in [
            ("s3://bucket/a", Place::Remote("s3://bucket/a".to_owned())),
            ("file:///srv/a", Place::Local("/srv/a".into())),
            ("runs/a", Place::Local("runs/a".into())),
            ("C://a", Place::Local("C://a".into())),
            ("odd name://a", Place::Local("odd name://a".into())),
        ] {
            assert_eq!(Place::of(Path::new(text)), expected);
        }
        let beside = |text: &str| Place::of(Path::new(text)).renamed(|base| Ok(format!("{base}-x"))).unwrap();
        assert_eq!(beside("s3://b/runs/a/"), Place::Remote("s3://b/runs/a-x".to_owned()));
        assert_eq!(beside("/runs/a"), Place::Local("/runs/a-x".into()));
    }

    #[cfg(not(feature = "stores"))]
    #[test]
    fn a_build_without_stores_names_the_feature() {
        let error = Place::of(Path::new("s3://bucket/a")).existing(&Settings::default()).unwrap_err();
        assert!(error.to_string().contains("feature stores"), "{error}");
    }
}

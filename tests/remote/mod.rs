//! Bundles on an object store: the server of the testkit, over the protocol of S3 and that of Google, and servers of others.

mod faults;
mod foreign;
mod garbage;
mod interleaved;
mod peers;
mod references;
mod requests;
mod simulated;
mod stages;
mod tables;
mod transfer;
mod versions;
mod writers;

use std::path::Path;

use datafolio::{DataFolio, OpenOptions, Settings, StorageOptions};
use datafolio_testkit::object_server::ObjectServer;
use tempfile::TempDir;

/// A server, and how bundles on it are reached.
pub(crate) struct Remote {
    pub(crate) server: ObjectServer,
    /// A cache of its own: what another test has found out must not be known here.
    pub(crate) cache: TempDir,
    google: bool,
}

impl Remote {
    pub(crate) fn s3() -> Self {
        Self { server: ObjectServer::start(), cache: TempDir::new().unwrap(), google: false }
    }

    pub(crate) fn google() -> Self {
        Self { google: true, ..Self::s3() }
    }

    /// The address of a bundle.
    pub(crate) fn address(&self, name: &str) -> String {
        let scheme = if self.google { "gs" } else { "s3" };
        format!("{scheme}://bucket/runs/{name}")
    }

    pub(crate) fn storage_options(&self) -> StorageOptions {
        let options = StorageOptions::new().with("endpoint", self.server.endpoint());
        match self.google {
            true => options.with("bearer_token", "token"),
            false => options.with("access_key_id", "key").with("secret_access_key", "secret").with("region", "here"),
        }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions::new().settings(settings_in(self.cache.path())).storage_options(self.storage_options())
    }

    pub(crate) fn create(&self, name: &str) -> DataFolio {
        self.options().create(self.address(name)).unwrap()
    }

    pub(crate) fn open(&self, name: &str) -> DataFolio {
        self.options().open(self.address(name)).unwrap()
    }
}

/// Settings with a cache in a directory.
pub(crate) fn settings_in(cache: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.cache_dir = Some(cache.to_owned());
    settings
}

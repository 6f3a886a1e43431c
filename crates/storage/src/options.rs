//! What a store is reached with, beyond what the environment says.

use std::collections::BTreeMap;
use std::fmt;

/// Options of a store, by the names that `object_store` gives them (`region`, `endpoint`, `access_key_id`, `account_name`,
/// `skip_signature`, ...), and a few of our own: `profile`, `max_retries`, `retry_timeout` (seconds).
///
/// They are kept in memory alone, and never shown: [`Debug`] prints the names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions {
    values: BTreeMap<String, String>,
}

impl StorageOptions {
    /// No options: what the environment says holds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option; names are the same in any case of letters.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.values.insert(name.as_ref().to_ascii_lowercase(), value.into());
        self
    }

    /// The value of an option, under any of its names.
    pub fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.values.get(*name)).map(String::as_str)
    }

    /// All options but those of our own.
    pub fn of_store(&self) -> impl Iterator<Item = (&str, &str)> {
        const OURS: [&str; 3] = ["profile", "max_retries", "retry_timeout"];
        self.values.iter().map(|(name, value)| (&**name, &**value)).filter(|(name, _)| !OURS.contains(name))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Names and values, for who hands them on to another process.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for StorageOptions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::new(), |options, (name, value)| options.with(name, value))
    }
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

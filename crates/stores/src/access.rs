//! What a store is reached with, in words: never the credentials themselves.

use std::fmt;

/// Where the credentials for a store come from, and which endpoint they are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The source of the credentials, for people: `environment variable AWS_ACCESS_KEY_ID`.
    pub credentials: String,
    /// The endpoint, where it is not the store's own.
    pub endpoint: Option<String>,
    /// The region, where one is known.
    pub region: Option<String>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.credentials)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, ", endpoint {endpoint}")?;
        }
        if let Some(region) = &self.region {
            write!(f, ", region {region}")?;
        }
        Ok(())
    }
}

//! What a bundle on a store is called.

use std::fmt;

use object_store::path::Path;

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Amazon S3 and what speaks its language: `s3://bucket/prefix`.
    S3,
    /// Google Cloud Storage: `gs://bucket/prefix`.
    Google,
    /// Azure Blob Storage: `az://container/prefix`.
    Azure,
    /// A web server, for reading: `https://host/path`.
    Http,
    /// Memory of this process, for tests and examples: `memory://name/prefix`.
    Memory,
}

impl Scheme {
    const ALL: [(&'static str, Self); 9] = [
        ("s3", Self::S3),
        ("s3a", Self::S3),
        ("gs", Self::Google),
        ("gcs", Self::Google),
        ("az", Self::Azure),
        ("azure", Self::Azure),
        ("https", Self::Http),
        ("http", Self::Http),
        ("memory", Self::Memory),
    ];

    /// Whether an address begins with the name of a kind of store.
    pub fn of(text: &str) -> Option<Self> {
        let (name, _) = text.split_once("://")?;
        Self::ALL.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, scheme)| *scheme)
    }

    /// The name that an address is shown with.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
            Self::Http => "https",
            Self::Memory => "memory",
        }
    }
}

/// Where a bundle lies: a kind of store, a bucket or container there, and a prefix in it. It holds nothing that grants access.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    scheme: Scheme,
    shown: String,
    /// Bucket, container, host with its port, or name of a place in memory.
    bucket: String,
    prefix: Path,
}

/// Why a text is no address of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The scheme is none of a store.
    #[error("{scheme}:// is no store that is known here: s3, gs, az, https and memory are")]
    UnknownScheme {
        /// The scheme.
        scheme: String,
    },
    /// The address names no bucket, container or host.
    #[error("{scheme}:// needs {what} after it: {scheme}://{example}")]
    NoBucket {
        /// The scheme.
        scheme: &'static str,
        /// What is missing.
        what: &'static str,
        /// How it would look.
        example: &'static str,
    },
    /// A user name, password, signature or other parameter stands in the address. It is not repeated here.
    #[error(
        "an address of a bundle holds no user name, password or parameters (nothing before an `@`, nothing after a `?` or \
         `#`): credentials come from the environment or from options"
    )]
    HoldsCredentials,
    /// The prefix has a segment that keys cannot have.
    #[error("{prefix} cannot be the prefix of a bundle: {reason}")]
    BadPrefix {
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Address {
    /// Takes an address apart. Keys are taken as they stand: nothing is decoded, as the stores' own programs do it.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (name, rest) = text.split_once("://").unwrap_or(("", text));
        let Some(scheme) = Scheme::of(text) else {
            return Err(AddressError::UnknownScheme { scheme: name.to_ascii_lowercase() });
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // An `@` later is part of a key, unless what comes before it reads like a user and a password.
        let before_at = rest.split_once('@').map(|(before, _)| before);
        if bucket.contains('@') || before_at.is_some_and(|before| before.contains(':') && scheme != Scheme::Http) {
            return Err(AddressError::HoldsCredentials);
        }
        if bucket.contains(['?', '#']) || prefix.contains(['?', '#']) {
            return Err(AddressError::HoldsCredentials);
        }
        if bucket.is_empty() {
            let (what, example) = match scheme {
                Scheme::Azure => ("the name of a container", "container/prefix"),
                Scheme::Http => ("the name of a host", "host/path"),
                Scheme::Memory => ("a name", "name/prefix"),
                Scheme::S3 | Scheme::Google => ("the name of a bucket", "bucket/prefix"),
            };
            return Err(AddressError::NoBucket { scheme: scheme.name(), what, example });
        }
        let bad = |reason: String| AddressError::BadPrefix { prefix: prefix.to_owned(), reason };
        let parsed = Path::parse(prefix).map_err(|error| bad(error.to_string()))?;
        let shown_scheme = match scheme {
            Scheme::Http => name.to_ascii_lowercase(),
            _ => scheme.name().to_owned(),
        };
        let shown = match parsed.is_root() {
            true => format!("{shown_scheme}://{bucket}"),
            false => format!("{shown_scheme}://{bucket}/{parsed}"),
        };
        Ok(Self { scheme, shown, bucket: bucket.to_owned(), prefix: parsed })
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Bucket, container, host with its port, or name of a place in memory.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What all keys of the bundle begin with, without the slash at its end.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The last part of the address, by which people call the bundle.
    pub fn name(&self) -> &str {
        self.prefix.filename().unwrap_or(&self.bucket)
    }

    /// The address of another bundle beside this one.
    pub fn with_name(&self, name: &str) -> Result<Self, AddressError> {
        let (parent, _) = self.shown.rsplit_once('/').unwrap_or((&self.shown, ""));
        match self.prefix.is_root() {
            true => Self::parse(&format!("{}/{name}", self.shown)),
            false => Self::parse(&format!("{parent}/{name}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, scheme, bucket, prefix, shown) in [
            ("s3://bucket/a/b", Scheme::S3, "bucket", "a/b", "s3://bucket/a/b"),
            ("S3A://bucket/a/", Scheme::S3, "bucket", "a", "s3://bucket/a"),
            ("s3://bucket", Scheme::S3, "bucket", "", "s3://bucket"),
            ("gcs://b/größe x%20y", Scheme::Google, "b", "größe x%20y", "gs://b/größe x%20y"),
            ("azure://c/p", Scheme::Azure, "c", "p", "az://c/p"),
            ("https://host:8443/x", Scheme::Http, "host:8443", "x", "https://host:8443/x"),
            ("http://localhost/x", Scheme::Http, "localhost", "x", "http://localhost/x"),
            ("s3://bucket/runs/mail@home", Scheme::S3, "bucket", "runs/mail@home", "s3://bucket/runs/mail@home"),
            ("memory://m", Scheme::Memory, "m", "", "memory://m"),
        ] {
            let address = Address::parse(text).unwrap();
            let found = (address.scheme(), address.bucket(), address.prefix().as_ref());
            assert_eq!(found, (scheme, bucket, prefix), "{text}");
            assert_eq!(address.to_string(), shown);
        }
        assert_eq!(Address::parse("s3://b/a/run").unwrap().with_name("run-2").unwrap().to_string(), "s3://b/a/run-2");
        assert_eq!(Address::parse("s3://b").unwrap().with_name("x").unwrap().to_string(), "s3://b/x");
        assert_eq!(Address::parse("s3://b/a/run").unwrap().name(), "run");
    }

    #[test]
    fn what_grants_access_is_refused_and_not_repeated() {
        for text in [
            "s3://KEY:SECRET@bucket/a",
            "s3://KEY:SEC/RET@bucket/a",
            "https://user:SECRET@host/x",
            "https://host/x?X-Amz-Signature=SECRET",
            "az://container/x?sig=SECRET",
            "s3://bucket#SECRET",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error, AddressError::HoldsCredentials, "{text}");
            assert!(!error.to_string().contains("SECRET"));
        }
        for text in ["s3://", "s3:///a", "ftp://host/x", "s3://bucket/a/../b", "s3://bucket/a//b", "plain"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}

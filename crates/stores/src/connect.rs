//! Clients of a store, by its address, the options and the environment.

use std::str::FromStr;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use datafolio_storage::{StorageError, StorageOptions, StorageResult};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use crate::access::Access;
use crate::address::{Address, Scheme};
use crate::emulator;
use crate::profile::{Files, Profile};

/// Two clients of one store.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// Tries again what failed on the way or in the store. For everything that does the same when it is done twice.
    pub(crate) patient: Arc<dyn ObjectStore>,
    /// Tries once. For conditional writes: a second try that finds the condition broken cannot tell whether the first one
    /// did it.
    pub(crate) once: Arc<dyn ObjectStore>,
}

/// Makes the clients of a process when they are first needed.
#[derive(Debug)]
pub(crate) struct Connector {
    address: Address,
    options: StorageOptions,
    access: Access,
    /// The key of the profile that is used.
    profile: Option<Key>,
    clients: Mutex<Option<(u32, Clients)>>,
}

impl Connector {
    /// Finds out what the store is reached with. No request is made.
    pub(crate) fn new(address: Address, options: StorageOptions) -> StorageResult<Self> {
        let (access, profile) = find_access(&address, &options)?;
        refuse_unencrypted(&address, &access, &options)?;
        let connector = Self { address, options, access, profile, clients: Mutex::default() };
        connector.clients()?;
        Ok(connector)
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The clients of this process. Those of a process that this one was forked from have connections that are not its own.
    pub(crate) fn clients(&self) -> StorageResult<Clients> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some((owner, clients)) = &*clients
            && *owner == process
        {
            return Ok(clients.clone());
        }
        install_cryptography();
        let new = Clients { patient: self.build(self.patience()?)?, once: self.build(NO_PATIENCE)? };
        if let Some(of_parent) = clients.replace((process, new.clone())) {
            std::mem::forget(of_parent);
        }
        Ok(new)
    }

    fn patience(&self) -> StorageResult<RetryConfig> {
        let number = |name: &'static str, default: u64| match self.options.get(&[name]) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| self.refuse(format!("option {name} is a whole number, not {text:?}")))
            }
        };
        Ok(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                base: 2.0,
            },
            max_retries: usize::try_from(number("max_retries", 6)?).unwrap_or(usize::MAX),
            retry_timeout: Duration::from_secs(number("retry_timeout", 60)?),
        })
    }

    fn build(&self, retry: RetryConfig) -> StorageResult<Arc<dyn ObjectStore>> {
        let built = match self.address.scheme() {
            Scheme::S3 => self.s3(retry)?.build().map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
            Scheme::Google => self.google(retry)?.build().map(|store| Arc::new(store) as _),
            Scheme::Azure => self.azure(retry)?.build().map(|store| Arc::new(store) as _),
            Scheme::Http => self.http(retry)?.build().map(|store| Arc::new(store) as _),
            Scheme::Memory => Ok(Arc::new(object_store::memory::InMemory::new()) as _),
        };
        built.map_err(|error| self.refuse(crate::translate::words(&error)))
    }

    fn s3(&self, retry: RetryConfig) -> StorageResult<AmazonS3Builder> {
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(self.address.bucket()).with_retry(retry);
        if let Some((id, secret, token)) = &self.profile {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            if let Some(token) = token {
                builder = builder.with_token(token);
            }
        }
        if let Some(region) = &self.access.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.access.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if self.stays_here() {
            builder = builder.with_allow_http(true);
        }
        self.configured(builder, |_| true, AmazonS3Builder::with_config)
    }

    fn google(&self, retry: RetryConfig) -> StorageResult<GoogleCloudStorageBuilder> {
        let mut builder =
            GoogleCloudStorageBuilder::from_env().with_bucket_name(self.address.bucket()).with_retry(retry);
        if let Some(endpoint) = &self.access.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        if self.stays_here() {
            builder = builder.with_client_options(object_store::ClientOptions::new().with_allow_http(true));
        }
        self.configured(builder, |name| !is_endpoint(name), GoogleCloudStorageBuilder::with_config)
    }

    fn azure(&self, retry: RetryConfig) -> StorageResult<MicrosoftAzureBuilder> {
        let mut builder =
            MicrosoftAzureBuilder::from_env().with_container_name(self.address.bucket()).with_retry(retry);
        if let Some(endpoint) = &self.access.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        if self.stays_here() {
            builder = builder.with_allow_http(true);
        }
        if self.access.credentials == AZURE_CLI {
            builder = builder.with_use_azure_cli(true);
        }
        if emulator::is_meant(&self.options) {
            builder = emulator::configured(builder, &self.options, self.access.credentials == emulator::CREDENTIALS);
        }
        let is_meant = |name: &str| !is_endpoint(name) && !emulator::is_option(name);
        self.configured(builder, is_meant, MicrosoftAzureBuilder::with_config)
    }

    fn http(&self, retry: RetryConfig) -> StorageResult<HttpBuilder> {
        let scheme = if self.address.to_string().starts_with("http:") { "http" } else { "https" };
        let url = format!("{scheme}://{}", self.address.bucket());
        let allow = scheme == "http" && is_local(&url);
        let builder = HttpBuilder::new()
            .with_url(&url)
            .with_client_options(object_store::ClientOptions::new().with_allow_http(allow))
            .with_retry(retry);
        self.configured(builder, |_| true, HttpBuilder::with_config)
    }

    /// A builder with the options of the caller.
    fn configured<B, K: FromStr>(
        &self,
        mut builder: B,
        is_meant: impl Fn(&str) -> bool,
        set: impl Fn(B, K, String) -> B,
    ) -> StorageResult<B> {
        for (name, value) in self.options.of_store().filter(|(name, _)| is_meant(name)) {
            let scheme = self.address.scheme().name();
            let key = name.parse().map_err(|_| self.refuse(format!("{name} is no option of {scheme}://")))?;
            builder = set(builder, key, value.to_owned());
        }
        Ok(builder)
    }

    /// Whether requests without encryption go no further than this machine.
    fn stays_here(&self) -> bool {
        self.access.endpoint.as_deref().is_some_and(is_local)
    }

    fn refuse(&self, reason: String) -> StorageError {
        StorageError::BadOption { location: self.address.to_string(), reason }
    }
}

const NO_PATIENCE: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::ZERO, max_backoff: Duration::ZERO, base: 1.0 },
    max_retries: 0,
    retry_timeout: Duration::from_secs(60),
};

/// TLS needs to be told which cryptography it is to use, once in a process; a program that has chosen keeps its choice.
fn install_cryptography() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

const AZURE_CLI: &str = "the command line of Azure (az login)";

/// Names of the option that says where a store is.
const ENDPOINT: [&str; 7] = [
    "endpoint",
    "endpoint_url",
    "aws_endpoint",
    "aws_endpoint_url",
    "azure_endpoint",
    "azure_storage_endpoint",
    "base_url",
];

fn is_endpoint(name: &str) -> bool {
    ENDPOINT.contains(&name)
}

/// Whether requests without encryption stay on this machine.
fn is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn first_var(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| Some((*name, var(name)?)))
}

/// The key of a profile.
type Key = (String, String, Option<String>);

/// What the store is reached with, and the key of the profile that is used.
fn find_access(address: &Address, options: &StorageOptions) -> StorageResult<(Access, Option<Key>)> {
    let endpoint = options.get(&ENDPOINT).map(str::to_owned);
    let unsigned = options.get(&["skip_signature", "aws_skip_signature"]).is_some_and(|value| value != "false");
    let plain = |credentials: String| (Access { credentials, endpoint: endpoint.clone(), region: None }, None);
    Ok(match address.scheme() {
        Scheme::S3 => return find_s3(address, options, endpoint, unsigned),
        Scheme::Azure => (find_azure(options, endpoint, unsigned), None),
        _ if unsigned => plain(UNSIGNED.to_owned()),
        Scheme::Google => plain(find_google(options)),
        Scheme::Http | Scheme::Memory => plain("none".to_owned()),
    })
}

/// Refuses an endpoint that everything would be sent to as plain text, unless that is allowed.
fn refuse_unencrypted(address: &Address, access: &Access, options: &StorageOptions) -> StorageResult<()> {
    let plain = access.endpoint.as_ref().filter(|endpoint| endpoint.starts_with("http://") && !is_local(endpoint));
    let is_allowed = options.get(&["allow_http", "aws_allow_http"]).is_some() || var("AWS_ALLOW_HTTP").is_some();
    match plain {
        Some(endpoint) if !is_allowed => {
            let reason =
                format!("endpoint {endpoint} is not encrypted: set the option allow_http=true if that is meant");
            Err(StorageError::BadOption { location: address.to_string(), reason })
        }
        _ => Ok(()),
    }
}

const UNSIGNED: &str = "none (requests are not signed)";

fn find_s3(
    address: &Address,
    options: &StorageOptions,
    endpoint: Option<String>,
    unsigned: bool,
) -> StorageResult<(Access, Option<Key>)> {
    let chosen = options.get(&["profile"]).map(str::to_owned);
    let name = chosen.clone().or_else(|| var("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned());
    let profile = Files::from_env().profile(&name);
    let refuse = |reason: String| Err(StorageError::BadOption { location: address.to_string(), reason });
    let is_named = chosen.is_some() || var("AWS_PROFILE").is_some();
    if is_named && !profile.is_there {
        return refuse(format!("there is no profile {name:?} in the files of the AWS command line (~/.aws)"));
    }
    let Profile { key, region, endpoint: of_profile, elsewhere, .. } = profile;
    let region = options
        .get(&["region", "aws_region", "default_region", "aws_default_region"])
        .map(str::to_owned)
        .or_else(|| first_var(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, region)| region))
        .or(region);
    let of_env = first_var(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]).map(|(_, endpoint)| endpoint);
    let endpoint = endpoint.or(of_env).or(of_profile);
    let of_profile = || format!("profile '{name}' of the AWS command line");
    let mut used = None;
    let credentials = if options.get(&["access_key_id", "aws_access_key_id"]).is_some() {
        "option access_key_id".to_owned()
    } else if unsigned {
        UNSIGNED.to_owned()
    } else if chosen.is_none() && var("AWS_ACCESS_KEY_ID").is_some() {
        "environment variable AWS_ACCESS_KEY_ID".to_owned()
    } else if chosen.is_none() && var("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
        "web identity of environment variable AWS_WEB_IDENTITY_TOKEN_FILE".to_owned()
    } else if key.is_some() {
        used = key;
        of_profile()
    } else if is_named && let Some(elsewhere) = elsewhere {
        return refuse(format!(
            "profile {name:?} gets its credentials from {elsewhere}, which only AWS' own programs can use: \
             `aws configure export-credentials --profile {name} --format env` gives them as environment variables"
        ));
    } else if let Some((name, _)) =
        first_var(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    {
        format!("environment variable {name}")
    } else {
        "metadata of the machine in the cloud (no key, profile or identity was found)".to_owned()
    };
    Ok((Access { credentials, endpoint, region }, used))
}

fn find_google(options: &StorageOptions) -> String {
    for name in
        ["service_account", "service_account_path", "service_account_key", "application_credentials", "bearer_token"]
    {
        if options.get(&[name, &format!("google_{name}")]).is_some() {
            return format!("option {name}");
        }
    }
    let variables = [
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ];
    if let Some((name, _)) = first_var(&variables) {
        return format!("environment variable {name}");
    }
    let file = var("HOME").map(|home| format!("{home}/.config/gcloud/application_default_credentials.json"));
    match file.is_some_and(|file| std::path::Path::new(&file).is_file()) {
        true => "login of the Google command line (application default credentials)".to_owned(),
        false => "metadata of the machine in the cloud (no account or login was found)".to_owned(),
    }
}

fn find_azure(options: &StorageOptions, endpoint: Option<String>, unsigned: bool) -> Access {
    let of_env = || first_var(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"]).map(|(_, endpoint)| endpoint);
    let endpoint = endpoint.or_else(of_env);
    let key = if unsigned { Some(UNSIGNED.to_owned()) } else { find_azure_key(options) };
    let (credentials, endpoint) = match emulator::is_meant(options) {
        true => (
            key.unwrap_or_else(|| emulator::CREDENTIALS.to_owned()),
            Some(emulator::endpoint(endpoint.as_deref(), options)),
        ),
        false => (key.unwrap_or_else(find_azure_login), endpoint),
    };
    Access { credentials, endpoint, region: None }
}

/// A key, token or secret that is given.
fn find_azure_key(options: &StorageOptions) -> Option<String> {
    for name in ["account_key", "access_key", "sas_key", "sas_token", "bearer_token", "client_secret"] {
        if options.get(&[name, &format!("azure_storage_{name}"), &format!("azure_{name}")]).is_some() {
            return Some(format!("option {name}"));
        }
    }
    let variables = [
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_TOKEN",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
    ];
    first_var(&variables).map(|(name, _)| format!("environment variable {name}"))
}

fn find_azure_login() -> String {
    let has_az =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("az").is_file()));
    match has_az {
        true => AZURE_CLI.to_owned(),
        false => "identity of the machine in the cloud (no key or login was found)".to_owned(),
    }
}

//! The emulator of Azure Blob Storage (Azurite), by the names that the crate `object_store` gives it.

use datafolio_storage::StorageOptions;
use object_store::azure::MicrosoftAzureBuilder;

use crate::connect::var;

/// The account that every emulator has, and its key, which is no secret.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Names of the option that asks for it.
const OPTION: [&str; 3] = ["use_emulator", "azure_storage_use_emulator", "object_store_use_emulator"];

/// Says that its own key is used.
pub(crate) const CREDENTIALS: &str = "the key that every emulator of Azure has";

/// Whether an option asks for the emulator.
pub(crate) fn is_option(name: &str) -> bool {
    OPTION.contains(&name)
}

/// Whether the emulator is asked for, by an option or the environment.
pub(crate) fn is_meant(options: &StorageOptions) -> bool {
    let asked = options.get(&OPTION).map(str::to_owned).or_else(|| var("AZURE_STORAGE_USE_EMULATOR"));
    asked.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y"))
}

/// Where it listens, with the account: the one that is given, or where Azurite does by itself. The emulator has the account in the path of
/// an address, not in the name of the host.
pub(crate) fn endpoint(given: Option<&str>, options: &StorageOptions) -> String {
    let default = || var("AZURITE_BLOB_STORAGE_URL").unwrap_or_else(|| "http://127.0.0.1:10000".to_owned());
    let url = given.map_or_else(default, str::to_owned);
    let url = url.trim_end_matches('/');
    match url.split_once("://").is_some_and(|(_, rest)| rest.contains('/')) {
        true => url.to_owned(),
        false => format!("{url}/{}", account(options)),
    }
}

fn account(options: &StorageOptions) -> String {
    const OPTION: [&str; 2] = ["account_name", "azure_storage_account_name"];
    let given = options.get(&OPTION).map(str::to_owned);
    given.or_else(|| var("AZURE_STORAGE_ACCOUNT_NAME")).unwrap_or_else(|| ACCOUNT.to_owned())
}

/// The builder with the account of the emulator, and with its key where there is no other. `object_store` itself would look for it at one
/// address alone.
pub(crate) fn configured(
    builder: MicrosoftAzureBuilder,
    options: &StorageOptions,
    own_key: bool,
) -> MicrosoftAzureBuilder {
    let builder = builder.with_use_emulator(false).with_account(account(options));
    match own_key {
        true => builder.with_access_key(KEY),
        false => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_stands_in_the_path() {
        let none = StorageOptions::new();
        for (given, expected) in [
            ("http://127.0.0.1:99", "http://127.0.0.1:99/devstoreaccount1"),
            ("http://127.0.0.1:99/", "http://127.0.0.1:99/devstoreaccount1"),
            ("http://127.0.0.1:99/own", "http://127.0.0.1:99/own"),
        ] {
            assert_eq!(endpoint(Some(given), &none), expected);
        }
        let own = StorageOptions::new().with("account_name", "own");
        assert_eq!(endpoint(Some("http://127.0.0.1:99"), &own), "http://127.0.0.1:99/own");
        assert!(is_meant(&StorageOptions::new().with("use_emulator", "TRUE")));
        assert!(!is_meant(&StorageOptions::new().with("use_emulator", "false")));
    }
}

//! Where the programs of others are that the tests compare with: `scripts/peers.sh` installs them.

use std::env;
use std::path::PathBuf;

/// Where they are installed.
pub fn place() -> Option<PathBuf> {
    let cache = || {
        let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Some(env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home)?.join("datafolio/peers"))
    };
    env::var_os("DATAFOLIO_PEERS").map(PathBuf::from).or_else(cache)
}

/// The interpreter that `scripts/peers.sh` has installed under this name with something, or that the variable names; `None`
/// when the tests may do without.
///
/// # Panics
/// When there is none and nobody said that the tests may do without.
pub fn installed(variable: &str, name: &str, what: &str) -> Option<PathBuf> {
    let python = env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| Some(place()?.join(name).join("bin/python")))
        .filter(|python| python.is_file());
    python.or_else(|| {
        absent(&format!("{what} is not installed: run scripts/peers.sh, or set {variable} to a Python that has it"))
    })
}

/// Leaves a test out, where that is allowed.
///
/// # Panics
/// Where it is not.
#[allow(clippy::print_stdout, reason = "whoever leaves tests out is told")]
pub(crate) fn absent<T>(missing: &str) -> Option<T> {
    assert!(
        env::var_os("DATAFOLIO_SKIP_PEERS").is_some_and(|skip| skip == "1"),
        "{missing}; DATAFOLIO_SKIP_PEERS=1 leaves these tests out"
    );
    println!("SKIPPED: {missing}");
    None
}

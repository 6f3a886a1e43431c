//! Names that nobody else uses.

use std::io;

/// Twenty random characters.
pub(crate) fn name() -> io::Result<String> {
    let mut random = [0u8; 10];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

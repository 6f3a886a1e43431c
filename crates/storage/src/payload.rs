//! What is recorded of a payload file, and writing one while all its hashes are computed in the same pass.

use datafolio_core::RelPath;

/// What is recorded of a payload file in its entry. All of it was computed as the bytes were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Where the file lies.
    pub path: RelPath,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// MD5 of the file, lower-case hex: Python DataFolio's `checksum`.
    pub md5: String,
    /// The file of block checksums, for payloads of more than one block.
    pub blocks: Option<BlocksRef>,
}

/// The file of block checksums that lies beside a payload.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BlocksRef {
    /// Its name, relative to the directory that the payload's own `filename` is relative to.
    pub filename: String,
    /// SHA-256 of it, lower-case hex.
    pub sha256: String,
}

//! Random file names and waiting times.

use std::io;

/// RFC 4648 base32 in lower case: safe on file systems that fold case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Length of the random part of a file name: 50 bits.
pub(crate) const NAME_LENGTH: usize = 10;

/// The random part of a file name.
pub(crate) fn name() -> io::Result<String> {
    let mut bytes = [0; NAME_LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

/// Whether text could have come from [`name`].
pub(crate) fn is_name(text: &str) -> bool {
    text.len() == NAME_LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// A number below `bound`, for waiting times: not exactly uniform, and 0 where the system has no randomness.
pub(crate) fn below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return 0;
    }
    u64::from_le_bytes(bytes) % bound.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised_and_differ() {
        let (a, b) = (name().unwrap(), name().unwrap());
        assert!(is_name(&a) && is_name(&b));
        assert_ne!(a, b);
        for text in ["", "abc", "ABCDEFGHIJ", "abcdefghi1", "abcdefghijk"] {
            assert!(!is_name(text), "{text:?}");
        }
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        assert!((0..1000).all(|_| below(3) < 3));
        assert_eq!(below(0), 0);
    }
}

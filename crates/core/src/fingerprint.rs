//! Fingerprints and seals of catalogues and history entries.

use std::num::NonZero;
use std::ops::Range;
use std::sync::OnceLock;
use std::thread::{Builder, available_parallelism, scope};

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};

/// Length of a seal in hexadecimal.
const SEAL_LENGTH: usize = 64;
/// What stands before a seal in the text.
const SEAL_KEY: &str = "\"seal\": \"";
/// The placeholder that [`seal`] fills.
pub(crate) const EMPTY_SEAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// From this size on a text is hashed by several threads. Starting one costs as much as hashing some hundred kilobytes.
const LARGE: usize = 2 << 20;
/// What one thread hashes at a time of a large text, or up to half of it.
const PIECE: usize = 512 << 10;
/// Most threads for one text: the memory has to keep up with them.
const MOST_THREADS: usize = 4;

/// Where the characters of the seal stand in a sealed text: in the first object after `"commit": `, or at the start of
/// a history entry.
pub fn seal_position(text: &str) -> Option<usize> {
    // The seal stands near the top; a later text of the same look belongs to a user's value.
    let head_end = text.len().min(4096);
    let mut end = head_end;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let at = text[..end].find(SEAL_KEY)? + SEAL_KEY.len();
    let seal = text.get(at..at + SEAL_LENGTH)?;
    seal.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(at)
}

/// BLAKE3 of a text, the characters of its seal (when it has one) counted as zeros.
///
/// Every commit to a bundle and every opening of one hashes the whole catalogue; BLAKE3 does that in a quarter of the time
/// of SHA-256, and several threads can share the work.
pub fn fingerprint(text: &str) -> String {
    let input = Input { bytes: text.as_bytes(), seal: seal_position(text) };
    let hash = match text.len() {
        ..LARGE => input.feed(&mut Hasher::new(), 0..text.len()).finalize(),
        _ => input.hash_shared(threads()),
    };
    hash.to_hex().to_string()
}

/// The seal that stands in a text.
pub fn seal_of(text: &str) -> Option<&str> {
    let at = seal_position(text)?;
    text.get(at..at + SEAL_LENGTH)
}

/// Puts the seal into a text that was written with zeros in its place, and returns it.
pub(crate) fn seal(text: &mut String) -> String {
    let seal = fingerprint(text);
    if let Some(at) = seal_position(text) {
        text.replace_range(at..at + SEAL_LENGTH, &seal);
    }
    seal
}

fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS))
}

/// A text, and where the seal is that counts as zeros.
#[derive(Clone, Copy)]
struct Input<'a> {
    bytes: &'a [u8],
    seal: Option<usize>,
}

impl Input<'_> {
    fn feed<'h>(&self, hasher: &'h mut Hasher, range: Range<usize>) -> &'h mut Hasher {
        match self.seal {
            // The seal stands so near the top that it lies in one piece.
            Some(seal) if range.contains(&seal) => {
                hasher.update(&self.bytes[range.start..seal]);
                hasher.update(EMPTY_SEAL.as_bytes());
                hasher.update(&self.bytes[seal + SEAL_LENGTH..range.end])
            }
            _ => hasher.update(&self.bytes[range]),
        }
    }

    /// Hashes pieces of the text in threads, and joins them as BLAKE3's tree does.
    fn hash_shared(self, threads: usize) -> blake3::Hash {
        let mut pieces = Vec::new();
        split(0..self.bytes.len(), &mut pieces);
        let share = pieces.len().div_ceil(threads.max(1));
        let (own, others) = pieces.split_at(share);
        let values = scope(|scope| {
            let start = |pieces| Builder::new().spawn_scoped(scope, move || self.hash_pieces(pieces)).ok();
            let threads: Vec<_> = others.chunks(share).map(|pieces| (pieces, start(pieces))).collect();
            let mut values = self.hash_pieces(own);
            for (pieces, thread) in threads {
                let hashed = thread.and_then(|thread| thread.join().ok());
                // Where there was no thread to be had, the share is hashed here.
                values.extend(hashed.unwrap_or_else(|| self.hash_pieces(pieces)));
            }
            values
        });
        let mut values = values.into_iter();
        let whole = 0..self.bytes.len();
        let middle = middle(&whole);
        let left = join(whole.start..middle, &mut values);
        let right = join(middle..whole.end, &mut values);
        merge_subtrees_root(&left, &right, Mode::Hash)
    }

    fn hash_pieces(self, pieces: &[Range<usize>]) -> Vec<ChainingValue> {
        let hash = |piece: &Range<usize>| {
            let mut hasher = Hasher::new();
            hasher.set_input_offset(piece.start as u64);
            self.feed(&mut hasher, piece.clone()).finalize_non_root()
        };
        pieces.iter().map(hash).collect()
    }
}

/// Where BLAKE3 divides this part of its input.
fn middle(range: &Range<usize>) -> usize {
    // A part of a text that is in memory.
    range.start + left_subtree_len(range.len() as u64) as usize
}

/// The pieces of this part, from left to right.
fn split(range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    if range.len() <= PIECE {
        pieces.push(range);
        return;
    }
    let middle = middle(&range);
    split(range.start..middle, pieces);
    split(middle..range.end, pieces);
}

/// Joins the values of the pieces of this part.
fn join(range: Range<usize>, values: &mut impl Iterator<Item = ChainingValue>) -> ChainingValue {
    if range.len() <= PIECE {
        return values.next().unwrap_or_default();
    }
    let middle = middle(&range);
    let left = join(range.start..middle, values);
    let right = join(middle..range.end, values);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_carries_its_own_fingerprint() {
        let mut text = format!("{{\"commit\": {{\"seal\": \"{EMPTY_SEAL}\"}}, \"x\": 1}}");
        let seal = seal(&mut text);
        assert_eq!(seal_of(&text), Some(seal.as_str()));
        assert_eq!(fingerprint(&text), seal);
        let altered = text.replace("\"x\": 1", "\"x\": 2");
        assert_ne!(fingerprint(&altered), seal);
    }

    #[test]
    fn threads_make_no_difference() {
        for size in [LARGE - 1, LARGE, LARGE + 1, LARGE + PIECE, 2 * LARGE, 2 * LARGE + 1025, 5_000_001] {
            let mut text = format!("{{\"seal\": \"{EMPTY_SEAL}\", \"x\": \"");
            text.extend((text.len()..size).map(|n| char::from(b'a' + (n * 31 % 23) as u8)));
            let expected = blake3::hash(text.as_bytes());
            let input = Input { bytes: text.as_bytes(), seal: seal_position(&text) };
            for threads in [1, 2, 3, 4, 7] {
                assert_eq!(input.hash_shared(threads), expected, "{size} bytes, {threads} threads");
            }
            let sealed = text.replacen(EMPTY_SEAL, &"7".repeat(SEAL_LENGTH), 1);
            assert_eq!(fingerprint(&sealed), expected.to_hex().as_str(), "{size} bytes");
            let unsealed = sealed.replacen("seal", "SEAL", 1);
            assert_eq!(fingerprint(&unsealed), blake3::hash(unsealed.as_bytes()).to_hex().as_str());
        }
    }
}

//! Words: random bundle names that people can say, and the nearest known word to a mistyped one.

use datafolio_core::ErrorCategory;

/// Words in each list. A power of two, so that six random bits choose one with equal chance.
const LIST: usize = 64;

/// First word of a suffix.
#[rustfmt::skip]
const ADJECTIVES: [&str; LIST] = [
    "able", "ample", "apt", "avid", "bracing", "breezy", "brisk", "buoyant", "candid", "cheery", "chipper", "civil",
    "cosy", "crisp", "curious", "dapper", "deft", "devout", "dreamy", "earnest", "easy", "elated", "fair", "fancy",
    "fond", "frank", "fresh", "genial", "gleeful", "hale", "handy", "hardy", "honest", "humble", "jaunty", "jolly",
    "jovial", "joyful", "lucid", "mellow", "merry", "mild", "modest", "neat", "patient", "peppy", "placid", "plucky",
    "polite", "prompt", "quaint", "ready", "regal", "rested", "robust", "rosy", "shrewd", "snug", "spirited", "spry",
    "stoic", "sunny", "tidy", "upbeat",
];

/// Second word of a suffix.
#[rustfmt::skip]
const COLOURS: [&str; LIST] = [
    "almond", "apricot", "ash", "azure", "beige", "blond", "bronze", "brown", "buff", "burgundy", "cerise", "cherry",
    "chestnut", "claret", "cobalt", "copper", "cream", "crimson", "denim", "ebony", "ecru", "emerald", "fawn", "flax",
    "garnet", "ginger", "granite", "grape", "hazel", "henna", "indigo", "ivory", "khaki", "lavender", "lemon", "lilac",
    "linen", "mahogany", "maroon", "mauve", "mint", "mocha", "moss", "mustard", "ochre", "olive", "onyx", "opal",
    "peach", "pearl", "plum", "rose", "russet", "rust", "saffron", "sage", "sand", "sapphire", "scarlet", "sepia",
    "sienna", "slate", "tan", "umber",
];

/// Third word of a suffix.
#[rustfmt::skip]
const NOUNS: [&str; LIST] = [
    "acorn", "anchor", "anvil", "arch", "atlas", "aurora", "basin", "beacon", "birch", "bison", "bramble", "brook",
    "canyon", "cedar", "cliff", "comet", "compass", "condor", "coral", "cove", "crane", "delta", "dune", "ember",
    "falcon", "fern", "fjord", "forge", "glacier", "grove", "harbour", "heron", "inlet", "island", "juniper", "lagoon",
    "lantern", "larch", "lynx", "maple", "marsh", "meadow", "mesa", "meteor", "nebula", "oak", "orchard", "otter",
    "pebble", "pine", "plover", "prairie", "quarry", "raven", "reef", "ridge", "river", "sparrow", "spruce", "summit",
    "thicket", "tundra", "valley", "willow",
];

/// The operating system gives no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes from the operating system: {reason}")]
pub struct RandomnessError {
    /// What it said.
    pub reason: String,
}

impl RandomnessError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        ErrorCategory::Internal
    }

    /// A stable kebab-case code.
    pub fn code(&self) -> &'static str {
        "no-randomness"
    }
}

/// A random suffix for a bundle name: `adjective-colour-noun`, one of 262,144.
///
/// # Errors
/// [`RandomnessError`] when the operating system gives no random bytes.
pub fn random_suffix() -> Result<String, RandomnessError> {
    let mut bytes = [0_u8; 3];
    getrandom::fill(&mut bytes).map_err(|error| RandomnessError { reason: error.to_string() })?;
    let [adjective, colour, noun] = bytes.map(|byte| usize::from(byte) % LIST);
    Ok(format!("{}-{}-{}", ADJECTIVES[adjective], COLOURS[colour], NOUNS[noun]))
}

/// The name of a bundle with a random suffix: `base-adjective-colour-noun`, or the suffix alone for an empty base.
///
/// # Errors
/// As [`random_suffix`].
pub fn bundle_name(base: &str) -> Result<String, RandomnessError> {
    let suffix = random_suffix()?;
    Ok(if base.is_empty() { suffix } else { format!("{base}-{suffix}") })
}

/// The candidate that was probably meant by a word that is none of them: the nearest by edit distance without
/// regard to case, if at most a third of the word is wrong. Of equally near ones, the first.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let length = wanted.chars().count();
    // Longer words than any sensible name are not worth the quadratic comparison.
    if length == 0 || length > 255 {
        return None;
    }
    // One mistake is forgiven even in a short word, but a word of one letter resembles everything.
    let limit = if length == 1 { 0 } else { (length / 3).max(1) };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // Lengths that differ by more than the limit cannot be near; this keeps long candidate lists cheap.
        if candidate.chars().count().abs_diff(length) > limit {
            continue;
        }
        let distance = edit_distance(&wanted, &candidate.to_lowercase());
        if distance <= limit && best.is_none_or(|(nearest, _)| distance < nearest) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, deleted, replaced or swapped with their neighbour to turn one word into the other
/// (no letter touched twice).
pub fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    // Three rows of the usual table: the one before the last serves swaps.
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut row = before.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row[j] = least;
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn words_are_distinct_and_fit_for_names() {
        let mut seen = HashSet::new();
        for word in ADJECTIVES.iter().chain(&COLOURS).chain(&NOUNS) {
            assert!((2..=10).contains(&word.len()) && word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
            assert!(seen.insert(word), "{word} occurs twice");
        }
    }

    #[test]
    fn suffixes_have_three_words_and_differ() {
        let suffixes: HashSet<String> = (0..100).map(|_| random_suffix().unwrap()).collect();
        // 100 of 262,144: more than five pairs alike is out of the question.
        assert!(suffixes.len() > 95);
        for suffix in suffixes {
            let words: Vec<&str> = suffix.split('-').collect();
            let [adjective, colour, noun] = words[..] else { panic!("{suffix}") };
            assert!(ADJECTIVES.contains(&adjective) && COLOURS.contains(&colour) && NOUNS.contains(&noun));
        }
        assert!(bundle_name("run").unwrap().starts_with("run-"));
        assert_eq!(bundle_name("").unwrap().split('-').count(), 3);
    }

    #[test]
    fn distances() {
        let expected = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("same", "same", 0),
            ("kitten", "sitting", 3),
            ("flights", "flihgts", 1),
            ("ab", "ba", 1),
            // A letter is not touched twice, so this is not two.
            ("ca", "abc", 3),
            ("café", "cafe", 1),
        ];
        for (a, b, distance) in expected {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
            assert_eq!(edit_distance(b, a), distance, "{b} {a}");
        }
    }

    #[test]
    fn nearest_word_is_suggested_and_nonsense_is_not() {
        let words = ["threads", "memory", "cache_dir", "cache_cap"];
        assert_eq!(did_you_mean("thraeds", words), Some("threads"));
        assert_eq!(did_you_mean("Memory", words), Some("memory"));
        assert_eq!(did_you_mean("cache_dri", words), Some("cache_dir"));
        assert_eq!(did_you_mean("cachedir", words), Some("cache_dir"));
        assert_eq!(did_you_mean("colour", words), None);
        assert_eq!(did_you_mean("", words), None);
        assert_eq!(did_you_mean("x", ["y"]), None);
        assert_eq!(did_you_mean(&"x".repeat(10_000), words), None);
        assert_eq!(did_you_mean("ab", []), None);
    }
}

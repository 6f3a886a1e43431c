//! Random bundle names that people can say.

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
}

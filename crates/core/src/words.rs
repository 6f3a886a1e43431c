//! Words of messages: counts, quoted texts, and the nearest known word to a mistyped one.

use std::fmt::Display;

/// `1 row`, `2 rows`: a number with what is counted, which is given for one.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    let end = if number == "1" { "" } else { "s" };
    format!("{number} {one}{end}")
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
fn edit_distance(a: &str, b: &str) -> usize {
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

/// A text of a caller or a file as a message quotes it: escaped, and not a megabyte of it.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// That there is no column of this name, with the one that was perhaps meant and the first of those that `has` says to be there:
/// `no column "scor" (did you mean "score"?); it has "id", "score"`.
pub fn no_column(column: &str, suggestion: Option<&str>, has: &str, known: &[String]) -> String {
    const SHOWN: usize = 20;
    let meant = suggestion.map_or_else(String::new, |name| format!(" (did you mean {}?)", quoted(name)));
    let shown: Vec<String> = known.iter().take(SHOWN).map(|name| quoted(name)).collect();
    let listed = match known.len() {
        0 => "no columns".to_owned(),
        count => format!("{}{}", shown.join(", "), if count > SHOWN { ", …" } else { "" }),
    };
    format!("no column {}{meant}; {has} {listed}", quoted(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let told = [0, 1, 2, 11, -1].map(|number| counted(number, "row"));
        assert_eq!(told, ["0 rows", "1 row", "2 rows", "11 rows", "-1 rows"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_those_that_are() {
        let known = |count: usize| (0..count).map(|place| format!("c{place}")).collect::<Vec<_>>();
        assert_eq!(no_column("d", None, "it has", &[]), "no column \"d\"; it has no columns");
        let told = no_column("a\nb", Some("c0"), "it has", &known(2));
        assert_eq!(told, "no column \"a\\nb\" (did you mean \"c0\"?); it has \"c0\", \"c1\"");
        assert!(no_column("d", None, "it has", &known(21)).ends_with("\"c19\", …"));
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

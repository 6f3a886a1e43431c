//! Texts that begin, end or go on as a condition says.

use std::borrow::Cow;

use memchr::memmem::Finder;

use crate::looks::Like;

/// How the bytes of a text are to look.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Start(Vec<u8>),
    End(Vec<u8>),
    Part(Box<Finder<'static>>),
    Pieces(Box<Pieces>),
}

/// What stands between the places of a pattern where there may be any text.
#[derive(Debug, Clone)]
pub(super) struct Pieces {
    first: Piece,
    /// Others follow it, of which the last one ends the text.
    middle: Vec<Piece>,
    last: Option<Piece>,
    any_case: bool,
}

/// A part of a text.
#[derive(Debug, Clone, Default)]
struct Piece(Vec<Unit>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Unit {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Any character.
    Any,
}

impl Pattern {
    /// What a condition asks for; `None` where SQL has an error for it, or another meaning for letters than this one.
    pub(super) fn new(like: Like, text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        Some(match like {
            Like::Start => Self::Start(bytes.to_vec()),
            Like::End => Self::End(bytes.to_vec()),
            Like::Part => part(bytes),
            // That is no pattern.
            Like::Compared(_) => return None,
            Like::Pattern { any_case: true, .. } if !text.is_ascii() => return None,
            // SQL folds the pattern, and not the escape that it looks for in it.
            Like::Pattern { any_case: true, escape: Some(escape) } if escape.is_ascii_alphabetic() => return None,
            Like::Pattern { any_case, escape } => {
                let mut pieces = pieces(text, any_case, escape)?;
                let last = if pieces.len() > 1 { pieces.pop() } else { None };
                let mut pieces = pieces.into_iter();
                let (first, middle) = (pieces.next()?, pieces.filter(|piece| !piece.0.is_empty()).collect::<Vec<_>>());
                // Most patterns are as simple as these.
                match (first.bytes(), middle.as_slice(), last.as_ref().map(Piece::bytes)) {
                    (Some(start), [], Some(Some([]))) if !any_case => Self::Start(start.to_vec()),
                    (Some([]), [], Some(Some(end))) if !any_case => Self::End(end.to_vec()),
                    (Some([]), [one], Some(Some([]))) if !any_case && one.bytes().is_some() => part(one.bytes()?),
                    _ => Self::Pieces(Box::new(Pieces { first, middle, last, any_case })),
                }
            }
        })
    }

    /// Whether a text looks so.
    pub(super) fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Start(start) => text.starts_with(start),
            Self::End(end) => text.ends_with(end),
            Self::Part(finder) => finder.find(text).is_some(),
            Self::Pieces(pieces) if pieces.any_case => pieces.hold(&folded(text)),
            Self::Pieces(pieces) => pieces.hold(text),
        }
    }
}

fn part(bytes: &[u8]) -> Pattern {
    Pattern::Part(Box::new(Finder::new(bytes).into_owned()))
}

/// What stands between the `%` of a pattern.
fn pieces(text: &str, any_case: bool, escape: Option<char>) -> Option<Vec<Piece>> {
    let (mut pieces, mut piece) = (Vec::new(), Piece::default());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            _ if Some(character) == escape => piece.add(characters.next()?, any_case),
            '%' => pieces.push(std::mem::take(&mut piece)),
            '_' => piece.0.push(Unit::Any),
            other => piece.add(other, any_case),
        }
    }
    pieces.push(piece);
    Some(pieces)
}

impl Piece {
    fn add(&mut self, character: char, any_case: bool) {
        let character = if any_case { character.to_ascii_lowercase() } else { character };
        let mut space = [0; 4];
        let bytes = character.encode_utf8(&mut space).as_bytes();
        match self.0.last_mut() {
            Some(Unit::Bytes(before)) => before.extend(bytes),
            _ => self.0.push(Unit::Bytes(bytes.to_vec())),
        }
    }

    /// The bytes of one that has no place for any character.
    fn bytes(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(&[]),
            [Unit::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// What is behind it where a text begins with it.
    fn start<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        self.0.iter().try_fold(text, |text, unit| match unit {
            Unit::Bytes(bytes) => text.strip_prefix(bytes.as_slice()),
            Unit::Any => text.get(1..).map(|rest| &rest[rest.iter().take_while(|byte| is_within(**byte)).count()..]),
        })
    }

    /// What is before it where a text ends with it.
    fn end<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        self.0.iter().rev().try_fold(text, |text, unit| match unit {
            Unit::Bytes(bytes) => text.strip_suffix(bytes.as_slice()),
            Unit::Any => text.get(..text.iter().rposition(|byte| !is_within(*byte))?),
        })
    }

    /// What is behind the first place where a text has it.
    fn find<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let starts = (0..text.len()).filter(|at| text.get(*at).is_some_and(|byte| !is_within(*byte)));
        starts.chain([text.len()]).find_map(|at| self.start(text.get(at..)?))
    }
}

impl Pieces {
    fn hold(&self, text: &[u8]) -> bool {
        let Some(rest) = self.first.start(text) else { return false };
        let Some(last) = &self.last else { return rest.is_empty() };
        let Some(between) = last.end(rest) else { return false };
        self.middle.iter().try_fold(between, |text, piece| piece.find(text)).is_some()
    }
}

/// Whether a byte goes on with a character that one before it begins.
fn is_within(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// A text with lower-case letters, as far as those are ASCII.
fn folded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    let Ok(text) = str::from_utf8(text) else { return Cow::Borrowed(text) };
    let lower = text.chars().map(|character| match character {
        // The only ones besides those of ASCII whose lower case is there: the letter of Turkish, and the sign of Kelvin.
        '\u{130}' => 'i',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    Cow::Owned(lower.collect::<String>().into_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn simple_patterns_are_simple() {
        let of = |text: &str| Pattern::new(Like::Pattern { any_case: false, escape: Some('!') }, text).unwrap();
        assert!(matches!(of("ab%"), Pattern::Start(start) if start == b"ab"));
        assert!(matches!(of("%ab%c%"), Pattern::Pieces(_)));
        assert!(matches!(of("%a!%b"), Pattern::End(end) if end == b"a%b"));
        assert!(matches!(of("%%ab%%"), Pattern::Part(part) if part.needle() == b"ab"));
        assert!(matches!(of("ab"), Pattern::Pieces(_)));
        // A letter that is another one before and after it is folded.
        assert!(Pattern::new(Like::Pattern { any_case: true, escape: Some('X') }, "aX%b").is_none());
        assert!(Pattern::new(Like::Pattern { any_case: true, escape: Some('!') }, "a!%b").is_some());
        // An escape of nothing is an error of SQL.
        assert!(Pattern::new(Like::Pattern { any_case: false, escape: Some('!') }, "ab!").is_none());
    }
}

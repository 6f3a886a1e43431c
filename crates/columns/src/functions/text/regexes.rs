//! Regexes as Python writes them, for the engine of the crate `regex`, whose time grows with the text alone.
//!
//! Patterns are Python's: characters are code points, `\d`, `\w`, `\s` and `\b` know all of Unicode, groups are named `(?P<name>...)`.
//! What that engine lacks is refused with its place: look-ahead and look-behind, references back to groups, atomic groups,
//! possessive and conditional matches. What differs: `$` without the flag `m` is the very end of a text, so that a line feed there is
//! not overlooked; `\w`, `\b` and `\s` are those of Unicode, so that marks that combine with letters are parts of words, and ² is none;
//! cases are Unicode's, where ı is no small I; and where a match is empty, no other one begins at the same place.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::Call;

/// Where a match must begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Anywhere.
    Any,
    /// From the start.
    Start,
    /// From the start to the end.
    Whole,
}

/// Python's flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    verbose: bool,
}

impl Flags {
    /// The flags of a number: `re.I` is 2, `re.M` 8, `re.S` 16, `re.X` 64; `re.U`, 32, is on in any case.
    pub(super) fn of_number(number: i64) -> Option<Self> {
        const KNOWN: i64 = 2 | 8 | 16 | 32 | 64;
        let has = |bit: i64| number & bit != 0;
        (number & !KNOWN == 0).then(|| Self {
            ignore_case: has(2),
            multi_line: has(8),
            dot_all: has(16),
            verbose: has(64),
        })
    }
}

/// The flags in a place of a call.
pub(super) fn flags(call: &Call<'_, '_>, at: usize) -> ColumnsResult<Flags> {
    Flags::of_number(call.integer(at)?.unwrap_or(0)).ok_or_else(|| {
        call.wrong(at, "a sum of 2 (ignore case), 8 (lines), 16 (dot for line feeds too) and 64 (verbose) is expected")
    })
}

/// The regex of a pattern that stands in a place of a call.
pub(super) fn regex(
    call: &Call<'_, '_>,
    at: usize,
    pattern: &str,
    flags: Flags,
    extent: Extent,
) -> ColumnsResult<Regex> {
    compile(pattern, flags, extent).map_err(|problem| refused(call, at, &problem))
}

fn refused(call: &Call<'_, '_>, at: usize, problem: &Problem) -> ColumnsError {
    let place = problem.at.map(|at| format!(" at character {} of the regex", at + 1)).unwrap_or_default();
    call.wrong(at, &format!("{}{place}", problem.reason))
}

/// What is wrong with a pattern, and at which character of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: Option<usize>,
    pub(super) reason: String,
}

pub(super) fn compile(pattern: &str, flags: Flags, extent: Extent) -> Result<Regex, Problem> {
    let verbose = flags.verbose || begins_verbose(pattern);
    let translated = Translation::new(pattern, verbose).run()?;
    let parsed = ParserBuilder::new()
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .ignore_whitespace(flags.verbose)
        .build()
        .parse(&translated.text);
    if let Err(error) = parsed {
        let (reason, at) = match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), Some(error.span().start.offset)),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span().start.offset)),
            other => (other.to_string(), None),
        };
        return Err(Problem { reason, at: at.map(|at| translated.origin(at)) });
    }
    // A comment at the end of a verbose pattern would take the bracket with it.
    let close = if verbose { "\n)" } else { ")" };
    let whole = match extent {
        Extent::Any => translated.text,
        Extent::Start => format!("\\A(?:{}{close}", translated.text),
        Extent::Whole => format!("\\A(?:{}{close}\\z", translated.text),
    };
    RegexBuilder::new(&whole)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .ignore_whitespace(flags.verbose)
        .build()
        .map_err(|error| Problem { at: None, reason: error.to_string() })
}

/// Whether a pattern has the flag `x` at its start.
fn begins_verbose(pattern: &str) -> bool {
    let Some((flags, _)) = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')) else { return false };
    flags.contains('x') && flags.chars().all(|flag| flag.is_ascii_lowercase())
}

/// A pattern that is being written for the engine.
struct Translation {
    pattern: Vec<char>,
    verbose: bool,
    at: usize,
    text: String,
    /// The character of the pattern that each byte of the text comes from.
    origins: Vec<usize>,
}

/// Whether a quantifier may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantified {
    No,
    Once,
    Lazily,
}

impl Translation {
    fn new(pattern: &str, verbose: bool) -> Self {
        Self { pattern: pattern.chars().collect(), verbose, at: 0, text: String::new(), origins: Vec::new() }
    }

    /// The character of the pattern that a byte of the text comes from.
    fn origin(&self, byte: usize) -> usize {
        self.origins.get(byte).copied().unwrap_or(self.pattern.len())
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn follows(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    /// Writes something for so many characters of the pattern.
    fn write(&mut self, text: &str, characters: usize) {
        self.text.push_str(text);
        self.origins.resize(self.text.len(), self.at);
        self.at += characters;
    }

    fn copy(&mut self) {
        if let Some(character) = self.peek(0) {
            self.write(character.encode_utf8(&mut [0; 4]), 1);
        }
    }

    fn problem<T>(&self, reason: impl Into<String>) -> Result<T, Problem> {
        Err(Problem { at: Some(self.at), reason: reason.into() })
    }

    fn run(mut self) -> Result<Self, Problem> {
        let mut before = Quantified::No;
        while let Some(character) = self.peek(0) {
            let mut next = Quantified::No;
            match character {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' if self.peek(1) == Some('?') => self.group()?,
                '#' if self.verbose => {
                    while self.peek(0).is_some_and(|character| character != '\n') {
                        self.copy();
                    }
                }
                '*' | '+' | '?' | '{' => next = self.quantifier(character, before)?,
                '}' => self.write("\\}", 1),
                _ => self.copy(),
            }
            before = next;
        }
        Ok(self)
    }

    /// `*`, `+`, `?` and `{1,2}`; a brace that begins no such thing is a brace.
    fn quantifier(&mut self, sign: char, before: Quantified) -> Result<Quantified, Problem> {
        let counted = if sign == '{' { self.counted() } else { None };
        if sign == '{' && counted.is_none() {
            self.write("\\{", 1);
            return Ok(Quantified::No);
        }
        match (before, sign) {
            (Quantified::No, _) => {}
            (Quantified::Once, '?') => {
                self.copy();
                return Ok(Quantified::Lazily);
            }
            (Quantified::Once, '+') => {
                return self
                    .problem("a possessive quantifier is not supported, as nothing that was matched is ever given up");
            }
            _ => return self.problem("a quantifier follows another"),
        }
        match counted {
            Some((text, length)) => self.write(&text, length),
            None => self.copy(),
        }
        Ok(Quantified::Once)
    }

    /// The counts in braces that are next, and how many characters they take.
    fn counted(&self) -> Option<(String, usize)> {
        let rest: String = self.pattern.get(self.at + 1..)?.iter().take_while(|character| **character != '}').collect();
        let (least, most) = rest.split_once(',').unwrap_or((&rest, &rest));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let closed = self.peek(rest.chars().count() + 1) == Some('}');
        if !closed || rest.is_empty() || !digits(least) || !digits(most) {
            return None;
        }
        let least = if least.is_empty() { "0" } else { least };
        let text = if rest.contains(',') { format!("{{{least},{most}}}") } else { format!("{{{least}}}") };
        Some((text, rest.chars().count() + 2))
    }

    /// What begins with `(?`.
    fn group(&mut self) -> Result<(), Problem> {
        let refused = [
            ("(?=", "look-ahead is not supported: matching takes time in proportion to the text"),
            ("(?!", "look-ahead is not supported: matching takes time in proportion to the text"),
            ("(?<=", "look-behind is not supported: matching takes time in proportion to the text"),
            ("(?<!", "look-behind is not supported: matching takes time in proportion to the text"),
            ("(?P=", "a reference back to a group is not supported: matching takes time in proportion to the text"),
            ("(?P>", "a pattern within itself is not supported"),
            ("(?(", "a conditional pattern is not supported"),
            ("(?>", "an atomic group is not supported"),
            ("(?a", "the flag `a` is not supported; write classes as [0-9] and [A-Za-z0-9_]"),
            ("(?L", "the flag `L` is not supported; texts are Unicode"),
        ];
        if let Some((_, reason)) = refused.iter().find(|(begin, _)| self.follows(begin)) {
            return self.problem(*reason);
        }
        if self.follows("(?#") {
            let length = self.pattern.iter().skip(self.at).position(|character| *character == ')');
            return match length {
                Some(length) => {
                    self.at += length + 1;
                    Ok(())
                }
                None => self.problem("a comment has no end"),
            };
        }
        self.write("(?", 2);
        Ok(())
    }

    /// What begins with a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), Problem> {
        let Some(character) = self.peek(1) else {
            return self.problem("the backslash at the end stands before nothing");
        };
        match character {
            'Z' if !in_class => self.write("\\z", 2),
            'b' if in_class => self.write("\\x08", 2),
            '0' => {
                let digits: String = (1..4)
                    .map_while(|ahead| self.peek(ahead))
                    .take_while(|digit| ('0'..='7').contains(digit))
                    .collect();
                let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
                self.write(&format!("\\x{{{code:x}}}"), 1 + digits.len());
            }
            '1'..='9' if !in_class => {
                return self.problem(
                    "a reference back to a group is not supported: matching takes time in proportion to the text",
                );
            }
            // Braces that belong to the escape.
            'p' | 'P' | 'x' | 'u' | 'U' if self.peek(2) == Some('{') => {
                while self.peek(0).is_some_and(|character| character != '}') {
                    self.copy();
                }
                self.copy();
            }
            letter if letter.is_ascii_alphanumeric() => {
                self.copy();
                self.copy();
            }
            other => self.literal(other, 2),
        }
        Ok(())
    }

    /// A character that stands for itself, for so many characters of the pattern.
    fn literal(&mut self, character: char, characters: usize) {
        let text = match character {
            '<' | '>' => character.to_string(),
            // White space counts for nothing in verbose patterns.
            space if space.is_whitespace() => format!("\\x{{{:x}}}", space as u32),
            sign if sign.is_ascii_punctuation() => format!("\\{sign}"),
            other => other.to_string(),
        };
        self.write(&text, characters);
    }

    /// Characters in square brackets. Unlike in the engine's own syntax, there are no sets within sets.
    fn class(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.copy();
        if self.peek(0) == Some('^') {
            self.copy();
        }
        let first = self.at;
        // Whether the last one can begin a range.
        let mut begins = false;
        loop {
            let Some(character) = self.peek(0) else {
                return Err(Problem { at: Some(start), reason: "a bracket is not closed".to_owned() });
            };
            match character {
                ']' if self.at > first => {
                    self.copy();
                    return Ok(());
                }
                '-' if begins && self.peek(1).is_some_and(|next| next != ']') => {
                    self.copy();
                    self.item()?;
                    begins = false;
                }
                _ => begins = self.item()?,
            }
        }
    }

    /// A character of a class or a class within it; whether a range can begin with it.
    fn item(&mut self) -> Result<bool, Problem> {
        match (self.peek(0), self.peek(1)) {
            (Some('\\'), next) => {
                let several = next.is_some_and(|next| "dDwWsSpP".contains(next));
                // The digits of a code are part of it.
                let digits = match next {
                    Some('x') => 2,
                    Some('u') => 4,
                    Some('U') => 8,
                    _ => 0,
                };
                self.escape(true)?;
                if digits > 0 && !self.text.ends_with('}') {
                    (0..digits).for_each(|_| self.copy());
                }
                Ok(!several)
            }
            (Some(character), _) => {
                self.literal(character, 1);
                Ok(true)
            }
            (None, _) => Ok(false),
        }
    }
}

/// Calls `each` with the stretches of all matches, from left to right, until it answers `false`.
///
/// As in Python, an empty match may begin where the match before it ended, unless that was empty too.
pub(super) fn each_match(regex: &Regex, text: &str, mut each: impl FnMut(std::ops::Range<usize>) -> bool) {
    let mut at = 0;
    while let Some(found) = regex.find_at(text, at) {
        if !each(found.range()) {
            return;
        }
        match next_search(text, &found.range()) {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// Where to look for the match behind another; nothing where that was at the end.
pub(super) fn next_search(text: &str, found: &std::ops::Range<usize>) -> Option<usize> {
    if !found.is_empty() {
        return Some(found.end);
    }
    let next = text.get(found.end..).and_then(|rest| rest.chars().next())?;
    Some(found.end + next.len_utf8())
}

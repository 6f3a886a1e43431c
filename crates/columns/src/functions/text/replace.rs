//! Texts with something else in the place of what a pattern matches.

use std::sync::Arc;

use memchr::memmem::Finder;
use regex::Regex;

use super::apply::{apply, subject, texts};
use super::chars::push;
use super::regexes::{Extent, flags, next_search, regex};
use super::view::Next;
use crate::block::{Lane, TextBuilder, Values};
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[Function {
    name: "str_replace",
    arguments: &["x", "pat", "repl", "n?", "flags?", "regex?"],
    about: "Texts with another text for the first n (or all) occurrences of a text, or with `regex=True` of what a regex matches; \\1 and \\g<name> stand for groups.",
    bind: replace,
}];

fn replace(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let (pattern, replacement) = (call.needed_text(1)?, call.needed_text(2)?);
    let n = call.integer(3)?.unwrap_or(-1);
    let flags = flags(call, 4)?;
    let as_regex = call.flag(5)?.unwrap_or(false);
    let most = usize::try_from(n).unwrap_or(usize::MAX);
    let subject = subject(call)?;
    let parameters = format!("{pattern:?} {replacement:?} {n} {flags:?} {as_regex}");
    if as_regex {
        let regex = regex(call, 1, &pattern, flags, Extent::Any)?;
        let template = Template::parse(&replacement, &regex).map_err(|reason| call.wrong(2, &reason))?;
        return replace_matches(call, &parameters, &subject, regex, template, most);
    }
    if flags != Default::default() {
        return Err(call.wrong(4, "flags are of regexes; say `regex=True` where the text is one"));
    }
    if pattern.is_empty() {
        return texts(call, &parameters, &subject, move |text, bytes| interleave(text, &replacement, most, bytes));
    }
    replace_texts(call, &parameters, &subject, &pattern, replacement, most)
}

/// Puts a text before each character and at the end, so many times.
fn interleave(text: &str, replacement: &str, most: usize, bytes: &mut Vec<u8>) {
    let mut left = most;
    let mut put = |bytes: &mut Vec<u8>| {
        if left > 0 {
            bytes.extend_from_slice(replacement.as_bytes());
            left -= 1;
        }
    };
    for character in text.chars() {
        put(bytes);
        push(character, bytes);
    }
    put(bytes);
}

fn replace_texts(
    call: &mut Call<'_, '_>,
    parameters: &str,
    subject: &Operand,
    pattern: &str,
    replacement: Arc<str>,
    most: usize,
) -> ColumnsResult<Operand> {
    let finder = Finder::new(pattern.as_bytes()).into_owned();
    apply(call, parameters, subject, Type::Text, move |view| {
        let mut places = Vec::new();
        let (mut last, mut count) = (usize::MAX, 0);
        if most > 0 {
            view.occurrences(&finder, |row, at| {
                count = if row == last { count + 1 } else { 1 };
                last = row;
                places.push(at);
                if count < most { Next::Here } else { Next::Row }
            });
        }
        if places.is_empty() {
            return Ok(None);
        }
        // What lies between occurrences is copied in one piece.
        let mut places = places.into_iter().peekable();
        let (whole, length, mut at) = (view.whole(), finder.needle().len(), 0);
        let mut builder = TextBuilder::with_capacity(view.len(), whole.len());
        for end in view.offsets().iter().skip(1).copied() {
            builder.push_with(|bytes| {
                while let Some(place) = places.next_if(|place| *place < end) {
                    bytes.extend_from_slice(whole.get(at..place).unwrap_or_default().as_bytes());
                    bytes.extend_from_slice(replacement.as_bytes());
                    at = place + length;
                }
                bytes.extend_from_slice(whole.get(at..end).unwrap_or_default().as_bytes());
                at = end;
            });
        }
        Ok(Some(Lane::new(Values::Text(builder.finish()))))
    })
}

fn replace_matches(
    call: &mut Call<'_, '_>,
    parameters: &str,
    subject: &Operand,
    regex: Regex,
    template: Template,
    most: usize,
) -> ColumnsResult<Operand> {
    apply(call, parameters, subject, Type::Text, move |view| {
        // One for all rows, so that none needs memory of its own.
        let mut groups = regex.capture_locations();
        let mut builder = TextBuilder::with_capacity(view.len(), view.whole().len());
        for text in view.iter() {
            builder.push_with(|bytes| {
                let (mut kept, mut search, mut left) = (0, Some(0), most);
                while let (Some(at), true) = (search, left > 0) {
                    // To find where groups are costs more than to find the match.
                    let found = match template.groups {
                        true => regex.captures_read_at(&mut groups, text, at),
                        false => regex.find_at(text, at),
                    };
                    let Some(found) = found else { break };
                    bytes.extend_from_slice(text.get(kept..found.start()).unwrap_or_default().as_bytes());
                    template.write(text, &groups, bytes);
                    (kept, search, left) = (found.end(), next_search(text, &found.range()), left - 1);
                }
                bytes.extend_from_slice(text.get(kept..).unwrap_or_default().as_bytes());
            });
        }
        Ok(Some(Lane::new(Values::Text(builder.finish()))))
    })
}

/// What is put in the place of a match.
#[derive(Debug, PartialEq, Eq)]
struct Template {
    parts: Vec<Part>,
    /// Whether there is a group among the parts.
    groups: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a replacement as Python writes it.
    fn parse(text: &str, regex: &Regex) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('\\') {
            plain.push_str(before);
            let (group, left) = escape(behind, regex, &mut plain)?;
            rest = left;
            if let Some(group) = group {
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Group(group));
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        parts.retain(|part| *part != Part::Text(String::new()));
        let groups = parts.iter().any(|part| matches!(part, Part::Group(_)));
        Ok(Self { parts, groups })
    }

    fn write(&self, text: &str, groups: &regex::CaptureLocations, bytes: &mut Vec<u8>) {
        for part in &self.parts {
            bytes.extend_from_slice(match part {
                Part::Text(text) => text.as_bytes(),
                // A group that had no part in the match is empty.
                Part::Group(group) => {
                    groups.get(*group).and_then(|(from, to)| text.get(from..to)).unwrap_or_default().as_bytes()
                }
            });
        }
    }
}

/// What stands behind a backslash: a group, or a character that goes to the text; and what is behind that.
fn escape<'t>(behind: &'t str, regex: &Regex, plain: &mut String) -> Result<(Option<usize>, &'t str), String> {
    let mut characters = behind.chars();
    let first = characters.next().ok_or("the backslash at its end stands before nothing")?;
    let rest = characters.as_str();
    let digits = |text: &str, most: usize, digit: fn(&u8) -> bool| text.bytes().take(most).take_while(digit).count();
    match first {
        'g' => {
            let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let (name, rest) = name.ok_or("a group is written \\g<name> or \\g<1>")?;
            Ok((Some(group_of(name, regex)?), rest))
        }
        '0' => {
            let count = digits(rest, 2, |byte| (b'0'..=b'7').contains(byte));
            plain.push(octal(rest.get(..count).unwrap_or_default()));
            Ok((None, rest.get(count..).unwrap_or_default()))
        }
        '1'..='9' => {
            // Three octal digits are a character.
            if digits(behind, 3, |byte| (b'0'..=b'7').contains(byte)) == 3 {
                plain.push(octal(behind.get(..3).unwrap_or_default()));
                return Ok((None, behind.get(3..).unwrap_or_default()));
            }
            let count = digits(behind, 2, u8::is_ascii_digit);
            let (number, rest) = behind.split_at_checked(count).unwrap_or((behind, ""));
            Ok((Some(group_of(number, regex)?), rest))
        }
        _ => {
            let escapes = [
                ('a', '\u{7}'),
                ('b', '\u{8}'),
                ('f', '\u{c}'),
                ('n', '\n'),
                ('r', '\r'),
                ('t', '\t'),
                ('v', '\u{b}'),
                ('\\', '\\'),
            ];
            match escapes.iter().find(|(letter, _)| *letter == first) {
                Some((_, meant)) => plain.push(*meant),
                None if first.is_ascii_alphabetic() => return Err(format!("\\{first} stands for nothing")),
                None => plain.extend(['\\', first]),
            }
            Ok((None, rest))
        }
    }
}

fn octal(digits: &str) -> char {
    u32::from_str_radix(digits, 8).ok().and_then(char::from_u32).unwrap_or('\0')
}

/// The number of a group that has a number or a name.
pub(super) fn group_of(name: &str, regex: &Regex) -> Result<usize, String> {
    let groups = regex.captures_len();
    if let Ok(number) = name.parse::<usize>() {
        return match number < groups {
            true => Ok(number),
            false => Err(format!("there is no group {number}: the regex has {}", groups - 1)),
        };
    }
    regex.capture_names().position(|group| group == Some(name)).ok_or_else(|| {
        let names: Vec<&str> = regex.capture_names().flatten().collect();
        match names.is_empty() {
            true => format!("there is no group `{name}`: the regex names none, as (?P<{name}>...) would"),
            false => format!("there is no group `{name}`; there are: {}", names.join(", ")),
        }
    })
}

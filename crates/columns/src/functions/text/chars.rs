//! Characters as Python sees them: what kind they are of, and what they are in the other case.
//!
//! Mappings between cases are those of the standard library, and categories those of `regex-syntax`; both follow new versions of
//! Unicode as Python does. What neither has is worked out here from what they have.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// A set of characters, a bit for each.
#[derive(Debug)]
pub(super) struct CharSet {
    bits: Vec<u64>,
}

impl CharSet {
    /// The characters of a class, as regexes write it.
    fn of_class(class: &str) -> Self {
        let mut set = Self { bits: vec![0; 0x11_0000 / 64] };
        if let Ok(HirKind::Class(Class::Unicode(class))) =
            regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind)
        {
            for range in class.iter() {
                (range.start()..=range.end()).for_each(|character| set.insert(character));
            }
        }
        set
    }

    /// The characters of a text.
    pub(super) fn of_text(text: &str) -> Self {
        let last = text.chars().max().map_or(0, |last| last as usize / 64 + 1);
        let mut set = Self { bits: vec![0; last] };
        text.chars().for_each(|character| set.insert(character));
        set
    }

    fn insert(&mut self, character: char) {
        if let Some(bits) = self.bits.get_mut(character as usize / 64) {
            *bits |= 1 << (character as u32 % 64);
        }
    }

    pub(super) fn contains(&self, character: char) -> bool {
        self.bits.get(character as usize / 64).is_some_and(|bits| bits >> (character as u32 % 64) & 1 == 1)
    }
}

static LETTERS: LazyLock<CharSet> = LazyLock::new(|| CharSet::of_class(r"\p{L}"));
static DECIMALS: LazyLock<CharSet> = LazyLock::new(|| CharSet::of_class(r"\p{Nd}"));
static IGNORED: LazyLock<CharSet> = LazyLock::new(|| CharSet::of_class(r"\p{Case_Ignorable}"));
/// Ideographs that stand for numbers.
static NUMERALS: LazyLock<CharSet> = LazyLock::new(|| {
    CharSet::of_text(concat!(
        "㐅㒃㠪㭍一七万三两九二五亖京亿什仟仨伍佰俩倆億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拐拾捌柒",
        "洞漆玖百皕秭肆萬貮貳贰鈎钩阡陆陌陸零",
        "\u{f96b}\u{f973}\u{f978}\u{f9b2}\u{f9d1}\u{f9d3}\u{f9fd}\u{20001}\u{20064}\u{200e2}\u{20121}\u{2092a}\u{20983}",
        "\u{2098c}\u{2099c}\u{20aea}\u{20afd}\u{20b19}\u{22390}\u{22998}\u{23b1b}\u{2626d}\u{2f890}",
    ))
});

/// Whether it is a letter: category L.
pub(super) fn is_letter(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphabetic() } else { LETTERS.contains(character) }
}

/// Whether it is a digit of a decimal number: category Nd.
pub(super) fn is_decimal(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_digit() } else { DECIMALS.contains(character) }
}

/// Whether it is a digit, also one that stands high or in a circle.
pub(super) fn is_digit(character: char) -> bool {
    is_decimal(character)
        || matches!(
            character,
            '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{2070}' | '\u{2074}'..='\u{2079}'
                | '\u{2080}'..='\u{2089}' | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}'
                | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}'
                | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}'
                | '\u{11052}'..='\u{1105a}' | '\u{1f100}'..='\u{1f10a}'
        )
}

/// Whether it stands for a number.
pub(super) fn is_numeric(character: char) -> bool {
    character.is_numeric() || !character.is_ascii() && NUMERALS.contains(character)
}

/// Whether it is a letter or stands for a number.
pub(super) fn is_alphanumeric(character: char) -> bool {
    is_letter(character) || is_numeric(character)
}

/// Whether it is white space. Unlike Unicode, Python counts the four separators of ASCII.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Whether it begins a word by its form, as ǅ does: category Lt.
pub(super) fn is_title(character: char) -> bool {
    matches!(
        character,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
            | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
    )
}

/// Whether it has a case.
pub(super) fn is_cased(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    character.is_lowercase() || character.is_uppercase() || is_title(character)
}

/// Puts a character behind others.
pub(super) fn push(character: char, bytes: &mut Vec<u8>) {
    if character.is_ascii() {
        return bytes.push(character as u8);
    }
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn push_all(characters: impl Iterator<Item = char>, bytes: &mut Vec<u8>) {
    characters.for_each(|character| push(character, bytes));
}

/// Puts the upper case of a character behind others.
pub(super) fn push_upper(character: char, bytes: &mut Vec<u8>) {
    if character.is_ascii() {
        return bytes.push(character.to_ascii_uppercase() as u8);
    }
    push_all(character.to_uppercase(), bytes);
}

/// Puts the lower case of the character at a place of a text behind others. A sigma at the end of a word has another.
pub(super) fn push_lower(character: char, text: &str, at: usize, bytes: &mut Vec<u8>) {
    match character {
        ascii if ascii.is_ascii() => bytes.push(ascii.to_ascii_lowercase() as u8),
        'Σ' if ends_word(text, at) => push('ς', bytes),
        _ => push_all(character.to_lowercase(), bytes),
    }
}

/// Whether the sigma at a place is the last letter of a word.
fn ends_word(text: &str, at: usize) -> bool {
    let letter = |character: &char| !IGNORED.contains(*character);
    let before = text.get(..at).unwrap_or_default().chars().rev().find(letter);
    let after = text.get(at + 'Σ'.len_utf8()..).unwrap_or_default().chars().find(letter);
    before.is_some_and(is_cased) && !after.is_some_and(is_cased)
}

/// Puts a character, in the form that it has at the start of a word, behind others.
pub(super) fn push_title(character: char, bytes: &mut Vec<u8>) {
    if character.is_ascii() {
        return bytes.push(character.to_ascii_uppercase() as u8);
    }
    let code = character as u32;
    let single = match code {
        0x1c4..=0x1c6 => Some('\u{1c5}'),
        0x1c7..=0x1c9 => Some('\u{1c8}'),
        0x1ca..=0x1cc => Some('\u{1cb}'),
        0x1f1..=0x1f3 => Some('\u{1f2}'),
        // Georgian has capitals for words that are all capitals only.
        0x10d0..=0x10fa | 0x10fd..=0x10ff | 0x1fbc | 0x1fcc | 0x1ffc => Some(character),
        0x1f80..=0x1faf => char::from_u32(code | 8),
        0x1fb3 | 0x1fc3 | 0x1ff3 => char::from_u32(code + 9),
        _ => None,
    };
    match (single, code) {
        (Some(title), _) => push(title, bytes),
        // The iota stays below the letter.
        (None, 0x1fb2 | 0x1fb4 | 0x1fb7 | 0x1fc2 | 0x1fc4 | 0x1fc7 | 0x1ff2 | 0x1ff4 | 0x1ff7) => {
            push_all(character.to_uppercase().map(|upper| if upper == 'Ι' { '\u{345}' } else { upper }), bytes);
        }
        // Of letters written as one, the first is a capital.
        (None, 0xdf | 0x587 | 0xfb00..=0xfb06 | 0xfb13..=0xfb17) => {
            let mut letters = character.to_uppercase();
            push_all(letters.next().into_iter(), bytes);
            letters.for_each(|letter| push_all(letter.to_lowercase(), bytes));
        }
        _ => push_upper(character, bytes),
    }
}

/// Puts a character, in the form in which those that differ in case alone are the same, behind others.
pub(super) fn push_folded(character: char, bytes: &mut Vec<u8>) {
    match character {
        ascii if ascii.is_ascii() => bytes.push(ascii.to_ascii_lowercase() as u8),
        'ẞ' => bytes.extend_from_slice(b"ss"),
        // The letters of Cherokee had capitals alone at first, which have therefore stayed what others become.
        'ı' | '\u{13a0}'..='\u{13f5}' => push(character, bytes),
        '\u{13f8}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => push_upper(character, bytes),
        _ => character.to_uppercase().for_each(|upper| push_all(upper.to_lowercase(), bytes)),
    }
}

/// The byte at which the character of a number begins; the length where there are not so many. All may be ASCII.
pub(super) fn place_of(text: &str, characters: usize, ascii: bool) -> usize {
    if ascii {
        return characters.min(text.len());
    }
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

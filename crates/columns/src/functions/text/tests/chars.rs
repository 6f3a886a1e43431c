//! Kinds of characters that are told by rules or lists of our own.

use super::super::chars::{is_alphanumeric, is_cased, is_decimal, is_digit, is_letter, is_numeric, is_space, is_title};

/// How many characters there are of each kind. They are those of the versions of Unicode that the standard library and
/// `regex-syntax` know; the least numbers are `unicodedata`'s of CPython 3.13 (Unicode 15.1), as characters are added but not removed.
#[test]
fn kinds_have_the_characters_of_unicode() {
    let count = |test: fn(char) -> bool| ('\0'..=char::MAX).filter(|character| test(*character)).count();
    for (test, least, name) in [
        (is_letter as fn(char) -> bool, 136_726, "letters"),
        (is_decimal, 680, "decimal digits"),
        (is_numeric, 1_922, "numeric"),
        (is_cased, 4_526, "cased"),
    ] {
        let found = count(test);
        assert!((least - 2..least + 6000).contains(&found), "{found} {name}");
    }
    assert_eq!(count(is_space), 29);
    assert_eq!(count(is_title), 31);
    assert_eq!(count(|character| is_digit(character) && !is_decimal(character)), 128);
    assert_eq!(count(|character| is_numeric(character) && is_letter(character)), 91);
    assert!(('\0'..=char::MAX).all(|character| is_alphanumeric(character) || !is_digit(character)));
}

//! Functions of texts, `x.str.lower()` or `str_lower(x)`.
//!
//! A missing text has a missing answer, whatever the function. Lengths, places and slices count characters, as code points; what
//! comes out is what the methods of Python's `str` and `re` give. Texts whose characters are all ASCII are computed as bytes, a block
//! at a time, and of texts of a dictionary each is computed once.
//!
//! Lists and structs, of which splitting and extracting make some, are carried to whatever is exported; `str_get` and `str_join`
//! take texts from lists, and `str_split_part` and `str_extract_regex` with a group give texts at once.

mod apply;
mod case;
mod chars;
mod extract;
mod find;
mod kind;
mod lists;
mod matching;
mod pad;
mod regexes;
mod replace;
mod slice;
mod split;
#[cfg(test)]
mod tests;
mod trim;
mod view;

use crate::plan::Function;

/// All of them, by what they are about.
pub(super) static KINDS: [&[Function]; 10] = [
    case::FUNCTIONS,
    kind::FUNCTIONS,
    find::FUNCTIONS,
    matching::FUNCTIONS,
    trim::FUNCTIONS,
    pad::FUNCTIONS,
    slice::FUNCTIONS,
    replace::FUNCTIONS,
    split::FUNCTIONS,
    extract::FUNCTIONS,
];

//! The header of a `.npy` file: a dictionary as Python writes it, of which three entries are known.

use crate::types::Unit;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    Instant(Unit),
    Duration(Unit),
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes of a value.
    pub(super) width: usize,
    /// Whether the highest byte comes first.
    pub(super) big: bool,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<u64>,
}

/// Why a header cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not as NumPy writes it.
    Damaged(String),
    /// The array is of a kind that is no column.
    Unsupported(String),
}

impl Header {
    /// Reads the text of a header.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let mut parser = Parser { rest: text };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        parser.expect('{')?;
        while !parser.eat('}') {
            let key = parser.text()?;
            parser.expect(':')?;
            let fresh = match key {
                "descr" if parser.peek() == Some('[') => {
                    return Err(Refused::Unsupported(
                        "holds records of several fields; save each field as an array of its own, or import the file"
                            .to_owned(),
                    ));
                }
                "descr" => descr.replace(parser.text()?).is_none(),
                "fortran_order" => fortran.replace(parser.truth()?).is_none(),
                "shape" => shape.replace(parser.lengths()?).is_none(),
                other => return Err(damaged(format!("has a header with the entry '{other}', which is not known"))),
            };
            if !fresh {
                return Err(damaged(format!("has a header with the entry '{key}' twice")));
            }
            if !parser.eat(',') {
                parser.expect('}')?;
                break;
            }
        }
        if !parser.rest.trim().is_empty() {
            return Err(damaged("has text behind its header"));
        }
        let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
            return Err(damaged("has a header without descr, fortran_order or shape"));
        };
        let (kind, width, big) = described(descr)?;
        Ok(Self { kind, width, big, fortran, shape })
    }
}

/// A type as NumPy's array interface writes it: `<f8`, `>M8[ns]`.
fn described(descr: &str) -> Result<(Kind, usize, bool), Refused> {
    let unknown = || {
        Refused::Unsupported(format!("holds values of type '{descr}', which are no column; convert them to numbers"))
    };
    let (order, rest) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let (kind, rest) = rest.split_at_checked(1).ok_or_else(unknown)?;
    if kind == "O" {
        return Err(Refused::Unsupported(
            "holds Python objects, which are never read: they can run any code; convert them to numbers".to_owned(),
        ));
    }
    let (width, unit) = match rest.split_once('[') {
        Some((width, unit)) => (width, Some(unit.strip_suffix(']').ok_or_else(unknown)?)),
        None => (rest, None),
    };
    let width: usize = width.parse().map_err(|_| unknown())?;
    let unit = || unit.and_then(Unit::from_letters).ok_or_else(unknown);
    let kind = match (kind, width) {
        ("b", 1) => Kind::Bool,
        ("i", 1 | 2 | 4 | 8) => Kind::Signed,
        ("u", 1 | 2 | 4 | 8) => Kind::Unsigned,
        ("f", 2 | 4 | 8) => Kind::Float,
        ("M", 8) => Kind::Instant(unit()?),
        ("m", 8) => Kind::Duration(unit()?),
        ("U" | "S", _) => {
            return Err(Refused::Unsupported(
                "holds texts in cells of a fixed length; write them to an Arrow or HDF5 file, or import the file"
                    .to_owned(),
            ));
        }
        _ => return Err(unknown()),
    };
    match order {
        "<" | "|" => Ok((kind, width, false)),
        ">" => Ok((kind, width, true)),
        "=" => Ok((kind, width, cfg!(target_endian = "big"))),
        _ => Err(unknown()),
    }
}

fn damaged(reason: impl Into<String>) -> Refused {
    Refused::Damaged(reason.into())
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, character: char) -> Result<(), Refused> {
        match self.eat(character) {
            true => Ok(()),
            false => {
                Err(damaged(format!("has a header that is no dictionary as NumPy writes it: '{character}' is missing")))
            }
        }
    }

    /// A text in quotes. NumPy writes none with quotes or backslashes in these entries.
    fn text(&mut self) -> Result<&'t str, Refused> {
        let quote = self.peek().filter(|quote| matches!(quote, '\'' | '"'));
        let quote = quote.ok_or_else(|| damaged("has a header with something else where a text belongs"))?;
        self.expect(quote)?;
        let (text, rest) =
            self.rest.split_once(quote).ok_or_else(|| damaged("has a header with a text that does not end"))?;
        self.rest = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, Refused> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(damaged("has a header whose fortran_order is neither True nor False"))
    }

    fn lengths(&mut self) -> Result<Vec<u64>, Refused> {
        self.expect('(')?;
        let mut lengths = Vec::new();
        while !self.eat(')') {
            self.peek();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            lengths.push(digits.parse().map_err(|_| damaged("has a header whose shape is no list of lengths"))?);
            // Python 2 wrote long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy() {
        let header = Header::parse("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 3), }      \n").unwrap();
        assert_eq!((header.kind, header.width, header.big, header.fortran), (Kind::Float, 4, false, false));
        assert_eq!(header.shape, [5, 3]);
        let header = Header::parse("{'descr': '>M8[ns]', 'fortran_order': True, 'shape': (7L,), }").unwrap();
        assert_eq!((header.kind, header.big, header.fortran), (Kind::Instant(Unit::Nano), true, true));
        assert_eq!(Header::parse("{'shape': (), 'fortran_order': False, 'descr': \"|u1\"}").unwrap().shape, [0_u64; 0]);
    }

    #[test]
    fn what_is_no_column_is_refused_with_advice() {
        for (descr, said) in [
            ("[('a', '<i4'), ('b', '<f8')]", "several fields"),
            ("'|O'", "Python objects"),
            ("'|O8'", "Python objects"),
            ("'<U5'", "texts"),
            ("'<c16'", "no column"),
            ("'<f16'", "no column"),
            ("'<M8'", "no column"),
            ("'<M8[fortnight]'", "no column"),
            ("''", "no column"),
            ("'é'", "no column"),
        ] {
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (5,), }}");
            let refused = Header::parse(&text);
            assert!(
                matches!(&refused, Err(Refused::Unsupported(reason)) if reason.contains(said)),
                "{descr}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 'x'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4",
        ] {
            assert!(matches!(Header::parse(text), Err(Refused::Damaged(_))), "{text}");
        }
    }
}

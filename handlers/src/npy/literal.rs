//! The part of Python's literal syntax that the header of a `.npy` file is written in.
//!
//! numpy evaluates the header with `ast.literal_eval`; here it is parsed by a grammar that knows dictionaries, lists,
//! tuples, strings, integers without sign, `True`, `False` and `None`, and nothing else. Depth and length are bounded, so
//! that hostile text costs neither stack nor time.

use super::NpyError;

/// Deepest nesting of a header. numpy's own structured types stay far below.
const MAX_DEPTH: usize = 32;

/// A parsed literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Str(String),
    Int(u64),
    Bool(bool),
    None,
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// Parses a text that is one literal, with white space around it.
pub(super) fn parse(text: &str) -> Result<Literal, NpyError> {
    let mut parser = Parser { rest: text };
    let literal = parser.literal(0)?;
    parser.skip_space();
    if parser.rest.is_empty() { Ok(literal) } else { Err(malformed("text after the end of the header")) }
}

/// Writes a string as Python's `repr` does: single quotes, unless it holds a single quote and no double one.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn malformed(reason: impl Into<String>) -> NpyError {
    NpyError::Malformed { reason: reason.into() }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.chars().next()
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, depth: usize) -> Result<Literal, NpyError> {
        if depth > MAX_DEPTH {
            return Err(malformed(format!("the header is nested deeper than {MAX_DEPTH} levels")));
        }
        match self.peek() {
            Some('{') => self.dict(depth),
            Some('[') => {
                self.eat('[');
                let (items, _) = self.items(']', depth)?;
                Ok(Literal::List(items))
            }
            Some('(') => {
                self.eat('(');
                let (mut items, trailing) = self.items(')', depth)?;
                // `(x)` is x in parentheses; only a comma makes it a tuple.
                match (items.len(), trailing) {
                    (1, false) => items.pop().ok_or_else(|| malformed("empty parentheses")),
                    _ => Ok(Literal::Tuple(items)),
                }
            }
            Some('\'' | '"') => self.string(),
            // Python 2 wrote field names as u'...'.
            Some('u') if self.rest[1..].starts_with(['\'', '"']) => {
                self.rest = &self.rest[1..];
                self.string()
            }
            Some(c) if c.is_ascii_digit() => self.integer(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some(c) => Err(malformed(format!("unexpected {c:?} in the header"))),
            None => Err(malformed("the header ends too early")),
        }
    }

    /// Items up to the closing bracket, and whether the last one had a comma after it.
    fn items(&mut self, close: char, depth: usize) -> Result<(Vec<Literal>, bool), NpyError> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if self.eat(close) {
                return Ok((items, comma));
            }
            if !items.is_empty() && !comma {
                return Err(malformed(format!("expected ',' or {close:?} in the header")));
            }
            items.push(self.literal(depth + 1)?);
            comma = self.eat(',');
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Literal, NpyError> {
        self.eat('{');
        let mut entries = Vec::new();
        let mut comma = true;
        loop {
            if self.eat('}') {
                return Ok(Literal::Dict(entries));
            }
            if !comma {
                return Err(malformed("expected ',' or '}' in the header"));
            }
            let key = self.literal(depth + 1)?;
            if !self.eat(':') {
                return Err(malformed("expected ':' in the header"));
            }
            entries.push((key, self.literal(depth + 1)?));
            comma = self.eat(',');
        }
    }

    fn integer(&mut self) -> Result<Literal, NpyError> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let value = digits.parse().map_err(|_| malformed(format!("the number {digits:.32} is too large")))?;
        // Python 2 wrote long integers with an L.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Ok(Literal::Int(value))
    }

    fn word(&mut self) -> Result<Literal, NpyError> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => Ok(Literal::Bool(true)),
            "False" => Ok(Literal::Bool(false)),
            "None" => Ok(Literal::None),
            _ => Err(malformed(format!("unexpected word {word:.32?} in the header"))),
        }
    }

    fn string(&mut self) -> Result<Literal, NpyError> {
        let mut chars = self.rest.chars();
        let quote = chars.next();
        let mut text = String::new();
        loop {
            match chars.next() {
                None => return Err(malformed("a string in the header does not end")),
                Some('\n') => return Err(malformed("a string in the header runs over a line end")),
                Some('\\') => text.push(escape(&mut chars)?),
                c if c == quote => break,
                Some(c) => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(Literal::Str(text))
    }
}

fn escape(chars: &mut std::str::Chars<'_>) -> Result<char, NpyError> {
    match chars.next() {
        Some(c @ ('\\' | '\'' | '"')) => Ok(c),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('x') => hex(chars, 2),
        Some('u') => hex(chars, 4),
        Some('U') => hex(chars, 8),
        _ => Err(malformed("a broken escape in the header")),
    }
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> Result<char, NpyError> {
    let mut value: u32 = 0;
    for _ in 0..digits {
        let digit = chars.next().and_then(|c| c.to_digit(16));
        // Eight digits fill 32 bits exactly, so this cannot overflow.
        value = (value << 4) | digit.ok_or_else(|| malformed("a broken escape in the header"))?;
    }
    char::from_u32(value).ok_or_else(|| malformed("an escape in the header is no character"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_numpy_headers() {
        let text =
            "{'descr': [('a', '<i2'), (('t', 'b'), '<f8', (2,))], 'fortran_order': False, 'shape': (3L, 4), }  \n";
        let Literal::Dict(entries) = parse(text).unwrap() else { panic!() };
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1], (Literal::Str("fortran_order".into()), Literal::Bool(false)));
        assert_eq!(entries[2].1, Literal::Tuple(vec![Literal::Int(3), Literal::Int(4)]));
        assert_eq!(parse("()").unwrap(), Literal::Tuple(vec![]));
        assert_eq!(parse("(7)").unwrap(), Literal::Int(7));
        assert_eq!(parse("(7,)").unwrap(), Literal::Tuple(vec![Literal::Int(7)]));
    }

    #[test]
    fn what_is_not_a_literal_is_refused() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': 1 'b': 2}",
            "[1 2]",
            "[,]",
            "(1",
            "'a",
            "'a\nb'",
            "-1",
            "1.5",
            "os.system('x')",
            "lambda",
            "1 + 1",
            "99999999999999999999999",
            "'\\q'",
            "'\\xg0'",
            "'\\U00110000'",
            "b'x'",
            "u",
        ] {
            assert!(matches!(parse(text), Err(NpyError::Malformed { .. })), "{text:?}");
        }
        assert!(parse(&"[".repeat(1_000_000)).is_err());
        assert!(parse(&format!("{}{}", "(".repeat(100), ")".repeat(100))).is_err());
    }

    #[test]
    fn strings_are_written_as_they_are_read() {
        for text in ["a", "it's", "say \"it's\"", "back\\slash", "\n\t\r\u{1}\u{7f}\u{85}", "größe 𝛼", ""] {
            assert_eq!(parse(&repr(text)).unwrap(), Literal::Str(text.into()), "{text:?}");
        }
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("a"), "'a'");
    }
}

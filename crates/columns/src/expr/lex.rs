//! Splits the text of an expression into tokens, as Python does.
//!
//! Tokens are made one at a time, so that of several mistakes the first is told, whatever kind it is.

use crate::error::Span;

/// What is wrong with the text, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) span: Span,
    pub(super) reason: String,
}

impl Problem {
    pub(super) fn new(span: Span, reason: impl Into<String>) -> Box<Self> {
        Box::new(Self { span, reason: reason.into() })
    }
}

/// A token, which is what `span` holds of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Number,
    /// Text in quotes, with its prefix.
    Text,
    /// A name, or a word of the language.
    Word,
    /// A name in backticks.
    Quoted,
    Sign(&'static str),
    End,
}

/// Signs, those that begin with others first. Some are not Python's: they are what people write for something that is,
/// which the parser can tell better than "unknown character" would.
const SIGNS: [&str; 57] = [
    "**=", "//=", "<<=", ">>=", "===", "!==", "...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "<>", "&&", "||",
    "=<", "=>", ":=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "+", "-", "*", "/", "%", "&", "|",
    "^", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "!", "?", ";", "@", "$",
];

/// Words that cannot be names unless they stand in backticks. Python's statements are not among them: `class` and
/// `from` are columns in many files, and no statement can begin inside an expression.
const RESERVED: [&str; 14] =
    ["False", "None", "True", "and", "else", "for", "if", "in", "inf", "is", "lambda", "nan", "not", "or"];

/// Python's other keywords, and what is no column before a dot: such names are written in backticks, though they need
/// not be read from them.
const AVOIDED: [&str; 27] = [
    "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "except", "finally", "from",
    "global", "import", "nonlocal", "pass", "raise", "return", "try", "while", "with", "yield", "df", "np", "numpy",
    "math",
];

/// Whether a name can be read only from backticks.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether a name is written as it is, without backticks.
pub(super) fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(begins_name)
        && characters.all(continues_name)
        && !is_reserved(name)
        && !AVOIDED.contains(&name)
}

fn begins_name(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

fn continues_name(character: char) -> bool {
    // Marks that follow a letter, in scripts that cannot be written without them, and accents that are not part of one.
    let mark = matches!(character, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{963}' | '\u{970}'..='\u{dff}')
        || matches!(character, '\u{e31}'..='\u{e4e}' | '\u{200c}'..='\u{200d}');
    mark || character.is_ascii_digit() || begins_name(character)
}

/// Makes tokens of a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; `End` for ever after the last.
    pub(super) fn token(&mut self) -> Result<Token, Box<Problem>> {
        self.skip_space();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => TokenKind::End,
            Some('`') => self.quoted()?,
            Some('"' | '\'') => self.quotes(start)?,
            Some('0'..='9') => self.number(),
            Some('.') if self.byte(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            Some(character) if begins_name(character) => self.word(start)?,
            Some(character) => self.sign(character)?,
        };
        Ok(Token { kind, span: Span { start, end: self.at } })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|character| !wanted(character)).unwrap_or(rest.len());
    }

    /// Skips blanks, line breaks and comments.
    fn skip_space(&mut self) {
        loop {
            self.skip_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c'));
            if self.byte(0) != Some(b'#') {
                return;
            }
            self.skip_while(|character| character != '\n');
        }
    }

    fn word(&mut self, start: usize) -> Result<TokenKind, Box<Problem>> {
        self.skip_while(continues_name);
        let word = self.text.get(start..self.at).unwrap_or_default();
        let prefix = word.len() <= 2 && word.chars().all(|letter| "rRbBuUfFtT".contains(letter));
        match self.byte(0) {
            Some(b'"' | b'\'') if prefix => self.quotes(start),
            _ => Ok(TokenKind::Word),
        }
    }

    /// Text in quotes, up to the same quotes. A backslash takes the next character with it, in raw text too.
    fn quotes(&mut self, start: usize) -> Result<TokenKind, Box<Problem>> {
        let opening = self.at;
        let quote = self.byte(0);
        let triple = self.byte(1) == quote && self.byte(2) == quote;
        self.at += if triple { 3 } else { 1 };
        loop {
            match self.byte(0) {
                Some(b'\\') if self.byte(1).is_some() => self.at += 2,
                Some(b'\n' | b'\r') | None if !triple => {
                    let quote = if quote == Some(b'"') { '"' } else { '\'' };
                    let span = Span { start, end: opening + 1 };
                    return Err(Problem::new(
                        span,
                        format!("this text is never closed: a {quote} is missing at its end, in the same line"),
                    ));
                }
                None => {
                    let span = Span { start, end: opening + 3 };
                    return Err(Problem::new(span, "this text is never closed: three quotes are missing at its end"));
                }
                byte if byte == quote && !triple => {
                    self.at += 1;
                    return Ok(TokenKind::Text);
                }
                byte if byte == quote && self.byte(1) == quote && self.byte(2) == quote => {
                    self.at += 3;
                    return Ok(TokenKind::Text);
                }
                _ => self.at += 1,
            }
        }
    }

    /// A name in backticks, where two backticks stand for one.
    fn quoted(&mut self) -> Result<TokenKind, Box<Problem>> {
        let start = self.at;
        self.at += 1;
        loop {
            self.skip_while(|character| character != '`');
            match (self.byte(0), self.byte(1)) {
                (Some(_), Some(b'`')) => self.at += 2,
                (Some(_), _) => {
                    self.at += 1;
                    return Ok(TokenKind::Quoted);
                }
                (None, _) => {
                    let span = Span { start, end: start + 1 };
                    return Err(Problem::new(span, "this name is never closed: a ` is missing at its end"));
                }
            }
        }
    }

    /// A number with all letters and digits that run into it: what it says is found out when it is read.
    fn number(&mut self) -> TokenKind {
        let digits = |character: char| character.is_ascii_digit() || character == '_';
        let with_base = self.byte(0) == Some(b'0') && self.byte(1).is_some_and(|base| b"xXoObB".contains(&base));
        if !with_base {
            self.skip_while(digits);
            if self.byte(0) == Some(b'.') {
                self.at += 1;
                self.skip_while(digits);
            }
            let exponent = matches!(self.byte(0), Some(b'e' | b'E'));
            if exponent && matches!((self.byte(1), self.byte(2)), (Some(b'+' | b'-'), Some(b'0'..=b'9'))) {
                self.at += 2;
            }
        }
        self.skip_while(continues_name);
        TokenKind::Number
    }

    fn sign(&mut self, character: char) -> Result<TokenKind, Box<Problem>> {
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.rest().starts_with(sign)) {
            self.at += sign.len();
            return Ok(TokenKind::Sign(sign));
        }
        let span = Span { start: self.at, end: self.at + character.len_utf8() };
        let hint = match character {
            '“' | '”' | '„' | '«' | '»' => "text stands in straight quotes: \"",
            '‘' | '’' | '´' => "text stands in straight quotes: '",
            '×' | '·' | '⋅' => "a product is written '*'",
            '÷' => "a quotient is written '/'",
            '−' | '–' | '—' => "a minus is written '-'",
            '≤' => "it is written '<='",
            '≥' => "it is written '>='",
            '≠' => "it is written '!='",
            '¬' => "it is written 'not' or '~'",
            '²' => "a square is written '** 2'",
            '³' => "a cube is written '** 3'",
            '\\' => "a line needs no '\\' at its end",
            other if other.is_whitespace() => "write an ordinary blank",
            _ => "names with other characters than letters, digits and '_' stand in backticks: `odd name`",
        };
        let shown = if character.is_control() || character.is_whitespace() {
            format!("U+{:04X}", u32::from(character))
        } else {
            format!("'{character}'")
        };
        Err(Problem::new(span, format!("{shown} has no meaning here; {hint}")))
    }
}

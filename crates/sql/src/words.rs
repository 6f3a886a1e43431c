//! The words of SQL, as far as is needed to find the bare word `table` among them.

use std::ops::Range;

use datafolio_core::Place;

/// A kind of word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword without quotes.
    Bare,
    /// A name in double quotes.
    Quoted,
    /// `$name` or `$1`.
    Parameter,
    /// A number, or text in single quotes or between dollars.
    Literal,
    /// Any other character.
    Sign,
}

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

impl Word {
    /// Whether it is this keyword, in any case.
    pub(crate) fn is(&self, text: &str, keyword: &str) -> bool {
        self.kind == Kind::Bare && text[self.range.clone()].eq_ignore_ascii_case(keyword)
    }

    /// Whether it is this sign.
    pub(crate) fn is_sign(&self, text: &str, sign: &str) -> bool {
        self.kind == Kind::Sign && &text[self.range.clone()] == sign
    }

    fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Bare | Kind::Quoted)
    }
}

/// All words but spaces and comments. What is not closed goes to the end of the text: the parser will say so.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let after = |mark: &str, from: usize| rest[from..].find(mark).map_or(rest.len(), |end| from + end + mark.len());
        let length = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += comment_length(rest);
            continue;
        } else if first == '"' || first == '\'' {
            closed(rest, 1, first, false)
        } else if matches!(first, 'e' | 'E') && rest[1..].starts_with('\'') {
            closed(rest, 2, '\'', true)
        } else if first == '$' {
            let tag = name_length(&rest[1..]);
            if rest[1 + tag..].starts_with('$') { after(&rest[..tag + 2], tag + 2) } else { 1 + tag }
        } else if first.is_ascii_digit() {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len())
        } else if is_name_char(first) {
            // Behind its first character a name can have dollars.
            rest.find(|c: char| !(is_name_char(c) || c == '$')).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let kind = match first {
            '"' => Kind::Quoted,
            '\'' => Kind::Literal,
            'e' | 'E' if rest[1..].starts_with('\'') => Kind::Literal,
            '$' if rest[1..length].contains('$') => Kind::Literal,
            '$' => Kind::Parameter,
            c if c.is_ascii_digit() => Kind::Literal,
            c if is_name_char(c) => Kind::Bare,
            _ => Kind::Sign,
        };
        words.push(Word { kind, range: at..at + length });
        at += length;
    }
    words
}

/// How long the comment is that a text begins with: others may be open in it.
fn comment_length(text: &str) -> usize {
    let (mut at, mut open) = (2, 1_usize);
    while open > 0 {
        let Some(next) = text[at..].find(['/', '*']) else { return text.len() };
        at += next;
        let mark = &text.as_bytes()[at..text.len().min(at + 2)];
        open = match mark {
            b"/*" => open + 1,
            b"*/" => open - 1,
            _ => open,
        };
        at += if mark == b"/*" || mark == b"*/" { 2 } else { 1 };
    }
    at
}

/// Where the statements of a text lie that end with `;`, without it, and the one behind them that does not, where there is
/// one. A `;` within a text, a name or a comment ends nothing.
pub fn statements(text: &str) -> (Vec<Range<usize>>, Option<Range<usize>>) {
    let (mut complete, mut current) = (Vec::new(), None::<Range<usize>>);
    let mut behind = 0;
    for word in words(text) {
        if word.is_sign(text, ";") {
            complete.extend(current.take());
            behind = word.range.end;
        } else {
            current = Some(current.map_or(word.range.start, |range| range.start)..word.range.end);
        }
    }
    // A comment that is not closed goes on.
    let rest = &text[behind..];
    let is_open = rest.rfind("/*").is_some_and(|open| !rest[open..].contains("*/"));
    let open = is_open.then_some(behind..text.len());
    (complete, current.or(open))
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !is_name_char(c)).unwrap_or(text.len())
}

/// The length of a text up to its closing mark; a mark that is doubled, or escaped where that is possible, is part of it.
fn closed(text: &str, start: usize, mark: char, escapes: bool) -> usize {
    let mut chars = text[start..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == mark {
            if chars.peek().is_some_and(|(_, next)| *next == mark) {
                chars.next();
            } else {
                return start + at + mark.len_utf8();
            }
        }
    }
    text.len()
}

/// A text in which some words were replaced, and how to get back to the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// The new text.
    pub text: String,
    original: String,
    /// Where the new text has more bytes than the original, and how many.
    longer: Vec<(usize, usize)>,
}

impl Quoted {
    /// A text as it is.
    pub fn unchanged(text: &str) -> Self {
        Self { text: text.to_owned(), original: text.to_owned(), longer: Vec::new() }
    }

    /// The same between two other texts. Places in these lead to the ends of the original.
    pub(crate) fn between(self, before: &str, after: &str) -> Self {
        let mut longer = vec![(0, before.len())];
        longer.extend(self.longer.iter().map(|(at, count)| (at + before.len(), *count)));
        Self { text: format!("{before}{}{after}", self.text), original: self.original, longer }
    }

    /// The same with a text put in at these bytes, which ascend.
    pub(crate) fn with_inserted(&self, bytes: &[usize], what: &str) -> Self {
        self.with_parts(&bytes.iter().map(|byte| (*byte, what.to_owned())).collect::<Vec<_>>())
    }

    /// The same with what stands there, in ranges that ascend, cast to these types.
    pub(crate) fn with_casts(&self, casts: &[(Range<usize>, String)]) -> Self {
        let parts =
            casts.iter().flat_map(|(range, to)| [(range.start, "CAST(".to_owned()), (range.end, format!(" AS {to})"))]);
        self.with_parts(&parts.collect::<Vec<_>>())
    }

    /// The same with texts put in at bytes that ascend.
    fn with_parts(&self, parts: &[(usize, String)]) -> Self {
        let before =
            |at: usize| parts.iter().filter(|(byte, _)| *byte <= at).map(|(_, what)| what.len()).sum::<usize>();
        let mut longer: Vec<(usize, usize)> =
            self.longer.iter().map(|(at, count)| (at + before(*at), *count)).collect();
        let added: usize = parts.iter().map(|(_, what)| what.len()).sum();
        let mut text = String::with_capacity(self.text.len() + added);
        let mut copied = 0;
        for (byte, what) in parts {
            text.push_str(&self.text[copied..*byte]);
            longer.push((text.len(), what.len()));
            text.push_str(what);
            copied = *byte;
        }
        text.push_str(&self.text[copied..]);
        Self { text, original: self.original.clone(), longer }
    }

    /// The place in the original of what became this byte; `None` beyond the end, where nothing is known of it.
    pub(crate) fn place(&self, byte: usize) -> Option<Place> {
        (byte <= self.text.len()).then(|| Place::of(&self.original, self.origin(byte)))
    }

    /// The byte of the original that became the one at this place.
    fn origin(&self, byte: usize) -> usize {
        let added: usize = self.longer.iter().filter(|(at, _)| *at < byte).map(|(_, count)| count).sum();
        byte.saturating_sub(added)
    }
}

/// Quotes the bare word `table` wherever it stands for a table or column, and makes `$table` the same; strings, comments and
/// quoted names stay as they are. `TABLE name`, which begins a query, keeps its meaning, and so does the word in `CREATE TABLE`
/// and the like, which are refused for what they are.
pub fn quote_table(text: &str) -> Quoted {
    const BEFORE_A_QUERY: [&str; 6] = ["union", "all", "except", "intersect", "as", "distinct"];
    const BEFORE_A_NEW_ONE: [&str; 8] =
        ["create", "replace", "temp", "temporary", "unlogged", "drop", "alter", "truncate"];
    let all = words(text);
    let mut quoted = Quoted { text: String::new(), original: text.to_owned(), longer: Vec::new() };
    let mut copied = 0;
    for (index, word) in all.iter().enumerate() {
        let is_parameter = word.kind == Kind::Parameter && text[word.range.clone()].eq_ignore_ascii_case("$table");
        if !is_parameter {
            if !word.is(text, "table") {
                continue;
            }
            let begins = index.checked_sub(1).and_then(|before| all.get(before)).is_none_or(|before| {
                before.is_sign(text, "(")
                    || before.is_sign(text, ";")
                    || BEFORE_A_QUERY.iter().chain(&BEFORE_A_NEW_ONE).any(|keyword| before.is(text, keyword))
            });
            if begins && all.get(index + 1).is_some_and(Word::is_name) {
                continue;
            }
        }
        quoted.text.push_str(&text[copied..word.range.start]);
        quoted.text.push_str("\"table\"");
        quoted.longer.push((quoted.text.len() - 1, if is_parameter { 1 } else { 2 }));
        copied = word.range.end;
    }
    quoted.text.push_str(&text[copied..]);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        quote_table(text).text
    }

    #[test]
    fn the_word_is_quoted_where_it_is_a_table() {
        for (text, expected) in [
            ("SELECT * FROM table", "SELECT * FROM \"table\""),
            (
                "select table.id from TABLE where table.id > 1",
                "select \"table\".id from \"table\" where \"table\".id > 1",
            ),
            ("SELECT * FROM a JOIN table USING (x)", "SELECT * FROM a JOIN \"table\" USING (x)"),
            ("FROM $table t, $1, $name", "FROM \"table\" t, $1, $name"),
            ("PIVOT table ON a", "PIVOT \"table\" ON a"),
            ("SELECT count(*) FROM (table)", "SELECT count(*) FROM (\"table\")"),
            (
                "CREATE OR REPLACE TABLE q AS SELECT * FROM table",
                "CREATE OR REPLACE TABLE q AS SELECT * FROM \"table\"",
            ),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn statements_are_told_apart() {
        let told = |text: &'static str| {
            let (complete, rest) = statements(text);
            (complete.into_iter().map(|range| &text[range]).collect::<Vec<_>>(), rest.map(|range| &text[range]))
        };
        assert_eq!(told("SELECT 1"), (vec![], Some("SELECT 1")));
        assert_eq!(told(" SELECT 1 ;; SELECT 2; -- ; the end"), (vec!["SELECT 1", "SELECT 2"], None));
        assert_eq!(told("SELECT ';', \"a;b\", $$;$$, $x$;$$;$x$ /* ; */ -- ;\n; x"), {
            (vec!["SELECT ';', \"a;b\", $$;$$, $x$;$$;$x$"], Some("x"))
        });
        assert_eq!(told("SELECT ';"), (vec![], Some("SELECT ';")));
        assert_eq!(told("SELECT 'it''s;'; SELECT E'\\';';"), (vec!["SELECT 'it''s;'", "SELECT E'\\';'"], None));
        assert_eq!(told("-- ;\n /* ; */ "), (vec![], None));
        assert!(told("SELECT 1; /* ; ").1.is_some());
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for text in [
            "SELECT 'from table', \"table\", E'it\\'s table' FROM t -- table\n/* table */",
            "SELECT $$ table $$, $x$ table $$ $x$ FROM t",
            "TABLE t UNION ALL TABLE u",
            "CREATE TABLE q (x INTEGER)",
            "CREATE TEMP TABLE q AS SELECT 1; DROP TABLE q; ALTER TABLE q RENAME TO r; TRUNCATE TABLE r",
            "SELECT * FROM (TABLE t)",
            "SELECT tables, a_table, table1, table$, a$$table$$ FROM t",
            "SELECT 1 AS a$$, b$$ FROM t",
            "SELECT 'unclosed table",
            "",
        ] {
            assert_eq!(quoted(text), text);
        }
    }

    #[test]
    fn places_lead_back_to_the_original() {
        let text = "SELECT table.a FROM table WHERE $table.x";
        let quoted = quote_table(text);
        for word in ["a FROM", "FROM", "WHERE", "x"] {
            let (new, old) = (quoted.text.find(word).unwrap(), text.rfind(word).unwrap());
            assert_eq!(quoted.origin(new), old, "{word}");
        }
        // And from a text that was made longer again.
        let (from, end) = (quoted.text.find("FROM").unwrap(), quoted.text.len());
        let longer = quoted.with_inserted(&[from, end, end], " IN ('') ");
        assert_eq!(longer.text, format!("{} IN ('') {} IN ('')  IN ('') ", &quoted.text[..from], &quoted.text[from..]));
        for word in ["FROM", "WHERE", "x"] {
            let (new, old) = (longer.text.find(word).unwrap(), text.find(word).unwrap());
            assert_eq!(longer.origin(new), old, "{word}");
        }
        assert_eq!(quoted.place(end + 1), None);
    }
}

//! Finding the schema of JSON lines from all of their values.
//!
//! Not left to Arrow's own inference, which knows no line numbers, makes lists of what was a plain value elsewhere, and
//! takes integers beyond int64 for floats, losing digits.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use indexmap::IndexMap;

use crate::formats::csv::Nulls;
use crate::formats::types::MAX_TYPE_DEPTH;
use crate::formats::{ImportOptions, MAX_COLUMNS, quoted};
use crate::json_text::{self, Digits, Token, Tokens, unquote};

/// What has been seen at one place of the objects.
#[derive(Debug, Default)]
enum Kind {
    /// Nothing but null.
    #[default]
    Unknown,
    /// Plain values: a set of bits.
    Scalar(u8),
    List(Box<Kind>),
    Object(Columns),
}

/// The fields of objects at one place.
type Columns = IndexMap<String, Column>;

#[derive(Debug, Default)]
struct Column {
    kind: Kind,
    /// The number of the object that had it last: an object that has a field twice finds its own number there.
    last: u64,
}

const BOOL: u8 = 1;
const INT: u8 = 1 << 1;
const NEGATIVE: u8 = 1 << 2;
/// An integer that fits uint64 only.
const UINT: u8 = 1 << 3;
/// An integer that fits neither.
const BIG: u8 = 1 << 4;
const FLOAT: u8 = 1 << 5;
const TEXT: u8 = 1 << 6;

/// The columns of a JSON lines file, as far as they have been seen.
#[derive(Debug)]
pub(in crate::formats) struct JsonColumns {
    columns: Columns,
    rules: Rules,
    counts: Counts,
    /// The places of the columns of which the last object has shown something that none before had.
    news: Vec<usize>,
}

/// What is counted on all levels.
#[derive(Debug, Default)]
struct Counts {
    /// Number of columns and fields.
    names: usize,
    /// Number of objects.
    objects: u64,
    /// Whether something was seen that was not seen before at its place.
    has_news: bool,
}

/// What the caller says of the columns.
#[derive(Debug)]
struct Rules {
    /// Columns whose type is given: their values are plain ones, and looked at when they are read.
    given: HashSet<String>,
    /// The columns that are read; `None` is all. The others may hold what no table can.
    wanted: Option<HashSet<String>>,
    nulls: Option<Nulls>,
}

impl JsonColumns {
    pub(in crate::formats) fn new(options: &ImportOptions) -> Self {
        let rules = Rules {
            given: options.types.keys().cloned().collect(),
            wanted: options.columns.as_ref().map(|names| names.iter().cloned().collect()),
            nulls: options.null_values.as_deref().map(Nulls::new),
        };
        Self { columns: Columns::new(), rules, counts: Counts::default(), news: Vec::new() }
    }

    /// Takes in the object of one line, which [`json_text::check`] found to be JSON.
    ///
    /// # Errors
    /// A sentence on a value that cannot stand in one column with those before it, or in no column at all.
    pub(super) fn add(&mut self, line: &str) -> Result<(), String> {
        let mut tokens = Tokens::new(line);
        tokens.next();
        self.news.clear();
        self.counts.objects += 1;
        let object = self.counts.objects;
        while let Some(name) = tokens.next_name() {
            let name = unquote(name).map_err(|error| format!("not JSON: {}", json_text::sentence(&error)))?;
            self.counts.has_news = false;
            let place = column_of(&mut self.columns, &name, object, &mut self.counts)
                .map_err(|reason| format!("column {}: {reason}", quoted(&name)))?;
            let mut walk = Walk { tokens: &mut tokens, rules: &self.rules, counts: &mut self.counts };
            let added = if self.rules.wanted.as_ref().is_some_and(|wanted| !wanted.contains(name.as_ref())) {
                walk.skip()
            } else if self.rules.given.contains(name.as_ref()) {
                walk.plain()
            } else {
                walk.value(&mut self.columns[place].kind, MAX_TYPE_DEPTH)
            };
            added.map_err(|misfit| format!("column {}: {}", quoted(&misfit.place(&name)), misfit.reason))?;
            if self.counts.has_news {
                self.news.push(place);
            }
        }
        Ok(())
    }

    /// The names, in the order in which they were first seen.
    pub(in crate::formats) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.keys().map(String::as_str)
    }

    /// The type of a column.
    ///
    /// # Errors
    /// A sentence on an object that was always empty: no file format has a column without any field.
    pub(in crate::formats) fn data_type(&self, name: &str) -> Result<DataType, String> {
        match self.columns.get(name) {
            Some(column) => data_type(&column.kind, name),
            None => Ok(DataType::Utf8),
        }
    }

    /// A sentence on a column of which the last object has a value that does not fit the type that it has in this schema: there
    /// are such when the schema was made of some of the lines only.
    pub(super) fn misfit(&self, schema: &Schema) -> Option<String> {
        let misfits = |(name, column): (&String, &Column)| {
            let (_, field) = schema.column_with_name(name)?;
            (!fits(&column.kind, field.data_type())).then(|| field.clone())
        };
        let field = self.found_news().find_map(misfits)?;
        let reason = "is not of the type that the lines before have";
        Some(format!(
            "column {}: a value here {reason}, {}: give the column a type",
            quoted(field.name()),
            field.data_type()
        ))
    }

    /// Whether this schema, which was made of the objects before the last one, would be the same with that.
    pub(super) fn still_make(&self, schema: &Schema) -> bool {
        self.found_news().all(|(name, column)| {
            let known = schema.column_with_name(name).map(|(_, field)| field.data_type());
            known.is_some_and(|known| data_type(&column.kind, name).is_ok_and(|now| now == *known))
        })
    }

    /// The columns of which the last object has shown something new, and whose types come from their values.
    fn found_news(&self) -> impl Iterator<Item = (&String, &Column)> {
        let is_found = |name: &String| {
            !self.rules.given.contains(name) && self.rules.wanted.as_ref().is_none_or(|wanted| wanted.contains(name))
        };
        let columns = self.news.iter().filter_map(|&place| self.columns.get_index(place));
        columns.filter(move |(name, _)| is_found(name))
    }
}

/// Whether a type holds all that was seen, unchanged (but whole numbers among floats, which become floats).
fn fits(kind: &Kind, data_type: &DataType) -> bool {
    match (kind, data_type) {
        (Kind::Unknown, _) | (Kind::Scalar(_), DataType::Utf8) => true,
        (Kind::Scalar(seen), DataType::Boolean) => *seen == BOOL,
        (Kind::Scalar(seen), DataType::Int64) => seen & !(INT | NEGATIVE) == 0,
        (Kind::Scalar(seen), DataType::UInt64) => seen & !(INT | UINT) == 0,
        (Kind::Scalar(seen), DataType::Float64) => seen & (BOOL | TEXT) == 0,
        (Kind::List(inner), DataType::List(field)) => fits(inner, field.data_type()),
        (Kind::Object(columns), DataType::Struct(fields)) => columns
            .iter()
            .all(|(name, column)| fields.find(name).is_some_and(|(_, field)| fits(&column.kind, field.data_type()))),
        _ => false,
    }
}

/// Why a value makes no column, and the fields that lead to it.
struct Misfit {
    path: Vec<String>,
    reason: String,
}

impl Misfit {
    fn here(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    /// The place in a column of this name.
    fn place(&self, column: &str) -> String {
        self.path.iter().rev().fold(column.to_owned(), |place, name| format!("{place}.{name}"))
    }
}

/// The place of the column of this name, which this object must not have had before.
fn column_of(columns: &mut Columns, name: &str, object: u64, counts: &mut Counts) -> Result<usize, String> {
    let place = match columns.get_index_of(name) {
        Some(place) => place,
        None => {
            counts.names += 1;
            counts.has_news = true;
            if counts.names > MAX_COLUMNS {
                return Err(format!("more than {MAX_COLUMNS} different names"));
            }
            columns.insert_full(name.to_owned(), Column::default()).0
        }
    };
    if std::mem::replace(&mut columns[place].last, object) == object {
        return Err("the object has two fields of this name, and a column takes one value".to_owned());
    }
    Ok(place)
}

/// A walk over the values of one line.
struct Walk<'w, 't> {
    tokens: &'w mut Tokens<'t>,
    rules: &'w Rules,
    counts: &'w mut Counts,
}

impl<'t> Walk<'_, 't> {
    /// Takes in the next value, whose lists and objects may be nested so deeply.
    fn value(&mut self, kind: &mut Kind, depth: usize) -> Result<(), Misfit> {
        match self.tokens.next() {
            Some(token) => self.value_from(token, kind, depth),
            None => Err(Misfit::here("a value is missing")),
        }
    }

    fn value_from(&mut self, first: Token<'t>, kind: &mut Kind, depth: usize) -> Result<(), Misfit> {
        if !matches!(first, Token::ListStart | Token::ObjectStart) {
            let seen = self.scalar(first)?;
            return match kind {
                _ if seen == 0 => Ok(()),
                Kind::Scalar(before) => {
                    self.counts.has_news |= *before | seen != *before;
                    *before |= seen;
                    Ok(())
                }
                Kind::Unknown => {
                    self.becomes(kind, Kind::Scalar(seen));
                    Ok(())
                }
                before => Err(clash("a plain value", before)),
            };
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Misfit::here(format!(
                "lists and objects are nested more than {MAX_TYPE_DEPTH} levels deep, which readers of tables refuse: \
                 leave it out by naming the other columns"
            )));
        };
        if first == Token::ListStart {
            if matches!(kind, Kind::Unknown) {
                self.becomes(kind, Kind::List(Box::default()));
            }
            let Kind::List(inner) = kind else { return Err(clash("a list", kind)) };
            loop {
                match self.tokens.next() {
                    Some(Token::ListEnd) | None => return Ok(()),
                    Some(Token::Comma) => {}
                    Some(first) => self.value_from(first, inner, depth)?,
                }
            }
        }
        if matches!(kind, Kind::Unknown) {
            self.becomes(kind, Kind::Object(Columns::new()));
        }
        let Kind::Object(columns) = kind else { return Err(clash("an object", kind)) };
        self.counts.objects += 1;
        let object = self.counts.objects;
        while let Some(name) = self.tokens.next_name() {
            let name = text_of(name)?;
            let inside = |misfit: Misfit| {
                let mut path = misfit.path;
                path.push(name.clone().into_owned());
                Misfit { path, reason: misfit.reason }
            };
            let place =
                column_of(columns, &name, object, self.counts).map_err(|reason| inside(Misfit::here(reason)))?;
            self.value(&mut columns[place].kind, depth).map_err(inside)?;
        }
        Ok(())
    }

    /// The first value at a place tells what it is.
    fn becomes(&mut self, kind: &mut Kind, seen: Kind) {
        *kind = seen;
        self.counts.has_news = true;
    }

    /// Passes over a value that is of no interest.
    fn skip(&mut self) -> Result<(), Misfit> {
        let mut depth = 0_usize;
        for token in &mut *self.tokens {
            match token {
                Token::ListStart | Token::ObjectStart => depth += 1,
                Token::ListEnd | Token::ObjectEnd => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > json_text::MAX_DEPTH {
                return Err(Misfit::here(format!("nested deeper than {} levels", json_text::MAX_DEPTH)));
            }
            if depth == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Takes in a value of a column whose type is given.
    fn plain(&mut self) -> Result<(), Misfit> {
        match self.tokens.next() {
            Some(Token::ListStart) => Err(Misfit::here("a list, where the given type takes a plain value")),
            Some(Token::ObjectStart) => Err(Misfit::here("an object, where the given type takes a plain value")),
            Some(token) => self.scalar(token).map(drop),
            None => Err(Misfit::here("a value is missing")),
        }
    }

    /// What a plain value is; nothing for null and what stands for it.
    fn scalar(&self, token: Token<'_>) -> Result<u8, Misfit> {
        let is_null = |text: &str| self.rules.nulls.as_ref().is_some_and(|nulls| nulls.contain(text));
        Ok(match token {
            Token::Bool(value) if is_null(if value { "true" } else { "false" }) => 0,
            Token::Bool(_) => BOOL,
            Token::Number(text) if is_null(text) => 0,
            Token::Number(text) => match Digits::of(text) {
                Digits::Signed(number) => INT | if number < 0 { NEGATIVE } else { 0 },
                Digits::Unsigned(_) => UINT,
                Digits::Beyond => BIG,
                Digits::Float(_) => FLOAT,
                Digits::Infinite => TEXT,
            },
            Token::String(text) if is_null(&text_of(text)?) => 0,
            Token::String(_) => TEXT,
            _ => 0,
        })
    }
}

fn text_of(string: &str) -> Result<Cow<'_, str>, Misfit> {
    unquote(string).map_err(|error| Misfit::here(format!("not JSON: {}", json_text::sentence(&error))))
}

fn clash(here: &str, before: &Kind) -> Misfit {
    let before = match before {
        Kind::List(_) => "a list",
        Kind::Object(_) => "an object",
        Kind::Scalar(_) | Kind::Unknown => "a plain value",
    };
    Misfit::here(format!("{here} here, and {before} before it: they make no column together"))
}

fn data_type(kind: &Kind, place: &str) -> Result<DataType, String> {
    Ok(match kind {
        Kind::Unknown => DataType::Utf8,
        Kind::Scalar(BOOL) => DataType::Boolean,
        Kind::Scalar(seen) if seen & (BOOL | TEXT) != 0 => DataType::Utf8,
        Kind::Scalar(seen) if seen & FLOAT != 0 => DataType::Float64,
        // Float64 would lose digits.
        Kind::Scalar(seen) if seen & BIG != 0 || (seen & UINT != 0 && seen & NEGATIVE != 0) => DataType::Utf8,
        Kind::Scalar(seen) if seen & UINT != 0 => DataType::UInt64,
        Kind::Scalar(_) => DataType::Int64,
        Kind::List(inner) => DataType::List(Arc::new(Field::new_list_field(data_type(inner, place)?, true))),
        Kind::Object(columns) if columns.is_empty() => {
            return Err(format!(
                "column {} holds nothing but empty objects, which no table can: leave it out by naming the other columns",
                quoted(place)
            ));
        }
        Kind::Object(columns) => DataType::Struct(
            columns
                .iter()
                .map(|(name, column)| Ok(Field::new(name, data_type(&column.kind, &format!("{place}.{name}"))?, true)))
                .collect::<Result<Fields, String>>()?,
        ),
    })
}

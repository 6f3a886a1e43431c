//! Expressions that become parts of a query, with values for their places.

use std::ops::Range;

use crate::check::{TableName, with_tree};
use crate::condition::joins_within;
use crate::error::SqlResult;
use crate::params::Params;
use crate::words::{Kind, quote_table, words};

/// Expressions that share values.
#[derive(Debug, Clone)]
pub struct Expressions {
    /// Their texts. Places that are numbered have names here: a text may stand in a query twice, or in one of its own, and its places
    /// still have their values.
    pub texts: Vec<String>,
    /// The values for each of them.
    pub params: Vec<Params>,
    /// The values for all of them.
    pub all_params: Params,
    /// The tables that they read, in subqueries.
    pub tables: Vec<TableName>,
    /// Whether DuckDB may join the table with something for one of them.
    pub(crate) may_join: bool,
}

impl Expressions {
    /// `?` are counted through all texts.
    ///
    /// # Errors
    /// As [`check`](crate::check()); [`SqlError::Parameters`](crate::SqlError::Parameters) where values and places differ.
    pub fn new(texts: &[&str], params: &Params) -> SqlResult<Self> {
        let (texts, named) = with_names(texts, params);
        let (mut tables, mut places, mut all_places): (Vec<TableName>, Vec<Vec<String>>, Vec<String>) =
            Default::default();
        let mut may_join = false;
        for text in &texts {
            let (checked, joins) = with_tree(&quote_table(&format!("SELECT ({text}\n)")), joins_within)?;
            may_join |= joins;
            tables.extend(checked.tables);
            all_places
                .extend(checked.places.iter().filter(|place| !all_places.contains(place)).cloned().collect::<Vec<_>>());
            places.push(checked.places);
        }
        // They are told as the caller knows them.
        let told = all_places.iter().map(|place| match params {
            Params::Positional(_) => place.strip_prefix(NAME).unwrap_or(place).to_owned(),
            Params::None | Params::Named(_) => place.clone(),
        });
        params.check(&told.collect::<Vec<_>>())?;
        let params = places.iter().map(|places| named.only(places)).collect();
        Ok(Self { texts, params, all_params: named.only(&all_places), tables, may_join })
    }
}

/// A place for a value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValuePlace {
    /// Where it stands.
    pub(crate) range: Range<usize>,
    /// What it is called: `1` for the first of those that are numbered.
    pub(crate) name: String,
}

/// The places of a text for values, in order. `next` is the number of the next `?`.
pub(crate) fn value_places(text: &str, next: &mut usize) -> Vec<ValuePlace> {
    let all = words(text);
    let mut places = Vec::new();
    for (index, word) in all.iter().enumerate() {
        if word.is_sign(text, "?") {
            // `?2` is the second.
            let behind = all.get(index + 1).filter(|behind| behind.range.start == word.range.end);
            let numbered =
                behind.and_then(|behind| Some((text[behind.range.clone()].parse::<usize>().ok()?, behind.range.end)));
            let (number, end) = numbered.unwrap_or_else(|| {
                *next += 1;
                (*next - 1, word.range.end)
            });
            places.push(ValuePlace { range: word.range.start..end, name: number.to_string() });
        } else if word.kind == Kind::Parameter {
            let name = text[word.range.start + 1..word.range.end].to_owned();
            places.push(ValuePlace { range: word.range.clone(), name });
        }
    }
    places
}

/// Before the number of a place.
const NAME: &str = "value_";

/// The same texts and values with names for places that are numbered.
fn with_names(texts: &[&str], params: &Params) -> (Vec<String>, Params) {
    let Params::Positional(values) = params else {
        return (texts.iter().map(|text| (*text).to_owned()).collect(), params.clone());
    };
    let mut next = 1;
    let named = texts.iter().map(|text| {
        let (mut named, mut copied) = (String::with_capacity(text.len()), 0);
        for ValuePlace { range, name } in value_places(text, &mut next) {
            let Ok(number) = name.parse::<usize>() else { continue };
            named.push_str(&text[copied..range.start]);
            named.push_str(&format!("${NAME}{number}"));
            // `?AND` are two words.
            if text[range.end..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                named.push(' ');
            }
            copied = range.end;
        }
        named.push_str(&text[copied..]);
        named
    });
    let texts = named.collect();
    let values = values.iter().enumerate().map(|(index, value)| (format!("{NAME}{}", index + 1), value.clone()));
    (texts, Params::Named(values.collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::params::ParamValue;

    fn numbered(count: i128) -> Params {
        Params::Positional((1..=count).map(ParamValue::Int).collect())
    }

    #[test]
    fn numbered_places_get_names() {
        let (texts, _) = with_names(&["a = ?AND b = '?' -- ?", "?+ $1 * ?2 || \"?\"", "$$ ? $$ || ?"], &numbered(2));
        let expected =
            ["a = $value_1 AND b = '?' -- ?", "$value_2+ $value_1 * $value_2 || \"?\"", "$$ ? $$ || $value_3"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn each_expression_has_its_values() {
        let named = |number: i128| (format!("value_{number}"), ParamValue::Int(number));
        let found =
            Expressions::new(&["a < ? OR a IN (SELECT b FROM other)", "c + ?", "$1 * ?"], &numbered(3)).unwrap();
        let expected = [vec![named(1)], vec![named(2)], vec![named(1), named(3)]].map(Params::Named);
        assert_eq!(found.params, expected);
        assert_eq!(found.all_params, Params::Named(vec![named(1), named(2), named(3)]));
        assert_eq!(found.tables.len(), 1);
        let by_name = Params::Named(vec![("x".to_owned(), ParamValue::Null)]);
        let found = Expressions::new(&["a = $x", "$x"], &by_name).unwrap();
        assert_eq!((found.texts, found.all_params), (vec!["a = $x".to_owned(), "$x".to_owned()], by_name));
    }

    #[test]
    fn values_and_places_that_differ_are_told() {
        let by_name = || Params::Named(vec![("x".to_owned(), ParamValue::Null)]);
        for (texts, params, reason) in [
            (["a = ?", "?"], numbered(1), "place 2 has no value: 1 value is given"),
            (["a = ?", "?"], numbered(3), "3 values are given, and there is no place for value 3"),
            (["a = ?", "1"], Params::None, "place 1 has no value: 0 values are given"),
            (["a = $x", "$y"], by_name(), "$y has no value"),
            (["a = 1", "2"], by_name(), "there is no $x in it, for which a value is given"),
            (["a = ?", "2"], by_name(), "its places are numbered, as ? and $1, and values with names are given: x"),
            (["a = ?", "$x"], numbered(1), "its places have names, as $x, and 1 value without a name is given"),
            (
                ["a = ? AND b = $x", "2"],
                numbered(1),
                "its places have names, as $x, and 1 value without a name is given",
            ),
            (["a = ? AND b = $x", "2"], by_name(), "places for values are ? and $1, or have names, as $name: not both"),
        ] {
            let error = Expressions::new(&texts, &params).unwrap_err();
            assert_eq!(error.code(), "sql-parameters", "{error}");
            assert!(error.to_string().contains(reason), "{texts:?}: {error}");
        }
    }
}

//! What a condition asks of single columns, whatever else it asks: rows for which one of these is not true are none of its rows.

use chrono::{DateTime, Days, NaiveDate};
use serde_json::Value;

use crate::instants::instant;
use crate::looks::{self, Looks};
use crate::params::{ParamValue, Params};
use crate::property;

/// A comparison of a column with constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The column, as the condition writes it.
    pub column: String,
    /// How the column is to compare with one of the constants.
    pub comparison: Comparison,
    /// The constants: one, or those of a list (`IN`).
    pub constants: Vec<Constant>,
}

/// How a value is to compare with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Comparison {
    pub(crate) fn of(kind: &Value) -> Option<Self> {
        Some(match kind.as_str()? {
            "COMPARE_LESSTHAN" => Self::Less,
            "COMPARE_LESSTHANOREQUALTO" => Self::AtMost,
            "COMPARE_EQUAL" => Self::Equal,
            "COMPARE_GREATERTHANOREQUALTO" => Self::AtLeast,
            "COMPARE_GREATERTHAN" => Self::More,
            _ => return None,
        })
    }

    /// The same comparison with the sides exchanged.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::Equal => Self::Equal,
            Self::AtLeast => Self::AtMost,
            Self::More => Self::Less,
        }
    }
}

/// A constant as the text has it: its type is settled by what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A whole number.
    Int(i128),
    /// Another number, to the next one that there is.
    Float(f64),
    /// A text.
    Text(String),
    /// A text that stays one, whatever it is compared with: it was given as a value.
    Varchar(String),
    /// The text of a date, or of an instant without a zone.
    Time(String),
    /// The text of an instant within a zone.
    Instant(String),
    /// A truth value.
    Bool(bool),
}

/// The bounds in the tree of a condition on the rows of a table that goes by this name, with these values.
pub(crate) fn bounds(condition: &Value, table: &str, params: &Params) -> Vec<Bound> {
    let mut found = Vec::new();
    collect(condition, table, params, &mut found);
    found
}

fn collect(expression: &Value, table: &str, params: &Params, found: &mut Vec<Bound>) {
    let part = |name: &str| expression.get(name).unwrap_or(&Value::Null);
    let mut add = |column: &Value, comparison: Comparison, constant: &Value| {
        if let (Some(column), Some(constant)) = (column_of(column, table), constant_of(constant, params)) {
            found.push(Bound { column, comparison, constants: vec![constant] });
        }
    };
    match (part("class").as_str(), part("type").as_str()) {
        (Some("CONJUNCTION"), Some("CONJUNCTION_AND")) => {
            for child in part("children").as_array().map_or(&[][..], Vec::as_slice) {
                collect(child, table, params, found);
            }
        }
        (Some("COMPARISON"), Some(_)) => {
            if let Some(comparison) = Comparison::of(part("type")) {
                add(part("left"), comparison, part("right"));
                add(part("right"), comparison.turned(), part("left"));
                for (of, comparison, constant) in
                    [("left", comparison, "right"), ("right", comparison.turned(), "left")]
                {
                    let Some(constant) = constant_of(part(constant), params) else { continue };
                    found.extend(property::bounds(part(of), table, comparison, &constant));
                    found.extend(looks::bounds(part(of), table, params, comparison, &constant));
                }
            }
        }
        (Some("BETWEEN"), Some("COMPARE_BETWEEN")) => {
            // Where one end is a column, or is computed, nobody knows here in which type all three are compared.
            let ends = (constant_of(part("lower"), params), constant_of(part("upper"), params));
            let (Some(lower), Some(upper)) = ends else { return };
            found.extend(property::bounds(part("input"), table, Comparison::AtLeast, &lower));
            found.extend(property::bounds(part("input"), table, Comparison::AtMost, &upper));
            let Some(column) = column_of(part("input"), table) else { return };
            let ends = of_one_type(&[lower, upper]).into_iter();
            found.extend(ends.zip([Comparison::AtLeast, Comparison::AtMost]).map(|(constant, comparison)| Bound {
                column: column.clone(),
                comparison,
                constants: vec![constant],
            }));
        }
        (Some("OPERATOR"), Some("COMPARE_IN")) => {
            let children = part("children").as_array().map_or(&[][..], Vec::as_slice);
            let Some((column, list)) = children.split_first() else { return };
            let constants = list.iter().map(|constant| constant_of(constant, params)).collect();
            if let (Some(column), Some(constants)) = (column_of(column, table), constants) {
                found.push(Bound { column, comparison: Comparison::Equal, constants });
            }
        }
        // Texts that are not to look so lie anywhere.
        (Some("FUNCTION"), _) => {
            if let Some((looks, false)) = Looks::of(expression, table, params) {
                found.extend(looks.bounds());
            }
        }
        _ => {}
    }
}

/// The column of the table that an expression is.
pub(crate) fn column_of(expression: &Value, table: &str) -> Option<String> {
    if expression.get("class")? != "COLUMN_REF" {
        return None;
    }
    let names: Vec<&str> = expression.get("column_names")?.as_array()?.iter().filter_map(Value::as_str).collect();
    match names.as_slice() {
        [column] => Some((*column).to_owned()),
        [of, column] if of.eq_ignore_ascii_case(table) => Some((*column).to_owned()),
        _ => None,
    }
}

/// Constants as SQL compares them with one column together: in one type, in which a whole number beside a fraction may be rounded, and
/// a time beside one within a zone lies in one as well.
pub fn of_one_type(constants: &[Constant]) -> Vec<Constant> {
    let has_float = constants.iter().any(|constant| matches!(constant, Constant::Float(_)));
    let has_instant = constants.iter().any(|constant| matches!(constant, Constant::Instant(_)));
    let converted = constants.iter().map(|constant| match constant {
        Constant::Int(value) if has_float => Constant::Float(*value as f64),
        Constant::Text(text) | Constant::Time(text) if has_instant => Constant::Instant(text.clone()),
        other => other.clone(),
    });
    converted.collect()
}

pub(crate) fn constant_of(expression: &Value, params: &Params) -> Option<Constant> {
    match expression.get("class")?.as_str()? {
        "PARAMETER" => constant_of_value(params.get(expression.get("identifier")?.as_str()?)?),
        "CONSTANT" => {
            let literal = expression.get("literal")?;
            let text = literal.get("text").and_then(Value::as_str).unwrap_or_default();
            match literal.get("kind")?.as_str()? {
                "INTEGER" => text.replace('_', "").parse().ok().map(Constant::Int),
                "NUMERIC" => {
                    let number: f64 = text.replace('_', "").parse().ok()?;
                    number.is_finite().then_some(Constant::Float(number))
                }
                "STRING" => Some(Constant::Text(text.to_owned())),
                "BOOLEAN" => text.parse().ok().map(Constant::Bool),
                _ => None,
            }
        }
        "CAST" => {
            let of = expression.get("type_expr")?;
            let text = |name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default();
            let Constant::Text(value) = constant_of(expression.get("child")?, params)? else { return None };
            match text("type_name").to_ascii_lowercase().as_str() {
                _ if !text("schema").is_empty() => None,
                // A time behind it would be cut off.
                "date" => (value.len() == 10).then_some(Constant::Time(value)),
                "timestamp" => Some(Constant::Time(value)),
                "timestamptz" | "timestamp with time zone" => Some(Constant::Instant(value)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The constant that a value is, as it compares with a column.
fn constant_of_value(value: &ParamValue) -> Option<Constant> {
    Some(match value {
        ParamValue::Bool(value) => Constant::Bool(*value),
        ParamValue::Int(value) => Constant::Int(*value),
        ParamValue::Float(value) if value.is_finite() => Constant::Float(*value),
        ParamValue::Text(text) => Constant::Varchar(text.clone()),
        ParamValue::Date(days) => {
            let from_then = Days::new(days.unsigned_abs().into());
            let then = NaiveDate::default();
            let day = if *days < 0 { then.checked_sub_days(from_then) } else { then.checked_add_days(from_then) };
            Constant::Time(day?.to_string())
        }
        ParamValue::Timestamp(micros) => {
            Constant::Time(DateTime::from_timestamp_micros(*micros)?.naive_utc().to_string())
        }
        ParamValue::Instant(micros) => Constant::Instant(instant(*micros)?),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::condition::check_condition;

    fn told(condition: &str) -> Vec<(String, Comparison, Vec<Constant>)> {
        told_with(condition, &Params::None)
    }

    fn told_with(condition: &str, params: &Params) -> Vec<(String, Comparison, Vec<Constant>)> {
        let bounds = check_condition(condition, params).unwrap().bounds;
        bounds.into_iter().map(|bound| (bound.column, bound.comparison, bound.constants)).collect()
    }

    #[test]
    fn comparisons_that_must_hold_are_found() {
        use Comparison::{AtLeast, AtMost, Equal, Less, More};
        let (int, text) = (Constant::Int, |text: &str| Constant::Text(text.to_owned()));
        let time = |text: &str| Constant::Time(text.to_owned());
        for (condition, expected) in [
            ("id < 5", vec![("id", Less, int(5))]),
            ("-1_000 <= table.id", vec![("id", AtLeast, int(-1000))]),
            ("\"Table\".\"an id\" = 5 AND (x > 1.5 AND y >= 1e3)", {
                vec![("an id", Equal, int(5)), ("x", More, Constant::Float(1.5)), ("y", AtLeast, Constant::Float(1e3))]
            }),
            ("id BETWEEN 1 AND 2", vec![("id", AtLeast, int(1)), ("id", AtMost, int(2))]),
            ("id BETWEEN 9007199254740993 AND 1e300", {
                vec![("id", AtLeast, Constant::Float(9_007_199_254_740_992.0)), ("id", AtMost, Constant::Float(1e300))]
            }),
            ("name = 'it''s' AND length(name) > 3", vec![("name", Equal, text("it's"))]),
            ("day >= DATE '2024-01-31' AND moment < '2024-01-31 10:00'::TIMESTAMP", {
                vec![("day", AtLeast, time("2024-01-31")), ("moment", Less, time("2024-01-31 10:00"))]
            }),
            ("moment > TIMESTAMPTZ '2024-01-31 10:00+01' AND moment < '2024-02-01'::TIMESTAMP WITH TIME ZONE", {
                let instant = |text: &str| Constant::Instant(text.to_owned());
                vec![("moment", More, instant("2024-01-31 10:00+01")), ("moment", Less, instant("2024-02-01"))]
            }),
            ("name LIKE 'ab_c%' AND starts_with(other, 'é')", {
                let varchar = |text: &str| Constant::Varchar(text.to_owned());
                vec![
                    ("name", AtLeast, varchar("ab")),
                    ("name", Less, varchar("ac")),
                    ("other", AtLeast, varchar("é")),
                    ("other", Less, varchar("ê")),
                ]
            }),
            ("name ^@ '\u{d7ff}' AND ends_with(name, 'a') AND name LIKE '%a' AND name ILIKE 'a%'", {
                vec![("name", AtLeast, Constant::Varchar("\u{d7ff}".to_owned())), {
                    ("name", Less, Constant::Varchar("\u{e000}".to_owned()))
                }]
            }),
            ("starts_with(name, 'a\u{10ffff}')", {
                vec![("name", AtLeast, Constant::Varchar("a\u{10ffff}".to_owned()))]
            }),
            ("year(day) = 2024 AND 1999 < date_part('year', moment) AND year(other) BETWEEN 1 AND 9998", {
                vec![
                    ("day", AtLeast, time("2024-01-01")),
                    ("day", Less, time("2025-01-01")),
                    ("moment", AtLeast, time("2000-01-01")),
                    ("other", AtLeast, time("0001-01-01")),
                    ("other", Less, time("9999-01-01")),
                ]
            }),
            // What SQL rounds towards 1970 lies before it.
            ("year(day) = 1970 AND moment::DATE < '1970-01-01'", {
                vec![
                    ("day", AtLeast, time("1969-12-31")),
                    ("day", Less, time("1971-01-01")),
                    ("moment", Less, time("1970-01-01")),
                ]
            }),
            ("moment::DATE <= '2024-02-29' AND CAST(day AS DATE) > DATE '2024-02-28'", {
                vec![("moment", Less, time("2024-03-01")), ("day", AtLeast, time("2024-02-29"))]
            }),
            ("left(name, 2) = 'ab' AND substr(other, 1) LIKE 'é%' AND lower(name) = 'a' AND substr(name, 2) = 'a'", {
                let varchar = |text: &str| Constant::Varchar(text.to_owned());
                vec![
                    ("name", AtLeast, varchar("ab")),
                    ("name", Less, varchar("ac")),
                    ("other", AtLeast, varchar("é")),
                    ("other", Less, varchar("ê")),
                ]
            }),
            ("id < 3 AND x < (SELECT max(x) FROM table)", vec![("id", Less, int(3))]),
        ] {
            let expected = expected.into_iter().map(|(name, how, what)| (name.to_owned(), how, vec![what]));
            assert_eq!(told(condition), expected.collect::<Vec<_>>(), "{condition}");
        }
    }

    #[test]
    fn a_list_is_equality_with_one_of_its_values() {
        let equal = |name: &str, constants| vec![(name.to_owned(), Comparison::Equal, constants)];
        let text = |text: &str| Constant::Text(text.to_owned());
        let ints = vec![Constant::Int(1), Constant::Int(-2), Constant::Float(2.5)];
        assert_eq!(told("table.id IN (1, -2, 2.5)"), equal("id", ints));
        assert_eq!(told("name IN ('a', 'b') AND x > y"), equal("name", vec![text("a"), text("b")]));
        assert_eq!(told("id IN (5)"), equal("id", vec![Constant::Int(5)]));
    }

    #[test]
    fn values_are_the_constants_that_they_were_given_as() {
        use Comparison::{AtLeast, Equal, Less};
        let values = vec![ParamValue::Int(5), ParamValue::Text("5".to_owned()), ParamValue::Date(-1)];
        let values = [values, vec![ParamValue::Timestamp(-1), ParamValue::Null, ParamValue::Float(f64::NAN)]].concat();
        let zoned = Params::Positional(vec![ParamValue::Instant(-1)]);
        let instant = vec![Constant::Instant("1969-12-31 23:59:59.999999+00".to_owned())];
        assert_eq!(told_with("moment >= ?", &zoned), [("moment".to_owned(), AtLeast, instant)]);
        let numbered = Params::Positional(values.clone());
        let names = ["int", "text", "day", "moment", "null", "nan"].map(str::to_owned);
        let named = Params::Named(names.into_iter().zip(values).collect());
        let varchar = || Constant::Varchar("5".to_owned());
        let time = |text: &str| Constant::Time(text.to_owned());
        let expected: Vec<_> = [
            ("id", Less, vec![Constant::Int(5)]),
            ("name", Equal, vec![varchar(), Constant::Text("x".to_owned())]),
            ("day", AtLeast, vec![time("1969-12-31")]),
            ("moment", Less, vec![time("1969-12-31 23:59:59.999999")]),
        ]
        .into_iter()
        .map(|(name, how, what)| (name.to_owned(), how, what))
        .collect();
        let asked = "id < ? AND name IN (?, 'x') AND day >= ? AND moment < ? AND id < ? AND x < ?";
        assert_eq!(told_with(asked, &numbered), expected);
        let asked =
            "$int > id AND name IN ($text, 'x') AND day >= $day AND moment < $moment AND id = $null AND x < $nan";
        assert_eq!(told_with(asked, &named), expected);
        // Without the value nothing is known.
        assert_eq!(told("id < ?"), []);
        assert_eq!(told_with("id < $7", &numbered), []);
    }

    #[test]
    fn all_else_asks_nothing_that_is_known() {
        for condition in [
            "id < 5 OR x > 1",
            "NOT id < 5",
            "NOT (id < 5 AND x > 1)",
            "id NOT BETWEEN 1 AND 2",
            "id BETWEEN 16777217 AND x",
            "id BETWEEN '1'::FLOAT AND 16777217",
            "id <> 5",
            "name NOT LIKE 'a%'",
            "NOT name LIKE 'a%'",
            "name LIKE 'a!%' ESCAPE '!'",
            "id IS DISTINCT FROM 5",
            "id + 1 < 5",
            "abs(id) < 5",
            "id < x",
            "id < 2 + 3",
            "year(day) = 9999",
            "year(day) = 2024.5",
            "year(day) <> 2024",
            "month(day) = 2",
            "day::DATE = moment",
            "moment::DATE < '1677-12-31'",
            "moment::DATE >= '2262-01-01'",
            "left(name, 2) < 'ab'",
            "CASE WHEN id < 5 THEN true ELSE x > 1 END",
            "other.id < 5 IS NULL",
            "name COLLATE NOCASE = 'a'",
            "name::INTEGER < 5",
            "id < '5'::INTEGER",
            "moment < '10:00'::TIME",
            "id NOT IN (1, 2)",
            "NOT id IN (1, 2)",
            "id IN (1, NULL)",
            "id IN (1, x)",
            "(id, x) IN ((1, 2))",
            "id IN (SELECT 1)",
            "5 IN (id, x)",
            "id < NULL",
            "true",
        ] {
            assert!(told(condition).is_empty(), "{condition}");
        }
    }
}

//! Conditions that compare columns with constants, and what AND, OR and NOT make of these: their whole meaning is known here.

use serde_json::Value;

use crate::bounds::{Comparison, Constant, column_of, constant_of, of_one_type};
use crate::params::Params;

/// A condition, all of it. Where a value is null a comparison is neither true nor false, as in SQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// All of these hold.
    And(Vec<Predicate>),
    /// One of these holds.
    Or(Vec<Predicate>),
    /// This one is false.
    Not(Box<Predicate>),
    /// A column compares so with one of the constants.
    Compare {
        /// The column, as the condition writes it.
        column: String,
        /// How it is to compare.
        comparison: Comparison,
        /// One constant, or those of a list.
        constants: Vec<Constant>,
    },
    /// The values of a column are null.
    IsNull(String),
    /// The values of a column, which are truth values, are true.
    IsTrue(String),
}

/// Digits of a decimal number that is the same one whether it is read at once or made of its digits and a power of ten.
const EXACT_DIGITS: usize = 15;

impl Predicate {
    /// What the tree of a condition on the rows of a table that goes by this name is, with these values; `None` where it is more.
    pub(crate) fn of(condition: &Value, table: &str, params: &Params) -> Option<Self> {
        let part = |name: &str| condition.get(name).unwrap_or(&Value::Null);
        let children = || part("children").as_array().map_or(&[][..], Vec::as_slice);
        let all = || children().iter().map(|child| Self::of(child, table, params)).collect::<Option<Vec<_>>>();
        let constant = |of: &Value| exact(of, params);
        Some(match (part("class").as_str()?, part("type").as_str()?) {
            ("CONJUNCTION", "CONJUNCTION_AND") => Self::And(all()?),
            ("CONJUNCTION", "CONJUNCTION_OR") => Self::Or(all()?),
            ("OPERATOR", "OPERATOR_NOT") => all()?.pop()?.negated(),
            ("OPERATOR", "OPERATOR_IS_NULL") => Self::IsNull(column_of(children().first()?, table)?),
            ("OPERATOR", "OPERATOR_IS_NOT_NULL") => Self::IsNull(column_of(children().first()?, table)?).negated(),
            ("OPERATOR", "COMPARE_IN") => {
                let (column, list) = children().split_first()?;
                let constants: Vec<Constant> = list.iter().map(constant).collect::<Option<_>>()?;
                let (column, constants) = (column_of(column, table)?, of_one_type(&constants));
                Self::Compare { column, comparison: Comparison::Equal, constants }
            }
            ("COMPARISON", "COMPARE_NOTEQUAL") => {
                Self::compare((part("left"), part("right")), Comparison::Equal, table, constant)?.negated()
            }
            ("COMPARISON", _) => {
                Self::compare((part("left"), part("right")), Comparison::of(part("type"))?, table, constant)?
            }
            ("BETWEEN", "COMPARE_BETWEEN") => {
                let column = column_of(part("input"), table)?;
                let ends = of_one_type(&[constant(part("lower"))?, constant(part("upper"))?]);
                let compared = ends.into_iter().zip([Comparison::AtLeast, Comparison::AtMost]);
                Self::And(
                    compared
                        .map(|(constant, comparison)| {
                            let (column, constants) = (column.clone(), vec![constant]);
                            Self::Compare { column, comparison, constants }
                        })
                        .collect(),
                )
            }
            ("COLUMN_REF", _) => Self::IsTrue(column_of(condition, table)?),
            _ => return None,
        })
    }

    fn compare(
        (left, right): (&Value, &Value),
        comparison: Comparison,
        table: &str,
        constant: impl Fn(&Value) -> Option<Constant>,
    ) -> Option<Self> {
        let (column, comparison, constant) = match column_of(left, table) {
            Some(column) => (column, comparison, constant(right)?),
            None => (column_of(right, table)?, comparison.turned(), constant(left)?),
        };
        Some(Self::Compare { column, comparison, constants: vec![constant] })
    }

    fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// A constant whose value is known to the last digit.
fn exact(expression: &Value, params: &Params) -> Option<Constant> {
    let literal = expression.get("literal").unwrap_or(&Value::Null);
    if literal.get("kind").is_some_and(|kind| kind == "NUMERIC") {
        let text = literal.get("text")?.as_str()?;
        // With an exponent it is a floating-point number from the start.
        let is_decimal = !text.contains(['e', 'E']);
        if is_decimal && text.bytes().filter(u8::is_ascii_digit).count() > EXACT_DIGITS {
            return None;
        }
    }
    constant_of(expression, params)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::condition::check_condition;

    fn told(condition: &str) -> Option<Predicate> {
        let values = condition.matches('?').map(|_| 5.into()).collect();
        check_condition(condition, &Params::Positional(values)).unwrap().predicate
    }

    fn compare(column: &str, comparison: Comparison, constants: Vec<Constant>) -> Predicate {
        Predicate::Compare { column: column.to_owned(), comparison, constants }
    }

    #[test]
    fn conditions_are_known_whole() {
        use Comparison::{AtLeast, AtMost, Equal, Less, More};
        let int = |value| vec![Constant::Int(value)];
        let id_below_5 = || compare("id", Less, int(5));
        let x_above = || compare("x", More, vec![Constant::Float(1.5)]);
        let not = |inner: Predicate| Predicate::Not(Box::new(inner));
        for (condition, expected) in [
            ("id < 5", id_below_5()),
            ("? > table.id", id_below_5()),
            ("id < 5 AND x > 1.5", Predicate::And(vec![id_below_5(), x_above()])),
            ("id < 5 OR (NOT x > 1.5)", Predicate::Or(vec![id_below_5(), not(x_above())])),
            ("id <> 5", not(compare("id", Equal, int(5)))),
            ("5 = id", compare("id", Equal, int(5))),
            ("id IN (5, 7)", compare("id", Equal, [int(5), int(7)].concat())),
            ("id NOT IN (5)", not(compare("id", Equal, int(5)))),
            ("id BETWEEN 5 AND ?", Predicate::And(vec![compare("id", AtLeast, int(5)), compare("id", AtMost, int(5))])),
            ("flag", Predicate::IsTrue("flag".to_owned())),
            ("x IS NULL", Predicate::IsNull("x".to_owned())),
            ("x IS NOT NULL", not(Predicate::IsNull("x".to_owned()))),
        ] {
            assert_eq!(told(condition), Some(expected), "{condition}");
        }
    }

    #[test]
    fn what_is_more_is_not_known() {
        for condition in [
            "id + 1 < 5",
            "id < 5 AND abs(x) > 1",
            "id < x",
            "id < NULL",
            "id IN (1, NULL)",
            "id IN (SELECT 1)",
            "x > 0.1234567890123456",
            "x BETWEEN 0 AND 0.1234567890123456",
            "id IS DISTINCT FROM 5",
            "name LIKE 'a%'",
            "other.id < 5 IS NULL",
            "CASE WHEN id < 5 THEN true END",
            "true",
            "name::INTEGER < 5",
        ] {
            assert_eq!(told(condition), None, "{condition}");
        }
    }
}

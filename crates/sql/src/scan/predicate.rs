//! Conditions that compare columns with constants, say what their texts look like, or compute of them, and what AND, OR and NOT make of these: their whole meaning is known here.

use serde_json::Value;

use crate::bounds::{Comparison, Constant, column_of, constant_of, of_one_type};
use crate::formula::Formula;
use crate::looks::Looks;
use crate::params::Params;
use crate::property::{date_of, day_of};

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
    /// The texts of a column look so.
    Looks(Looks),
    /// The dates of a column of dates or moments compare so with a day.
    Dated {
        /// The column, as the condition writes it.
        column: String,
        /// How they are to compare.
        comparison: Comparison,
        /// The day, counted from 1970-01-01.
        day: i64,
    },
    /// Numbers that are computed of columns compare so.
    Computed {
        /// The one.
        left: Formula,
        /// How it is to compare.
        comparison: Comparison,
        /// The other.
        right: Formula,
    },
}

/// Digits of a decimal number that is the same one whether it is read at once or made of its digits and a power of ten.
const EXACT_DIGITS: usize = 15;
/// Most constants that what is computed anew for each is compared with.
const MOST_COMPUTED: usize = 8;

impl Predicate {
    /// What the tree of a condition on the rows of a table that goes by this name is, with these values; `None` where it is more.
    pub(crate) fn of(condition: &Value, table: &str, params: &Params) -> Option<Self> {
        let part = |name: &str| condition.get(name).unwrap_or(&Value::Null);
        let children = || part("children").as_array().map_or(&[][..], Vec::as_slice);
        let all = || children().iter().map(|child| Self::of(child, table, params)).collect::<Option<Vec<_>>>();
        let constant = |of: &Value| exact(of, params);
        let formula = |of: &Value| Formula::of(of, table, &constant);
        let compare = |comparison: Comparison| {
            let sides = [("left", comparison, "right"), ("right", comparison.turned(), "left")];
            let special = sides.into_iter().find_map(|(of, comparison, constant)| {
                Self::special(part(of), table, params, comparison, &constant_of(part(constant), params)?)
            });
            special.or_else(|| Self::compare(formula(part("left"))?, comparison, formula(part("right"))?))
        };
        Some(match (part("class").as_str()?, part("type").as_str()?) {
            ("CONJUNCTION", "CONJUNCTION_AND") => Self::And(all()?),
            ("CONJUNCTION", "CONJUNCTION_OR") => Self::Or(all()?),
            ("OPERATOR", "OPERATOR_NOT") => all()?.pop()?.negated(),
            ("OPERATOR", "OPERATOR_IS_NULL") => Self::IsNull(column_of(children().first()?, table)?),
            ("OPERATOR", "OPERATOR_IS_NOT_NULL") => Self::IsNull(column_of(children().first()?, table)?).negated(),
            ("OPERATOR", "COMPARE_IN") => {
                let (subject, list) = children().split_first()?;
                let constants: Vec<Constant> = list.iter().map(constant).collect::<Option<_>>()?;
                let constants = of_one_type(&constants);
                let special = |one: &Constant| Self::special(subject, table, params, Comparison::Equal, one);
                if let Some(any) = constants.iter().map(special).collect::<Option<Vec<_>>>()
                    && any.len() <= MOST_COMPUTED
                {
                    return Some(Self::Or(any));
                }
                match column_of(subject, table) {
                    Some(column) => Self::Compare { column, comparison: Comparison::Equal, constants },
                    None => {
                        let subject = formula(subject).filter(|_| constants.len() <= MOST_COMPUTED)?;
                        Self::Or(constants.iter().map(|one| subject.compared(Comparison::Equal, one)).collect())
                    }
                }
            }
            ("COMPARISON", "COMPARE_NOTEQUAL") => compare(Comparison::Equal)?.negated(),
            ("COMPARISON", _) => compare(Comparison::of(part("type"))?)?,
            ("BETWEEN", "COMPARE_BETWEEN") => {
                let ends = of_one_type(&[constant(part("lower"))?, constant(part("upper"))?]);
                let compared = || ends.iter().zip([Comparison::AtLeast, Comparison::AtMost]);
                let special = compared().map(|(one, how)| Self::special(part("input"), table, params, how, one));
                if let Some(both) = special.collect::<Option<Vec<_>>>() {
                    return Some(Self::And(both));
                }
                let subject = formula(part("input"))?;
                Self::And(compared().map(|(constant, comparison)| subject.compared(comparison, constant)).collect())
            }
            ("FUNCTION", _) => {
                let (looks, is_otherwise) = Looks::of(condition, table, params)?;
                let looks = Self::Looks(looks);
                if is_otherwise { looks.negated() } else { looks }
            }
            ("COLUMN_REF", _) => Self::IsTrue(column_of(condition, table)?),
            _ => return None,
        })
    }

    /// How what an expression makes of a text, or the date of a moment, compares with a constant.
    fn special(
        expression: &Value,
        table: &str,
        params: &Params,
        comparison: Comparison,
        constant: &Constant,
    ) -> Option<Self> {
        let Some(column) = date_of(expression, table) else {
            return Looks::compared(expression, table, params, comparison, constant).map(Self::Looks);
        };
        Some(Self::Dated { column, comparison, day: day_of(constant)? })
    }

    /// How two numbers are to compare: as columns do with constants, where that is what they are.
    fn compare(left: Formula, comparison: Comparison, right: Formula) -> Option<Self> {
        Some(match (left, right) {
            (Formula::Constant(_), Formula::Constant(_)) => return None,
            (left, Formula::Constant(constant)) => left.compared(comparison, &constant),
            (Formula::Constant(constant), right) => right.compared(comparison.turned(), &constant),
            (left, right) => Self::Computed { left, comparison, right },
        })
    }

    fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl Formula {
    fn compared(&self, comparison: Comparison, constant: &Constant) -> Predicate {
        match self {
            Self::Column(column) => {
                Predicate::Compare { column: column.clone(), comparison, constants: vec![constant.clone()] }
            }
            left => Predicate::Computed { left: left.clone(), comparison, right: Self::Constant(constant.clone()) },
        }
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
    use crate::formula::{Binary, Unary};
    use crate::looks::Like;

    fn told(condition: &str) -> Option<Predicate> {
        let values = condition.matches('?').map(|_| 5.into()).collect();
        check_condition(condition, &Params::Positional(values)).unwrap().predicate
    }

    const LIKE: Like = Like::Pattern { any_case: false, escape: None };

    fn looks(like: Like, text: &str) -> Predicate {
        Predicate::Looks(Looks { column: "name".to_owned(), made: Vec::new(), like, text: text.to_owned() })
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
            ("id < x", {
                let column = |name: &str| Formula::Column(name.to_owned());
                Predicate::Computed { left: column("id"), comparison: Less, right: column("x") }
            }),
            ("5 <= abs(-table.x)", {
                let x = Formula::Column("x".to_owned());
                let left = Formula::Unary(Unary::Absolute, Box::new(Formula::Unary(Unary::Negate, Box::new(x))));
                Predicate::Computed { left, comparison: AtLeast, right: Formula::Constant(Constant::Int(5)) }
            }),
            ("x * 2 + id IN (5, 7)", {
                let [x, id, two] = [
                    Formula::Column("x".to_owned()),
                    Formula::Column("id".to_owned()),
                    Formula::Constant(Constant::Int(2)),
                ];
                let product = Formula::Binary(Binary::Multiply, Box::new([x, two]));
                let sum = Formula::Binary(Binary::Add, Box::new([product, id]));
                let equal = |value| {
                    let right = Formula::Constant(Constant::Int(value));
                    Predicate::Computed { left: sum.clone(), comparison: Equal, right }
                };
                Predicate::Or(vec![equal(5), equal(7)])
            }),
            ("name LIKE 'a%'", looks(LIKE, "a%")),
            ("name NOT ILIKE 'a_'", not(looks(Like::Pattern { any_case: true, escape: None }, "a_"))),
            ("name LIKE 'a!%' ESCAPE '!'", looks(Like::Pattern { any_case: false, escape: Some('!') }, "a!%")),
            ("NOT starts_with(name, 'é')", not(looks(Like::Start, "é"))),
            ("table.name ^@ 'a'", looks(Like::Start, "a")),
            ("suffix(name, '')", looks(Like::End, "")),
            ("contains(name, 'a')", looks(Like::Part, "a")),
            ("x IS NULL", Predicate::IsNull("x".to_owned())),
            ("x IS NOT NULL", not(Predicate::IsNull("x".to_owned()))),
        ] {
            assert_eq!(told(condition), Some(expected), "{condition}");
        }
    }

    #[test]
    fn what_is_more_is_not_known() {
        for condition in [
            "id & 2 < 5",
            "id < 5 AND round(x, id) > 1",
            "id < length(upper(x))",
            "id BETWEEN x AND 5",
            "id < NULL",
            "id IN (1, NULL)",
            "id IN (SELECT 1)",
            "x > 0.1234567890123456",
            "x BETWEEN 0 AND 0.1234567890123456",
            "id IS DISTINCT FROM 5",
            "name LIKE word",
            "name LIKE 'a%' ESCAPE ''",
            "trim(name) LIKE 'a%'",
            "contains(name, 'a', 'b')",
            "contains(DISTINCT name, 'a')",
            "abs(DISTINCT x) > 1",
            "abs(x ORDER BY x) > 1",
            "other.id < 5 IS NULL",
            "CASE WHEN id < 5 THEN true END",
            "true",
            "name::INTEGER < 5",
        ] {
            assert_eq!(told(condition), None, "{condition}");
        }
    }
}

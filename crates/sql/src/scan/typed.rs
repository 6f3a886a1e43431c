//! Conditions over columns of known types, as SQL compares their values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, Scalar, UInt64Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{and_kleene, cast, prep_null_mask_filter};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use chrono::{NaiveDate, NaiveDateTime};

use super::computed::{Columns, Compared};
use super::evaluate::{Node, of_all};
use super::lists::Numbers;
use super::predicate::Predicate;
use super::texts::{Answers, TextTest};
use super::within::Within;
use crate::bounds::{Comparison, Constant};
use crate::formula::Formula;
use crate::property::{OfDate, Property, date};

/// So many numbers are compared one by one: those of a longer list are looked up.
const FEW: usize = 4;
/// Whole numbers up to here are floating-point numbers.
const EXACT: i128 = 1 << 53;

/// A condition on the rows of a table, in stages: what the columns of one say of a row, those of the next are not asked any more where
/// it does not hold.
#[derive(Debug, Clone)]
pub struct Test {
    stages: Vec<Stage>,
}

/// A condition on the rows of batches with these columns.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    subjects: Subjects,
    /// All of these hold.
    nodes: Vec<Node>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Default)]
struct Subjects {
    columns: Vec<String>,
    /// How many tests there are of texts.
    texts: usize,
}

impl Test {
    /// A condition on the rows of a table with this schema. `None` where SQL might make something else of it: an error, or values
    /// of another type.
    pub fn new(predicate: &Predicate, schema: &Schema, table: &str, ranges: Ranges<'_>) -> Option<Self> {
        // `table.x` would be a part of such a column.
        if schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(table)) {
            return None;
        }
        let all = match predicate {
            Predicate::And(all) => all.as_slice(),
            other => std::slice::from_ref(other),
        };
        let is_text =
            |name: &String| schema.field_with_name(name).is_ok_and(|field| field.data_type() == &DataType::Utf8);
        let (mut first, mut then) = (Stage::default(), Stage::default());
        for one in all {
            let mut subjects = Subjects::default();
            bind(one, &mut Binding { schema, ranges, subjects: &mut subjects })?;
            // To read texts takes longer than to read numbers.
            let stage = if subjects.columns.iter().any(is_text) { &mut then } else { &mut first };
            stage.nodes.push(bind(one, &mut Binding { schema, ranges, subjects: &mut stage.subjects })?);
        }
        let stages: Vec<Stage> = [first, then].into_iter().filter(|stage| !stage.nodes.is_empty()).collect();
        (!stages.is_empty()).then_some(Self { stages })
    }

    /// The stages, one at least.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }
}

impl Stage {
    /// The columns that it looks at, under the names that they have in the table.
    pub fn columns(&self) -> &[String] {
        &self.subjects.columns
    }

    /// For which rows of a batch of these columns, in this order, it holds. The answers are those to batches before.
    pub(super) fn holds(&self, batch: &RecordBatch, answers: &mut Answers) -> Result<BooleanBuffer, ArrowError> {
        let result = of_all(&self.nodes, batch, answers, and_kleene)?;
        let known = if result.null_count() > 0 { prep_null_mask_filter(&result) } else { result };
        Ok(known.into_parts().0)
    }
}

/// Between which numbers the values of a column of whole numbers lie, as far as that is known.
pub type Ranges<'a> = &'a dyn Fn(&str) -> Option<(i64, i64)>;

/// What conditions are bound to.
struct Binding<'a> {
    schema: &'a Schema,
    ranges: Ranges<'a>,
    subjects: &'a mut Subjects,
}

impl Binding<'_> {
    fn field(&self, column: &str) -> Option<&Field> {
        let mut same = self.schema.fields().iter().filter(|field| field.name().eq_ignore_ascii_case(column));
        let (Some(field), None) = (same.next(), same.next()) else { return None };
        Some(field)
    }

    fn bind(&mut self, predicate: &Predicate) -> Option<Node> {
        bind(predicate, self)
    }

    fn all(&mut self, predicates: &[Predicate]) -> Option<Vec<Node>> {
        predicates.iter().map(|one| self.bind(one)).collect()
    }
}

impl Columns for Binding<'_> {
    fn place(&mut self, column: &str) -> Option<(usize, DataType)> {
        let field = self.field(column)?;
        let (name, of) = (field.name().clone(), field.data_type().clone());
        let names = &mut self.subjects.columns;
        let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        Some((at, of))
    }

    fn range(&self, column: &str) -> Option<(i64, i64)> {
        (self.ranges)(self.field(column)?.name())
    }
}

fn bind(predicate: &Predicate, binding: &mut Binding<'_>) -> Option<Node> {
    Some(match predicate {
        Predicate::And(all) => Node::And(binding.all(all)?),
        Predicate::Or(any) => Node::Or(binding.all(any)?),
        Predicate::Not(inner) => Node::Not(Box::new(binding.bind(inner)?)),
        Predicate::IsNull(column) => match binding.place(column)? {
            // Only where the values are nulls themselves: those of a dictionary may be.
            (at, of) if of.is_primitive() || matches!(of, DataType::Utf8 | DataType::Boolean) => Node::IsNull(at),
            _ => return None,
        },
        Predicate::IsTrue(column) => match binding.place(column)? {
            (at, DataType::Boolean) => Node::IsTrue(at),
            _ => return None,
        },
        Predicate::Dated { column, comparison, day } => {
            let (at, of) = binding.place(column)?;
            Node::Within(at, Within::of_days(&of, *comparison, *day, day + 1)?)
        }
        Predicate::Computed {
            left: Formula::Property(Property::Date(OfDate::Year), column),
            comparison,
            right: Formula::Constant(Constant::Int(year)),
        } => {
            let (at, of) = binding.place(column)?;
            Node::Within(at, Within::of_year(&of, *comparison, *year)?)
        }
        Predicate::Computed { left, comparison, right } => {
            Node::Computed(Box::new(Compared::new(binding, *comparison, (left, right))?))
        }
        Predicate::Looks(looks) => match binding.place(&looks.column)? {
            (at, DataType::Utf8) => {
                binding.subjects.texts += 1;
                Node::Text(at, TextTest::looks(binding.subjects.texts, looks)?)
            }
            _ => return None,
        },
        Predicate::Compare { column, comparison, constants } => {
            let (at, of) = binding.place(column)?;
            let is_list = constants.len() > FEW && *comparison == Comparison::Equal;
            match of {
                DataType::Utf8 => {
                    let texts = constants.iter().map(text).collect::<Option<Vec<_>>>()?;
                    binding.subjects.texts += 1;
                    Node::Text(at, TextTest::new(binding.subjects.texts, *comparison, &texts)?)
                }
                DataType::Float64 => {
                    let numbers = constants.iter().map(number).collect::<Option<Vec<_>>>()?;
                    match is_list {
                        true => Node::OneOf(at, Numbers::of_floats(&numbers)),
                        false => one_of(numbers.into_iter().map(|number| Node::Float(at, *comparison, number)))?,
                    }
                }
                of => {
                    let values = constants.iter().map(|one| value(&of, one)).collect::<Option<Vec<_>>>()?;
                    match is_list && of != DataType::Boolean {
                        true => Node::OneOf(at, Numbers::of_values(&values)?),
                        false => {
                            let values = values.into_iter().map(Scalar::new);
                            one_of(values.map(|value| Node::Ordered(at, *comparison, value)))?
                        }
                    }
                }
            }
        }
    })
}

/// One of these; `None` where there is none.
fn one_of(nodes: impl Iterator<Item = Node>) -> Option<Node> {
    let mut nodes: Vec<Node> = nodes.collect();
    if nodes.len() > 1 { Some(Node::Or(nodes)) } else { nodes.pop() }
}

fn text(constant: &Constant) -> Option<&str> {
    match constant {
        // Ordered by their bytes, as in SQL.
        Constant::Text(text) | Constant::Varchar(text) => Some(text),
        _ => None,
    }
}

/// A constant as a floating-point number.
fn number(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Int(value) if (-EXACT..=EXACT).contains(value) => Some(*value as f64),
        Constant::Float(value) => Some(*value),
        _ => None,
    }
}

/// A constant as a value of a type.
fn value(of: &DataType, constant: &Constant) -> Option<ArrayRef> {
    let value: ArrayRef = match (of, constant) {
        (of, Constant::Int(value)) if of.is_signed_integer() => {
            Arc::new(Int64Array::from(vec![i64::try_from(*value).ok()?]))
        }
        (of, Constant::Int(value)) if of.is_unsigned_integer() => {
            Arc::new(UInt64Array::from(vec![u64::try_from(*value).ok()?]))
        }
        (DataType::Boolean, Constant::Bool(value)) => Arc::new(BooleanArray::from(vec![*value])),
        (DataType::Date32, Constant::Text(text) | Constant::Time(text)) => {
            let days = date(text)?.signed_duration_since(NaiveDate::default()).num_days();
            Arc::new(Int64Array::from(vec![days]))
        }
        (DataType::Timestamp(TimeUnit::Microsecond, None), Constant::Text(text) | Constant::Time(text)) => {
            Arc::new(Int64Array::from(vec![moment(text)?.and_utc().timestamp_micros()]))
        }
        _ => return None,
    };
    let value = match of {
        // Days are narrower than what they are counted in here.
        DataType::Date32 => cast(&cast(&value, &DataType::Int32).ok()?, of).ok()?,
        of => cast(&value, of).ok()?,
    };
    // A number that the type does not have becomes null.
    (value.null_count() == 0).then_some(value)
}

/// A date, or a date and a time to the microsecond, without a zone.
fn moment(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_at_checked(10)?;
    let day = date(day)?;
    if time.is_empty() {
        return day.and_hms_opt(0, 0, 0);
    }
    let time = time.strip_prefix([' ', 'T'])?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let is_plain = matches!(clock.len(), 5 | 8)
        && clock.bytes().enumerate().all(|(place, byte)| match place {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
        && fraction.len() <= 6
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && (clock.len() == 8 || !time.contains('.'));
    let two = |at: usize| clock.get(at..at + 2).map_or(Some(0), |digits| digits.parse::<u32>().ok());
    let micros: u32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<6}").parse().ok()? };
    is_plain.then(|| day.and_hms_micro_opt(two(0)?, two(3)?, two(6)?, micros)).flatten()
}

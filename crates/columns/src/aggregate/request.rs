//! What can be asked of all rows together.

use super::{Distinct, Moment, Moments, Quantile};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::pass::{PassOptions, SinkPlan, erased};
use crate::plan::{Operand, Planner};
use crate::types::Type;

/// What is to be computed of all rows together. Made by the functions of [`agg`], or read from text.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub(crate) kind: Kind,
    pub(crate) expr: Option<Expr>,
    pub(crate) selection: Option<Expr>,
}

/// The kinds of aggregations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Moment(Moment),
    /// From 0 to 1.
    Quantile(f64),
    /// How many different values, missing and NaN left out or not.
    Distinct(bool),
}

impl Kind {
    /// The type of its answer, of values of a type.
    pub(crate) fn type_of(self, of: &Type) -> Type {
        match self {
            Self::Moment(Moment::Count) | Self::Distinct(_) => Type::INT64,
            Self::Moment(Moment::Sum) => match of {
                Type::Int(_) | Type::Bool => Type::INT64,
                Type::Duration(unit) => Type::Duration(*unit),
                _ => Type::Float64,
            },
            Self::Moment(Moment::Mean) if matches!(of, Type::Instant(..) | Type::Duration(_)) => of.clone(),
            Self::Moment(Moment::Min | Moment::Max) => of.clone(),
            Self::Moment(Moment::MinMax) => Type::Vector(Box::new(of.clone()), [2].into()),
            _ => Type::Float64,
        }
    }
}

impl Aggregate {
    /// Only of the rows for which a condition is true too.
    #[must_use]
    pub fn selection(mut self, condition: impl Into<Expr>) -> Self {
        self.selection = Some(condition.into());
        self
    }

    /// How it is written.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Moment(Moment::Count) => "count",
            Kind::Moment(Moment::Sum) => "sum",
            Kind::Moment(Moment::Mean) => "mean",
            Kind::Moment(Moment::Variance(_)) => "var",
            Kind::Moment(Moment::Deviation(_)) => "std",
            Kind::Moment(Moment::Skew) => "skew",
            Kind::Moment(Moment::Kurtosis) => "kurtosis",
            Kind::Moment(Moment::Min) => "min",
            Kind::Moment(Moment::Max) => "max",
            Kind::Moment(Moment::MinMax) => "minmax",
            Kind::Quantile(_) => "quantile",
            Kind::Distinct(_) => "nunique",
        }
    }

    /// Binds what it looks at. Its type must be one that it can be computed of.
    pub(crate) fn operand(&self, planner: &mut Planner<'_>) -> ColumnsResult<Option<Operand>> {
        let Some(expr) = &self.expr else { return Ok(None) };
        let operand = planner.operand(expr)?;
        let type_ = &operand.type_;
        let fits = match self.kind {
            Kind::Moment(Moment::Count) | Kind::Distinct(_) => !matches!(type_, Type::Vector(..)),
            Kind::Moment(Moment::Min | Moment::Max | Moment::MinMax) => type_.is_ordered() || *type_ == Type::Null,
            Kind::Moment(Moment::Mean) => {
                type_.is_number() || matches!(type_, Type::Bool | Type::Null | Type::Instant(..) | Type::Duration(_))
            }
            Kind::Moment(Moment::Sum | Moment::Deviation(_)) => {
                type_.is_number() || matches!(type_, Type::Bool | Type::Null | Type::Duration(_))
            }
            Kind::Moment(_) => type_.is_number() || matches!(type_, Type::Bool | Type::Null),
            Kind::Quantile(_) => type_.is_ordered() && *type_ != Type::Text || *type_ == Type::Null,
        };
        if fits {
            return Ok(Some(operand));
        }
        let what = match type_ {
            Type::Text => "; count, nunique, min and max take texts",
            Type::Vector(..) => "; take a component, as in v[:, 0]",
            Type::Instant(..) => "; instants have a mean, a median and extremes",
            _ => "",
        };
        Err(ColumnsError::mismatch(expr, format!("`{}` takes no {type_}{what}", self.name())))
    }
}

/// Sinks of one pass, and which value of which sink is the answer to each aggregation.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) sinks: Vec<SinkPlan>,
    /// The sink, and the place in the list that it gives, if it gives one.
    pub(crate) places: Vec<(usize, Option<usize>)>,
}

impl Answers {
    /// Plans aggregations. Moments of the same values in the same rows are gathered together.
    pub(crate) fn plan(
        aggregates: &[Aggregate],
        planner: &mut Planner<'_>,
        options: &PassOptions,
    ) -> ColumnsResult<Self> {
        let mut moments: Vec<(Vec<usize>, Option<usize>, Moments, usize)> = Vec::new();
        let mut answers = Self::default();
        for aggregate in aggregates {
            let selection =
                aggregate.selection.as_ref().map(|condition| planner.bind_condition(condition)).transpose()?;
            let operand = aggregate.operand(planner)?;
            let inputs: Vec<usize> = operand.iter().map(|operand| operand.node).collect();
            let type_ = operand.map_or(Type::Null, |operand| operand.type_);
            let sink = match aggregate.kind {
                Kind::Moment(moment) => {
                    let known =
                        moments.iter_mut().find(|(nodes, condition, ..)| *nodes == inputs && *condition == selection);
                    let (wanted, at) = match known {
                        Some((_, _, wanted, at)) => (wanted, *at),
                        None => {
                            let at = answers.sinks.len();
                            let nothing = Moments { wanted: Vec::new(), type_: type_.clone() };
                            // Replaced below, when all that is wanted of it is known.
                            let sink = erased(nothing.clone());
                            answers.sinks.push(SinkPlan { sink, inputs: inputs.clone(), selection });
                            moments.push((inputs, selection, nothing, at));
                            match moments.last_mut() {
                                Some((_, _, wanted, at)) => (wanted, *at),
                                None => continue,
                            }
                        }
                    };
                    wanted.wanted.push(moment);
                    answers.places.push((at, Some(wanted.wanted.len() - 1)));
                    continue;
                }
                Kind::Quantile(at) => erased(Quantile::new(at, type_)),
                Kind::Distinct(leaves_out_missing) => erased(Distinct { leaves_out_missing, memory: options.memory() }),
            };
            answers.places.push((answers.sinks.len(), None));
            answers.sinks.push(SinkPlan { sink, inputs, selection });
        }
        for (_, _, wanted, at) in moments {
            if let Some(plan) = answers.sinks.get_mut(at) {
                plan.sink = erased(wanted);
            }
        }
        Ok(answers)
    }
}

/// Aggregations.
pub mod agg {
    use super::{Aggregate, Kind};
    use crate::aggregate::Moment;
    use crate::error::{ColumnsError, ColumnsResult};
    use crate::expr::Expr;

    fn moment(expr: impl Into<Expr>, moment: Moment) -> Aggregate {
        Aggregate { kind: Kind::Moment(moment), expr: Some(expr.into()), selection: None }
    }

    /// How many rows there are.
    pub fn count_rows() -> Aggregate {
        Aggregate { kind: Kind::Moment(Moment::Count), expr: None, selection: None }
    }

    /// How many values there are that are neither missing nor NaN.
    pub fn count(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Count)
    }

    /// The sum: of whole numbers exact, of floating-point numbers compensated.
    pub fn sum(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Sum)
    }

    /// The arithmetic mean; NaN of no values.
    pub fn mean(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Mean)
    }

    /// The variance of the values, with `ddof` degrees of freedom taken off their number.
    pub fn var(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
        moment(expr, Moment::Variance(ddof.into()))
    }

    /// The standard deviation, with `ddof` degrees of freedom taken off the number of values.
    pub fn std(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
        moment(expr, Moment::Deviation(ddof.into()))
    }

    /// The skewness of the values.
    pub fn skew(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Skew)
    }

    /// The excess kurtosis of the values.
    pub fn kurtosis(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Kurtosis)
    }

    /// The least value that is no NaN; missing of no values.
    pub fn min(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Min)
    }

    /// The greatest value that is no NaN; missing of no values.
    pub fn max(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::Max)
    }

    /// The least and the greatest value, as a list.
    pub fn minmax(expr: impl Into<Expr>) -> Aggregate {
        moment(expr, Moment::MinMax)
    }

    /// The exact median.
    pub fn median(expr: impl Into<Expr>) -> Aggregate {
        Aggregate { kind: Kind::Quantile(0.5), expr: Some(expr.into()), selection: None }
    }

    /// An exact quantile, from 0 to 1, interpolated between the two nearest values.
    ///
    /// # Errors
    /// [`InvalidOption`](ColumnsError::InvalidOption) for a quantile outside of 0 to 1.
    pub fn quantile(expr: impl Into<Expr>, at: f64) -> ColumnsResult<Aggregate> {
        if !(0.0..=1.0).contains(&at) {
            return Err(ColumnsError::option(format!("a quantile lies between 0 and 1, and {at} does not")));
        }
        Ok(Aggregate { kind: Kind::Quantile(at), expr: Some(expr.into()), selection: None })
    }

    /// How many different values there are, exactly. A missing value counts as one, and NaN does.
    pub fn nunique(expr: impl Into<Expr>) -> Aggregate {
        Aggregate { kind: Kind::Distinct(false), expr: Some(expr.into()), selection: None }
    }

    /// How many different values there are that are neither missing nor NaN.
    pub fn nunique_values(expr: impl Into<Expr>) -> Aggregate {
        Aggregate { kind: Kind::Distinct(true), expr: Some(expr.into()), selection: None }
    }
}

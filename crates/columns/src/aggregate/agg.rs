//! Aggregations: what all rows together have, or each group of them.

use super::Moment;
use super::request::{Aggregate, Keep, Kind};
use crate::expr::Expr;

fn one(kind: Kind, expr: impl Into<Expr>) -> Aggregate {
    Aggregate::new(kind, vec![expr.into()])
}

fn all_of<E: Into<Expr>>(kind: Kind, exprs: impl IntoIterator<Item = E>) -> Aggregate {
    Aggregate::new(kind, exprs.into_iter().map(Into::into).collect())
}

/// How many rows there are.
pub fn count_rows() -> Aggregate {
    Aggregate::new(Kind::Moment(Moment::Count), Vec::new())
}

/// How many values there are that are neither missing nor NaN.
pub fn count(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Moment(Moment::Count), expr)
}

/// The sum: of whole numbers exact, of floating-point numbers compensated. Of truth values, how many are true.
pub fn sum(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Moment(Moment::Sum), expr)
}

/// The arithmetic mean. Of no values it is NaN.
pub fn mean(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Moment(Moment::Mean), expr)
}

/// The variance of the values, with `ddof` degrees of freedom taken off their number.
pub fn var(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
    one(Kind::Moment(Moment::Variance(ddof.into())), expr)
}

/// The standard deviation, with `ddof` degrees of freedom taken off the number of values.
pub fn std(expr: impl Into<Expr>, ddof: u32) -> Aggregate {
    one(Kind::Moment(Moment::Deviation(ddof.into())), expr)
}

/// The skewness of the values, as of a whole population.
pub fn skew(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Moment(Moment::Skew), expr)
}

/// The excess kurtosis of the values, as of a whole population: 0 of the normal distribution.
pub fn kurtosis(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Moment(Moment::Kurtosis), expr)
}

/// The least value that is neither missing nor NaN. Missing where there is none.
pub fn min(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Min, expr)
}

/// The greatest value that is neither missing nor NaN. Missing where there is none.
pub fn max(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Max, expr)
}

/// The least and the greatest value, as a list of two.
pub fn minmax(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::MinMax, expr)
}

/// The value of the first row, which may be missing.
pub fn first(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::First, expr)
}

/// The value of the row in which `order` is least: of several, of the first. Rows whose order is missing or NaN do not count.
pub fn first_by(expr: impl Into<Expr>, order: impl Into<Expr>) -> Aggregate {
    Aggregate::new(Kind::First, vec![expr.into(), order.into()])
}

/// The value of the last row, which may be missing.
pub fn last(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Last, expr)
}

/// The value of the row in which `order` is greatest: of several, of the last. Rows whose order is missing or NaN do not count.
pub fn last_by(expr: impl Into<Expr>, order: impl Into<Expr>) -> Aggregate {
    Aggregate::new(Kind::Last, vec![expr.into(), order.into()])
}

/// Whether a condition is true of any row. Where it is unknown, it is not.
pub fn any(condition: impl Into<Expr>) -> Aggregate {
    one(Kind::Any, condition)
}

/// Whether a condition is true of all rows for which it is known.
pub fn all(condition: impl Into<Expr>) -> Aggregate {
    one(Kind::All, condition)
}

/// The median, exact: between the two values in the middle where their number is even.
pub fn median(expr: impl Into<Expr>) -> Aggregate {
    quantile(expr, 0.5)
}

/// The value below which a share of the values lies, exact, and between two values by linear interpolation.
pub fn quantile(expr: impl Into<Expr>, share: f64) -> Aggregate {
    one(Kind::Quantile { shares: vec![share], several: false }, expr)
}

/// The quantiles of several shares, as a list. They take no longer than one.
pub fn quantiles(expr: impl Into<Expr>, shares: &[f64]) -> Aggregate {
    one(Kind::Quantile { shares: shares.to_vec(), several: true }, expr)
}

/// A quantile by a sketch, a t-digest: near it, in one pass and little memory. By group it is that of a sample of 8,192 rows, and exact
/// where a group has no more.
pub fn approx_quantile(expr: impl Into<Expr>, share: f64) -> Aggregate {
    one(Kind::ApproxQuantile { shares: vec![share], several: false }, expr)
}

/// Quantiles by a sketch, as a list; see [`approx_quantile`].
pub fn approx_quantiles(expr: impl Into<Expr>, shares: &[f64]) -> Aggregate {
    one(Kind::ApproxQuantile { shares: shares.to_vec(), several: true }, expr)
}

/// How many different values there are, exact.
pub fn nunique(expr: impl Into<Expr>, keep: Keep) -> Aggregate {
    one(Kind::Nunique(keep), expr)
}

/// How many different values there are, by a sketch, HyperLogLog: off by 0.4 % or less in two cases of three, and
/// seldom by more than 1 %. Missing values and NaN do not count.
pub fn approx_nunique(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::ApproxNunique, expr)
}

/// The different values, as a list that rises.
pub fn unique(expr: impl Into<Expr>, keep: Keep) -> Aggregate {
    one(Kind::Unique(keep), expr)
}

/// The most frequent values with how often each occurs, as a list of lists of two, by a sketch of frequent items: counts are exact
/// where there are few different values, else at most what is given. By group all counts are exact, and the items are structures of a
/// `value` and its `count`.
pub fn top_values(expr: impl Into<Expr>, count: usize) -> Aggregate {
    one(Kind::TopValues(count), expr)
}

/// The most frequent value, exact: of several, the least.
pub fn mode(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::Mode, expr)
}

/// The covariance of two expressions over the rows in which both have a value, with `ddof` degrees of freedom taken off.
pub fn covar(x: impl Into<Expr>, y: impl Into<Expr>, ddof: u32) -> Aggregate {
    Aggregate::new(Kind::Covariance(ddof.into()), vec![x.into(), y.into()])
}

/// Pearson's correlation of two expressions over the rows in which both have a value.
pub fn correlation(x: impl Into<Expr>, y: impl Into<Expr>) -> Aggregate {
    Aggregate::new(Kind::Correlation, vec![x.into(), y.into()])
}

/// The covariances of all pairs, as a list of rows. Each is over the rows in which both of the pair have a value.
pub fn covariance_matrix<E: Into<Expr>>(exprs: impl IntoIterator<Item = E>, ddof: u32) -> Aggregate {
    all_of(Kind::CovarianceMatrix(ddof.into()), exprs)
}

/// The correlations of all pairs, as a list of rows. Each is over the rows in which both of the pair have a value.
pub fn correlation_matrix<E: Into<Expr>>(exprs: impl IntoIterator<Item = E>) -> Aggregate {
    all_of(Kind::CorrelationMatrix, exprs)
}

/// All values in the order of the rows, missing ones too, as a list.
pub fn list(expr: impl Into<Expr>) -> Aggregate {
    one(Kind::List(Keep::BOTH), expr)
}

//! What can be asked of all rows together, or of each group of them.

use super::Moment;
use crate::expr::Expr;

/// What is to be computed of all rows together, or of the rows of each group. Made by the functions of [`agg`](crate::agg).
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    kind: Kind,
    exprs: Vec<Expr>,
    selection: Option<Expr>,
}

/// The kinds of aggregations, with what tells one from another of its kind. What the expressions of the [`Aggregate`] are is said at
/// each; where nothing is said, there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Without an expression, rows are counted.
    Moment(Moment),
    Min,
    Max,
    MinMax,
    /// The value of the first row; where there is a second expression, of the row in which that one is least.
    First,
    /// The value of the last row; where there is a second expression, of the row in which that one is greatest.
    Last,
    Any,
    All,
    /// Exact, for each of the shares between 0 and 1; as one value unless `several`.
    Quantile {
        shares: Vec<f64>,
        several: bool,
    },
    ApproxQuantile {
        shares: Vec<f64>,
        several: bool,
    },
    /// How many different values there are.
    Nunique(Keep),
    ApproxNunique,
    /// The different values, as a list.
    Unique(Keep),
    /// The most frequent values and how often they occur, at most so many.
    TopValues(usize),
    /// The most frequent value.
    Mode,
    /// Of two expressions, with so many degrees of freedom taken off.
    Covariance(f64),
    /// Pearson's, of two expressions.
    Correlation,
    /// Of all pairs of expressions, with so many degrees of freedom taken off.
    CovarianceMatrix(f64),
    CorrelationMatrix,
    /// All values in the order of the rows.
    List(Keep),
}

impl Kind {
    /// Its name in [`agg`](crate::agg).
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Moment(Moment::Count) => "count",
            Self::Moment(Moment::Sum) => "sum",
            Self::Moment(Moment::Mean) => "mean",
            Self::Moment(Moment::Variance(_)) => "var",
            Self::Moment(Moment::Deviation(_)) => "std",
            Self::Moment(Moment::Skew) => "skew",
            Self::Moment(Moment::Kurtosis) => "kurtosis",
            Self::Min => "min",
            Self::Max => "max",
            Self::MinMax => "minmax",
            Self::First => "first",
            Self::Last => "last",
            Self::Any => "any",
            Self::All => "all",
            Self::Quantile { .. } => "quantile",
            Self::ApproxQuantile { .. } => "approx_quantile",
            Self::Nunique(_) => "nunique",
            Self::ApproxNunique => "approx_nunique",
            Self::Unique(_) => "unique",
            Self::TopValues(_) => "top_values",
            Self::Mode => "mode",
            Self::Covariance(_) => "covar",
            Self::Correlation => "correlation",
            Self::CovarianceMatrix(_) => "covariance_matrix",
            Self::CorrelationMatrix => "correlation_matrix",
            Self::List(_) => "list",
        }
    }
}

/// Which of the values that are no values count as ones of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keep {
    /// Missing values, all as one.
    pub missing: bool,
    /// NaN, all as one.
    pub nan: bool,
}

impl Keep {
    /// Only values.
    pub const NEITHER: Self = Self { missing: false, nan: false };
    /// Missing values and NaN too, each as a value of its own.
    pub const BOTH: Self = Self { missing: true, nan: true };
}

impl Aggregate {
    pub(crate) fn new(kind: Kind, exprs: Vec<Expr>) -> Self {
        Self { kind, exprs, selection: None }
    }

    /// Only of the rows for which a condition is true too.
    #[must_use]
    pub fn selection(mut self, condition: impl Into<Expr>) -> Self {
        self.selection = Some(condition.into());
        self
    }

    /// The same of another expression.
    pub(crate) fn of(&self, expr: Expr) -> Self {
        Self { exprs: vec![expr], ..self.clone() }
    }

    /// What is to be computed.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What it is to be computed of.
    pub(crate) fn exprs(&self) -> &[Expr] {
        &self.exprs
    }

    /// The condition that rows must fulfil beside the filter.
    pub(crate) fn condition(&self) -> Option<&Expr> {
        self.selection.as_ref()
    }
}

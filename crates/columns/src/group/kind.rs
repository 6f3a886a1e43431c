//! What can be asked of groups, and the states that answer.

use super::state::GroupState;
use super::states::{
    Collected, DistinctCounts, Extreme, Extremes, MomentState, Pair, PairState, Position, Positions, Truth, TruthState,
    Wanted,
};
use crate::aggregate::{Aggregate, Kind, Moment};
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Type;

/// An aggregation, of no lane or several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum GroupKind {
    Moment(Moment),
    Extreme(Extreme),
    /// In the order of a second lane, if there is one.
    Position(Position),
    Truth(Truth),
    Collect(Wanted),
    /// Whether what is missing and NaN count as values.
    Distinct {
        missing: bool,
        nan: bool,
    },
    /// Of two lanes.
    Pair(Pair),
}

impl GroupKind {
    /// How an aggregation of all rows is one of groups.
    pub(crate) fn of(aggregate: &Aggregate) -> ColumnsResult<Self> {
        Ok(match aggregate.kind() {
            Kind::Moment(moment) => Self::Moment(*moment),
            Kind::Min => Self::Extreme(Extreme::Least),
            Kind::Max => Self::Extreme(Extreme::Greatest),
            Kind::MinMax => Self::Extreme(Extreme::Both),
            Kind::First => Self::Position(Position::First),
            Kind::Last => Self::Position(Position::Last),
            Kind::Any => Self::Truth(Truth::Any),
            Kind::All => Self::Truth(Truth::All),
            Kind::Quantile { shares, several: false } => {
                Self::Collect(Wanted::Quantile(shares.first().copied().unwrap_or(0.5)))
            }
            Kind::Nunique(keep) => Self::Distinct { missing: keep.missing, nan: keep.nan },
            Kind::Mode => Self::Collect(Wanted::Mode),
            Kind::List(keep) => Self::Collect(Wanted::List { missing: keep.missing, nan: keep.nan }),
            Kind::Covariance(ddof) => Self::Pair(Pair::Covariance(*ddof)),
            Kind::Correlation => Self::Pair(Pair::Correlation),
            other => {
                return Err(ColumnsError::option(format!(
                    "`{}` is of all rows, and not of groups or cells; {}",
                    other.name(),
                    match other {
                        Kind::Quantile { .. } | Kind::ApproxQuantile { .. } => "ask for `quantile` one by one",
                        Kind::ApproxNunique => "`nunique` is",
                        Kind::Unique(_) | Kind::TopValues(_) => "group by the values too, and count",
                        _ => "`covar` and `correlation` of two columns are",
                    }
                )));
            }
        })
    }
}

/// The state that answers aggregations of lanes of these types. Several at once are moments of the same lane.
pub(crate) fn state_of(kinds: &[GroupKind], types: &[Type]) -> ColumnsResult<Box<dyn GroupState>> {
    let moments: Vec<Moment> = kinds
        .iter()
        .filter_map(|kind| match kind {
            GroupKind::Moment(moment) => Some(*moment),
            _ => None,
        })
        .collect();
    if !moments.is_empty() {
        return Ok(Box::new(MomentState::new(moments, types.first().cloned())?));
    }
    let Some((kind, first)) = kinds.first().zip(types.first()) else {
        return Err(ColumnsError::option("the aggregation needs something to aggregate"));
    };
    Ok(match (kind, types.get(1)) {
        (GroupKind::Extreme(extreme), _) => Box::new(Extremes::new(*extreme, first)?),
        (GroupKind::Position(position), order) => Box::new(Positions::new(*position, first, order)?),
        (GroupKind::Truth(truth), _) => Box::new(TruthState::new(*truth, first)?),
        (GroupKind::Collect(wanted), _) => Box::new(Collected::new(*wanted, first)?),
        (GroupKind::Distinct { missing, nan }, _) => Box::new(DistinctCounts::new(first, *missing, *nan)?),
        (GroupKind::Pair(pair), Some(second)) => Box::new(PairState::new(*pair, [first, second])?),
        (GroupKind::Pair(_), None) => {
            return Err(ColumnsError::option("covariance and correlation are of two columns"));
        }
        (GroupKind::Moment(moment), _) => Box::new(MomentState::new(vec![*moment], Some(first.clone()))?),
    })
}

/// Whether an aggregation takes lanes of these types.
pub(crate) fn check(kind: GroupKind, types: &[Type]) -> ColumnsResult<()> {
    state_of(&[kind], types).map(|_| ())
}

//! What can be asked of groups, and the states that answer.

use super::state::GroupState;
use super::states::{
    Collected, DistinctCounts, Extreme, Extremes, MomentState, Pair, PairState, Position, Positions, Sampled, Shares,
    Sketched, Tally, Told, Truth, TruthState, Wanted,
};
use crate::aggregate::{Aggregate, Kind, Moment};
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Type;

/// An aggregation, of no lane or several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GroupKind {
    Moment(Moment),
    /// How many rows there are, beside moments of a lane: all that they take, and those that they pass over.
    Rows,
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
    /// About how many different values there are.
    Sketch,
    Tally(Told),
    /// Approximate quantiles.
    Sample(Shares),
    /// Of two lanes, or as a matrix of all pairs of several.
    Pair {
        pair: Pair,
        matrix: bool,
    },
}

impl GroupKind {
    /// How an aggregation of all rows is one of groups.
    pub(crate) fn of(aggregate: &Aggregate) -> Self {
        let wanted = |shares: &[f64], several: bool| Shares { shares: shares.into(), several };
        match aggregate.kind() {
            Kind::Moment(moment) => Self::Moment(*moment),
            Kind::Min => Self::Extreme(Extreme::Least),
            Kind::Max => Self::Extreme(Extreme::Greatest),
            Kind::MinMax => Self::Extreme(Extreme::Both),
            Kind::First => Self::Position(Position::First),
            Kind::Last => Self::Position(Position::Last),
            Kind::Any => Self::Truth(Truth::Any),
            Kind::All => Self::Truth(Truth::All),
            Kind::Quantile { shares, several } => Self::Collect(Wanted::Quantiles(wanted(shares, *several))),
            Kind::ApproxQuantile { shares, several } => Self::Sample(wanted(shares, *several)),
            Kind::Nunique(keep) => Self::Distinct { missing: keep.missing, nan: keep.nan },
            Kind::ApproxNunique => Self::Sketch,
            Kind::Unique(keep) => Self::Tally(Told::Unique(*keep)),
            Kind::TopValues(count) => Self::Tally(Told::Frequent(*count)),
            Kind::Mode => Self::Collect(Wanted::Mode),
            Kind::List(keep) => Self::Collect(Wanted::List { missing: keep.missing, nan: keep.nan }),
            Kind::Covariance(ddof) => Self::Pair { pair: Pair::Covariance(*ddof), matrix: false },
            Kind::Correlation => Self::Pair { pair: Pair::Correlation, matrix: false },
            Kind::CovarianceMatrix(ddof) => Self::Pair { pair: Pair::Covariance(*ddof), matrix: true },
            Kind::CorrelationMatrix => Self::Pair { pair: Pair::Correlation, matrix: true },
        }
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
        let rows = kinds.contains(&GroupKind::Rows);
        return Ok(Box::new(MomentState::new(moments, types.first().cloned(), rows)?));
    }
    let Some((kind, first)) = kinds.first().zip(types.first()) else {
        return Err(ColumnsError::option("the aggregation needs something to aggregate"));
    };
    Ok(match (kind, types.get(1)) {
        (GroupKind::Extreme(extreme), _) => Box::new(Extremes::new(*extreme, first)?),
        (GroupKind::Position(position), order) => Box::new(Positions::new(*position, first, order)?),
        (GroupKind::Truth(truth), _) => Box::new(TruthState::new(*truth, first)?),
        (GroupKind::Collect(wanted), _) => Box::new(Collected::new(wanted.clone(), first)?),
        (GroupKind::Distinct { missing, nan }, _) => Box::new(DistinctCounts::new(first, *missing, *nan)?),
        (GroupKind::Sketch, _) => Box::new(Sketched::new(first)?),
        (GroupKind::Tally(told), _) => Box::new(Tally::new(*told, first)?),
        (GroupKind::Sample(shares), _) => Box::new(Sampled::new(shares.clone(), first)?),
        (GroupKind::Pair { pair, matrix }, _) => Box::new(PairState::new(*pair, *matrix, types)?),
        (GroupKind::Moment(_) | GroupKind::Rows, _) => {
            return Err(ColumnsError::option(
                "rows are counted beside moments of a lane; this is a defect of datafolio, please report it",
            ));
        }
    })
}

/// Whether an aggregation takes lanes of these types.
pub(crate) fn check(kind: &GroupKind, types: &[Type]) -> ColumnsResult<()> {
    state_of(std::slice::from_ref(kind), types).map(|_| ())
}

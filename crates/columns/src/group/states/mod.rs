//! What the aggregations keep for each group.

mod collected;
mod distinct;
mod extremes;
mod floats;
mod moments;
mod pairs;
mod positions;
mod quantiles;
mod sample;
mod sketch;
mod tally;
mod truth;
mod whole;

pub(crate) use collected::{Collected, Wanted};
pub(crate) use distinct::DistinctCounts;
pub(crate) use extremes::{Extreme, Extremes};
pub(crate) use moments::MomentState;
pub(crate) use pairs::{Pair, PairState};
pub(crate) use positions::{Position, Positions};
pub(crate) use quantiles::Shares;
pub(crate) use sample::Sampled;
pub(crate) use sketch::Sketched;
pub(crate) use tally::{Tally, Told};
pub(crate) use truth::{Truth, TruthState};

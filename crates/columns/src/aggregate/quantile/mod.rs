//! Quantiles: exact ones, and those of a sketch.

mod digest;
mod exact;
mod histogram;
mod rank;

pub(crate) use digest::ApproxQuantiles;
pub(crate) use exact::Quantiles;

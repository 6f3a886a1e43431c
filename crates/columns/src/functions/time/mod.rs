//! Functions of instants (`x.dt.year` is `dt_year(x)`) and durations (`x.td.days` is `td_days(x)`).
//!
//! All parts of an instant with a zone are those of local time there. Years of instants reach 5.8 million years to both sides of
//! 1970; a row beyond has no result.

pub(super) mod bins;
pub(super) mod durations;
mod format;
mod frequency;
mod instant;
pub(super) mod months;
pub(super) mod names;
pub(super) mod parts;
#[cfg(test)]
mod tests;
pub(super) mod zones;

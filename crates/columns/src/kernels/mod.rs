//! What computes lanes of lanes: the loops behind operators and functions.

pub(crate) mod arithmetic;
pub(crate) mod cast;
pub(crate) mod civil;
pub(crate) mod clock;
pub(crate) mod compare;
pub(crate) mod logic;
mod integers;
mod sides;
pub(crate) mod texts;
pub(crate) mod times;
pub(crate) mod vectors;
pub(crate) mod zones;

pub(crate) use sides::{map, zip};

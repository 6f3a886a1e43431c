//! What computes lanes of lanes: the loops behind operators and functions.

pub(crate) mod arithmetic;
pub(crate) mod cast;
pub(crate) mod choice;
pub(crate) mod compare;
pub(crate) mod convert;
mod integers;
pub(crate) mod logic;
mod sides;
pub(crate) mod texts;
pub(crate) mod times;
pub(crate) mod vectors;

pub(crate) use sides::{map, zip};

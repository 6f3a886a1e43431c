//! What computes lanes of lanes: the loops behind operators and functions.

pub(crate) mod arithmetic;
pub(crate) mod bins;
pub(crate) mod cast;
pub(crate) mod choice;
pub(crate) mod clock;
pub(crate) mod compare;
pub(crate) mod components;
pub(crate) mod convert;
pub(crate) mod distances;
mod integers;
pub(crate) mod logic;
pub(crate) mod lookup;
pub(crate) mod missing;
pub(crate) mod printf;
pub(crate) mod reals;
mod sides;
pub(crate) mod texts;
pub(crate) mod times;
pub(crate) mod vectors;
mod written;
pub(crate) mod zones;

pub(crate) use sides::map;

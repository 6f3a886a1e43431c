//! The functions of expressions, one file for each kind.

mod cast;
mod choice;
mod lookup;
mod math;
mod missing;
mod registry;
mod rounding;
#[cfg(test)]
mod tests;
pub(crate) mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use registry::Registry;

use crate::plan::Function;

/// All functions, by kind.
static KINDS: &[&[Function]] = &[
    cast::FUNCTIONS,
    choice::FUNCTIONS,
    lookup::FUNCTIONS,
    math::FUNCTIONS,
    missing::FUNCTIONS,
    rounding::FUNCTIONS,
    vector::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| KINDS.iter().flat_map(|kind| kind.iter()).map(|function| (function.name, function)).collect());

/// The function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of all functions.
pub(crate) fn names<'n>() -> impl Iterator<Item = &'n str> {
    KINDS.iter().flat_map(|kind| kind.iter()).map(|function| function.name)
}

//! The functions of expressions, one file for each kind.

mod math;
mod registry;
mod time;
pub(crate) mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use registry::Registry;

use crate::plan::Function;

/// All functions, by kind.
static KINDS: &[&[Function]] = &[
    math::FUNCTIONS,
    vector::FUNCTIONS,
    time::parts::FUNCTIONS,
    time::names::FUNCTIONS,
    time::bins::FUNCTIONS,
    time::zones::FUNCTIONS,
    time::months::FUNCTIONS,
    time::durations::FUNCTIONS,
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

//! The functions of expressions, one file for each kind.

mod cast;
mod choice;
mod lookup;
mod math;
mod missing;
mod registry;
mod rounding;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod time;
pub(crate) mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use registry::{Registry, UserKernel};

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
    time::parts::FUNCTIONS,
    time::names::FUNCTIONS,
    time::bins::FUNCTIONS,
    time::zones::FUNCTIONS,
    time::months::FUNCTIONS,
    time::durations::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().map(|function| (function.name, function)).collect());

fn all() -> impl Iterator<Item = &'static Function> {
    KINDS.iter().chain(&text::KINDS).flat_map(|kind| kind.iter())
}

/// The function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// A function of expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// Its name.
    pub name: &'static str,
    /// Its arguments: with `?` behind those that may be left out, with `*` behind one of which there may be any number.
    pub arguments: &'static [&'static str],
    /// What it does, in a sentence.
    pub about: &'static str,
}

/// All functions that expressions can call.
pub fn functions() -> impl Iterator<Item = FunctionInfo> {
    all().map(|function| FunctionInfo { name: function.name, arguments: function.arguments, about: function.about })
}

/// The names of all functions.
pub(crate) fn names<'n>() -> impl Iterator<Item = &'n str> {
    all().map(|function| function.name)
}

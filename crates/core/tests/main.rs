//! Tests of the catalogue model from outside, in one binary.

mod encode;
mod merge;
mod model;
mod parse;
mod patch;
mod support;

//! Functions of numbers.

use crate::plan::Function;

pub(super) static FUNCTIONS: &[Function] = &[];

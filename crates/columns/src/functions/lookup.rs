//! Values looked up in lists and pairs.

use crate::plan::Function;

pub(super) static FUNCTIONS: &[Function] = &[];

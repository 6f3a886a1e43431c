//! Vectors: components, slices, and what is computed over them.

use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Axis, Expr};
use crate::plan::{Function, Operand, Planner};

pub(super) static FUNCTIONS: &[Function] = &[];

/// `v[:, 1]`, `v[:, 2:5]`.
pub(crate) fn index(
    _planner: &mut Planner<'_>,
    vector: Operand,
    _axes: &[Axis],
    expr: &Expr,
) -> ColumnsResult<Operand> {
    Err(ColumnsError::mismatch(expr, format!("{} has no components", vector.type_)))
}

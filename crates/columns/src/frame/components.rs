//! Aggregations of vectors by group and in grids: each component by itself.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeListArray, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::Field;

use super::Frame;
use crate::aggregate::{Aggregate, Kind};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Axis, Expr, Kind as ExprKind};
use crate::types::Type;

/// Aggregations with those of vectors in the place of which there is one for each component.
#[derive(Debug)]
pub(super) struct Components {
    pub(super) aggregates: Vec<Aggregate>,
    /// The components of each of those that were asked for; none of what is no vector.
    widths: Vec<Option<usize>>,
}

impl Components {
    /// Counts, sums, extremes and all that is made of moments are told of each component, as they are of all rows.
    pub(super) fn of(frame: &Frame, asked: &[Aggregate]) -> ColumnsResult<Self> {
        let (mut aggregates, mut widths) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
        for aggregate in asked {
            let by_component = matches!(aggregate.kind(), Kind::Moment(_) | Kind::Min | Kind::Max | Kind::MinMax);
            let width = match aggregate.exprs() {
                [vector] if by_component => match frame.type_of(vector)? {
                    Type::Vector(_, shape) => match &*shape {
                        [width] if *width > 0 => Some(*width),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            };
            match (width, aggregate.exprs()) {
                (Some(width), [vector]) => {
                    let component = |at: usize| Expr::new(ExprKind::Index(vector.clone(), vec![Axis::At(at as i64)]));
                    aggregates.extend((0..width).map(|at| aggregate.of(component(at))));
                }
                _ => aggregates.push(aggregate.clone()),
            }
            widths.push(width);
        }
        Ok(Self { aggregates, widths })
    }

    /// One array for each of the aggregations that were asked for: of vectors, lists of the values of the components.
    pub(super) fn gathered(&self, arrays: &[ArrayRef]) -> ColumnsResult<Vec<ArrayRef>> {
        let mut rest = arrays;
        let mut next = |count: usize| {
            let (these, others) = rest.split_at_checked(count)?;
            rest = others;
            Some(these)
        };
        let missing =
            || ColumnsError::option("an aggregation gave no value; this is a defect of datafolio, please report it");
        self.widths
            .iter()
            .map(|width| match (width, next(width.unwrap_or(1)).ok_or_else(missing)?) {
                (Some(_), components) => together(components),
                (None, [one]) => Ok(one.clone()),
                (None, _) => Err(missing()),
            })
            .collect()
    }
}

/// The values of components, those of a row beside each other.
fn together(components: &[ArrayRef]) -> ColumnsResult<ArrayRef> {
    let (width, rows) = (components.len() as u64, components.first().map_or(0, |first| first.len()) as u64);
    let one_after_another = concat(&components.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    let places = (0..rows).flat_map(|row| (0..width).map(move |component| component * rows + row));
    let values = take(&one_after_another, &UInt64Array::from_iter_values(places), None)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let width = i32::try_from(width).map_err(|_| ColumnsError::option("a vector has too many components"))?;
    Ok(Arc::new(FixedSizeListArray::try_new(field, width, values, None)?))
}

//! Arithmetic of vectors, component by component.

use std::sync::Arc;

use crate::block::{Buffer, Fault, Lane, Values, YES, both_valid};
use crate::error::ColumnsError;
use crate::plan::{Arguments, Kernel};

/// What a kernel of numbers makes of every component.
pub(crate) fn map(kernel: Kernel) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let (values, width) = match lane.values {
            Values::Vector(values, width) => (values, width),
            Values::Carried(_) => return Err(incomplete()),
            values => return Ok(Lane::with_valid(values, lane.valid)),
        };
        let components = kernel(Arguments::new(vec![Lane::new(*values)], rows * width))?;
        Ok(vector_of(components, width, lane.valid))
    })
}

/// What a kernel of two numbers makes of the components of two vectors, or of a vector and a number.
pub(crate) fn zip(kernel: Kernel) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let width = match (&a.values, &b.values) {
            (Values::Vector(_, width), _) | (_, Values::Vector(_, width)) => *width,
            (Values::Carried(_), _) | (_, Values::Carried(_)) => return Err(incomplete()),
            _ => return Ok(Lane::new(Values::Null)),
        };
        let components = vec![components(a, width, rows), components(b, width, rows)];
        Ok(vector_of(kernel(Arguments::new(components, rows * width))?, width, valid))
    })
}

/// The components of vectors; numbers stand once for each.
fn components(lane: Lane<'_>, width: usize, rows: usize) -> Lane<'_> {
    match lane.values {
        Values::Vector(values, _) if !lane.constant => Lane::new(*values),
        Values::Vector(..) => match lane.spread(rows).values {
            Values::Vector(values, _) => Lane::new(*values),
            other => Lane::new(other),
        },
        values if lane.constant => Lane { constant: true, ..Lane::new(values) },
        values => {
            let places: Vec<usize> = (0..rows * width).map(|at| at / width).collect();
            Lane::new(values.gathered(&places))
        }
    }
}

/// The error of vectors of which some have missing components.
pub(super) fn incomplete() -> ColumnsError {
    ColumnsError::option("vectors with missing components are not computed with; keep missing components as NaN")
}

/// Vectors of components. One component without result leaves the vector without, and one that is missing makes it missing.
fn vector_of<'a>(components: Lane<'a>, width: usize, valid: Option<Buffer<'a, u8>>) -> Lane<'a> {
    let complete = components.valid.map(|valid| {
        valid.chunks(width.max(1)).map(|row| if row.contains(&0) { 0 } else { YES }).collect::<Vec<_>>().into()
    });
    let valid = both_valid(valid, complete);
    let fault = components.fault.map(|fault| {
        let rows = fault.rows.chunks(width.max(1)).map(|row| if row.contains(&YES) { YES } else { 0 }).collect();
        Arc::new(Fault { rows, reason: fault.reason.clone(), node: fault.node })
    });
    Lane { fault, ..Lane::with_valid(Values::Vector(Box::new(components.values), width), valid) }
}

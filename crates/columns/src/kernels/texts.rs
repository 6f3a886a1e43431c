//! Texts put together.

use std::sync::Arc;

use crate::block::{Lane, TextBuilder, Values, both_valid};
use crate::plan::{Arguments, Kernel};

/// One text behind the other.
pub(crate) fn concatenate() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::Text(x), Values::Text(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let mut builder = TextBuilder::with_capacity(rows, rows * 16);
        let place = |constant: bool, row: usize| if constant { 0 } else { row };
        for row in 0..rows {
            builder.push_with(|bytes| {
                bytes.extend_from_slice(x.get(place(a.constant, row)).unwrap_or_default().as_bytes());
                bytes.extend_from_slice(y.get(place(b.constant, row)).unwrap_or_default().as_bytes());
            });
        }
        Ok(Lane::with_valid(Values::Text(builder.finish()), valid))
    })
}

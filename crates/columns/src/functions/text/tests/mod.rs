//! Functions of texts against what Python, Vaex and naive loops answer.

mod chars;
mod errors;
mod lanes;
mod python;
mod vaex;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::{Map, Value as Json, json};

use crate::block::{BLOCK, Chunk, array_of_lane};
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::plan::{Column, Evaluator, Planner, Scope};
use crate::types::Type;

/// What an expression has for columns, block by block.
pub(super) fn evaluate_in_blocks(
    columns: &[(&str, ArrayRef)],
    expr: &str,
    block: usize,
) -> ColumnsResult<Vec<ArrayRef>> {
    let rows = columns[0].1.len();
    let mut scope = Scope::default();
    for (place, (name, array)) in columns.iter().enumerate() {
        scope.columns.insert((*name).into(), Column { place, type_: Type::of_arrow(array.data_type()) });
    }
    let mut planner = Planner::new(&scope);
    let node = planner.bind(&Expr::parse(expr)?)?;
    let type_ = planner.type_of(node);
    let plan = planner.finish();
    let arrays: Vec<ArrayRef> = plan.columns.iter().map(|place| columns[*place].1.clone()).collect();
    let chunk = Chunk::new(&arrays, rows)?;
    let mut evaluator = Evaluator::new(&plan, &chunk);
    let mut answers = Vec::new();
    for start in (0..rows).step_by(block) {
        let end = (start + block).min(rows);
        evaluator.block(start..end);
        let lane = evaluator.lane(node)?;
        evaluator.check(&lane, None, start as u64)?;
        answers.push(array_of_lane(lane, end - start, &type_)?);
    }
    Ok(answers)
}

/// What an expression of the column `x` has for each row.
pub(super) fn evaluate(x: ArrayRef, expr: &str) -> ColumnsResult<Vec<Json>> {
    Ok(evaluate_in_blocks(&[("x", x)], expr, BLOCK)?.iter().flat_map(values).collect())
}

/// The values of an array.
pub(super) fn values(array: &ArrayRef) -> Vec<Json> {
    (0..array.len()).map(|row| value(array, row)).collect()
}

fn value(array: &ArrayRef, row: usize) -> Json {
    if array.is_null(row) {
        return Json::Null;
    }
    match array.data_type() {
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int64 => json!(array.as_primitive::<arrow::datatypes::Int64Type>().value(row)),
        DataType::LargeUtf8 => json!(array.as_string::<i64>().value(row)),
        DataType::List(_) => Json::Array(values(&array.as_list::<i32>().value(row))),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let pairs = fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), value(column, row)));
            Json::Object(pairs.collect::<Map<String, Json>>())
        }
        DataType::Null => Json::Null,
        other => panic!("{other} is not compared here"),
    }
}

/// Texts as Arrow has them in several ways, which all must give the same answers.
pub(super) fn layouts(texts: &[Option<String>]) -> Vec<ArrayRef> {
    let short: ArrayRef = Arc::new(texts.iter().cloned().collect::<arrow::array::StringArray>());
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let bytes = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::LargeUtf8));
    let mut layouts = vec![short.clone()];
    layouts.push(cast(&short, &DataType::LargeUtf8).unwrap());
    layouts.push(cast(&short, &DataType::Utf8View).unwrap());
    layouts.push(cast(&short, &dictionary).unwrap());
    if let Ok(small) = cast(&short, &bytes) {
        layouts.push(small);
    }
    // The same texts with others before and behind.
    let around =
        [Some("aroundé".to_owned()), None].into_iter().chain(texts.iter().cloned()).chain([Some("behind".to_owned())]);
    let around: ArrayRef = Arc::new(around.collect::<arrow::array::StringArray>());
    layouts.push(around.slice(2, texts.len()));
    layouts.push(cast(&around, &dictionary).unwrap().slice(2, texts.len()));
    layouts
}

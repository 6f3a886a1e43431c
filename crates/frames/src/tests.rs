//! What stays where it is on the way between Arrow and Polars, and which conditions become SQL.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array, Int32Array, Int64Array, LargeListArray, RecordBatch,
    RecordBatchIterator, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, Field, Int64Type, TimestampMicrosecondType};
use polars::prelude::{
    AnyValue, ClosedInterval, DataFrame, DataType, Expr, Field as PolarsColumn, LiteralValue, Scalar, Schema, TimeUnit,
    col, lit,
};
use polars_arrow::array::PrimitiveArray;

use crate::condition::sql_condition;
use crate::{data_frame, record_batches};

fn frame_of(columns: Vec<(&str, ArrayRef)>) -> DataFrame {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema = batch.schema();
    data_frame(Box::new(RecordBatchIterator::new([Ok(batch)], schema))).unwrap()
}

/// Where the numbers of a column of a frame lie.
fn place<T: polars_arrow::types::NativeType>(frame: &DataFrame, name: &str) -> *const T {
    let series = frame.column(name).unwrap().as_materialized_series();
    series.chunks()[0].as_any().downcast_ref::<PrimitiveArray<T>>().unwrap().values().as_ptr()
}

#[test]
fn numbers_times_and_views_of_text_stay_where_they_are() {
    let ints = Int64Array::from(vec![Some(1), None, Some(3)]);
    let floats = Float64Array::from(vec![0.5, 1.5, 2.5]);
    let times = TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("Europe/Berlin");
    let texts = StringViewArray::from_iter_values(["a", "a text that does not fit into a view", "b"]);
    let places = (ints.values().as_ptr(), floats.values().as_ptr(), times.values().as_ptr());
    let text = texts.data_buffers()[0].as_ptr();
    let frame = frame_of(vec![
        ("ints", Arc::new(ints)),
        ("floats", Arc::new(floats)),
        ("times", Arc::new(times)),
        ("texts", Arc::new(texts)),
    ]);
    assert_eq!((place(&frame, "ints"), place(&frame, "floats"), place(&frame, "times")), places);
    let column = frame.column("texts").unwrap().str().unwrap();
    assert_eq!(column.get(1).unwrap().as_ptr(), text);

    // And back.
    let batch = record_batches(frame).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values().as_ptr(), places.0);
    assert_eq!(batch.column(2).as_primitive::<TimestampMicrosecondType>().values().as_ptr(), places.2);
    assert_eq!(batch.column(0).null_count(), 1);
    assert_eq!(batch.column(3).as_string::<i64>().value(1), "a text that does not fit into a view");
}

#[test]
fn nested_numbers_stay_where_they_are() {
    let values = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let place = values.values().as_ptr();
    let item = Arc::new(Field::new("item", ArrowType::Int64, true));
    let offsets = OffsetBuffer::<i64>::from_lengths([1, 0, 3]);
    let nulls = NullBuffer::from(vec![true, false, true]);
    let list = LargeListArray::try_new(item.clone(), offsets, values.clone(), Some(nulls)).unwrap();
    let pairs = FixedSizeListArray::try_new(item, 1, Arc::new(values.slice(0, 3)), None).unwrap();
    let field = Arc::new(Field::new("x", ArrowType::Int64, true));
    let structs = StructArray::from(vec![(field, Arc::new(values.slice(1, 3)) as ArrayRef)]);
    let frame = frame_of(vec![("list", Arc::new(list)), ("pairs", Arc::new(pairs)), ("structs", Arc::new(structs))]);
    let batch = record_batches(frame).unwrap().next().unwrap().unwrap();
    let list = batch.column(0).as_list::<i64>();
    assert_eq!(list.values().as_primitive::<Int64Type>().values().as_ptr(), place);
    assert_eq!(list.value(2).as_primitive::<Int64Type>().values(), &[2, 3, 4]);
    assert!(list.is_null(1));
    let pairs = batch.column(1).as_fixed_size_list();
    assert_eq!(pairs.values().as_primitive::<Int64Type>().values().as_ptr(), place);
    let x = batch.column(2).as_struct().column(0).as_primitive::<Int64Type>();
    assert_eq!(x.values().as_ptr(), place.wrapping_add(1));
}

#[test]
fn a_part_of_a_batch_is_that_part() {
    let ints: ArrayRef = Arc::new(Int32Array::from_iter((0..20).map(|n| (n % 3 != 0).then_some(n))));
    let flags: ArrayRef = Arc::new(arrow::array::BooleanArray::from_iter((0..20).map(|n| Some(n % 2 == 0))));
    let frame = frame_of(vec![("ints", ints.slice(7, 5)), ("flags", flags.slice(7, 5))]);
    assert_eq!(
        frame.column("ints").unwrap().i32().unwrap().iter().collect::<Vec<_>>(),
        [Some(7), Some(8), None, Some(10), Some(11)]
    );
    let batch = record_batches(frame.slice(1, 3)).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_ref(), ints.slice(8, 3).as_ref());
    assert_eq!(batch.column(1).as_ref(), flags.slice(8, 3).as_ref());
}

#[test]
fn conditions_become_sql_as_far_as_both_answer_alike() {
    let schema = Schema::from_iter([
        PolarsColumn::new("n".into(), DataType::Int64),
        PolarsColumn::new("x".into(), DataType::Float64),
        PolarsColumn::new("small".into(), DataType::Float32),
        PolarsColumn::new("te\"xt".into(), DataType::String),
        PolarsColumn::new("flag".into(), DataType::Boolean),
        PolarsColumn::new("at".into(), DataType::Datetime(TimeUnit::Microseconds, None)),
        PolarsColumn::new("day".into(), DataType::Date),
    ]);
    let int = |value: i64| lit(value);
    let at = Scalar::new(
        DataType::Datetime(TimeUnit::Microseconds, None),
        AnyValue::Datetime(1_577_836_800_000_500, TimeUnit::Microseconds, None),
    );
    let day = Scalar::new(DataType::Date, AnyValue::Date(18_321));
    for (expr, expected) in [
        (col("n").gt(int(5)), Some("(\"n\" > 5)")),
        (int(5).gt(col("n")), Some("(\"n\" < 5)")),
        (col("n").gt(int(5)).and((col("n") % int(2)).eq(int(0))), Some("(\"n\" > 5)")),
        (col("n").gt(int(5)).or((col("n") % int(2)).eq(int(0))), None),
        (col("n").lt(int(1)).or(col("flag")), Some("((\"n\" < 1) OR \"flag\")")),
        (col("n").gt(int(5)).not(), None),
        (col("n").gt(lit(5.5)), None),
        (col("x").lt(lit(0.1_f64)), Some("(\"x\" < CAST('1e-1' AS DOUBLE))")),
        (col("x").gt(lit(0.1_f64)), None),
        (col("x").neq(lit(0.1_f64)), None),
        (col("x").lt(lit(f64::NAN)), None),
        (col("small").lt(lit(0.1_f64)), None),
        (
            col("small").lt(Expr::Literal(LiteralValue::Scalar(Scalar::from(0.1_f32)))),
            Some("(\"small\" < CAST('1e-1' AS FLOAT))"),
        ),
        (col("te\"xt").eq(lit("o'k")), Some("(\"te\"\"xt\" = 'o''k')")),
        (col("te\"xt").eq(lit("a\0b")), None),
        (col("x").is_null(), Some("(\"x\" IS NULL)")),
        (col("n").is_between(int(1), int(3), ClosedInterval::Left), Some("((\"n\" >= 1) AND (\"n\" < 3))")),
        (
            col("at").gt_eq(Expr::Literal(LiteralValue::Scalar(at))),
            Some("(\"at\" >= TIMESTAMP '2020-01-01 00:00:00.000500')"),
        ),
        (col("day").eq(Expr::Literal(LiteralValue::Scalar(day))), Some("(\"day\" = DATE '2020-02-29')")),
        (col("other").gt(int(5)), None),
        (col("flag"), Some("\"flag\"")),
    ] {
        assert_eq!(sql_condition(&expr, &schema).as_deref(), expected, "{expr:?}");
    }
    let folded = Schema::from_iter([
        PolarsColumn::new("n".into(), DataType::Int64),
        PolarsColumn::new("N".into(), DataType::Int64),
    ]);
    assert_eq!(sql_condition(&col("n").gt(int(5)), &folded), None);
}

//! Answers that are kept, and questions that only look like those of before.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::text;
use crate::error::ColumnsResult;
use crate::source::{BatchSource, Batches, Source};
use crate::value::Value;
use crate::{Axis, Frame, Keep, Limits, MemoryResults, ValueCounts, agg, col};

/// Rows whose content has a name, and which counts how often it is read.
#[derive(Debug)]
struct Named {
    rows: BatchSource,
    content: &'static str,
    reads: Arc<AtomicUsize>,
}

impl Source for Named {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn rows(&self) -> u64 {
        self.rows.rows()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.rows.read(rows, columns)
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        Some(format!("{} {columns:?}", self.content))
    }
}

fn named(content: &'static str, x: &[f64]) -> (Frame, Arc<AtomicUsize>) {
    let columns = [
        ("x", Arc::new(Float64Array::from(x.to_vec())) as ArrayRef),
        ("n", Arc::new(Int64Array::from_iter_values(0..x.len() as i64)) as ArrayRef),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let reads = Arc::new(AtomicUsize::new(0));
    let rows = BatchSource::new(batch.schema(), vec![batch]).unwrap();
    (Frame::new(Arc::new(Named { rows, content, reads: reads.clone() })), reads)
}

#[test]
fn a_question_that_was_asked_before_costs_no_pass() {
    let results = Arc::new(MemoryResults::new(1 << 20));
    let (frame, reads) = named("one", &[1.0, 2.0, f64::NAN, 6.0]);
    let frame = frame.with_results(results.clone()).with_column("y", text("x * 2"));
    let read = || reads.swap(0, Ordering::Relaxed) > 0;
    let asked = [agg::mean(col("y")), agg::count_rows(), agg::max(col("n"))];
    let answers = frame.aggregate(&asked).unwrap();
    assert_eq!(answers, [Value::Float(6.0), Value::Int(4), Value::Int(3)]);
    assert!(read());
    assert_eq!(frame.aggregate(&asked).unwrap(), answers);
    // By another name, in another order, beside others, and as text.
    let renamed = frame.rename("y", "z").unwrap().with_column("other", text("n + 1"));
    assert_eq!(
        renamed.aggregate(&[agg::max(col("n")), agg::mean(col("z"))]).unwrap(),
        [Value::Int(3), Value::Float(6.0)]
    );
    assert_eq!(renamed.compute(&["mean(x * 2) + 1"]).unwrap(), [Value::Float(7.0)]);
    assert!(!read());
    assert!(frame.without_results().aggregate(&asked).is_ok() && read());

    // What differs in anything is asked anew.
    let (changed, changed_reads) = named("two", &[5.0, 5.0, 5.0, 5.0]);
    let changed = changed.with_results(results).with_column("y", text("x * 2"));
    assert_eq!(changed.aggregate(&asked).unwrap(), [Value::Float(10.0), Value::Int(4), Value::Int(3)]);
    assert!(changed_reads.load(Ordering::Relaxed) > 0);
    for (other, answer) in [
        (frame.filter(text("n < 2")).unwrap(), 3.0),
        (frame.slice(0..1).unwrap(), 2.0),
        (frame.with_column("y", text("x * 3")), 9.0),
        (frame.with_variable("k", 4.0).with_column("y", text("x * k")), 12.0),
        (frame.with_variable("k", 5.0).with_column("y", text("x * k")), 15.0),
    ] {
        assert_eq!(other.aggregate(&asked[..1]).unwrap(), [Value::Float(answer)]);
        assert!(read(), "{answer}");
    }
    for (aggregate, answer) in [
        (agg::mean(col("y")).selection(text("n == 0")), 2.0),
        (agg::sum(col("y")), 18.0),
        (agg::var(col("x"), 0), 14.0 / 3.0),
        (agg::var(col("x"), 1), 7.0),
        (agg::quantile(col("x"), 0.0), 1.0),
        (agg::quantile(col("x"), 1.0), 6.0),
    ] {
        let found = frame.aggregate(&[aggregate]).unwrap()[0].as_f64().unwrap();
        assert!((found - answer).abs() < 1e-12 && read(), "{found} and {answer}");
    }
}

fn grid(frame: &Frame, axis: Axis) -> RecordBatch {
    let grid = frame.bin_by([axis]).agg([("c", agg::count_rows())]).unwrap();
    RecordBatch::try_from_iter(grid.columns).unwrap()
}

#[test]
fn tables_that_were_asked_for_before_cost_no_pass() {
    type Ask = (&'static str, fn(&Frame) -> RecordBatch);
    let results = Arc::new(MemoryResults::new(1 << 20));
    let (frame, reads) = named("one", &[1.0, 2.0, f64::NAN, 2.0]);
    let frame = frame.with_results(results.clone());
    let asks: [Ask; 13] = [
        ("groups", |frame| frame.group_by([col("x")]).agg([("s", agg::sum(col("n")))]).unwrap()),
        ("sorted", |frame| frame.group_by([col("x")]).sorted_descending().agg([("s", agg::sum(col("n")))]).unwrap()),
        ("another aggregation", |frame| frame.group_by([col("x")]).agg([("s", agg::mean(col("n")))]).unwrap()),
        ("a condition", |frame| {
            frame.group_by([col("x")]).agg([("s", agg::sum(col("n")).selection(text("n > 1")))]).unwrap()
        }),
        ("grid", |frame| grid(frame, Axis::new(col("x"), Limits::Given(0.0, 8.0), 2))),
        ("more bins", |frame| grid(frame, Axis::new(col("x"), Limits::Given(0.0, 4.0), 4))),
        ("limits", |frame| grid(frame, Axis::new(col("x"), Limits::MinMax, 4))),
        ("values", |frame| grid(frame, Axis::values(col("x")))),
        ("counts", |frame| frame.value_counts(col("x"), &ValueCounts::default()).unwrap()),
        ("least frequent", |frame| {
            frame.value_counts(col("x"), &ValueCounts { ascending: true, ..ValueCounts::default() }).unwrap()
        }),
        ("unique", |frame| frame.unique(col("x"), Keep::NEITHER).unwrap()),
        ("top", |frame| frame.top_k(col("n"), 2, true, &["x"]).unwrap()),
        ("bottom", |frame| frame.top_k(col("n"), 2, false, &["x"]).unwrap()),
    ];
    let read = || reads.swap(0, Ordering::Relaxed) > 0;
    let answers: Vec<RecordBatch> = asks.iter().map(|(_, ask)| ask(&frame)).collect();
    for ((name, ask), answer) in asks.iter().zip(&answers) {
        read();
        // Texts, since no NaN is equal to itself.
        assert_eq!(format!("{:?}", ask(&frame)), format!("{answer:?}"), "{name}");
        assert!(!read(), "{name} was read again");
        assert_eq!(format!("{:?}", ask(&frame.without_results())), format!("{answer:?}"), "{name}");
        assert!(read());
        let few = ask(&frame.filter(text("n < 1")).unwrap());
        assert!(read(), "{name} of fewer rows was not read");
        assert_ne!(format!("{few:?}"), format!("{answer:?}"), "{name}");
    }
    for (at, (name, _)) in asks.iter().enumerate() {
        for (other, answer) in asks.iter().zip(&answers).skip(at + 1) {
            assert_ne!(format!("{answer:?}"), format!("{:?}", answers[at]), "{name} and {}", other.0);
        }
    }
    read();
    let renamed = frame.group_by([("key", col("x"))]).agg([("t", agg::sum(col("n")))]).unwrap();
    assert_eq!(renamed.column_by_name("t"), answers[0].column_by_name("s"));
    assert!(renamed.column_by_name("key").is_some() && !read());
    let (changed, changed_reads) = named("two", &[5.0, 5.0, 5.0, 5.0]);
    let changed = changed.with_results(results);
    for (name, ask) in asks {
        changed_reads.store(0, Ordering::Relaxed);
        ask(&changed);
        assert!(changed_reads.load(Ordering::Relaxed) > 0, "{name} of another content");
    }
}

#[test]
fn of_functions_of_ones_own_nothing_is_kept() {
    let (frame, reads) = named("one", &[1.0, 2.0]);
    let double = |arrays: &[ArrayRef]| Ok(arrow::compute::kernels::numeric::add(&arrays[0], &arrays[0]).unwrap());
    let frame = frame.with_results(Arc::new(MemoryResults::new(1 << 20)));
    let frame = frame.register_function("double", crate::Type::Float64, double);
    for _ in 0..2 {
        reads.store(0, Ordering::Relaxed);
        assert_eq!(frame.compute(&["sum(double(x))"]).unwrap(), [Value::Float(6.0)]);
        assert!(reads.load(Ordering::Relaxed) > 0);
    }
    for _ in 0..2 {
        reads.store(0, Ordering::Relaxed);
        let groups = frame.group_by([col("n")]).agg([("s", agg::sum(text("double(x)")))]).unwrap();
        assert!(groups.num_rows() == 2 && reads.load(Ordering::Relaxed) > 0);
    }
    assert!(frame.compute(&["sum(nothing)"]).unwrap_err().to_string().contains("nothing"));
}

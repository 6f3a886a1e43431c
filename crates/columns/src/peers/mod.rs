//! Every function and every aggregation against NumPy, Polars and Python: `expected.py` beside this file is asked once for the values
//! of all rows, and then whole columns, unaligned slices, single rows and no rows at all are compared with them.
//!
//! Values are exact, but for floating-point numbers that are off by as many units in the last place as the script allows for; types are
//! exact, too. Where there is no result on purpose (a whole number that overflows), the script names the rows.

mod data;

use std::collections::HashSet;
use std::env;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field};
use arrow::ipc::reader::FileReader;

use self::data::ROWS;
use crate::aggregate::{Aggregate, agg};
use crate::block::{BLOCK, Chunk, lane_of_array};
use crate::error::ColumnsResult;
use crate::expr::{Expr, col};
use crate::frame::Frame;
use crate::functions::functions;
use crate::functions::tests::scope_of;
use crate::plan::{Evaluator, Planner};
use crate::source::{IpcSource, Source};
use crate::types::Type;
use crate::value::Value;

/// No rows, one, and more than a block of them behind some that are no multiple of eight.
const SLICES: [Range<u64>; 4] = [7..7, 11..12, 3..ROWS as u64, 0..ROWS as u64];

/// The script and its modules, which it finds beside itself.
const SCRIPTS: [(&str, &str); 7] = [
    ("aggregated.py", include_str!("aggregated.py")),
    ("asked.py", include_str!("asked.py")),
    ("expected.py", include_str!("expected.py")),
    ("instants.py", include_str!("instants.py")),
    ("numeric.py", include_str!("numeric.py")),
    ("operators.py", include_str!("operators.py")),
    ("texts.py", include_str!("texts.py")),
];

/// Functions without a row in the script, and why.
const EXCEPTED: &[(&str, &str)] = &[];

/// The interpreter in `DATAFOLIO_PEERS` that has NumPy, Polars and pyarrow.
fn python() -> Option<PathBuf> {
    let peers = env::var_os("DATAFOLIO_PEERS").map(PathBuf::from);
    let python = peers.map(|peers| peers.join("tables/bin/python")).filter(|python| python.is_file());
    if python.is_none() {
        let missing = "DATAFOLIO_PEERS/tables/bin/python (with numpy, polars and pyarrow) is not there";
        assert!(env::var_os("DATAFOLIO_SKIP_PEERS").is_some_and(|skip| skip == "1"), "{missing}");
        println!("SKIPPED: {missing}");
    }
    python
}

fn table(path: &Path) -> RecordBatch {
    FileReader::try_new(File::open(path).unwrap(), None).unwrap().next().unwrap().unwrap()
}

/// The values of an array; also of lists, which are no lanes.
fn values(array: &ArrayRef) -> Vec<Value> {
    let list = |items: Option<ArrayRef>| items.map_or(Value::Null, |items| Value::List(values(&items)));
    match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().iter().map(list).collect(),
        DataType::LargeList(_) => array.as_list::<i64>().iter().map(list).collect(),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().iter().map(list).collect(),
        type_ => {
            let (type_, lane) = (Type::of_arrow(type_), lane_of_array(array).unwrap());
            (0..array.len()).map(|row| lane.value(row, &type_)).collect()
        }
    }
}

/// A value; none in a row without a result.
fn evaluated(batch: &RecordBatch, text: &str) -> ColumnsResult<(Type, Vec<Option<Value>>)> {
    let scope = scope_of(batch);
    let mut planner = Planner::new(&scope);
    let node = planner.bind(&Expr::parse(text)?)?;
    let type_ = planner.type_of(node);
    let plan = planner.finish();
    let columns: Vec<ArrayRef> = plan.columns.iter().map(|place| batch.column(*place).clone()).collect();
    let chunk = Chunk::new(&columns, batch.num_rows())?;
    let mut evaluator = Evaluator::new(&plan, &chunk);
    let mut found = Vec::new();
    for start in (0..batch.num_rows()).step_by(BLOCK) {
        let end = (start + BLOCK).min(batch.num_rows());
        evaluator.block(start..end);
        let lane = evaluator.lane(node)?;
        let fault = |row: usize| lane.fault.as_ref().is_some_and(|fault| fault.rows[row] != 0);
        found.extend((0..end - start).map(|row| (!fault(row)).then(|| lane.value(row, &type_))));
    }
    Ok((type_, found))
}

/// How many numbers of a width lie between two, none where one is NaN and the other is not.
fn ulps(a: f64, b: f64, single: bool) -> u64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0;
    }
    if a.is_nan() || b.is_nan() {
        return u64::MAX;
    }
    let place = |value: f64| match single {
        true => i64::from((value as f32).abs().to_bits()) * (value.signum() as i64),
        false => (value.abs().to_bits() as i64) * (value.signum() as i64),
    };
    place(a).abs_diff(place(b))
}

/// How far a result may be from the one that is expected.
#[derive(Debug, Clone, Copy)]
struct Tolerance {
    ulps: u64,
    /// As a share of the value: of sketches, and of sums whose terms cancel each other.
    relative: f64,
    absolute: f64,
    single: bool,
}

impl Tolerance {
    fn of(field: &Field) -> Self {
        let noted = |key: &str| field.metadata().get(key).map_or(0.0, |value| value.parse().unwrap());
        let mut leaf = field.data_type();
        while let DataType::FixedSizeList(item, _) | DataType::List(item) = leaf {
            leaf = item.data_type();
        }
        Self {
            ulps: noted("ulps") as u64,
            relative: noted("relative"),
            absolute: noted("absolute"),
            single: *leaf == DataType::Float32,
        }
    }

    fn holds(self, found: &Value, expected: &Value) -> bool {
        match (found, expected) {
            (Value::Float(a), Value::Float(b)) => {
                ulps(*a, *b, self.single) <= self.ulps
                    || (b.is_finite() && (a - b).abs() <= (self.relative * b.abs()).max(self.absolute))
            }
            (Value::Int(a), Value::Int(b)) => a == b || (*a - *b).abs() as f64 <= self.relative * *b as f64,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.holds(a, b)),
            (a, b) => a == b,
        }
    }
}

fn name_of(field: &Field) -> &str {
    &field.metadata()["name"]
}

/// What is wrong with the functions: for each expression the first row that differs.
fn functions_that_differ(path: &Path, expected: &RecordBatch) -> Vec<String> {
    let source = IpcSource::open(path, true, None).unwrap();
    let columns: Vec<usize> = (0..source.schema().fields().len()).collect();
    let mut wrong = Vec::new();
    let slices = SLICES.map(|rows| {
        let read = source.read(rows.clone(), &columns).unwrap().next();
        (rows, read.map_or_else(|| RecordBatch::new_empty(source.schema()), |batch| batch.unwrap()))
    });
    for (field, theirs) in expected.schema().fields().iter().zip(expected.columns()) {
        let expr = field.name();
        let faults: HashSet<u64> = field
            .metadata()
            .get("faults")
            .map(|rows| rows.split(' ').map(|row| row.parse().unwrap()).collect())
            .unwrap_or_default();
        let (tolerance, theirs) = (Tolerance::of(field), values(theirs));
        for (rows, batch) in &slices {
            let (type_, ours) = match evaluated(batch, expr) {
                Ok(found) => found,
                Err(error) => {
                    wrong.push(format!("{expr}: {error}"));
                    break;
                }
            };
            if type_ != Type::of_arrow(field.data_type()) {
                wrong.push(format!("{expr} is {type_}, not {}", field.data_type()));
                break;
            }
            assert_eq!(ours.len() as u64, rows.end - rows.start, "{expr}");
            let differs = ours.iter().zip(rows.clone()).find(|(ours, row)| match (ours, faults.contains(row)) {
                (None, fault) => !fault,
                (Some(_), true) => true,
                (Some(ours), false) => !tolerance.holds(ours, &theirs[*row as usize]),
            });
            if let Some((ours, row)) = differs {
                let theirs =
                    if faults.contains(&row) { "no result".to_owned() } else { theirs[row as usize].to_string() };
                let ours = ours.as_ref().map_or("no result".to_owned(), Value::to_string);
                wrong.push(format!("{expr}: row {row} of {rows:?} is {ours}, expected {theirs}"));
                break;
            }
        }
    }
    wrong
}

/// An aggregation by its text, or by the name of the script for those that text cannot ask for.
fn aggregate(text: &str) -> Aggregate {
    let both = || [col("small"), col("i16")];
    match text {
        "quantiles(small)" => agg::quantiles(col("small"), &[0.25, 0.9]),
        "approx_quantiles(small)" => agg::approx_quantiles(col("small"), &[0.25, 0.9]),
        "covariance_matrix(small, i16)" => agg::covariance_matrix(both(), 1),
        "correlation_matrix(small, i16)" => agg::correlation_matrix(both()),
        text => Aggregate::parse(text).unwrap(),
    }
}

fn aggregations_that_differ(path: &Path, expected: &[RecordBatch]) -> Vec<String> {
    let frame = Frame::open(path).unwrap();
    let mut wrong = Vec::new();
    for (rows, expected) in SLICES.into_iter().zip(expected) {
        let slice = frame.slice(rows.clone()).unwrap();
        let schema = expected.schema();
        let aggregates: Vec<Aggregate> = schema.fields().iter().map(|field| aggregate(field.name())).collect();
        let ours = slice.aggregate(&aggregates).unwrap();
        for ((field, theirs), ours) in schema.fields().iter().zip(expected.columns()).zip(ours) {
            let theirs = &values(theirs)[0];
            if !Tolerance::of(field).holds(&ours, theirs) {
                wrong.push(format!("{} of {rows:?} is {ours}, expected {theirs}", field.name()));
            }
        }
    }
    wrong
}

#[test]
fn functions_and_aggregations_are_those_of_numpy_and_polars() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    data::write(&at("data.arrow"));
    for (name, script) in SCRIPTS {
        fs::write(at(name), script).unwrap();
    }
    let slices = SLICES.iter().map(|rows| format!("{}:{}", rows.start, rows.end));
    let output = Command::new(python).arg(at("expected.py")).arg(place.path()).args(slices).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let expected = table(&at("functions.arrow"));
    let aggregated: Vec<_> =
        (0..SLICES.len()).map(|number| table(&at(&format!("aggregations-{number}.arrow")))).collect();
    // What is registered is in the script, or excepted with a reason.
    let of = |batch: &RecordBatch| -> HashSet<String> {
        batch.schema().fields().iter().map(|field| name_of(field).to_owned()).collect()
    };
    let (asked, asked_of_all) = (of(&expected), of(&aggregated[0]));
    let left_out = functions()
        .map(|function| function.name)
        .filter(|name| asked.contains(*name) == EXCEPTED.iter().any(|(excepted, _)| excepted == name))
        .chain(crate::aggregate::names().filter(|name| !asked_of_all.contains(*name)));
    assert_eq!(left_out.collect::<Vec<_>>(), [""; 0], "neither asked of the peers nor excepted, or both");

    let mut wrong = functions_that_differ(&at("data.arrow"), &expected);
    wrong.extend(aggregations_that_differ(&at("data.arrow"), &aggregated));
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

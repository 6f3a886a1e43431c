//! The main job in one minute, on real data: all flights that left New York City in 2013.
//!
//! Run it with `make demo`. It creates a bundle in a temporary directory (or in the one given as argument), puts an analysis
//! into it, snapshots it, changes it, looks at the difference, goes back, and checks that everything is whole.

#![allow(clippy::print_stdout, reason = "a demonstration prints what it does")]

use std::path::{Path, PathBuf};

use arrow::array::{Array, Float64Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafolio::columns::{agg, col};
use datafolio::{
    AddOptions, AppendOptions, DataFolio, DescribeOptions, Error, ImportOptions, IterOptions, NpyArray, OpenOptions,
    Reference, SnapshotOptions, StatisticsOptions, TableOptions, VerifyOptions,
};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let (place, _guard) = place()?;

    step("A bundle is a plain directory");
    let folio = OpenOptions::new().create(&place)?;
    println!("created {}", folio.location());

    step("Import tables: types are found by reading the whole file, rows are streamed");
    for (name, file, text) in [
        ("flights", "flights.csv.gz", "all departures from EWR, JFK and LGA in 2013"),
        ("weather", "weather.csv.gz", "hourly weather at the three airports"),
        ("planes", "planes.csv", "aircraft by tail number"),
        ("airports", "airports.csv", "airports of the country"),
        ("airlines", "airlines.csv", "carrier codes"),
    ] {
        let started = std::time::Instant::now();
        let info = folio.import_table(
            name,
            data.join(file),
            &ImportOptions::default(),
            AddOptions::new().description(text),
        )?;
        println!(
            "  {name:<9} {:>7} rows x {:>2} columns, {:>9} bytes as Parquet, {:>5} ms",
            info.record["num_rows"],
            info.record["num_cols"],
            info.record["size_bytes"],
            started.elapsed().as_millis()
        );
    }

    step("Compute, and keep the results with their lineage");
    let (by_hour, delays) = delays_by_hour(&folio)?;
    let mut batch = folio.batch()?;
    batch.add(
        "delay_by_hour",
        by_hour,
        AddOptions::new().inputs(["flights"]).description("mean departure delay, min"),
    )?;
    batch.add(
        "delay_curve",
        NpyArray::from_slice(&[delays.len() as u64], &delays)?,
        AddOptions::new().inputs(["delay_by_hour"]),
    )?;
    batch.add("params", json!({"cancelled": "left out", "unit": "minutes"}), AddOptions::new())?;
    batch.add("data_notes", data.join("README.md").as_path(), AddOptions::new().category("docs"))?;
    batch.set_metadata("question", &json!("When is it best to fly?"))?;
    let revision = batch.commit()?;
    println!("five changes, one commit: revision {revision}");
    print!("{}", folio.lineage().to_mermaid());

    step("Look at a table of any size: facts from its footer, parts, chunks");
    let info = folio.table_info("flights")?;
    println!("flights: {} rows, {} columns, {:.1} MB", info.rows.unwrap_or(0), info.columns, info.size_mb);
    for column in info.column_facts.iter().filter(|column| column.name.ends_with("delay")) {
        println!("  {:<9} {:?} missing, {:?} to {:?}", column.name, column.null_count, column.min, column.max);
    }
    let statistics = folio.describe_table("flights", &StatisticsOptions::new().columns(["carrier", "dep_delay"]))?;
    for column in &statistics.columns {
        let top = column.top.first().map(|top| format!("{} ({} times)", top.value, top.count)).unwrap_or_default();
        let distinct = column.distinct.as_ref().map_or(0, |distinct| distinct.count);
        println!("  {:<9} {distinct} different values, most often {top}", column.name);
    }
    let mut late = 0;
    let chunks = folio.iter_table("flights", &IterOptions::new().chunk_size(100_000).columns(["dep_delay"]))?;
    for chunk in chunks {
        let chunk = chunk?;
        late += numbers(&chunk, "dep_delay")?.iter().flatten().filter(|minutes| *minutes > 60.0).count();
    }
    println!("in chunks of 100,000: {late} flights left more than an hour late");
    let columns = || TableOptions::new().columns(["carrier", "origin", "dest"]);
    let drawn = folio.sample_table("flights", 3, 2013, &columns())?;
    println!("{} rows drawn with the seed 2013, which draws the same ones again:", drawn.num_rows());
    println!("{}", arrow::util::pretty::pretty_format_batches(&[drawn])?);
    println!("a preview has the first {}", folio.preview_table("flights", 10)?.num_rows());
    println!("two workers would take the rows {:?}", folio.split_table("flights", 2)?);
    println!("other programs read {}", folio.get_table_path("flights")?);
    in_sql(&folio)?;
    out_of_core(&folio)?;
    a_reference(&folio, &data)?;

    step("Let a table grow: what is there is neither read nor copied");
    for month in 1..=3 {
        let rows = flights_of(&folio, month)?;
        let done = folio.append_table("departures", rows, AppendOptions::new())?;
        println!("month {month}: {} more rows, {} in all, in {} files", done.rows, done.num_rows, done.parts);
    }
    let one = folio.compact("departures")?;
    println!("compacted into {} file; the versions before keep theirs", one.parts_after);
    in_place(&folio)?;

    step("A snapshot costs no copy of data and never changes");
    folio.create_snapshot(
        "v1.0",
        SnapshotOptions {
            description: Some("as submitted".to_owned()),
            tags: vec!["paper".to_owned()],
            ..Default::default()
        },
    )?;
    println!("snapshot v1.0 holds {} items", folio.snapshot_info("v1.0")?.num_items);

    step("Change a table: only flights of the summer");
    let (summer, kept) = summer_flights(&folio)?;
    folio.add("flights", summer, AddOptions::new().overwrite())?;
    folio.set_metadata("season", "summer")?;
    println!("flights now has {kept} rows");
    let diff = folio.diff_from_snapshot(Some("v1.0"))?;
    println!(
        "against v1.0: modified {:?}, unchanged {}, metadata {:?}",
        diff.modified_items,
        diff.unchanged_items.len(),
        diff.metadata_changes.keys().collect::<Vec<_>>()
    );
    in_rows(&folio)?;
    let past = folio.load_snapshot("v1.0")?;
    println!("v1.0 still has {} rows", count(&past, "flights")?);

    step("What happened, and by whom");
    for entry in folio.log(4)? {
        println!("  revision {:>2}  {}", entry.revision, entry.operation);
    }
    println!("  flights as of revision 2 had {} rows", count(&folio.at_revision(2)?, "flights")?);

    step("Go back");
    folio.restore_snapshot("v1.0")?;
    println!("restored v1.0: flights has {} rows again", count(&folio, "flights")?);

    step("Damage is noticed, whoever reads");
    let path = folio.item_path("params")?;
    let whole = std::fs::read(&path)?;
    let mut damaged = whole.clone();
    damaged[5] ^= 1;
    std::fs::write(&path, &damaged)?;
    match folio.get_json("params") {
        Err(error) => println!("one bit flipped in params: {error}"),
        Ok(value) => return Err(format!("damage passed for data: {value}").into()),
    }
    std::fs::write(&path, &whole)?;
    let report = folio.verify(&VerifyOptions::default())?;
    println!(
        "put right again; verify read {} versions, {} bytes, {} commits: {}",
        report.read,
        report.bytes,
        report.commits,
        if report.is_clean() { "all whole" } else { "DAMAGED" }
    );

    step("What is in the bundle");
    print!("{}", folio.describe(&DescribeOptions::default())?);
    Ok(())
}

/// Virtual columns and aggregations in one pass, in a memory that does not depend on the size of the table.
fn out_of_core(folio: &DataFolio) -> Result<()> {
    step("Compute out of core: virtual columns, exact quantiles, groups, in one pass");
    let flights = folio.frame("flights")?.with_column("speed", col("distance") / col("air_time") * 60.0);
    let answers =
        flights.compute(&["mean(speed)", "median(speed)", "std(arr_delay) / mean(arr_delay)", "nunique(tailnum)"])?;
    for (what, answer) in ["mean speed, mph", "median", "variation of delays", "planes"].iter().zip(&answers) {
        println!("  {what:<20} {answer}");
    }
    let by_origin = flights
        .filter(col("speed").greater(400))?
        .group_by([("origin", col("origin"))])
        .sorted()
        .agg([("fast", agg::count_rows()), ("delay", agg::mean(col("arr_delay")))])?;
    println!("{}", arrow::util::pretty::pretty_format_batches(&[by_origin])?);
    Ok(())
}

/// The same and more as SQL, over all tables of the bundle.
#[cfg(feature = "sql")]
fn in_sql(folio: &DataFolio) -> Result<()> {
    use datafolio::QueryOptions;

    step("Ask in SQL: the query sees the tables that it names, and nothing else");
    let sql = "SELECT a.name, count(*) AS late, round(100 * count(*) / any_value(total), 1) AS percent
        FROM table f JOIN airlines a USING (carrier)
        JOIN (SELECT carrier, count(*) AS total FROM table GROUP BY carrier) USING (carrier)
        WHERE dep_delay > $minutes GROUP BY a.name ORDER BY percent DESC LIMIT 3";
    let rows = folio.query_table("flights", sql, &QueryOptions::new().param("minutes", 60))?;
    let batches = rows.collect::<std::result::Result<Vec<_>, _>>()?;
    println!("{}", arrow::util::pretty::pretty_format_batches(&batches)?);
    match folio.query("COPY flights TO 'elsewhere.csv'", &QueryOptions::new()) {
        Err(error) => println!("{error}"),
        Ok(_) => return Err("a query wrote a file".into()),
    }
    kept_queries(folio)
}

/// A view, and a table that is derived from it and made again when the view changes.
#[cfg(feature = "sql")]
fn kept_queries(folio: &DataFolio) -> Result<()> {
    use datafolio::{QueryOptions, RerunOptions};

    step("Keep a query as a view, and a result that knows when it is out of date");
    folio.add_view("late", "SELECT month, dep_delay FROM flights WHERE dep_delay > 60", AddOptions::new())?;
    let sql = "SELECT month, count(*) AS flights FROM late GROUP BY month ORDER BY month";
    folio.derive("late_by_month", sql, &QueryOptions::new(), AddOptions::new())?;
    let text = "SELECT month, dep_delay FROM flights WHERE dep_delay > 120";
    folio.add_view("late", text, AddOptions::new().overwrite())?;
    for stale in folio.stale()? {
        let reasons: Vec<String> = stale.reasons.iter().map(ToString::to_string).collect();
        println!("{} is out of date: {}", stale.name, reasons.join("; "));
    }
    println!("made again: {}", folio.rerun::<&str>(&[], RerunOptions::new())?.done.join(", "));
    let made = folio.explain("late_by_month")?;
    let inputs: Vec<String> = made.inputs.iter().map(|input| format!("{} {}", input.name, input.version)).collect();
    println!("late_by_month has {} rows, made of {}", made.rows.unwrap_or(0), inputs.join(" and "));
    Ok(())
}

/// Rows that are changed and removed where they are: a new version, which shares the files in which nothing changes.
#[cfg(feature = "sql")]
fn in_place(folio: &DataFolio) -> Result<()> {
    let early = folio.update_table("departures", "dep_delay < 0", &[("dep_delay", "0")])?;
    let cancelled = folio.delete_rows("departures", "dep_delay IS NULL")?;
    println!("{} early departures are on time now; {} that never left are gone", early.rows, cancelled.rows);
    Ok(())
}

#[cfg(not(feature = "sql"))]
fn in_place(_folio: &DataFolio) -> Result<()> {
    Ok(())
}

/// What became of the rows of a table since the snapshot.
#[cfg(feature = "sql")]
fn in_rows(folio: &DataFolio) -> Result<()> {
    use datafolio::{DiffOptions, TableState};

    let diff = folio.diff_table("flights", &DiffOptions::new().from(TableState::Snapshot("v1.0".to_owned())))?;
    println!(
        "row by row: {} added, {} removed, {} as they were",
        diff.added,
        diff.removed,
        diff.unchanged.unwrap_or(0)
    );
    Ok(())
}

#[cfg(not(feature = "sql"))]
fn in_rows(_folio: &DataFolio) -> Result<()> {
    Ok(())
}

#[cfg(not(feature = "sql"))]
fn in_sql(_folio: &DataFolio) -> Result<()> {
    println!("(SQL is not in this build)");
    Ok(())
}

/// A table that stays where it is, and is read from there. What others write to it is noticed.
fn a_reference(folio: &DataFolio, data: &Path) -> Result<()> {
    step("Leave a table where it is: a reference tells when its file has changed");
    let outside = tempfile::tempdir()?;
    let path = outside.path().join("planes.csv");
    std::fs::copy(data.join("planes.csv"), &path)?;
    let reference = Reference {
        path: path.to_string_lossy().into_owned(),
        table_format: "csv".to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    };
    folio.reference_table("fleet", reference, AddOptions::new())?;
    println!("fleet has {} rows, and no file in the bundle", count(folio, "fleet")?);
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text.lines().take(100).collect::<Vec<_>>().join("\n"))?;
    for check in folio.check_references::<&str>(None)? {
        println!("{}: {:?}, {}", check.name, check.state, check.reason.unwrap_or_default());
    }
    folio.delete(&["fleet"])?;
    Ok(())
}

/// Where the demo's bundle goes: the directory given as argument, else a temporary one.
fn place() -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    match std::env::args_os().nth(1) {
        Some(path) => Ok((path.into(), None)),
        None => {
            let dir = tempfile::tempdir()?;
            Ok((dir.path().join("flights-2013"), Some(dir)))
        }
    }
}

fn step(title: &str) {
    println!("\n== {title}");
}

/// Streams the rows of a table and counts them.
fn count(folio: &DataFolio, name: &str) -> std::result::Result<usize, Error> {
    let mut rows = 0;
    for batch in folio.get_table(name)? {
        rows += batch.map_err(datafolio::HandlerError::from)?.num_rows();
    }
    Ok(rows)
}

/// Mean departure delay by scheduled hour, in one pass over the stored table.
fn delays_by_hour(folio: &DataFolio) -> Result<(RecordBatch, Vec<f64>)> {
    let mut sums = [(0.0, 0u32); 24];
    for batch in folio.get_table("flights")? {
        let batch = batch?;
        let hours = numbers(&batch, "hour")?;
        let delays = numbers(&batch, "dep_delay")?;
        for row in 0..batch.num_rows() {
            if !hours.is_null(row) && !delays.is_null(row) {
                let (sum, n) = &mut sums[hours.value(row) as usize % 24];
                *sum += delays.value(row);
                *n += 1;
            }
        }
    }
    let flown: Vec<(i64, f64)> = sums
        .iter()
        .zip(0i64..)
        .filter(|((_, n), _)| *n > 0)
        .map(|((sum, n), hour)| (hour, sum / f64::from(*n)))
        .collect();
    let hours = Int64Array::from_iter_values(flown.iter().map(|(hour, _)| *hour));
    let delays: Vec<f64> = flown.iter().map(|(_, delay)| *delay).collect();
    let table = RecordBatch::try_from_iter([
        ("hour", std::sync::Arc::new(hours) as _),
        ("mean_delay", std::sync::Arc::new(Float64Array::from(delays.clone())) as _),
    ])?;
    Ok((table, delays))
}

/// The flights of June to August.
fn summer_flights(folio: &DataFolio) -> Result<(RecordBatch, usize)> {
    let table = flights_between(folio, 6.0..=8.0)?;
    let rows = table.num_rows();
    Ok((table, rows))
}

/// The flights of one month.
fn flights_of(folio: &DataFolio, month: u8) -> Result<RecordBatch> {
    flights_between(folio, f64::from(month)..=f64::from(month))
}

fn flights_between(folio: &DataFolio, wanted: std::ops::RangeInclusive<f64>) -> Result<RecordBatch> {
    let mut kept = Vec::new();
    let mut schema = None;
    for batch in folio.get_table("flights")? {
        let batch = batch?;
        let months = numbers(&batch, "month")?;
        let mask: arrow::array::BooleanArray =
            (0..batch.num_rows()).map(|row| Some(wanted.contains(&months.value(row)))).collect();
        kept.push(arrow::compute::filter_record_batch(&batch, &mask)?);
        schema.get_or_insert_with(|| batch.schema());
    }
    let schema = schema.ok_or("flights is empty")?;
    Ok(arrow::compute::concat_batches(&schema, &kept)?)
}

fn numbers(batch: &RecordBatch, column: &str) -> Result<Float64Array> {
    let values = batch.column_by_name(column).ok_or_else(|| format!("no column {column}"))?;
    let values = cast(values, &DataType::Float64)?;
    Ok(values.as_any().downcast_ref::<Float64Array>().ok_or("not a number")?.clone())
}

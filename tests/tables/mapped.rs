//! Tables and text that are converted once, and mapped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafolio::columns::{PassOptions, agg, col};
use datafolio::{AddOptions, AppendOptions, DataFolio, ImportOptions, OpenOptions, Settings};

use super::{ROWS, sample, with_tables};

fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.cache_dir = Some(dir.join("cache"));
    settings
}

fn opened(dir: &Path, settings: &Settings) -> DataFolio {
    OpenOptions::new().settings(settings.clone()).open(dir.join("bundle")).unwrap()
}

/// Directories of converted tables.
fn converted(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("cache/mapped")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// Counts the rows that are converted.
fn counting() -> (Arc<AtomicU64>, PassOptions) {
    let count = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&count);
    let progress = move |done, _| {
        told.store(done, Ordering::Relaxed);
        true
    };
    (count, PassOptions { progress: Some(Arc::new(progress)), ..PassOptions::default() })
}

#[test]
fn a_table_in_any_form_is_converted_once_and_answers_the_same() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    DataFolio::create(dir.join("bundle")).unwrap();
    let settings = settings(dir);
    let folio = opened(dir, &settings);
    for name in with_tables(&folio, dir) {
        let (rows, pass) = counting();
        let frame = match folio.mapped_frame(name, &pass) {
            Ok(frame) => frame,
            Err(error) => {
                assert!(error.to_string().contains("is not converted"), "{name}: {error}");
                continue;
            }
        };
        let of = |frame: &datafolio::columns::Frame| {
            let asked = [agg::sum(col("id")), agg::count(col("half")), agg::max(col("name"))];
            frame.without_results().aggregate(&asked).unwrap()
        };
        let expected = [
            datafolio::columns::Value::Int((ROWS * (ROWS - 1) / 2).into()),
            datafolio::columns::Value::Int((ROWS - ROWS / 10).into()),
            datafolio::columns::Value::Text(format!("row {:06}", ROWS - 1).as_str().into()),
        ];
        assert_eq!(of(&frame), expected, "{name}");
        assert_eq!(frame.origins()[0].name, name);
        // Where it was converted, it is not a second time, in this process or another.
        let first = rows.swap(0, Ordering::Relaxed);
        assert!(first == 0 || first == ROWS as u64, "{name}: {first}");
        assert_eq!(of(&opened(dir, &settings).mapped_frame(name, &pass).unwrap()), expected, "{name}");
        assert_eq!(rows.load(Ordering::Relaxed), 0, "{name}");
    }
    // A table that has changed has other content.
    folio.append_table("streamed", sample(ROWS..ROWS + 7), AppendOptions::new()).unwrap();
    let frame = folio.mapped_frame("streamed", &PassOptions::default()).unwrap();
    assert_eq!(frame.aggregate(&[agg::count_rows()]).unwrap()[0].as_i128(), Some((ROWS + 7).into()));
}

#[test]
fn the_cache_has_its_cap_and_may_be_damaged_or_missing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    DataFolio::create(dir.join("bundle")).unwrap();
    let mut settings = settings(dir);
    let folio = opened(dir, &settings);
    for (name, rows) in [("one", 0..20_000), ("two", 20_000..40_000)] {
        folio.add(name, sample(rows), AddOptions::new()).unwrap();
    }
    let sum = |folio: &DataFolio, name: &str| {
        let frame = folio.mapped_frame(name, &PassOptions::default()).unwrap().without_results();
        frame.aggregate(&[agg::sum(col("id"))]).unwrap()[0].as_i128()
    };
    assert_eq!(sum(&folio, "one"), Some(20_000 * 19_999 / 2));
    // A file that was cut is written again.
    let part = converted(dir)[0].join("part-00000.arrow");
    std::fs::write(&part, &std::fs::read(&part).unwrap()[..100]).unwrap();
    assert_eq!(sum(&folio, "one"), Some(20_000 * 19_999 / 2));
    let size = std::fs::metadata(&part).unwrap().len();
    settings.cache_cap = size * 3 / 2;
    let capped = opened(dir, &settings);
    assert_eq!(sum(&capped, "two"), Some(20_000 * 59_999 / 2));
    assert_eq!(converted(dir).len(), 1);
    assert_eq!(sum(&capped, "two"), Some(20_000 * 59_999 / 2));
    for (cap, expected) in [(size / 3, "cache_cap"), (0, "cache_dir and cache_cap")] {
        settings.cache_cap = cap;
        let error = opened(dir, &settings).mapped_frame("one", &PassOptions::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn text_opens_as_a_frame_and_is_converted_anew_when_it_changes() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    let settings = settings(dir);
    let csv = dir.join("a.csv");
    let write = |rows: std::ops::Range<i64>| {
        let lines: String = rows.map(|row| format!("{row},{}\n", if row % 4 == 0 { "NA" } else { "x" })).collect();
        std::fs::write(&csv, format!("id,kind\n{lines}")).unwrap();
    };
    write(0..1000);
    let options = ImportOptions::default();
    let asked = |rows: &PassOptions| {
        let frame = datafolio::open_frame(&[&csv], &options, &settings, rows).unwrap();
        let answers = frame.aggregate(&[agg::sum(col("id")), agg::count(col("kind"))]).unwrap();
        (answers[0].as_i128().unwrap(), answers[1].as_i128().unwrap())
    };
    let (rows, pass) = counting();
    assert_eq!(asked(&pass), (1000 * 999 / 2, 750));
    assert_eq!(rows.swap(0, Ordering::Relaxed), 1000);
    assert_eq!((asked(&pass), rows.load(Ordering::Relaxed)), ((1000 * 999 / 2, 750), 0));
    write(0..2000);
    assert_eq!(asked(&pass), (2000 * 1999 / 2, 1500));
    // Other options are other values.
    let mut typed = options.clone();
    typed.types.insert("id".to_owned(), "string".to_owned());
    let frame = datafolio::open_frame(&[&csv], &typed, &settings, &pass).unwrap();
    assert_eq!(frame.aggregate(&[agg::max(col("id"))]).unwrap()[0].as_str(), Some("999"));
    // Files that are mapped as they are: nothing is converted.
    let before = converted(dir).len();
    let arrow = dir.join("a.arrow");
    frame.export(&arrow).unwrap();
    let again = datafolio::open_frame(&[&arrow], &options, &settings, &pass).unwrap();
    assert_eq!(
        (again.aggregate(&[agg::count_rows()]).unwrap()[0].as_i128(), converted(dir).len()),
        (Some(2000), before)
    );
    let error = datafolio::open_frame(&[dir.join("gone.csv")], &options, &settings, &pass).map(drop).unwrap_err();
    assert!(error.to_string().contains("gone.csv"), "{error}");
    std::fs::write(&csv, "id,kind\n1,x\n2\n").unwrap();
    let error = datafolio::open_frame(&[&csv], &options, &settings, &pass).map(drop).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
}

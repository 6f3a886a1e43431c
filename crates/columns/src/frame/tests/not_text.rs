//! Texts of mapped files that are no UTF-8: an error, and never an answer without them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::{frame, text};
use crate::error::ColumnsError;
use crate::{Frame, Keep, ValueCounts, agg, col};

#[test]
fn texts_that_are_none_are_errors_whatever_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    // Texts of more and of fewer than eight bytes, and one beyond ASCII, which is no damage.
    let texts: StringArray =
        (0..5_000).map(|row| Some(["needle in a stack", "hay", "straw", "grün"][row % 4])).collect();
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5_000));
    let whole = frame(vec![("key", Arc::new(texts) as ArrayRef), ("n", rows)]);
    type Ask = fn(&Frame) -> Result<(), ColumnsError>;
    let asks: [(&str, Ask); 7] = [
        ("counts", |frame| frame.value_counts(col("key"), &ValueCounts::default()).map(|_| ())),
        ("groups", |frame| frame.group_by([col("key")]).agg([("n", agg::count_rows())]).map(|_| ())),
        ("nunique", |frame| frame.aggregate(&[agg::nunique(col("key"), Keep::BOTH)]).map(|_| ())),
        ("extremes", |frame| frame.aggregate(&[agg::minmax(col("key"))]).map(|_| ())),
        ("top", |frame| frame.top_k(col("n"), 5, false, &["key"]).map(|_| ())),
        ("lower", |frame| frame.aggregate(&[agg::nunique(text("key.str.lower()"), Keep::BOTH)]).map(|_| ())),
        ("filter", |frame| frame.filter(text("key == 'hay'"))?.aggregate(&[agg::count_rows()]).map(|_| ())),
    ];
    for name in ["t.arrow", "t.arrows", "t.hdf5"] {
        let path = dir.path().join(name);
        whole.export(&path).unwrap();
        for (ask, run) in asks {
            run(&Frame::open(&path).unwrap()).unwrap_or_else(|error| panic!("{name} {ask}: {error}"));
        }
        // A byte that no text has, in the first "hay"; and a letter of two bytes without its second one.
        for (place, byte) in [("stackhay", 0xff_u8), ("grün", b'x')] {
            let mut bytes = std::fs::read(&path).unwrap();
            let at = bytes.windows(place.len()).position(|window| window == place.as_bytes()).unwrap();
            // The letter's second byte stands behind three others.
            let at = if byte == b'x' { at + 3 } else { at + 6 };
            bytes[at] = byte;
            let damaged = dir.path().join(format!("damaged-{name}"));
            std::fs::write(&damaged, bytes).unwrap();
            for (ask, run) in asks {
                let error = run(&Frame::open(&damaged).unwrap()).err();
                let error = error.unwrap_or_else(|| panic!("{name} {place} {ask}: there was an answer"));
                let said = error.to_string();
                assert!(matches!(error, ColumnsError::Damaged { .. }), "{name} {ask}: {said}");
                assert!(said.contains("damaged-t.") && said.contains("text"), "{name} {ask}: {said}");
            }
        }
    }
}

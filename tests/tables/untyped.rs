//! Tables with columns that have no type yet, since they have had no value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, NullArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use datafolio::{AppendOptions, DataFolio, QueryOptions, SnapshotOptions, TableOptions};

use crate::support::new_bundle;

fn rows(from: i64, notes: ArrayRef) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + notes.len() as i64));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("note", notes, true)]).unwrap()
}

fn nothing(from: i64, count: usize) -> RecordBatch {
    rows(from, Arc::new(NullArray::new(count)))
}

fn notes(folio: &DataFolio) -> Vec<Option<String>> {
    let reader = folio.read_table("t", &TableOptions::new()).unwrap();
    let schema = reader.schema();
    assert_eq!(schema.field(1).data_type(), &DataType::Utf8);
    let all = concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap();
    assert_eq!(all.column(0).as_ref(), &Int64Array::from_iter_values(0..all.num_rows() as i64));
    all.column(1).as_string::<i32>().iter().map(|note| note.map(str::to_owned)).collect()
}

#[test]
fn the_first_rows_with_values_give_a_column_its_type() {
    for format in ["parquet", "arrow"] {
        let (_dir, folio) = new_bundle();
        let append = |rows| folio.append_table("t", rows, AppendOptions::new().without_compaction()).unwrap();
        let first = AppendOptions::new().without_compaction().description("grows").table_format(format);
        folio.append_table("t", nothing(0, 2), first).unwrap();
        append(nothing(2, 1));
        folio.create_snapshot("before", SnapshotOptions::default()).unwrap();
        let typed = append(rows(3, Arc::new(StringArray::from(vec![Some("a"), None]))));
        assert_eq!((typed.rows, typed.num_rows, typed.parts, typed.created), (2, 5, 1, false));
        assert!(typed.new_columns.is_empty());
        append(nothing(5, 1));
        append(rows(6, Arc::new(StringArray::from(vec!["b"]))));
        let note = |text: &str| Some(text.to_owned());
        assert_eq!(notes(&folio), [None, None, None, note("a"), None, None, note("b")]);
        let info = folio.item_info("t").unwrap();
        assert_eq!((info.record["description"].as_str(), info.record["num_rows"].as_u64()), (Some("grows"), Some(7)));
        let counted = folio.query_table("t", "SELECT count(note) FROM table", &QueryOptions::new()).unwrap();
        let counted: Vec<RecordBatch> = counted.map(Result::unwrap).collect();
        assert_eq!(counted[0].column(0).as_ref(), &Int64Array::from(vec![2]));
        assert!(folio.verify(&Default::default()).unwrap().findings.is_empty());
        // What was there before stays as it was.
        let before = folio.load_snapshot("before").unwrap().get_table("t").unwrap();
        assert_eq!(
            (before.schema().field(1).data_type(), before.map(|b| b.unwrap().num_rows()).sum()),
            (&DataType::Null, 3)
        );
    }
}

/// Together with a column that is new, and refused where the rows do not fit otherwise.
#[test]
fn other_columns_fit_as_ever() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", nothing(0, 2), AppendOptions::new()).unwrap();
    let with_more = |ids: ArrayRef| {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        RecordBatch::try_from_iter_with_nullable([
            ("more", Arc::clone(&text), true),
            ("note", text, true),
            ("id", ids, true),
        ])
        .unwrap()
    };
    let wrong: ArrayRef = Arc::new(StringArray::from(vec!["2"]));
    let error = folio.append_table("t", with_more(wrong), AppendOptions::new().evolve()).unwrap_err();
    assert!(error.to_string().contains("column \"id\""), "{error}");
    let id: ArrayRef = Arc::new(Int64Array::from(vec![2]));
    assert!(folio.append_table("t", with_more(Arc::clone(&id)), AppendOptions::new()).is_err());
    let done = folio.append_table("t", with_more(id), AppendOptions::new().evolve()).unwrap();
    assert_eq!((done.new_columns, done.num_rows), (vec!["more".to_owned()], 3));
    assert_eq!(notes(&folio), [None, None, Some("x".to_owned())]);
    assert_eq!(folio.table_info("t").unwrap().columns, 3);
}

//! Columns that SQL has no exact form of, in tables whose rows are changed and removed: what nobody touches stays as it is.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Int8Array,
    Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, i256};
use datafolio::{AppendOptions, DataFolio, TableOptions};

use crate::support::new_bundle;

/// Column `id`, and others that SQL has other types for, or none.
fn rows() -> RecordBatch {
    let sizes: ArrayRef = Arc::new(StringArray::from(SIZES.to_vec()));
    let keys = Int8Array::from(vec![Some(2), Some(0), None, Some(1)]);
    let long = i256::from_string("123456789012345678901234567890123456789012345").unwrap();
    let long = Decimal256Array::from(vec![Some(long), None, Some(i256::from_i128(-5)), Some(long)]);
    let at = [1_700_000_000_123_456_789, 1, -1, 5];
    let columns: [(Field, ArrayRef); 6] = [
        (Field::new("id", DataType::Int64, false), Arc::new(Int64Array::from(vec![0, 1, 2, 3]))),
        dictionary(Arc::new(DictionaryArray::new(keys, sizes))),
        plain("long", Arc::new(long.with_precision_and_scale(60, 2).unwrap())),
        plain("at", Arc::new(TimestampNanosecondArray::from(at.to_vec()).with_timezone("Europe/Berlin"))),
        plain("took", Arc::new(DurationSecondArray::from(vec![1, 2, 3, 4]))),
        plain(
            "raw",
            Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8, 2], [3, 4], [5, 6], [7, 8]].iter()).unwrap()),
        ),
    ];
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn plain(name: &str, column: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, column.data_type().clone(), true), column)
}

fn dictionary(column: ArrayRef) -> (Field, ArrayRef) {
    (Field::new("size", column.data_type().clone(), true).with_dict_is_ordered(true), column)
}

fn batches(folio: &DataFolio, name: &str) -> Vec<RecordBatch> {
    folio.read_table(name, &TableOptions::new()).unwrap().map(Result::unwrap).collect()
}

fn read(folio: &DataFolio, name: &str) -> RecordBatch {
    let batches = batches(folio, name);
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// The sizes of all rows, and the categories, which are those of every batch.
fn sizes(folio: &DataFolio, name: &str) -> (Vec<Option<String>>, Vec<String>) {
    let texts = |column: &ArrayRef| -> Vec<Option<String>> {
        let texts = cast(column, &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    };
    let (mut all, mut known) = (Vec::new(), Vec::new());
    for batch in batches(folio, name) {
        let column = batch.column_by_name("size").unwrap();
        all.extend(texts(column));
        let categories = texts(column.as_any_dictionary().values()).into_iter().flatten().collect();
        assert!(known.is_empty() || known == categories, "{name}: {known:?} {categories:?}");
        known = categories;
    }
    (all, known)
}

const SIZES: [&str; 4] = ["low", "middle", "high", "never"];

/// Tables of one and of two files; the second has its rows again.
fn with_tables() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    for (name, times) in [("one", 1), ("parts", 2)] {
        for _ in 0..times {
            folio.append_table(name, rows(), AppendOptions::new().without_compaction()).unwrap();
        }
    }
    (dir, folio)
}

#[test]
fn columns_without_an_exact_form_in_sql_stay_when_others_change() {
    let (_dir, folio) = with_tables();
    let before = [("one", read(&folio, "one")), ("parts", read(&folio, "parts"))];
    for (name, before) in &before {
        assert_eq!(before.slice(0, 4), read(&folio, name).slice(0, 4));
        let done = folio.delete_rows(name, "id = 1").unwrap();
        assert_eq!(done.rows, before.num_rows() as u64 / 4);
        let keep = before.column(0).as_primitive::<Int64Type>().iter().map(|id| Some(id != Some(1)));
        let expected = filter_record_batch(before, &keep.collect()).unwrap();
        let after = read(&folio, name);
        assert_eq!(after, expected, "{name}");
        assert_eq!(after.schema().field_with_name("size").unwrap().dict_is_ordered(), Some(true));
        assert_eq!(sizes(&folio, name).1, SIZES);
        folio.update_table(name, "id = 3", &[("id", "id + 40")]).unwrap();
        let after = read(&folio, name);
        let ids = after.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(ids, [0, 2, 43].repeat(ids.len() / 3), "{name}");
        for (column, was) in after.columns()[1..].iter().zip(&expected.columns()[1..]) {
            assert_eq!(column, was, "{name}");
        }
    }
}

#[test]
fn an_ordered_category_is_set_to_one_that_there_is() {
    let (_dir, folio) = with_tables();
    for name in ["one", "parts"] {
        let done = folio.update_table(name, "id < 2", &[("size", "CASE id WHEN 0 THEN 'never' END")]).unwrap();
        let (found, known) = sizes(&folio, name);
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        let expected = [Some("never"), None, None, Some("middle")].repeat(done.rows as usize / 2);
        assert_eq!((found, known), (expected, SIZES.map(str::to_owned).to_vec()), "{name}");
        let revision = folio.revision();
        let error = folio.update_table(name, "id = 3", &[("size", "'huge'")]).unwrap_err();
        assert_eq!(error.code(), "schema-mismatch");
        assert!(
            error.to_string().contains("huge, and its ordered categories are low < middle < high < never"),
            "{error}"
        );
        // What SQL cannot hold exactly is not computed with.
        let error = folio.update_table(name, "long > 5", &[("id", "9")]).unwrap_err();
        assert!(error.to_string().contains("'long'") && error.to_string().contains("38 digits"), "{error}");
        assert_eq!(folio.revision(), revision);
        folio.update_table(name, "id = 0", &[("long", "-0.05"), ("took", "NULL"), ("raw", "'ab'::BLOB")]).unwrap();
        let after = read(&folio, name);
        let long = after.column_by_name("long").unwrap();
        assert_eq!(arrow::util::display::array_value_to_string(long, 0).unwrap(), "-0.05");
        assert!(after.column_by_name("took").unwrap().is_null(0));
        assert_eq!(after.column_by_name("raw").unwrap().as_fixed_size_binary().value(0), b"ab");
    }
}

/// An empty table has the categories that it had.
#[test]
fn a_table_without_rows_keeps_its_categories() {
    let (_dir, folio) = with_tables();
    for name in ["one", "parts"] {
        folio.delete_rows(name, "true").unwrap();
        assert_eq!(folio.table_info(name).unwrap().rows, Some(0));
        let error = folio.append_table(
            name,
            {
                let reversed: ArrayRef = Arc::new(StringArray::from(vec!["high", "low"]));
                let column: ArrayRef = Arc::new(DictionaryArray::new(Int8Array::from(vec![0, 1, 0, 1]), reversed));
                let mut columns = rows().columns().to_vec();
                columns[1] = column;
                RecordBatch::try_new(rows().schema(), columns).unwrap()
            },
            AppendOptions::new(),
        );
        assert_eq!(error.unwrap_err().code(), "schema-mismatch", "{name}");
        folio.append_table(name, rows(), AppendOptions::new()).unwrap();
        assert_eq!(read(&folio, name), rows());
    }
}

/// A join may give its rows in any order: numbers of rows do not follow it.
#[test]
fn rows_that_a_subquery_picks_are_the_right_ones_in_their_order() {
    const ROWS: i64 = 200_000;
    let (_dir, folio) = new_bundle();
    let ids = |range: std::ops::Range<i64>, step: i64| -> RecordBatch {
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(range.map(|id| id * step)));
        RecordBatch::try_from_iter([("id", id)]).unwrap()
    };
    folio.append_table("t", ids(0..ROWS, 1), AppendOptions::new()).unwrap();
    // So many that the other side is the one to look rows up in.
    folio.append_table("big", ids(0..10 * ROWS, 3), AppendOptions::new()).unwrap();
    for condition in [
        "id IN (SELECT id FROM big)",
        "EXISTS (SELECT 1 FROM big WHERE big.id = table.id)",
        "id IN (SELECT * FROM table WHERE id % 3 = 0)",
        "id IN (SELECT 3 * range FROM range(2000000))",
    ] {
        let read = folio.read_table("t", &TableOptions::new().filter(condition)).unwrap();
        let found: Vec<i64> =
            read.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert!(found.iter().copied().eq((0..ROWS).step_by(3)), "{condition}: {:?}", &found[..10]);
        let limited = folio.read_table("t", &TableOptions::new().filter(condition).offset(1_000).limit(2)).unwrap();
        let found: Vec<i64> =
            limited.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert_eq!(found, [3_000, 3_003], "{condition}");
    }
    let done = folio.update_table("t", "id IN (SELECT 3 * range FROM range(2000000))", &[("id", "-id")]).unwrap();
    assert_eq!(done.rows, ROWS as u64 / 3 + 1);
    let after = read(&folio, "t");
    let expected = (0..ROWS).map(|id| if id % 3 == 0 { -id } else { id });
    assert!(after.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(expected));
    folio.delete_rows("t", "-id IN (SELECT id FROM big)").unwrap();
    let after = read(&folio, "t");
    assert!(
        after.column(0).as_primitive::<Int64Type>().values().iter().copied().eq((0..ROWS).filter(|id| id % 3 != 0))
    );
}

/// SQL has texts for categories, and numbers them as they come.
#[test]
fn categories_have_one_order_in_all_rows_that_a_condition_picks() {
    let (_dir, folio) = new_bundle();
    let column = |keys: Vec<i8>, ordered: bool| {
        let values: ArrayRef = Arc::new(StringArray::from(vec!["low", "middle", "high"]));
        let keys: ArrayRef = Arc::new(DictionaryArray::new(Int8Array::from(keys), values));
        let field = Field::new("size", keys.data_type().clone(), true).with_dict_is_ordered(ordered);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![keys]).unwrap()
    };
    for (name, ordered) in [("ordered", true), ("plain", false)] {
        // In each stretch of rows another category comes first.
        let keys = (0..60_000).map(|row| [2, 0, 1][(row / 20_001 + row % 7) % 3]).collect();
        folio.append_table(name, column(keys, ordered), AppendOptions::new()).unwrap();
        let whole = read(&folio, name);
        let options = datafolio::IterOptions::new().chunk_size(50_000).filter("size IS NOT NULL AND length(size) > 1");
        let mut rows = 0;
        for chunk in folio.iter_table(name, &options).unwrap() {
            let chunk = chunk.unwrap();
            let texts = |batch: &RecordBatch| cast(batch.column(0), &DataType::Utf8).unwrap();
            assert_eq!(&texts(&chunk), &texts(&whole.slice(rows, chunk.num_rows())), "{name}");
            rows += chunk.num_rows();
            let categories = cast(chunk.column(0).as_any_dictionary().values(), &DataType::Utf8).unwrap();
            let categories: Vec<&str> = categories.as_string::<i32>().iter().flatten().collect();
            match ordered {
                true => assert_eq!(categories, ["low", "middle", "high"]),
                false => assert_eq!(categories.len(), 3, "{categories:?}"),
            }
        }
        assert_eq!(rows, 60_000);
        folio.update_table(name, "size = 'low'", &[("size", "'high'")]).unwrap();
        let categories = read(&folio, name).column(0).as_any_dictionary().values().len();
        assert_eq!(categories, 3, "{name}: one that no row has is still there");
    }
}

/// Columns without any value have no type; neither they nor the name that rows are numbered under are in the way.
#[test]
fn what_sql_has_no_type_for_is_in_nobodys_way() {
    let (_dir, folio) = new_bundle();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let nothing: ArrayRef = Arc::new(arrow::array::NullArray::new(3));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", id, false), ("nothing", nothing, true)]).unwrap();
    folio.append_table("t", batch, AppendOptions::new().table_format("arrow")).unwrap();
    assert_eq!(folio.delete_rows("t", "id = 1 OR nothing = 5").unwrap().rows, 1);
    assert_eq!(super::ask(&folio, "SELECT count(*), count(nothing) FROM t").unwrap()[0], [2, 0]);
    for error in [
        folio.update_table("t", "true", &[("id", "datafolio_row")]).unwrap_err(),
        folio.delete_rows("t", "\"DataFolio_Row\" = 1").unwrap_err(),
    ] {
        assert_eq!(error.code(), "sql-refused", "{error}");
    }
}

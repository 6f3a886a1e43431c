//! Categories in tables that grow: their order, and merging the dictionaries of several files.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int8Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int8Type, Schema};
use arrow::util::display::array_value_to_string;
use datafolio::{AppendOptions, DataFolio, TableOptions, VerifyOptions};

use crate::support::{new_bundle, reopen};

/// Those that keep an order.
const FORMATS: [&str; 2] = ["parquet", "arrow"];

/// One row for each key, with these categories.
fn rows(categories: &[&str], keys: &[i8], is_ordered: bool) -> RecordBatch {
    let values: ArrayRef = Arc::new(StringArray::from(categories.to_vec()));
    let column: ArrayRef = Arc::new(DictionaryArray::new(Int8Array::from(keys.to_vec()), values));
    let field = Field::new("size", column.data_type().clone(), true).with_dict_is_ordered(is_ordered);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
}

fn texts(values: &[&str]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("size", column, true)]).unwrap()
}

fn options(format: &str) -> AppendOptions {
    AppendOptions::new().without_compaction().table_format(format)
}

/// The values of all rows, and the categories that the last batch has.
fn read(folio: &DataFolio, table: &str) -> (Vec<Option<String>>, Vec<String>) {
    let (mut values, mut categories) = (Vec::new(), Vec::new());
    for batch in folio.read_table(table, &TableOptions::new()).unwrap() {
        let batch = batch.unwrap();
        let column = batch.column_by_name("size").unwrap();
        let text = |array: &ArrayRef| -> Vec<Option<String>> {
            let array = cast(array, &DataType::Utf8).unwrap();
            array.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()
        };
        values.extend(text(column));
        categories = text(column.as_any_dictionary().values()).into_iter().flatten().collect();
    }
    (values, categories)
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

const KNOWN: [&str; 3] = ["low", "middle", "high"];

/// It was taken, and failed when parts were merged.
#[test]
fn rows_that_order_their_categories_otherwise_are_refused() {
    let (_dir, folio) = new_bundle();
    for format in FORMATS {
        folio.append_table(format, rows(&KNOWN, &[2, 0], true), options(format)).unwrap();
        let before = folio.revision();
        for (categories, keys) in [
            (&["high", "middle", "low"][..], &[0_i8][..]),
            (&["high", "low"], &[0]),
            (&["none", "low"], &[1]),
            (&["low", "extreme"], &[0]),
        ] {
            let error = folio.append_table(format, rows(categories, keys, true), options(format)).unwrap_err();
            assert_eq!(error.code(), "schema-mismatch", "{format} {categories:?}: {error}");
            let text = error.to_string();
            assert!(text.contains("\"size\"") && text.contains("low < middle < high"), "{text}");
        }
        assert_eq!(folio.revision(), before);
        // The second part and what it follows are one file again.
        folio.append_table(format, rows(&KNOWN, &[1], true), options(format)).unwrap();
        assert_eq!(folio.compact(format).unwrap().parts_after, 1);
        let all = (some(&["high", "low", "middle"]), KNOWN.map(str::to_owned).to_vec());
        assert_eq!(read(&reopen(&folio), format), all, "{format}");
    }
}

#[test]
fn an_order_goes_on_and_values_without_one_get_their_place() {
    let (_dir, folio) = new_bundle();
    for format in FORMATS {
        folio.append_table(format, rows(&KNOWN, &[1], true), options(format)).unwrap();
        // Some of them, in their order; values alone, as texts and as categories that have no order.
        folio.append_table(format, rows(&["low", "high"], &[1, 0], true), options(format)).unwrap();
        folio.append_table(format, texts(&["high", "middle"]), options(format)).unwrap();
        folio.append_table(format, rows(&["high", "low", "never"], &[0, 1], false), options(format)).unwrap();
        for unknown in [texts(&["low", "extreme"]), rows(&["extreme"], &[0], false)] {
            let error = folio.append_table(format, unknown, options(format)).unwrap_err();
            assert_eq!(error.code(), "schema-mismatch");
            assert!(error.to_string().contains("extreme is none of its ordered categories"), "{error}");
        }
        // Further ones behind the last, which the next rows may have as well.
        folio.append_table(format, rows(&["low", "middle", "high", "extreme"], &[3], true), options(format)).unwrap();
        folio.append_table(format, texts(&["extreme"]), options(format)).unwrap();
        let values = some(&["middle", "high", "low", "high", "middle", "high", "low", "extreme", "extreme"]);
        let categories: Vec<String> = ["low", "middle", "high", "extreme"].map(str::to_owned).into();
        assert_eq!(read(&folio, format), (values.clone(), categories.clone()));
        assert_eq!(folio.compact(format).unwrap().parts_after, 1);
        assert_eq!(read(&folio, format), (values, categories));
        assert_eq!(folio.table_info(format).unwrap().schema.field(0).dict_is_ordered(), Some(true));
    }
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// Each knows how its own compare with those that it has seen, and nobody how they compare with each other.
#[test]
fn two_writers_who_add_other_categories_do_not_both_land() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", rows(&KNOWN, &[0], true), options("parquet")).unwrap();
    let other = reopen(&folio);
    folio.append_table("t", rows(&["high", "extreme"], &[1], true), options("parquet")).unwrap();
    let error = other.append_table("t", rows(&["high", "huge"], &[1], true), options("parquet")).unwrap_err();
    assert_eq!(error.code(), "conflict", "{error}");
    // Without new ones both do.
    let other = reopen(&folio);
    folio.append_table("t", rows(&["low"], &[0], true), options("parquet")).unwrap();
    other.append_table("t", texts(&["high"]), options("parquet")).unwrap();
    assert_eq!(read(&other, "t").0, some(&["low", "extreme", "low", "high"]));
    assert_eq!(other.compact("t").unwrap().parts_after, 1);
}

/// An order can only go on as far as its keys can number.
#[test]
fn an_order_with_more_categories_than_its_keys_can_number_is_refused() {
    let (_dir, folio) = new_bundle();
    let names: Vec<String> = (0..128).map(|number| format!("c{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    folio.append_table("t", rows(&names[..127], &[0], true), options("parquet")).unwrap();
    let error = folio.append_table("t", rows(&names[126..], &[1], true), options("parquet")).unwrap_err();
    assert!(error.to_string().contains("'size'") && error.to_string().contains("127 different values"), "{error}");
    let keys = folio.table_info("t").unwrap().schema.field(0).data_type().clone();
    assert_eq!(keys, DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)));
    let (values, _) = read(&folio, "t");
    assert_eq!(values, some(&["c000"]));
}

/// An Arrow file has one dictionary for each column, and such parts could never be merged.
#[test]
fn arrow_files_with_different_dictionaries_are_merged() {
    let (_dir, folio) = new_bundle();
    let options = || options("arrow").evolve();
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    folio
        .append_table("t", RecordBatch::try_from_iter_with_nullable([("n", number.clone(), true)]).unwrap(), options())
        .unwrap();
    for (categories, keys) in [(["a", "b"], [1_i8, 0]), (["c", "b"], [0, 1]), (["b", "a"], [0, 1])] {
        let sizes = rows(&categories, &keys, false).column(0).clone();
        let number: ArrayRef = Arc::new(Int64Array::from(vec![2, 3]));
        let within =
            DictionaryArray::<Int8Type>::from_iter(keys.iter().map(|key| categories.get(*key as usize).copied()));
        let item = Arc::new(Field::new("item", within.data_type().clone(), true));
        let lists = ListArray::new(item, OffsetBuffer::from_lengths([2, 0]), Arc::new(within), None);
        let columns: [(&str, ArrayRef, bool); 3] =
            [("n", number, true), ("size", sizes, true), ("lists", Arc::new(lists), true)];
        folio.append_table("t", RecordBatch::try_from_iter_with_nullable(columns).unwrap(), options()).unwrap();
    }
    let lists = |folio: &DataFolio| -> Vec<String> {
        let batches = folio.read_table("t", &TableOptions::new().columns(["lists"])).unwrap().map(Result::unwrap);
        let shown = |batch: RecordBatch| {
            (0..batch.num_rows())
                .map(move |row| array_value_to_string(batch.column(0), row).unwrap())
                .collect::<Vec<_>>()
        };
        batches.flat_map(shown).collect()
    };
    let (before, _) = read(&folio, "t");
    let expected = [None, Some("b"), Some("a"), Some("c"), Some("b"), Some("b"), Some("a")];
    assert_eq!(before, expected.map(|value| value.map(str::to_owned)));
    let lists_before = lists(&folio);
    assert_eq!(lists_before, ["", "[b, a]", "[]", "[c, b]", "[]", "[b, a]", "[]"]);
    assert_eq!(folio.compact("t").unwrap().parts_after, 1);
    let fresh = reopen(&folio);
    assert_eq!(read(&fresh, "t"), (before, ["a", "b", "c"].map(str::to_owned).to_vec()));
    assert_eq!(lists(&fresh), lists_before);
    // And small parts, unasked.
    for _ in 0..8 {
        let merged =
            folio.append_table("u", rows(&["x"], &[0], false), AppendOptions::new().table_format("arrow")).unwrap();
        let other =
            folio.append_table("u", rows(&["y"], &[0], false), AppendOptions::new().table_format("arrow")).unwrap();
        assert!(merged.parts < 10 && other.parts < 10, "{merged:?} {other:?}");
    }
    assert!(folio.table_info("u").unwrap().parts.len() < 8);
    assert_eq!(read(&folio, "u").0.len(), 16);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

#[test]
fn arrow_files_whose_values_do_not_fit_together_stay_as_they_are() {
    let (_dir, folio) = new_bundle();
    for file in 0..3 {
        let names: Vec<String> = (0..100).map(|number| format!("{}", file * 30 + number)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        folio.append_table("t", rows(&names, &[0, 99], false), options("arrow")).unwrap();
    }
    let before = read(&folio, "t");
    let error = folio.compact("t").unwrap_err();
    assert_eq!(error.code(), "invalid-value");
    assert!(error.to_string().contains("'size'") && error.to_string().contains("more than 127"), "{error}");
    assert_eq!(read(&reopen(&folio), "t"), before);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

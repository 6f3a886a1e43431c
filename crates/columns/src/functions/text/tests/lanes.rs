//! Blocks, layouts, constants and missing texts, against loops over the rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{evaluate, evaluate_in_blocks, layouts, values};
use crate::block::BLOCK;

/// Functions beside what they give for a text, by the standard library alone.
#[allow(clippy::type_complexity, reason = "a table of arguments")]
fn references() -> Vec<(&'static str, fn(&str) -> Json)> {
    fn place(text: &str, at: Option<usize>) -> Json {
        at.map_or(json!(-1), |at| json!(text[..at].chars().count()))
    }
    vec![
        ("x.str.lower()", |text| json!(text.to_lowercase())),
        ("x.str.upper()", |text| json!(text.to_uppercase())),
        ("x.str.upper(ascii=True)", |text| json!(text.to_ascii_uppercase())),
        ("x.str.len()", |text| json!(text.chars().count())),
        ("x.str.byte_length()", |text| json!(text.len())),
        ("x.str.islower()", |text| {
            json!(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
        }),
        ("x.str.contains(\"ab\")", |text| json!(text.contains("ab"))),
        ("x.str.contains(\"a.b\", regex=False)", |text| json!(text.contains("a.b"))),
        ("x.str.contains(\"b|é\")", |text| json!(text.contains(['b', 'é']))),
        ("x.str.contains(\"\")", |_| json!(true)),
        ("x.str.startswith(\"ab\")", |text| json!(text.starts_with("ab"))),
        ("x.str.endswith([\"b\", \"é\"])", |text| json!(text.ends_with(['b', 'é']))),
        ("x.str.find(\"ab\")", |text| place(text, text.find("ab"))),
        ("x.str.rfind(\"a\")", |text| place(text, text.rfind('a'))),
        ("x.str.find(\"aa\")", |text| place(text, text.find("aa"))),
        ("x.str.count(\"aa\")", |text| json!(text.matches("aa").count())),
        ("x.str.count(\"a|b\", regex=True)", |text| json!(text.matches(['a', 'b']).count())),
        ("x.str.replace(\"a\", \"éa\")", |text| json!(text.replace('a', "éa"))),
        ("x.str.replace(\"aa\", \"\", 2)", |text| json!(text.replacen("aa", "", 2))),
        ("x.str.replace(\"[ab]\", \"\", regex=True)", |text| json!(text.replace(['a', 'b'], ""))),
        ("x.str.replace(\"(a)(b)\", \"\\\\2\\\\1\", regex=True)", |text| json!(text.replace("ab", "ba"))),
        ("x.str.slice(1, 3)", |text| json!(text.chars().skip(1).take(2).collect::<String>())),
        ("x.str.slice(None, None, -1)", |text| json!(text.chars().rev().collect::<String>())),
        ("x.str.get(1)", |text| json!(text.chars().nth(1).map(String::from))),
        ("x.str.strip()", |text| json!(text.trim())),
        ("x.str.strip(\"ab\")", |text| json!(text.trim_matches(['a', 'b']))),
        ("x.str.removeprefix(\"a\")", |text| json!(text.strip_prefix('a').unwrap_or(text))),
        ("x.str.split(\"a\")", |text| json!(text.split('a').collect::<Vec<_>>())),
        ("x.str.split()", |text| json!(text.split_whitespace().collect::<Vec<_>>())),
        ("x.str.split(\"a\", 1)", |text| json!(text.splitn(2, 'a').collect::<Vec<_>>())),
        ("x.str.split_part(\"a\", 1)", |text| json!(text.split('a').nth(1))),
        ("x.str.split(\"b\").str.join(\"\")", |text| json!(text.replace('b', ""))),
        ("x.str.cat(x, \"-\")", |text| json!(format!("{text}-{text}"))),
        ("x.str.repeat(2)", |text| json!(text.repeat(2))),
        ("x.str.extract_regex(\"(?P<first>.)(?P<b>b)?\", \"first\")", |text| {
            json!(text.chars().find(|c| *c != '\n').map(String::from))
        }),
        ("x.str.lower() == \"a\"", |text| json!(text.to_lowercase() == "a")),
        ("x.str.equals(x)", |_| json!(true)),
    ]
}

fn check(texts: &[Option<String>], blocks: &[usize]) {
    let layouts = layouts(texts);
    for (expr, reference) in references() {
        let expected: Vec<Json> = texts.iter().map(|text| text.as_deref().map_or(Json::Null, reference)).collect();
        for layout in &layouts {
            for block in blocks {
                let found = evaluate_in_blocks(&[("x", layout.clone())], expr, *block).unwrap();
                let found: Vec<Json> = found.iter().flat_map(values).collect();
                assert_eq!(found, expected, "{expr} of {} in blocks of {block}", layout.data_type());
            }
        }
    }
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    let plain = "[abAB .]{0,6}";
    let wide = "[abéßΣİ日😀\n\u{301}]{0,6}";
    prop_oneof![1 => Just(None), 4 => plain.prop_map(Some), 2 => wide.prop_map(Some), 1 => "\\PC{0,8}".prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn functions_give_what_loops_over_rows_give(texts in proptest::collection::vec(any_text(), 0..40), block in 1_usize..20) {
        check(&texts, &[block, BLOCK]);
    }

    #[test]
    fn functions_of_plain_texts_give_what_loops_over_rows_give(
        texts in proptest::collection::vec(proptest::option::weighted(0.9, "[abAB ]{0,5}"), 0..60),
        block in 1_usize..20,
    ) {
        check(&texts, &[block]);
    }
}

#[test]
fn blocks_of_all_lengths_are_whole() {
    for rows in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1] {
        let texts: Vec<Option<String>> = (0..rows)
            .map(|row| (row % 7 != 3).then(|| ["ab", "A", "", "éa b", "aab"][row % 5].repeat(row % 3)))
            .collect();
        check(&texts, &[BLOCK]);
    }
}

#[test]
fn a_dictionary_may_be_larger_than_a_block() {
    let texts: Vec<Option<String>> = (0..300).map(|row| Some(format!("a{row}b"))).collect();
    check(&texts, &[10, 299, 300, 301]);
}

#[test]
fn a_dictionary_may_have_missing_texts_and_no_texts() {
    let values = StringArray::from(vec![Some("Ab"), None, Some("aB")]);
    let keys = arrow::array::Int32Array::from(vec![Some(0), Some(1), Some(2), None, Some(0)]);
    let x: ArrayRef = Arc::new(arrow::array::DictionaryArray::new(keys, Arc::new(values)));
    assert_eq!(
        evaluate(x.clone(), "x.str.lower()").unwrap(),
        [json!("ab"), json!(null), json!("ab"), json!(null), json!("ab")]
    );
    assert_eq!(evaluate(x.clone(), "x.str.len()").unwrap(), [json!(2), json!(null), json!(2), json!(null), json!(2)]);
    let lists = evaluate(x, "x.str.split(\"b\")").unwrap();
    assert_eq!(lists, [json!(["A", ""]), json!(null), json!(["aB"]), json!(null), json!(["A", ""])]);
    let keys = arrow::array::Int32Array::from(vec![None, None]);
    let x: ArrayRef = Arc::new(arrow::array::DictionaryArray::new(keys, Arc::new(StringArray::from(vec![""; 0]))));
    for (expr, _) in references() {
        assert_eq!(evaluate(x.clone(), expr).unwrap(), [Json::Null, Json::Null], "{expr}");
    }
}

#[test]
fn texts_made_of_a_dictionary_are_one_again_and_each_is_there_once() {
    use crate::block::{Chunk, Texts, Values};
    use crate::expr::Expr;
    use crate::plan::{Column, Evaluator, Planner, Scope};
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let x = cast(&StringArray::from(vec!["a", "A", "b", "a"]), &dictionary).unwrap();
    let mut scope = Scope::default();
    scope.columns.insert("x".into(), Column { place: 0, type_: crate::Type::Text });
    let mut planner = Planner::new(&scope);
    let node = planner.bind(&Expr::parse("x.str.lower()").unwrap()).unwrap();
    let plan = planner.finish();
    let arrays = vec![x];
    let chunk = Chunk::new(&arrays, 4).unwrap();
    let mut evaluator = Evaluator::new(&plan, &chunk);
    evaluator.block(0..4);
    let lane = evaluator.lane(node).unwrap();
    let Values::Text(Texts::Codes(codes, dictionary)) = &lane.values else { panic!("{lane:?}") };
    assert_eq!(&codes[..], [0, 0, 1, 0]);
    assert_eq!(dictionary.texts.len(), 2);
}

#[test]
fn constants_and_nothing_at_all_are_texts_too() {
    let x: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    assert_eq!(evaluate(x.clone(), "\"É\".str.lower()").unwrap(), [json!("é"), json!("é")]);
    assert_eq!(evaluate(x.clone(), "\"a b\".str.split()").unwrap(), [json!(["a", "b"]), json!(["a", "b"])]);
    assert_eq!(evaluate(x.clone(), "\"<\".str.cat(x)").unwrap(), [json!("<a"), json!(null)]);
    assert_eq!(evaluate(x.clone(), "x.str.cat(None)").unwrap(), [json!(null), json!(null)]);
    for (expr, _) in references() {
        let nothing: ArrayRef = Arc::new(NullArray::new(2));
        assert_eq!(evaluate(nothing, expr).unwrap(), [Json::Null, Json::Null], "{expr}");
        let constant = expr.replace("x.str", "None.str").replace("(x", "(None");
        assert_eq!(evaluate(x.clone(), &constant).unwrap(), [Json::Null, Json::Null], "{constant}");
    }
}

//! Answers of CPython 3.13, by tests-data/text/python.py.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use serde_json::Value as Json;

use super::{evaluate, layouts};

fn answers() -> Json {
    let path = std::env::var("PYTHON_ANSWERS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/text/python.json").to_owned());
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn texts_are_what_python_makes_of_them() {
    let answers = answers();
    let texts: Vec<&str> = answers["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let mut wrong = Vec::new();
    let cases = answers["cases"].as_array().unwrap();
    assert!(cases.len() > 1000, "{} cases", cases.len());
    for case in cases {
        let expr = case["expr"].as_str().unwrap();
        let (start, step) = (case["start"].as_u64().unwrap() as usize, case["step"].as_u64().unwrap() as usize);
        let texts: Vec<&str> = texts.iter().copied().skip(start).step_by(step).collect();
        let x: ArrayRef = Arc::new(StringArray::from(texts.clone()));
        match evaluate(x, expr) {
            Err(error) => wrong.push(format!("{expr}: {error}")),
            Ok(found) => {
                for ((text, found), expected) in texts.iter().zip(&found).zip(case["answers"].as_array().unwrap()) {
                    if found != expected && expected != "\0skipped" {
                        wrong.push(format!("{expr} of {text:?}: {found}, Python {expected}"));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn answers_do_not_depend_on_how_texts_lie() {
    let answers = answers();
    let texts: Vec<&str> = answers["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    // Some twice, and missing ones between.
    let texts: Vec<Option<String>> = texts
        .iter()
        .enumerate()
        .flat_map(|(at, text)| [Some((*text).to_owned()), (at % 3 == 0).then(|| texts[at / 2].to_owned())])
        .collect();
    let layouts = layouts(&texts);
    for case in answers["cases"].as_array().unwrap().iter().step_by(9) {
        let expr = case["expr"].as_str().unwrap();
        let expected = evaluate(layouts[0].clone(), expr).unwrap();
        for (row, text) in texts.iter().enumerate() {
            if text.is_none() {
                assert!(expected[row].is_null(), "{expr} of a missing text: {}", expected[row]);
            }
        }
        for layout in &layouts[1..] {
            assert_eq!(evaluate(layout.clone(), expr).unwrap(), expected, "{expr} of {}", layout.data_type());
        }
    }
}

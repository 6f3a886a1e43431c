//! What is refused, and how it is said.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use serde_json::json;

use super::{evaluate, evaluate_in_blocks};
use crate::ColumnsError;

fn message(expr: &str) -> String {
    let x: ArrayRef = Arc::new(StringArray::from(vec!["abc"]));
    evaluate(x, expr).unwrap_err().to_string()
}

#[test]
fn regexes_that_cannot_be_are_refused_with_their_place() {
    for (pattern, reason) in [
        ("ab(c", "unclosed group at character 3"),
        ("é(", "unclosed group at character 2"),
        ("[a", "a bracket is not closed at character 1"),
        ("*a", "repetition operator missing expression at character 1"),
        ("a**", "a quantifier follows another at character 3"),
        (
            "a++",
            "a possessive quantifier is not supported, as nothing that was matched is ever given up at character 3",
        ),
        ("é(?=a)", "look-ahead is not supported: matching takes time in proportion to the text at character 2"),
        ("(?<!a)b", "look-behind is not supported: matching takes time in proportion to the text at character 1"),
        (
            "(a)\\1",
            "a reference back to a group is not supported: matching takes time in proportion to the text at character 4",
        ),
        (
            "(?P<n>a)(?P=n)",
            "a reference back to a group is not supported: matching takes time in proportion to the text at character 9",
        ),
        ("(?P<n>a)(?P<n>b)", "duplicate capture group name at character 13"),
        ("a{3,1}", "invalid repetition count range, the start must be <= the end at character 2"),
        ("[[][z-a]", "invalid character class range, the start must be <= the end at character 5"),
        ("\\", "the backslash at the end stands before nothing at character 1"),
        ("\\y", "unrecognized escape sequence at character 1"),
        ("(?a)x", "the flag `a` is not supported; write classes as [0-9] and [A-Za-z0-9_] at character 1"),
    ] {
        let written = pattern.replace('\\', "\\\\");
        let found = message(&format!("x.str.contains(\"{written}\")"));
        let expected = format!("argument `pattern` of `str_contains`: {reason} of the regex");
        assert!(found.starts_with(&expected), "{pattern}: {found}");
        assert!(found.ends_with("at character 16)"), "{found}");
    }
    let huge = message("x.str.contains(\"(\\\\w{500}){500}\")");
    assert!(huge.contains("size limit"), "{huge}");
}

#[test]
fn arguments_that_cannot_be_are_refused() {
    for (expr, expected) in [
        (
            "x.str.replace(\"a\", \"\\\\1\", regex=True)",
            "argument `repl` of `str_replace`: there is no group 1: the regex has 0",
        ),
        (
            "x.str.replace(\"(?P<k>a)\", \"\\\\g<n>\", regex=True)",
            "argument `repl` of `str_replace`: there is no group `n`; there are: k",
        ),
        ("x.str.replace(\"a\", \"\\\\q\", regex=True)", "argument `repl` of `str_replace`: \\q stands for nothing"),
        ("x.str.replace(\"a\", \"b\", flags=2)", "argument `flags` of `str_replace`: flags are of regexes"),
        ("x.str.replace(\"a\", \"b\", flags=1, regex=True)", "argument `flags` of `str_replace`: a sum of 2"),
        ("x.str.extract_regex(\"(a)\")", "argument `pattern` of `str_extract_regex`: no group has a name"),
        (
            "x.str.extract_regex(\"(a)\", 2)",
            "argument `group` of `str_extract_regex`: there is no group 2: the regex has 1",
        ),
        (
            "x.str.extract_regex(\"(a)\", \"n\")",
            "argument `group` of `str_extract_regex`: there is no group `n`: the regex names none",
        ),
        ("x.str.pad(3, \"middle\")", "argument `side` of `str_pad`: \"left\", \"right\" or \"both\" is expected"),
        ("x.str.center(3, \"ab\")", "argument `fillchar` of `str_center`: a text of one character is expected"),
        ("x.str.slice(0, 1, 0)", "argument `step` of `str_slice`: a step of 0 leads nowhere"),
        ("x.str.split(\"\")", "argument `pattern` of `str_split`: an empty text lies between no pieces"),
        ("x.str.contains(5)", "argument `pattern` of `str_contains`: a text is expected"),
        ("x.str.startswith([1])", "argument `pat` of `str_startswith`: a text or a list of texts is expected"),
        ("x.str.find(x)", "`str_find` needs a value here that is written out, not one for each row"),
        ("x.str.lower(1, 2)", "3 arguments are too many: str_lower(x, ascii?)"),
        ("x.str.repeat(10000000000)", "the texts of a block would take 30000000000 bytes"),
        ("x.str.ljust(10000000000)", "the texts of a block would take 10000000000 bytes"),
    ] {
        let found = message(expr);
        assert!(found.starts_with(expected), "{expr}: {found}");
    }
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let found = evaluate(number, "x.str.lower()").unwrap_err().to_string();
    assert!(
        found.starts_with("`str_lower` takes texts (`astype(\"str\")` makes texts of other values), and this is int64"),
        "{found}"
    );
}

#[test]
fn an_index_that_there_is_not_matters_where_it_is_used() {
    let x: ArrayRef = Arc::new(StringArray::from(vec![Some("abc"), None, Some("cab"), Some("xyz")]));
    assert_eq!(evaluate(x.slice(0, 3), "x.str.index(\"a\")").unwrap(), [json!(0), json!(null), json!(1)]);
    assert_eq!(
        evaluate(x.slice(0, 3), "x.str.rindex(\"c\", 1)").unwrap_err().to_string().split(';').next(),
        Some("a text has no \"c\" in it")
    );
    let error = evaluate(x.clone(), "x.str.index(\"a\")").unwrap_err();
    assert!(matches!(error, ColumnsError::NoResult { row: Some(3), .. }), "{error}");
    let dictionary = arrow::datatypes::DataType::Dictionary(
        Box::new(arrow::datatypes::DataType::Int32),
        Box::new(arrow::datatypes::DataType::Utf8),
    );
    let coded = arrow::compute::cast(&x, &dictionary).unwrap();
    // The dictionary still has the text, and no row that counts has it.
    assert_eq!(evaluate_in_blocks(&[("x", coded.slice(0, 3))], "x.str.index(\"a\")", 3).unwrap().len(), 1);
    assert!(matches!(evaluate(coded, "x.str.index(\"a\")"), Err(ColumnsError::NoResult { row: Some(3), .. })));
}

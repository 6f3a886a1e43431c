//! `compute`.

use super::{Home, has};

#[test]
fn aggregations_are_computed_and_shown() {
    let home = Home::with_bundle();
    let json = home.json(&["compute", "raw", "count()", "max(id) - min(id)", "mean(id * 2)"]);
    assert_eq!(json["item"], "raw");
    let rows = home.json(&["info", "raw"])["record"]["num_rows"].as_i64().unwrap();
    assert_eq!(json["answers"][0]["value"], rows);
    let text = home.ok(&["compute", "raw", "count()", "nunique(id)"]);
    has(&text, &["EXPRESSION", "VALUE", "count()", "nunique(id)", &rows.to_string()]);
    let filtered = home.json(&["compute", "raw", "count()", "--with", "double=id * 2", "--where", "double >= 2"]);
    assert!(filtered["answers"][0]["value"].as_i64().unwrap() < rows + 1);
    let grouped = home.json(&["compute", "raw", "count()", "top=max(id)", "--by", "odd=id % 2"]);
    assert_eq!(grouped["columns"][0]["name"], "odd");
    assert_eq!(grouped["columns"][2]["name"], "top");
    let counted: i64 = grouped["rows"].as_array().unwrap().iter().map(|row| row["count()"].as_i64().unwrap()).sum();
    assert_eq!(counted, rows);
}

#[test]
fn mistakes_say_what_to_do() {
    let home = Home::with_bundle();
    for (arguments, said) in [
        (&["compute", "raw", "mean(idd)"][..], "did you mean `id`?"),
        (&["compute", "raw", "id + 1"], "mean(id)"),
        (&["compute", "raw", "maen(id)"], "did you mean `mean`?"),
        (&["compute", "raw", "mean(id"], "("),
        (&["compute", "raw", "count()", "--where", "id"], "compare it with something"),
        (&["compute", "raw", "count()", "--with", "id"], "NAME=EXPRESSION"),
        (&["compute", "raw", "sum(1 // (id - id))"], "has no result"),
        (&["compute", "none", "count()"], "none"),
    ] {
        let ran = home.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

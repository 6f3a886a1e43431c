//! `compute`, `hist`, `heatmap`.

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

#[test]
fn distributions_are_shown_and_drawn() {
    let home = Home::with_bundle();
    let rows = home.json(&["info", "raw"])["record"]["num_rows"].as_u64().unwrap();
    let json = home.json(&["hist", "raw", "id * 1.0", "--bins", "4"]);
    let counted: u64 = json["values"].as_array().unwrap().iter().map(|count| count.as_f64().unwrap() as u64).sum();
    assert_eq!((counted, json["edges"].as_array().unwrap().len()), (rows, 5));
    let text = home.ok(&["hist", "raw", "id", "--bins", "2", "--limits", "0:1000"]);
    has(&text, &["0 – 500", "500 – 1000", "count()", "█", &rows.to_string()]);
    let cells = home.json(&["heatmap", "raw", "id", "id % 2", "--x-bins", "3", "--y-bins", "2"]);
    let counted: f64 = cells["values"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|column| column.as_array().unwrap())
        .map(|count| count.as_f64().unwrap())
        .sum();
    assert_eq!(counted as u64, rows);
    has(&home.ok(&["heatmap", "raw", "id", "id"]), &["count() from 1 to"]);
    // Whole numbers that are few have a bin each.
    let parity = home.json(&["hist", "raw", "id % 2"]);
    assert_eq!(parity["edges"], serde_json::json!([0.0, 1.0, 2.0]));

    home.ok(&["hist", "raw", "id", "-o", "h.svg"]);
    let svg = std::fs::read_to_string(home.path("h.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("count() of id in raw") && svg.ends_with("</svg>\n"), "{svg}");
    home.ok(&["heatmap", "raw", "id", "id", "-o", "h.png"]);
    assert!(std::fs::read(home.path("h.png")).unwrap().starts_with(b"\x89PNG"));
    for (arguments, said) in [
        (&["hist", "raw", "id", "-o", "h.svg"][..], "exists already"),
        (&["hist", "raw", "id", "-o", "h.gif"], ".svg or .png"),
        (&["hist", "raw", "id", "--bins", "0"], "bins are none to show"),
        (&["hist", "raw", "id", "--limits", "5"], "0:100"),
        (&["hist", "raw", "id", "--limits", "9:1"], "limits from 9 to 1"),
        (&["heatmap", "raw", "id", "nothing"], "nothing"),
    ] {
        let ran = home.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

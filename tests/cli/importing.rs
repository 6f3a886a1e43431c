//! `import`: formats, options, and what a stranger's file can do.

use super::{Home, has};

fn home() -> Home {
    let home = Home::new();
    home.ok(&["init"]);
    home
}

fn example(name: &str) -> String {
    format!("{}/examples/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn files_become_tables_in_one_commit() {
    let home = home();
    let out = home.ok(&["import", &example("airlines.csv"), &example("weather.csv.gz")]);
    has(&out, &["Imported airlines: 16 rows, 2 columns", "Imported weather: 26,115 rows, 15 columns"]);
    assert_eq!(home.json(&["log"]).as_array().unwrap().len(), 2);
    home.write("other.csv", "a\n1\n");
    home.fails(&["import", "other.csv", "missing.csv"], 1);
    home.fails(&["info", "other"], 1);
}

#[test]
fn options_say_how_a_file_is_read() {
    let home = home();
    home.write("codes.txt", "007;-99;x\n010;5;y\n");
    home.ok(&["import", "codes.txt", "--delimiter", ";", "--no-header", "--null", "-99"]);
    assert_eq!(home.ok(&["cat", "codes"]), "column_1,column_2,column_3\n007,,x\n010,5,y\n");
    home.write("t.csv", "a,b\n1,2\n3,4\n");
    home.ok(&["import", "t.csv", "--type", "a=string", "--columns", "b,a", "-n", "picked", "-d", "Some"]);
    assert_eq!(home.ok(&["cat", "picked"]), "b,a\n2,1\n4,3\n");
    let info = home.json(&["info", "picked"]);
    assert_eq!((&info["record"]["dtypes"]["a"], &info["record"]["description"]), (&"string".into(), &"Some".into()));
    home.ok(&["import", "t.csv", "--table-format", "arrow", "-n", "mapped"]);
    assert_eq!(home.json(&["info", "mapped"])["record"]["table_format"], "arrow");
    assert_eq!(home.ok(&["cat", "mapped"]), "a,b\n1,2\n3,4\n");
    home.write("rows", "{\"a\": 1}\n{\"a\": null}\n");
    home.ok(&["import", "rows", "--format", "jsonl"]);
    assert_eq!(home.ok(&["cat", "rows", "--format", "jsonl"]), "{\"a\":1}\n{\"a\":null}\n");
}

#[test]
fn a_bad_row_is_reported_with_its_line() {
    let home = home();
    home.write("short.csv", "a,b\n1,2\n3\n");
    has(&home.fails(&["import", "short.csv"], 1), &["short.csv", "line 3"]);
    home.write("typed.csv", "a,b\n1,2\n3,x\n");
    has(&home.fails(&["import", "typed.csv", "--type", "b=int64"], 1), &["line 3", "\"b\"", "\"x\"", "type int64"]);
    has(&home.fails(&["import", "typed.csv", "--type", "b=date"], 1), &["is not of type date\n"]);
    has(&home.fails(&["import", "typed.csv", "--columns", "a,c"], 1), &["\"c\"", "\"a\", \"b\""]);
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 0);
}

#[test]
fn wrong_options_are_usage_errors() {
    let home = home();
    home.write("t.csv", "a\n1\n");
    for arguments in [
        &["import"][..],
        &["import", "t.csv", "--type", "a"],
        &["import", "t.csv", "--type", "a=int65"],
        &["import", "t.csv", "--delimiter", "ab"],
        &["import", "t.csv", "--format", "cvs"],
        &["import", "t.csv", "--table-format", "hdf5"],
        &["import", "t.csv", "t.csv", "--name", "x"],
    ] {
        home.fails(arguments, 2);
    }
    has(&home.fails(&["import", "t.csv", "--format", "cvs"], 2), &["did you mean 'csv'?"]);
}

#[test]
fn the_deepest_type_that_is_imported_is_read_again() {
    let home = home();
    let lists = format!("{{\"a\":{}1{}}}\n", "[".repeat(32), "]".repeat(32));
    let structs = format!("{{\"a\":{}1{}}}\n", "{\"b\":".repeat(32), "}".repeat(32));
    for (name, text) in [("lists", &lists), ("structs", &structs)] {
        home.write(&format!("{name}.jsonl"), text);
        for table_format in ["parquet", "arrow"] {
            home.ok(&["import", &format!("{name}.jsonl"), "--overwrite", "--table-format", table_format]);
            assert_eq!(&home.ok(&["cat", name, "--format", "jsonl"]), text);
            home.ok(&["verify"]);
        }
    }
    home.write("deep.jsonl", lists.replace("1", "[1]"));
    has(&home.fails(&["import", "deep.jsonl"], 1), &["line 1", "\"a\"", "more than 32 levels"]);
}

#[test]
fn a_json_number_that_would_be_changed_is_refused() {
    let home = home();
    home.write("j.json", "{\"id\": 12345678901234567890123, \"share\": 0.1}");
    has(&home.fails(&["add", "j.json"], 1), &["j.json", "12345678901234567890123", "--as-file"]);
    home.write("j.json", "{\"id\": 18446744073709551615, \"x\": 8.988465674311579e307}");
    home.ok(&["add", "j.json"]);
    let out = home.ok(&["cat", "j"]);
    has(&out, &["18446744073709551615", "8.988465674311579e+307"]);
    home.write("big.jsonl", "{\"id\":12345678901234567890123}\n");
    home.ok(&["import", "big.jsonl"]);
    assert_eq!(home.ok(&["cat", "big", "--format", "jsonl"]), "{\"id\":\"12345678901234567890123\"}\n");
}

#[test]
fn errors_name_the_option_that_helps() {
    let home = home();
    home.write("semi.csv", "carrier;n\nAA;1\n");
    home.write("t.csv", "carrier,n\nAA,1\n");
    home.write("notes.md", "# notes\n");
    home.write("rows.jsonl", "{\"carrier\": 1}\n");
    home.ok(&["import", "t.csv"]);
    std::fs::copy(home.path(home.ok(&["path", "t"]).trim()), home.path("p.parquet")).unwrap();
    for (arguments, expected) in [
        (&["semi.csv"][..], &["line 1", "pass --delimiter ';'"][..]),
        (&["notes.md"], &["notes.md", "pass --format csv, tsv, jsonl, parquet or arrow"]),
        (&["t.csv", "--format", "tsv"], &["pass --format csv"]),
        (&["t.csv", "--columns", "carier"], &["\"carier\"", "did you mean 'carrier'?"]),
        (&["t.csv", "--type", "carier=string"], &["\"carier\"", "did you mean 'carrier'?"]),
        (&["rows.jsonl", "--type", "carier=string"], &["\"carier\"", "did you mean 'carrier'?"]),
        (&["rows.jsonl", "--columns", "carier"], &["\"carier\"", "did you mean 'carrier'?"]),
        (&["rows.jsonl", "--no-header"], &["jsonl", "leave out --no-header"]),
        (&["p.parquet", "--delimiter", ";"], &["parquet", "leave out --delimiter"]),
        (&["p.parquet", "--null", "x"], &["parquet", "leave out --null"]),
        (&["p.parquet", "--no-header"], &["parquet", "leave out --no-header"]),
        (&["p.parquet", "--type", "n=int8"], &["parquet", "leave out --type"]),
        (&["p.parquet", "--columns", "carier"], &["\"carier\"", "did you mean 'carrier'?"]),
        (&["https://example.org/x.csv"], &["https://example.org/x.csv", "this release reads no URLs"]),
    ] {
        has(&home.fails(&[&["import", "-n", "again"], arguments].concat(), 1), expected);
    }
    has(&home.fails(&["add", "semi.csv"], 1), &["pass --delimiter ';' to `datafolio import`"]);
}

#[test]
fn names_come_from_files_and_can_be_given() {
    let home = home();
    home.write("a b.csv", "x\n1\n");
    has(&home.fails(&["import", "a b.csv"], 1), &["invalid item name", "-n/--name"]);
    home.ok(&["import", "a b.csv", "-n", "group/ab"]);
    has(&home.fails(&["import", "a b.csv", "-n", "group/ab"], 1), &["already exists", "--overwrite"]);
    home.ok(&["import", "a b.csv", "-n", "group/ab", "--overwrite"]);
    has(&home.fails(&["import", "ab.csv"], 1), &["ab.csv", "did you mean 'a b.csv'?"]);
}

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
    home.ok(&["import", "t.csv", "--table-format", "hdf5", "-n", "for_vaex"]);
    assert!(home.json(&["info", "for_vaex"])["record"]["filename"].as_str().unwrap().ends_with(".hdf5"));
    assert_eq!(home.ok(&["cat", "for_vaex"]), "a,b\n1,2\n3,4\n");
    assert_eq!(
        home.ok(&["compute", "for_vaex", "sum(a * b)"]).trim(),
        home.ok(&["compute", "mapped", "sum(a * b)"]).trim()
    );
    home.write("none.csv", "a,b\n");
    has(
        &home.fails(&["import", "none.csv", "--table-format", "hdf5"], 1),
        &["none", "without rows", "parquet or arrow"],
    );
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
        &["import", "t.csv", "--table-format", "orc"],
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
        (&["notes.md"], &["notes.md", "pass --format csv, tsv, jsonl, parquet, arrow, hdf5 or npy"]),
        (&["t.csv", "--format", "tsv"], &["pass --format csv"]),
        (&["t.csv", "--columns", "carier"], &["\"carier\"", "did you mean \"carrier\"?"]),
        (&["t.csv", "--type", "carier=string"], &["\"carier\"", "did you mean \"carrier\"?"]),
        (&["rows.jsonl", "--type", "carier=string"], &["\"carier\"", "did you mean \"carrier\"?"]),
        (&["rows.jsonl", "--columns", "carier"], &["\"carier\"", "did you mean \"carrier\"?"]),
        (&["rows.jsonl", "--no-header"], &["jsonl", "leave out --no-header"]),
        (&["p.parquet", "--delimiter", ";"], &["parquet", "leave out --delimiter"]),
        (&["p.parquet", "--null", "x"], &["parquet", "leave out --null"]),
        (&["p.parquet", "--no-header"], &["parquet", "leave out --no-header"]),
        (&["p.parquet", "--type", "n=int8"], &["parquet", "leave out --type"]),
        (&["p.parquet", "--columns", "carier"], &["\"carier\"", "did you mean \"carrier\"?"]),
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

#[test]
fn a_directory_a_pattern_and_several_files_are_one_table() {
    let home = home();
    for day in ["01", "02", "03"] {
        std::fs::create_dir_all(home.path(&format!("logs/day=2024-01-{day}"))).unwrap();
    }
    home.write("logs/day=2024-01-02/b.csv", "n,t\n2,x\n");
    home.write("logs/day=2024-01-01/a.csv", "n\n1\n");
    home.write("logs/_SUCCESS", "");
    home.write("logs/notes.md", "");
    has(&home.ok(&["import", "logs/"]), &["Imported logs: 2 rows, 3 columns"]);
    assert_eq!(home.ok(&["cat", "logs"]), "n,t,day\n1,,2024-01-01\n2,x,2024-01-02\n");
    assert_eq!(home.json(&["info", "logs"])["record"]["dtypes"]["day"], "date32[day]");
    home.ok(&["import", "logs/*/*.csv", "-n", "pattern"]);
    assert_eq!(home.ok(&["cat", "pattern"]), home.ok(&["cat", "logs"]));
    // In the order in which they are named.
    home.ok(&["import", "logs/day=2024-01-02/b.csv", "logs/day=2024-01-01/a.csv", "-n", "named"]);
    assert_eq!(home.ok(&["cat", "named"]), "n,t,day\n2,x,2024-01-02\n1,,2024-01-01\n");
    has(&home.fails(&["import", "logs/*/*.csv"], 2), &["is a pattern", "-n/--name"]);
    has(&home.fails(&["import", "logs/*.csv", "-n", "none"], 1), &["file not found: logs/*.csv"]);
    home.write("logs/day=2024-01-03/c.csv", "n,t\n3,x\n4\n");
    has(&home.fails(&["import", "logs", "-n", "bad"], 1), &["day=2024-01-03/c.csv: line 3"]);
    assert_eq!(home.json(&["ls"]).as_array().unwrap().len(), 3);
}

#[test]
fn verify_tells_which_references_have_changed() {
    let home = home();
    std::fs::create_dir(home.path("data")).unwrap();
    home.write("data/a.csv", "n\n1\n");
    home.ok(&["add", "data", "--reference", "--format", "csv", "-n", "t"]);
    has(&home.ok(&["verify", "--references"]), &["unchanged", "t"]);
    assert_eq!(home.ok(&["cat", "t"]), "n\n1\n");
    home.write("data/b.csv", "n\nword\n");
    let text = home.fails(&["verify", "--references", "t"], 1);
    let said = home.run(&["verify", "--references", "t"]);
    has(&said.out, &["changed", "it had 1 file and has 2", "added: b.csv", "column \"n\" is string, and was int64"]);
    assert!(text.is_empty(), "{text}");
    let says = ["'t' is a reference, and its files have changed since it was referenced", "--name t --overwrite"];
    for read in [&["head", "t"], &["info", "t"]] {
        has(&home.run(read).err, &says);
    }
    #[cfg(feature = "sql")]
    {
        home.write("other.csv", "n\n1\n");
        home.ok(&["import", "other.csv"]);
        home.ok(&["view", "v", "SELECT * FROM t"]);
        for sql in ["SELECT * FROM t", "SELECT * FROM \"V\""] {
            has(&home.run(&["sql", sql]).err, &says);
        }
        // A name that the text has without reading the table.
        assert_eq!(home.run(&["sql", "SELECT n AS t FROM other"]).err, "");
    }
    std::fs::remove_dir_all(home.path("data")).unwrap();
    assert_eq!(home.run(&["--json", "verify", "--references"]).code, 1);
    home.fails(&["verify", "--references", "none"], 2);
    home.fails(&["verify", "--references", "--quick"], 2);
}

/// A file that Vaex wrote comes in, and what goes out in its layout comes back the same.
#[test]
fn hdf5_files_are_imported_referenced_and_exported() {
    let home = Home::with_bundle();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/columns/tests-data/vaex/table.hdf5");
    std::fs::copy(source, home.path("stars.hdf5")).unwrap();
    has(&home.ok(&["import", "stars.hdf5"]), &["5,000 rows"]);
    assert!(home.ok(&["cat", "stars", "--columns", "cat,key", "-n", "1"]).starts_with("cat,key\n"));
    home.ok(&["reference", "stars.hdf5", "--name", "there"]);
    let [all, there] = ["stars", "there"].map(|name| home.ok(&["cat", name]));
    assert_eq!(all, there);
    has(&home.ok(&["export", "stars", "out.h5"]), &["Exported stars to out.h5"]);
    home.ok(&["import", "out.h5", "--name", "again"]);
    assert_eq!(home.ok(&["cat", "again"]), all);
    has(&home.fails(&["export", "stars", "out.h5"], 1), &["exists already", "--overwrite"]);
    home.ok(&["export", "stars", "out.h5", "--overwrite"]);
    // A table without rows is not of the layout, and nothing is left behind.
    home.write("none.csv", "a\n");
    home.ok(&["import", "none.csv"]);
    has(&home.fails(&["export", "none", "none.hdf5"], 1), &["rows"]);
    assert!(!home.path("none.hdf5").exists());
    // What `add` is given may be anything, and stays the file that it is.
    home.ok(&["add", "out.h5", "--name", "kept"]);
    assert_eq!(home.json(&["info", "kept"])["item_type"], "artifact");
    home.write("bad.hdf5", "this is no HDF5 file");
    has(&home.fails(&["import", "bad.hdf5"], 1), &["bad.hdf5"]);
}

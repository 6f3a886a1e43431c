//! Tables in part and in SQL, from the shell.

use std::fs;

use serde_json::json;

use super::{Home, has};

/// A bundle with the table `many` of 1,000 rows: `id`, and `word` in turn.
fn with_many() -> Home {
    let home = Home::with_bundle();
    let rows: String = (0..1000).map(|id| format!("{id},{}\n", ["a", "b", "c"][id % 3])).collect();
    home.write("many.csv", format!("id,word\n{rows}"));
    home.ok(&["import", "many.csv"]);
    home
}

#[test]
fn rows_of_a_table_are_shown() {
    let home = with_many();
    assert_eq!(home.ok(&["head", "many", "-n", "2"]), "id  word\n0   a\n1   b\n");
    assert_eq!(
        home.ok(&["head", "many", "--offset", "998", "--columns", "word,id"]),
        "word  id\nc     998\na     999\n"
    );
    assert_eq!(home.ok(&["head", "many", "--offset", "2000"]), "id  word\n");
    #[cfg(feature = "sql")]
    assert_eq!(home.ok(&["head", "many", "--where", "word = 'c' AND id > 990"]), "id   word\n992  c\n995  c\n998  c\n");
    let first = home.json(&["sample", "many", "-n", "5", "--seed", "3"]);
    assert_eq!(first, home.json(&["sample", "many", "-n", "5", "--seed", "3"]));
    assert_ne!(first, home.json(&["sample", "many", "-n", "5", "--seed", "4"]));
    assert_eq!(first["rows"].as_array().unwrap().len(), 5);
    has(&home.fails(&["head", "many", "--columns", "wrod"], 1), &["wrod", "\"word\""]);
    has(&home.fails(&["head", "params"], 1), &["'params'", "table"]);
    let info = home.json(&["info", "many"]);
    assert_eq!(info["table"]["rows"], 1000);
    assert_eq!(info["table"]["column_facts"][0]["max"], 999);
    has(&home.ok(&["info", "many"]), &["COLUMN", "NULLS", "999"]);
    let paths = home.json(&["path", "--tables"]);
    assert!(fs::metadata(paths["many"].as_str().unwrap()).unwrap().is_file());
    has(&home.ok(&["path", "--tables"]), &["many\t", "raw\t"]);
}

/// What cannot be read of a table is told by the commands that look at it, too.
#[test]
fn a_part_that_is_gone_is_told_where_a_table_is_shown() {
    let home = with_many();
    for _ in 0..2 {
        home.ok(&["append", "many", "many.csv"]);
    }
    has(&home.ok(&["info", "many"]), &["Stored as:", "parquet, 3 files, 3 row groups, zstd"]);
    let paths = home.json(&["path", "many"]);
    fs::remove_file(paths["path"][1].as_str().unwrap()).unwrap();
    let info = home.run(&["info", "many"]);
    assert_eq!(info.code, 0);
    has(&info.err, &["the rows cannot be read", "'many'"]);
    let failed = home.fails(&["path", "many"], 1);
    has(&failed, &["'many'"]);
    assert!(!failed.contains("compact"), "{failed}");
}

/// A column that is told by its table too.
#[cfg(feature = "sql")]
#[test]
fn a_column_that_was_perhaps_meant_is_named() {
    let home = with_many();
    for sql in
        ["SELECT many.wrod FROM many", "SELECT m.wrod FROM many m", "SELECT * FROM many JOIN many m USING (wrod)"]
    {
        has(&home.fails(&["sql", sql], 1), &["wrod", "did you mean \"word\"?"]);
    }
    has(&home.fails(&["sql", "--table", "many", "SELECT table.wrod FROM table"], 1), &["did you mean \"word\"?"]);
    assert!(!home.fails(&["sql", "SELECT many.xyz FROM many"], 1).contains("did you mean"));
}

#[test]
fn chunks_become_files_and_a_run_goes_on_where_it_stopped() {
    let home = with_many();
    has(
        &home.run(&["iter", "many", "--into", "parts", "--chunk-size", "400", "--format", "csv"]).out,
        &["Wrote 1,000 rows of many to 3 files in parts"],
    );
    let names = |dir: &str| {
        let mut names: Vec<_> = fs::read_dir(home.path(dir)).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("parts"), ["000000000000.csv", "000000000400.csv", "000000000800.csv"]);
    let all: String = names("parts")
        .iter()
        .map(|name| fs::read_to_string(home.path("parts").join(name)).unwrap().replace("id,word\n", ""))
        .collect();
    assert_eq!(format!("id,word\n{all}"), fs::read_to_string(home.path("many.csv")).unwrap());
    has(&home.fails(&["iter", "many", "--into", "parts", "--format", "csv"], 1), &["exists already", "--overwrite"]);
    let rest = home.json(&["iter", "many", "--into", "rest", "--start-row", "990", "--end-row", "995"]);
    assert_eq!(rest, json!([{"path": "rest/000000000990.parquet", "start_row": 990, "rows": 5}]));
    has(&home.ok(&["iter", "many", "--into", "one", "--start-row", "999"]), &["Wrote 1 row of many to 1 file in one"]);
    has(&home.fails(&["iter", "many", "--into", "x", "--chunk-size", "0"], 1), &["at least one row"]);
    assert!(!home.path("x").exists());
}

#[cfg(feature = "sql")]
#[test]
fn queries_are_answered_in_the_form_that_is_wanted() {
    let home = with_many();
    let sql = "SELECT word, count(*) AS n FROM many GROUP BY word ORDER BY word";
    assert_eq!(home.ok(&["sql", sql]), "word,n\na,334\nb,333\nc,333\n");
    assert_eq!(home.ok(&["sql", sql, "--format", "table"]), "word  n\na     334\nb     333\nc     333\n");
    assert_eq!(home.ok(&["sql", sql, "--format", "jsonl"]).lines().next().unwrap(), r#"{"word":"a","n":334}"#);
    assert_eq!(home.json(&["sql", sql])["rows"][2], json!({"word": "c", "n": 333}));
    assert_eq!(home.answer(&["sql"], sql).out, home.ok(&["sql", sql]));
    let asked = [
        "sql",
        "-t",
        "many",
        "SELECT max(id) AS m FROM table WHERE word = ? AND id < ?",
        "--value",
        "b",
        "--value",
        "500",
    ];
    assert_eq!(home.ok(&asked), "m\n499\n");
    let named = ["sql", "SELECT $x + 1 AS y, $t AS t", "--param", "x=41", "--param", "$t=a b"];
    assert_eq!(home.ok(&named), "y,t\n42,a b\n");
    has(&home.run(&["sql", sql, "-o", "words.parquet"]).out, &["Wrote 3 rows to words.parquet"]);
    home.ok(&["import", "words.parquet"]);
    assert_eq!(home.ok(&["sql", "FROM words LIMIT 1"]), "word,n\na,334\n");
    has(&home.fails(&["sql", sql, "-o", "words.parquet"], 1), &["exists already", "--overwrite"]);
    has(&home.fails(&["sql", sql, "-o", "words.xls"], 2), &["*.parquet", "--format"]);
    // At an earlier state, and between two.
    home.ok(&["snapshot", "create", "v1", "--no-git"]);
    home.write("many.csv", "id,word\n1,z\n");
    home.ok(&["import", "many.csv", "--overwrite"]);
    assert_eq!(home.ok(&["at", "v1", "sql", "SELECT count(*) AS n FROM many"]), "n\n1000\n");
    assert_eq!(home.ok(&["sql", "SELECT count(*) AS n FROM (FROM \"v1\".many EXCEPT FROM many)"]), "n\n1000\n");
}

#[cfg(feature = "sql")]
#[test]
fn results_are_written_as_arrow_files() {
    let home = with_many();
    let sql = "SELECT id, word FROM many WHERE id < 4 ORDER BY id";
    let read = |bytes: Vec<u8>| {
        let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        (names, reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>())
    };
    let expected = (vec!["id".to_owned(), "word".to_owned()], 4);
    let ran = home.run(&["sql", sql, "--format", "arrow"]);
    assert_eq!((ran.code, read(ran.bytes)), (0, expected.clone()));
    has(&home.ok(&["sql", sql, "-o", "few.arrow"]), &["Wrote 4 rows to few.arrow"]);
    assert_eq!(read(fs::read(home.path("few.arrow")).unwrap()), expected);
    home.ok(&["import", "few.arrow"]);
    assert_eq!(home.ok(&["sql", "SELECT max(id) AS m FROM few"]), "m\n3\n");
}

#[test]
fn a_limit_holds_for_every_form_of_a_result_and_says_that_rows_were_left_out() {
    let home = with_many();
    let sql = "SELECT id FROM many ORDER BY id";
    let cut = "(more rows than 2: see --limit)\n";
    for (format, rows) in [
        ("csv", "id\n0\n1\n"),
        ("tsv", "id\n0\n1\n"),
        ("jsonl", "{\"id\":0}\n{\"id\":1}\n"),
        ("json", "[{\"id\":0},{\"id\":1}]\n"),
    ] {
        let ran = home.run(&["sql", sql, "-n", "2", "--format", format]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, rows, cut), "{format}");
    }
    let ran = home.run(&["sql", sql, "-n", "2", "-o", "two.csv"]);
    has(&ran.out, &["Wrote 2 rows to two.csv"]);
    assert_eq!((ran.err.as_str(), fs::read_to_string(home.path("two.csv")).unwrap().as_str()), (cut, "id\n0\n1\n"));
    assert_eq!(home.json(&["sql", sql, "-n", "2"])["rows"], json!([{"id": 0}, {"id": 1}]));
    has(&home.run(&["sql", sql, "-n", "2", "--format", "table"]).err, &["more rows than 2"]);
    // Where there are no more nothing is said, and without a number all are written.
    assert_eq!(home.run(&["sql", "SELECT 1 AS n", "-n", "1"]).err, "");
    assert_eq!(home.run(&["sql", "SELECT 1 AS n", "-n", "0"]).out, "n\n");
    let all = home.run(&["sql", sql]);
    assert_eq!((all.out.lines().count(), all.err.as_str()), (1001, ""));
    assert_eq!(home.json(&["sql", sql])["rows"].as_array().unwrap().len(), 1000);
}

#[cfg(feature = "sql")]
#[test]
fn queries_that_cannot_be_answered_say_why() {
    let home = with_many();
    has(&home.fails(&["sql", "SELEC 1"], 1), &["line 1, column 1", "SELEC"]);
    has(&home.fails(&["sql", "SELECT * FROM mnay"], 1), &["did you mean 'many'?"]);
    has(&home.fails(&["sql", "SELECT wrod FROM many"], 1), &["wrod", "word"]);
    has(&home.fails(&["sql", "COPY many TO 'x.csv'"], 1), &["refused"]);
    let endless = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range = 3";
    has(&home.fails(&["sql", endless, "--timeout", "100ms"], 1), &["stopped after 0.1 s"]);
    for (arguments, expected) in [
        (["--timeout", "soon"], "a time such as 30s"),
        (["--memory", "1KB"], "at least 16MiB"),
        (["--threads", "0"], "at least one"),
        (["--param", "x"], "'=' and a value"),
    ] {
        has(&home.fails(&[&["sql", "SELECT 1"], &arguments[..]].concat(), 2), &[expected]);
        has(&home.fails(&[&["derive", "one", "SELECT 1 AS n"], &arguments[..]].concat(), 2), &[expected]);
    }
    has(&home.fails(&["derive", "none", endless, "--timeout", "100ms"], 1), &["stopped after 0.1 s"]);
    home.ok(&["derive", "one", "SELECT 1 AS n", "--timeout", "1m", "--memory", "1GB", "--threads", "1"]);
    has(&home.fails(&["rerun", "one", "--force", "--timeout", "soon"], 2), &["a time such as 30s"]);
    has(&home.fails(&["rerun", "one", "--force", "--memory", "1KB"], 2), &["at least 16MiB"]);
    home.ok(&["rerun", "one", "--force", "--timeout", "1m", "--memory", "1GB", "--threads", "1"]);
    // What the owner of the machine asks for is done.
    home.ok(&["sql", "--unrestricted", "COPY (SELECT count(*) AS n FROM many) TO 'count.csv'"]);
    assert_eq!(fs::read_to_string(home.path("count.csv")).unwrap(), "n\n1000\n");
}

#[cfg(feature = "sql")]
#[test]
fn what_queries_cannot_do_is_told_with_what_does_it() {
    let home = with_many();
    for (sql, told, hint) in [
        ("INSERT INTO many VALUES (1, 'a')", "line 1, column 1: INSERT is no query", "`datafolio append TABLE FILE`"),
        ("\n DELETE FROM many", "line 2, column 2: DELETE is no query", "`datafolio derive NAME SQL`"),
        ("UPDATE many SET id = 1", "UPDATE is no query", "`datafolio derive NAME SQL`"),
        ("CREATE OR REPLACE TABLE t AS FROM many", "CREATE is no query", "`datafolio derive NAME 'SELECT ...'`"),
        ("CREATE VIEW v AS FROM many", "CREATE is no query", "`datafolio view NAME 'SELECT ...'`"),
        ("ALTER TABLE many RENAME TO more", "ALTER is no query", "`datafolio rename`"),
        ("DROP TABLE many", "DROP is no query", "`datafolio rm ITEM`"),
        ("COPY many TO 'x.csv'", "COPY is no query", "-o FILE`"),
        ("COPY many FROM 'x.csv'", "COPY is no query", "`datafolio import FILE`"),
        ("ATTACH 'x.db' AS x", "ATTACH is no query", "`datafolio import`"),
        ("SET threads = 1", "SET is no query", "--threads"),
        ("BEGIN", "BEGIN is no query", "each command is one commit"),
        ("EXPLAIN FROM many", "EXPLAIN is no query", "--unrestricted"),
        ("SELECT current_setting('threads')", "function current_setting", "--unrestricted"),
        ("SELECT 1; DROP TABLE many", "2 statements are given", "`datafolio sql < FILE`"),
        ("FROM read_csv('many.csv')", "read_csv()", "`datafolio reference`"),
        ("FROM 'many.csv'", "no table 'many.csv'", "a query reads no files"),
    ] {
        let err = home.fails(&["sql", sql], 1);
        has(&err, &[told]);
        let found = err.lines().find_map(|line| line.strip_prefix("hint: "));
        has(found.unwrap_or_else(|| panic!("{sql} gives no hint: {err}")), &[hint]);
    }
    for sql in ["FROM many WHERE id = ?", "FROM many WHERE id = $id LIMIT 3"] {
        let err = home.fails(&["view", "some", sql], 1);
        has(&err, &["view 'some' is read without values", "hint: write the value into the SQL", "`datafolio derive"]);
    }
    home.ok(&["derive", "some", "FROM many WHERE id = ?", "--value", "7"]);
}

#[test]
fn statistics_of_columns_are_shown() {
    let home = with_many();
    let lines = home.ok(&["info", "many", "--statistics"]);
    has(&lines, &["COLUMN", "DISTINCT", "25%", "a (334), b (333), c (333)"]);
    let id = lines.lines().find(|line| line.starts_with("id ")).unwrap();
    // The numbers 0 to 999: their standard deviation is the root of 1000 * 1001 / 12.
    let words: Vec<&str> = id.split_whitespace().collect();
    assert_eq!(words, ["id", "1,000", "0", "1,000", "499.5", "288.819", "0", "249", "499", "749", "999"]);
    let json =
        home.json(&["info", "many", "--statistics", "--columns", "word,id", "--quantiles", "0.1,0.9", "--top", "1"]);
    let columns = &json["statistics"]["columns"];
    assert_eq!(columns[0]["top"], json!([{"value": "a", "count": 334}]));
    assert_eq!(columns[1]["quantiles"], json!([{"at": 0.1, "value": 99}, {"at": 0.9, "value": 899}]));
    assert_eq!(columns[1]["distinct"], json!({"count": 1000, "is_exact": true, "low": 1000, "high": 1000}));
    #[cfg(feature = "sql")]
    has(&home.ok(&["info", "many", "--statistics", "--where", "id < 10"]), &["10 rows for which", "4.5", "a (4)"]);
    has(&home.fails(&["info", "params", "--statistics"], 1), &["'params'", "table"]);
    has(&home.fails(&["info", "many", "--statistics", "--quantiles", "2"], 1), &["from 0 to 1"]);
    has(&home.fails(&["info", "many", "--columns", "id"], 2), &["--statistics"]);
}

#[cfg(feature = "sql")]
#[test]
fn differences_between_versions_are_shown() {
    let home = Home::with_bundle();
    home.write("t.csv", "id,word,n\n1,a,1\n2,b,2\n3,c,3\n");
    home.ok(&["import", "t.csv"]);
    has(&home.fails(&["diff", "t"], 1), &["no version of table 't' before"]);
    home.ok(&["snapshot", "create", "v1"]);
    home.write("t.csv", "id,word,n\n1,a,1\n3,x,4\n4,d,4\n5,e,5\n");
    home.ok(&["import", "t.csv", "--overwrite"]);
    let text = home.ok(&["diff", "t", "--key", "id"]);
    has(
        &text,
        &[
            "Added:     2 rows",
            "Removed:   1 row\n",
            "Changed:   1 row\n",
            "Unchanged: 1 row\n",
            "word    changed     1",
        ],
    );
    let whole = home.ok(&["diff", "t"]);
    has(&whole, &["Added:     3 rows", "Removed:   2 rows", "Unchanged: 1 row\n"]);
    assert!(!whole.contains("Changed:"));
    let full = home.ok(&["diff", "t", "snapshot:v1", "--key", "id", "--full"]);
    has(&full, &["change_type", "old_word", "changed      [word, n]", "removed"]);
    let json = home.json(&["diff", "t", "v1", "--key", "id", "--full"]);
    assert_eq!(json["changed_columns"], json!({"word": 1, "n": 1}));
    assert_eq!(json["rows"][1]["new_word"], "x");
    let back = home.json(&["diff", "t", json["to"].as_str().unwrap(), "v1", "--key", "id"]);
    assert_eq!((&back["added"], &back["removed"]), (&json!(1), &json!(2)));
    home.ok(&["diff", "t", "v1", "--key", "id", "--output", "d.jsonl"]);
    assert_eq!(fs::read_to_string(home.path("d.jsonl")).unwrap().lines().count(), 4);
    has(&home.fails(&["diff", "t", "v1", "--key", "id", "--output", "d.jsonl"], 1), &["d.jsonl"]);
    home.ok(&["diff", "t", "v1", "--key", "id", "--output", "d.csv"]);
    assert_eq!(
        fs::read_to_string(home.path("d.csv")).unwrap(),
        "change_type,changed_columns,id,old_word,new_word,old_n,new_n\n\
         removed,,2,b,,2,\nchanged,\"word,n\",3,c,x,3,4\nadded,,4,,d,,4\nadded,,5,,e,,5\n"
    );
    // A limit is one of the rows that come out, wherever they go.
    for (rows, says_more) in [("2", true), ("9", false)] {
        let ran = home.run(&["diff", "t", "v1", "--key", "id", "-o", "some.jsonl", "--overwrite", "-n", rows]);
        let lines = fs::read_to_string(home.path("some.jsonl")).unwrap().lines().count();
        assert_eq!(lines, if says_more { 2 } else { 4 });
        has(&format!("{}{}", ran.out, ran.err), &["Added:     2 rows", &format!("Wrote {lines} rows")]);
        assert_eq!(ran.err.contains("(more rows than 2: see --limit)"), says_more, "{}", ran.err);
    }
    assert_eq!(home.json(&["diff", "t", "v1", "--full", "-n", "1"])["rows"].as_array().unwrap().len(), 1);
    has(&home.run(&["diff", "t", "v1", "--full", "-n", "1"]).err, &["more rows than 1"]);
    has(&home.fails(&["diff", "t", "v1", "--limit", "1"], 2), &["--full"]);
    has(&home.fails(&["diff", "t", "v1", "--full", "--output", "x.csv"], 2), &["cannot be used"]);
    has(&home.fails(&["diff", "t", "--key", "nmae"], 1), &["nmae"]);
    has(&home.fails(&["diff", "t", "v9"], 1), &["v9"]);
    has(&home.fails(&["diff", "params"], 1), &["'params'", "table"]);
    home.ok(&["import", "t.csv", "--overwrite"]);
    has(&home.ok(&["diff", "t"]), &["No differences"]);
}

#[cfg(feature = "sql")]
#[test]
fn a_script_is_run_statement_by_statement() {
    let home = Home::with_bundle();
    let script =
        "-- first; of all\nSELECT id FROM raw WHERE name = 'one;';\nSELECT ';' AS x;\n\nSELECT count(*) AS n FROM raw";
    assert_eq!(home.answer(&["sql"], script).out, "id\nx\n;\nn\n3\n");
    let ran = home.answer(&["sql", "--format", "jsonl"], "SELECT 1 AS a; SELECT 2 AS b;");
    assert_eq!(ran.out, "{\"a\":1}\n{\"b\":2}\n");
    // What comes before an error was done, and its place is that in the script.
    let ran = home.answer(&["sql"], "SELECT 1 AS a;\n  SELEC 2;\nSELECT 3 AS c;");
    assert_eq!((ran.code, ran.out.as_str()), (1, "a\n1\n"));
    has(&ran.err, &["line 2, column 3"]);
    let ran = home.answer(&["sql", "-o", "x.csv"], "SELECT 1; SELECT 2");
    assert_eq!(ran.code, 2);
    has(&ran.err, &["2 statements"]);
    // An argument is one statement.
    has(&home.fails(&["sql", "SELECT 1; SELECT 2"], 1), &["2 statements"]);
}

#[cfg(feature = "sql")]
#[test]
fn views_are_called_views_and_read_like_tables() {
    let home = Home::with_bundle();
    home.ok(&["view", "two", "SELECT id FROM raw WHERE id < 3", "-d", "the first two"]);
    let listed = home.ok(&["ls"]);
    let line = listed.lines().find(|line| line.starts_with("two ")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("view"), "{listed}");
    has(&home.ok(&["info", "two"]), &["view (json_data)", "id"]);
    has(&home.ok(&["describe"]), &["Views (1):\n  • two: the first two"]);
    // They are a kind of their own, and no JSON values.
    let names = |arguments: &[&str]| -> Vec<String> {
        let found = home.json_of(arguments);
        found.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["ls", "--type", "view"]), ["two"]);
    assert!(!names(&["ls", "--type", "json"]).contains(&"two".to_owned()));
    let listed = home.json_of(&["ls", "two"]);
    assert_eq!((&listed[0]["category"], &listed[0]["item_type"]), (&"views".into(), &"json_data".into()));
    let described = home.json_of(&["describe"]);
    assert_eq!(described["contents"]["views"], serde_json::json!(["two"]));
    assert_eq!(described["contents"]["json_data"], serde_json::json!(["params"]));
    home.ok(&["folios", "alias", "here"]);
    let found = home.ok(&["find", "two", "--type", "view"]);
    assert!(found.lines().last().unwrap().contains(" view "), "{found}");
    assert_eq!(home.ok(&["cat", "two"]), "id\n1\n2\n");
}

#[cfg(feature = "sql")]
#[test]
fn a_rerun_of_nothing_in_particular_tells_what_could_be_meant() {
    let home = Home::with_bundle();
    home.ok(&["derive", "kept", "SELECT * FROM raw"]);
    let told = ["name the derived tables", "--all", "hint: nothing is out of date"];
    has(&home.fails(&["rerun"], 2), &told);
    home.ok(&["import", "raw.csv", "--overwrite", "--null", "one"]);
    home.ok(&["view", "seen", "SELECT * FROM raw"]);
    let err = home.fails(&["rerun"], 2);
    has(&err, &["--all", "hint: out of date: kept\n"]);
    assert_eq!(home.ok(&["rerun", "--all"]), "✓ Derived kept again\n");
    has(&home.fails(&["rerun", "kept", "--all"], 2), &["--all"]);
}

#[test]
fn rows_of_files_are_appended_with_the_types_of_the_table() {
    let home = Home::with_bundle();
    home.write("codes.csv", "code,n\n007,1\n008,2\n");
    has(&home.ok(&["append", "codes", "codes.csv"]), &["Created codes: 2 rows"]);
    // By themselves these would be numbers, and the last a fraction.
    home.write("more.csv", "n,code\n3,42\n");
    has(&home.ok(&["append", "codes", "more.csv"]), &["Appended to codes: 1 row, 3 rows in all, in 2 files"]);
    assert_eq!(home.ok(&["cat", "codes"]), "code,n\n007,1\n008,2\n42,3\n");
    home.write("wrong.csv", "code,n\n9,2.5\n");
    has(&home.fails(&["append", "codes", "wrong.csv"], 1), &["wrong.csv", "2.5"]);
    home.write("new.csv", "code,n,place\n9,4,here\n");
    has(
        &home.fails(&["append", "codes", "new.csv"], 1),
        &["'codes'", "\"place\"", "hint: pass --evolve to let the table get the column", "--columns"],
    );
    home.write("less.csv", "code\n9\n");
    for more in [&[][..], &["--evolve"]] {
        let err = home.fails(&[&["append", "codes", "less.csv"], more].concat(), 1);
        has(&err, &["'codes'", "\"n\"", "hint: add the column to the new rows"]);
        assert!(!err.contains("pass --evolve"), "{err}");
    }
    home.write("text.csv", "code,n\nx9,x\n");
    home.ok(&["import", "text.csv"]);
    home.ok(&["export", "text", "text.parquet"]);
    has(
        &home.fails(&["append", "codes", "text.parquet"], 1),
        &["\"n\"", "string in the new rows", "hint: cast the column: `datafolio info codes`"],
    );
    has(&home.ok(&["append", "codes", "new.csv", "--evolve"]), &["new columns: place"]);
    assert_eq!(home.ok(&["path", "codes"]).lines().count(), 3);
    has(&home.ok(&["compact", "codes"]), &["Compacted codes: 3 files", "are one of"]);
    has(&home.ok(&["compact", "codes"]), &["lies in 1 file already"]);
    assert_eq!(home.ok(&["cat", "codes"]), "code,n,place\n007,1,\n008,2,\n42,3,\n9,4,here\n");
    has(&home.fails(&["append", "params", "codes.csv"], 1), &["'params'", "table"]);
}

#[cfg(feature = "sql")]
#[test]
fn what_a_derived_table_and_a_view_are_not_is_said() {
    let home = Home::with_bundle();
    home.ok(&["derive", "kept", "SELECT * FROM raw"]);
    has(&home.run(&["append", "kept", "raw.csv"]).err, &["kept is no longer a derived table"]);
    assert!(!home.run(&["append", "kept", "raw.csv"]).err.contains("derived"));
    home.ok(&["view", "seen", "SELECT * FROM raw"]);
    has(&home.fails(&["path", "seen"], 1), &["'seen' is a view", "`datafolio derive"]);
    has(&home.fails(&["append", "seen", "raw.csv"], 1), &["a view, which has no rows of its own"]);
    has(&home.fails(&["rerun", "seen"], 1), &["a view, which is always up to date"]);
    has(&home.fails(&["diff", "seen"], 1), &["a view: store its rows"]);
}

#[cfg(feature = "sql")]
#[test]
fn conditions_take_values_and_sql_may_begin_with_a_comment() {
    let home = with_many();
    let expected = "id   word\n992  c\n995  c\n998  c\n";
    let values = ["--value", "c", "--value", "990"];
    assert_eq!(home.ok(&[&["head", "many", "--where", "word = ? AND id > ?"][..], &values].concat()), expected);
    let named = ["--param", "word=c", "--param", "least=990"];
    assert_eq!(home.ok(&[&["head", "many", "--where", "word = $word AND id > $least"][..], &named].concat()), expected);
    let sample = ["sample", "many", "-n", "9", "--where", "word = ? AND id > ?"];
    assert_eq!(home.ok(&[&sample[..], &values].concat()), expected);
    // Files are called after where they begin in the table, and not after the first row that the condition holds for.
    let iter = ["iter", "many", "--into", "chunks", "--chunk-size", "2", "--where", "word = ? AND id > ?"];
    let files = home.json(&[&iter[..], &values].concat());
    assert_eq!((&files[0]["start_row"], &files[1]["start_row"]), (&json!(0), &json!(996)));
    assert_eq!(files[1]["path"], "chunks/000000000996.parquet");
    let again = ["--into", "again", "--start-row", "996", "--where", "word = ? AND id > ?"];
    let files = home.json(&[&["iter", "many"][..], &again, &values].concat());
    assert_eq!(files, json!([{"path": "again/000000000996.parquet", "start_row": 996, "rows": 1}]));
    let info = home.json(&[&["info", "many", "--statistics", "--where", "word = ? AND id > ?"][..], &values].concat());
    assert_eq!(info["statistics"]["rows"], 3);
    has(&home.fails(&["head", "many", "--value", "1"], 2), &["--where"]);
    has(&home.fails(&["head", "many", "--where", "id = ?"], 1), &["place 1 has no value", "hint:"]);
    has(
        &home.fails(&["iter", "many", "--into", "none", "--start-row", "20", "--end-row", "10"], 1),
        &["'many'", "20 to 10"],
    );
    let sql = "-- of all\nSELECT count(*) AS n FROM many";
    assert_eq!(home.ok(&["sql", sql]), "n\n1000\n");
    home.ok(&["view", "counted", sql]);
    assert_eq!(home.ok(&["sql", "SELECT length(?) AS n", "--value", "-- a"]), "n\n4\n");
    has(&home.fails(&["sql", "--tabel"], 2), &["--tabel"]);
    let huge = "123456789012345678901234";
    assert_eq!(home.ok(&["sql", "SELECT ? AS n", "--value", huge]), format!("n\n{huge}\n"));
}

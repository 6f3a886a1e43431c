//! What a query may not do, each form of it.

use std::fs;

use datafolio::QueryOptions;
use serde_json::json;

use super::{ask, ask_table, one, with_numbers};

/// Every statement of the tables in the specification of the guard, and some more.
#[test]
fn nothing_but_reading_tables_by_name_is_allowed() {
    let (dir, folio) = with_numbers();
    let data = folio.item_path("numbers").unwrap();
    let path = data.to_str().unwrap();
    let other = dir.path().join("other.csv");
    fs::write(&other, "a\n1\n").unwrap();
    let other = other.to_str().unwrap();
    let before = fs::read(&data).unwrap();
    let refused = [
        // Writing to a file that the query can read.
        format!("COPY (SELECT 1) TO '{path}' (FORMAT csv, use_tmp_file false)"),
        format!("WITH x AS (COPY (SELECT 1) TO '{path}' (FORMAT csv, use_tmp_file false)) SELECT 1"),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}' (FORMAT csv, use_tmp_file false)"),
        format!("PREPARE p AS COPY (SELECT 1) TO '{path}' (FORMAT csv, use_tmp_file false)"),
        format!("SELECT * FROM json_execute_serialized_sql('COPY (SELECT 1) TO ''{path}''')"),
        "EXECUTE p".to_owned(),
        format!("SELECT * FROM numbers; COPY (SELECT 1) TO '{path}'"),
        // Other files.
        format!("SELECT * FROM read_csv('{other}')"),
        format!("SELECT * FROM read_parquet('{path}')"),
        format!("SELECT * FROM read_text('{other}')"),
        format!("SELECT * FROM read_blob('{other}')"),
        format!("SELECT * FROM read_json('{other}')"),
        format!("SELECT * FROM sniff_csv('{other}')"),
        format!("SELECT * FROM parquet_metadata('{path}')"),
        "SELECT * FROM glob('/etc/*')".to_owned(),
        format!("SELECT (SELECT count(*) FROM read_csv('{other}'))"),
        format!("SELECT * FROM query('SELECT * FROM read_csv(''{other}'')')"),
        "SELECT * FROM query_table('numbers')".to_owned(),
        format!("ATTACH '{path}' AS z"),
        "ATTACH ':memory:' AS z".to_owned(),
        format!("COPY numbers FROM '{other}'"),
        format!("COPY numbers TO '{other}'"),
        format!("SELECT * FROM read_parquet('{}/*.parquet')", data.parent().unwrap().display()),
        "SELECT * FROM read_parquet('https://example.org/x.parquet')".to_owned(),
        "SELECT * FROM read_csv('http://example.org/x.csv')".to_owned(),
        "SELECT * FROM 's3://bucket/x.parquet'".to_owned(),
        "SELECT * FROM arrow_scan(1::POINTER, 1::POINTER, 1::POINTER)".to_owned(),
        "SELECT * FROM arrow_scan_dumb(1::POINTER, 1::POINTER, 1::POINTER)".to_owned(),
        format!("EXPORT DATABASE '{other}'"),
        format!("IMPORT DATABASE '{other}'"),
        "INSTALL httpfs".to_owned(),
        "LOAD httpfs".to_owned(),
        // Settings and the machine.
        "SET memory_limit = '100GB'".to_owned(),
        "RESET threads".to_owned(),
        "PRAGMA database_list".to_owned(),
        "PRAGMA enable_profiling".to_owned(),
        format!("SET profiling_output = '{other}'"),
        "CALL enable_logging()".to_owned(),
        format!("CALL enable_logging(storage = 'file', storage_path = '{other}')"),
        "SELECT * FROM enable_logging()".to_owned(),
        "CREATE SECRET s (TYPE s3)".to_owned(),
        "SELECT current_setting('allowed_paths')".to_owned(),
        "SELECT * FROM duckdb_settings()".to_owned(),
        "SELECT getenv('HOME')".to_owned(),
        "SELECT * FROM information_schema.tables".to_owned(),
        "SELECT * FROM pg_catalog.pg_class".to_owned(),
        "SELECT * FROM duckdb_tables".to_owned(),
        // Changing something.
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE OR REPLACE VIEW numbers AS SELECT 1".to_owned(),
        "CREATE MACRO f(x) AS x".to_owned(),
        "INSERT INTO numbers VALUES (1)".to_owned(),
        "WITH x AS (INSERT INTO numbers VALUES (1) RETURNING *) SELECT * FROM x".to_owned(),
        "WITH x AS (DELETE FROM numbers RETURNING *) SELECT * FROM x".to_owned(),
        "WITH x AS (UPDATE numbers SET id = 1 RETURNING *) SELECT * FROM x".to_owned(),
        "DROP VIEW numbers".to_owned(),
        "SELECT nextval('s')".to_owned(),
        // Waiting, logging, memory without bounds.
        "SELECT sleep_ms(100000)".to_owned(),
        "SELECT pg_sleep(100)".to_owned(),
        "SELECT write_log('x')".to_owned(),
        "SELECT length(repeat('a', 1000000000))".to_owned(),
        // In hidden places.
        "SELECT id FROM numbers ORDER BY sleep_ms(10)".to_owned(),
        "SELECT id FROM numbers LIMIT (SELECT nextval('s'))".to_owned(),
        "SELECT list_transform([1], lambda x: sleep_ms(x))".to_owned(),
        "SELECT count(*) FILTER (WHERE sleep_ms(1) > 0) FROM numbers".to_owned(),
        "SELECT id FROM numbers QUALIFY sum(sleep_ms(1)) OVER () > 0".to_owned(),
        "SELECT * FROM numbers JOIN kinds ON sleep_ms(1) = 1".to_owned(),
        "SELECT * EXCLUDE (id) REPLACE (sleep_ms(1) AS kind) FROM numbers".to_owned(),
        "SELECT main.current_setting('threads')".to_owned(),
        "PIVOT numbers ON sleep_ms(1) USING sum(id)".to_owned(),
        format!("PIVOT (FROM read_csv('{other}')) ON a"),
        format!("SELECT * FROM (PIVOT (FROM read_csv('{other}')) ON a)"),
        // The query that collects the values does not know the names of WITH, and would find DuckDB's own tables.
        "WITH pg_settings AS (SELECT 1 AS b), y AS (PIVOT pg_settings ON name USING count(*)) FROM y".to_owned(),
        "SELECT 1 AS a$$ FROM (WITH pg_settings AS (SELECT 1 AS b) SELECT 1 AS b$$ FROM (PIVOT pg_settings ON name))"
            .to_owned(),
        "WITH duckdb_views AS (SELECT 1 AS b) SELECT * FROM (PIVOT duckdb_views ON sql USING count(*))".to_owned(),
        "SELECT * FROM (WITH pg_settings AS (SELECT 1 AS b) FROM (PIVOT pg_settings ON name))".to_owned(),
        format!("WITH \"{other}\" AS (SELECT 1 AS a), y AS (PIVOT \"{other}\" ON a) FROM y"),
        "SELECT * FROM (PIVOT numbers ON sleep_ms(1) USING sum(id))".to_owned(),
        "SELECT * FROM numbers AT (VERSION => 1)".to_owned(),
        "SELECT * FROM other_db.main.numbers".to_owned(),
        "SHOW DATABASES".to_owned(),
        "CALL duckdb_settings()".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "VACUUM".to_owned(),
        "BEGIN".to_owned(),
    ];
    for sql in &refused {
        for error in [ask(&folio, sql), ask_table(&folio, "numbers", sql)] {
            let Err(error) = error else { panic!("it ran: {sql}") };
            // The program of DuckDB has `getenv`, and its library has not.
            let expected = ["sql-refused", "sql-syntax", "table-not-found", "snapshot-not-found", "unknown-function"];
            assert!(expected.contains(&error.code()), "{sql}: {}: {error}", error.code());
        }
    }
    // A file by its name is a table that is not there.
    for sql in [format!("SELECT * FROM '{other}'"), format!("FROM \"{path}\"")] {
        assert_eq!(ask(&folio, &sql).unwrap_err().code(), "table-not-found");
    }
    assert_eq!(fs::read(&data).unwrap(), before);
    assert_eq!(one(&folio, "SELECT count(*) FROM numbers"), 9);
}

/// The query that begins a recursive one does not see its name: DuckDB takes what it finds under that name elsewhere.
#[test]
fn the_name_of_a_recursive_query_hides_nothing_from_its_beginning() {
    let (_dir, folio) = with_numbers();
    let path = folio.item_path("numbers").unwrap().display().to_string();
    for hidden in ["duckdb_views", "sqlite_master", "duckdb_databases", &format!("\"{path}\"")] {
        for beginning in [format!("SELECT * FROM {hidden}"), format!("SELECT (SELECT count(*) FROM {hidden})")] {
            let sql = format!(
                "WITH RECURSIVE {hidden} AS ({beginning} UNION ALL SELECT * FROM {hidden} WHERE false) \
                 SELECT * FROM {hidden}, (SELECT 1 FROM numbers LIMIT 1)"
            );
            assert_eq!(ask(&folio, &sql).unwrap_err().code(), "table-not-found", "{sql}");
        }
    }
    let sql = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n";
    assert_eq!(one(&folio, sql), 15);
}

#[test]
fn formats_make_no_texts_without_bounds() {
    let (_dir, folio) = with_numbers();
    for sql in [
        "SELECT length(format('{:>1500000000}', 'x'))",
        "SELECT length(printf('%1500000000s', 'x'))",
        "SELECT length(printf('%*s', 1500000000, 'x'))",
        "SELECT length(format('{:>{}}', 'x', 1500000000))",
        "SELECT format(kind, id) FROM numbers",
    ] {
        assert_eq!(ask(&folio, sql).unwrap_err().code(), "sql-refused", "{sql}");
    }
    assert_eq!(one(&folio, "SELECT format('{:>6.2f}|{{}}', 1.5)"), "  1.50|{}");
    assert_eq!(one(&folio, "SELECT printf('%03d', 7)"), "007");
}

#[test]
fn no_call_makes_more_than_its_text_says() {
    let (_dir, folio) = with_numbers();
    for sql in [
        "SELECT len(range(1000000000))",
        "SELECT len(generate_series(1, 1000000000))",
        "SELECT len(range(id)) FROM numbers",
        "SELECT len(list_resize([1], 1000000000))",
        "SELECT len(array_resize([id], id)) FROM numbers",
        "SELECT len(list_resize([[1]], 900, list_resize([1], 900)))",
        "SELECT bit_count(bitstring('1', 1000000000))",
        "SELECT length(lpad('a', 1000000000, 'b'))",
        "SELECT length(rpad('a', id, 'b')) FROM numbers",
        "SELECT unnest(range(0, 1000000, 1))",
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "sql-refused", "{sql}");
        assert!(error.to_string().contains("three digits"), "{error}");
    }
    for (sql, expected) in [
        ("SELECT len(range(10))", json!(10)),
        ("SELECT sum(x) FROM (SELECT unnest(generate_series(-1, 3)) AS x)", json!(5)),
        ("SELECT len(list_resize([1], 3, 0))", json!(3)),
        ("SELECT lpad(kind, 3, '.') FROM numbers LIMIT 1", json!("..a")),
        ("SELECT rpad('ab', 3, '.')", json!("ab.")),
        ("SELECT bit_length(bitstring('0101', 10))", json!(10)),
        ("SELECT count(*) FROM range(1000000)", json!(1_000_000)),
        ("SELECT sum(i) FROM generate_series(1, 100000) AS t(i)", json!(5_000_050_000_i64)),
        // Names of functions are the same in upper and lower case.
        ("SELECT length(formatReadableSize(10)) > 0 AND length(FORMATREADABLESIZE(10)) > 0", json!(true)),
    ] {
        assert_eq!(one(&folio, sql), expected, "{sql}");
    }
}

/// Each group keeps what such a call asks for, outside of the memory that a query may take or up to all of it.
#[test]
fn no_aggregate_keeps_more_than_its_text_says() {
    let (_dir, folio) = with_numbers();
    for (sql, says) in [
        ("SELECT bitstring_agg(id) FROM numbers", "999 apart"),
        ("SELECT bitstring_agg(id, 0, 900000000) FROM numbers GROUP BY kind", "999 apart"),
        ("SELECT bitstring_agg(id, -500, 500) FROM numbers", "999 apart"),
        ("SELECT bitstring_agg(id, 0, 10 + 10) FROM numbers", "999 apart"),
        ("SELECT bitstring_agg(id, 0, 900000000) OVER () FROM numbers", "999 apart"),
        ("SELECT approx_top_k(id, 900000) FROM numbers GROUP BY kind", "three digits"),
        ("SELECT reservoir_quantile(id, 0.5, 1000000000) FROM numbers", "four digits"),
        ("SELECT reservoir_quantile(id, 0.5, Sample_Size := 1000000000) FROM numbers", "four digits"),
        ("SELECT equi_width_bins(0, 9000000, 900000, false)", "three digits"),
        ("SELECT list_aggregate([1], 'bitstring_agg', 0, 900000000)", "bitstring_agg needs"),
        ("SELECT [1].array_aggr('BITSTRING_AGG', 0, 900000000)", "bitstring_agg needs"),
        ("SELECT list_aggr([1], 'approx_top_k', 900000)", "approx_top_k needs"),
        ("SELECT array_aggregate([1], 'bitstring' || '_agg', 0, 900000000)", "constant text"),
        ("SELECT list_aggregate([1], 'sleep_ms')", "function sleep_ms"),
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "sql-refused", "{sql}");
        assert!(error.to_string().contains(says), "{error}");
    }
    for (sql, expected) in [
        ("SELECT bit_count(bitstring_agg(id, 0, 999)) FROM numbers", json!(9)),
        ("SELECT bit_count(bitstring_agg(id, -1, 1_00)) FROM numbers", json!(9)),
        ("SELECT len(approx_top_k(kind, 3)) FROM numbers", json!(3)),
        ("SELECT reservoir_quantile(id, 1.0, 9000) >= 0 FROM numbers", json!(true)),
        ("SELECT reservoir_quantile(id, 1.0) >= 0 FROM numbers", json!(true)),
        ("SELECT len(equi_width_bins(0, 10, 5, false))", json!(5)),
        ("SELECT list_aggregate([1, 2], 'sum')", json!(3)),
        ("SELECT [1, 2].list_aggr('string_agg', '|')", json!("1|2")),
    ] {
        assert_eq!(one(&folio, sql), expected, "{sql}");
    }
}

#[test]
fn long_sums_are_no_nesting_to_be_afraid_of() {
    let (_dir, folio) = with_numbers();
    let sum = |terms: usize| vec!["id"; terms].join(" + ");
    assert_eq!(one(&folio, &format!("SELECT {} FROM numbers WHERE id = 2", sum(300))), 600);
    assert!(ask(&folio, &format!("SELECT {} FROM numbers", sum(100_000))).is_err());
}

#[test]
fn the_owner_of_the_machine_can_do_all_of_it() {
    let (dir, folio) = with_numbers();
    let other = dir.path().join("other.csv");
    fs::write(&other, "a\n1\n2\n").unwrap();
    let sql = format!("SELECT sum(a), (SELECT count(*) FROM numbers) FROM read_csv('{}')", other.display());
    let result = super::rows(folio.query_unrestricted(&sql, &QueryOptions::new()).unwrap()).unwrap();
    assert_eq!(result, [[serde_json::json!(3), serde_json::json!(9)]]);
}

#[test]
fn errors_say_where_and_what() {
    let (_dir, folio) = with_numbers();
    let error = ask_table(&folio, "numbers", "SELECT table.id\nFROM table WHER id > 1 2").unwrap_err();
    assert_eq!(error.code(), "sql-syntax");
    assert!(error.to_string().contains("at line 2, column"), "{error}");
    let error = ask_table(&folio, "numbers", "SELECT table.id,\n  sleep_ms(1) FROM table").unwrap_err();
    assert!(error.to_string().contains("at line 2, column 3: function sleep_ms"), "{error}");
    let error = ask(&folio, "SELECT * FROM nubmers").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no table 'nubmers' in the bundle (line 1, column 15; did you mean 'numbers'?)"
    );
    let error = ask(&folio, "SELECT knid FROM numbers").unwrap_err();
    assert_eq!(error.code(), "column-not-found");
    assert!(error.to_string().contains("knid") && error.to_string().contains("kind"), "{error}");
    let error = ask(&folio, "SELECT CAST(kind AS INTEGER) FROM numbers").unwrap_err();
    assert_eq!(error.code(), "sql-failed", "{error}");
    // A wall of all functions of that name, some of which know time zones, is no help and no sign.
    let error = ask(&folio, "SELECT id - [1] FROM numbers").unwrap_err();
    assert_eq!(error.code(), "sql-unfit", "{error}");
    assert!(error.to_string().len() < 250, "{error}");
    // The values of a view cannot come from the data.
    let view = folio.add_view("pivoted", "PIVOT numbers ON kind USING sum(id)", datafolio::AddOptions::new());
    let error = view.unwrap_err();
    assert!(error.code() == "sql-refused" && error.to_string().contains("IN (...)"), "{error}");
    assert!(error.hint().unwrap().contains("list the values"));
    for (sql, told) in [
        ("SHOW numbers", "DESCRIBE with"),
        ("SHOW ALL TABLES", "SHOW TABLES"),
        ("FROM information_schema.columns", "SHOW TABLES"),
        ("FROM pg_catalog.pg_class", "SHOW TABLES"),
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    for sql in ["", "  -- nothing\n", ";"] {
        assert_eq!(ask(&folio, sql).unwrap_err().code(), "sql-syntax", "{sql:?}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000));
    assert!(ask(&folio, &deep).is_err());
}

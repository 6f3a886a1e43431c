//! Files of one format as files of another.

use super::{Home, has};

#[test]
fn files_become_files_of_other_formats() {
    // No bundle is needed.
    let home = Home::new();
    home.write("a.csv", "id,name\n1,one\n2,two\n3,\n");
    home.write("b.csv", "id,name\n4,four\n");
    for to in ["a.arrow", "a.parquet", "a.hdf5", "a.jsonl", "a.tsv"] {
        let said = home.ok(&["convert", "a.csv", "b.csv", to]);
        has(&said, &["Converted 4 rows to", to]);
        // And back: what was read is what was written.
        home.ok(&["convert", to, "back.csv", "--overwrite"]);
        let back = std::fs::read_to_string(home.path("back.csv")).unwrap();
        assert_eq!(back, "id,name\n1,one\n2,two\n3,\n4,four\n", "{to}");
    }
    has(&home.fails(&["convert", "a.csv", "a.arrow"], 1), &["a.arrow exists already", "--overwrite"]);
    has(&home.fails(&["convert", "a.csv", "a.xyz"], 1), &["a.xyz", "*.hdf5"]);
    has(&home.fails(&["convert", "gone.csv", "x.arrow"], 1), &["gone.csv"]);
    home.write("bad.csv", "id,name\n1,one\n2\n");
    for to in ["bad.arrow", "bad.hdf5", "bad/"] {
        has(&home.fails(&["convert", "bad.csv", to], 1), &["line 3"]);
    }
    assert!(!home.path("bad.arrow").exists() && !home.path("bad.hdf5").exists());
    home.ok(&["convert", "a.csv", "typed.jsonl", "--type", "id=string", "--columns", "id"]);
    assert_eq!(std::fs::read_to_string(home.path("typed.jsonl")).unwrap().lines().next(), Some(r#"{"id":"1"}"#));
}

#[test]
fn a_directory_is_whole_or_goes_on() {
    let home = Home::new();
    home.write("a.csv", "id\n1\n2\n3\n");
    has(&home.ok(&["convert", "a.csv", "out/"]), &["Converted 3 rows to out/"]);
    let written = home.json_of(&["convert", "a.csv", "out/"]);
    assert_eq!((&written["rows"], written["files"].as_array().unwrap().len()), (&3.into(), 1));
    has(&home.ok(&["convert", "a.csv", "out/"]), &["3 rows were there already"]);
    // Another file takes its place; what is somebody else's does not.
    home.write("b.csv", "id\n7\n");
    has(&home.fails(&["convert", "b.csv", "out/"], 1), &["something else", "pass `overwrite`"]);
    has(&home.ok(&["convert", "b.csv", "out/", "--overwrite"]), &["Converted 1 row to out/"]);
    std::fs::create_dir(home.path("mine")).unwrap();
    home.write("mine/thesis.tex", "x");
    has(&home.fails(&["convert", "b.csv", "mine/"], 1), &["holds other files"]);
}

#[test]
fn a_table_is_exported_as_a_directory_cut_by_its_values() {
    let home = Home::with_bundle();
    home.write("kinds.csv", "kind,id\na,1\nb,2\na,3\n,4\n");
    home.ok(&["import", "kinds.csv"]);
    has(&home.ok(&["export", "kinds", "cut", "--by", "kind", "--format", "csv"]), &["Exported kinds to cut"]);
    let text = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(text("cut/kind=a/part-00000.csv"), "id\n1\n3\n");
    assert_eq!(text("cut/kind=__HIVE_DEFAULT_PARTITION__/part-00000.csv"), "id\n4\n");
    // It comes back as the same table, the directories as a column.
    home.ok(&["import", "cut", "-n", "back"]);
    has(&home.ok(&["compute", "back", "count()", "count(kind)", "sum(id)"]), &["4", "3", "10"]);
    home.ok(&["export", "kinds", "whole/"]);
    assert!(home.path("whole/part-00000.parquet").is_file());
    has(&home.fails(&["export", "kinds", "whole/"], 1), &["is there already"]);
    has(&home.fails(&["export", "kinds", "more/", "--by", "nothing"], 1), &["'nothing'"]);
    has(&home.fails(&["export", "notes", "more", "--by", "kind"], 1), &["notes is no table", "--by"]);
    assert!(!home.path("more").exists());
}

#[cfg(feature = "sql")]
#[test]
fn a_view_may_be_a_state_that_is_computed_over() {
    let home = Home::with_bundle();
    let said = home.ok(&["view", "named", "--of", "raw", "--with", "double=id * 2", "--where", "notna(name)"]);
    has(&said, &["Added named as a view; it reads raw"]);
    has(&home.ok(&["compute", "named", "sum(double)"]), &["6"]);
    has(&home.ok(&["head", "named"]), &["double", "two"]);
    has(&home.ok(&["sql", "SELECT max(double) AS most FROM named"]), &["4"]);
    has(&home.ok(&["compute", "raw", "sum(id)", "--mapped"]), &["6"]);
    has(&home.fails(&["view", "bad", "--of", "raw", "--with", "x=nothing + 1"], 1), &["nothing"]);
    has(&home.fails(&["view", "bad", "--with", "x=id + 1"], 2), &["--of"]);
    has(&home.fails(&["view", "bad", "SELECT 1", "--of", "raw"], 2), &["--of"]);
}

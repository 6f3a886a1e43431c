use std::path::Path;

use super::*;

#[test]
fn formats_by_name() {
    for (name, expected) in [
        ("a.parquet", Some((TableFormat::Parquet, Compression::None))),
        ("a.PQ", Some((TableFormat::Parquet, Compression::None))),
        ("a.b.csv", Some((TableFormat::Csv, Compression::None))),
        ("a.Csv.GZ", Some((TableFormat::Csv, Compression::Gzip))),
        ("a.tab.zip", Some((TableFormat::Tsv, Compression::Zip))),
        ("a.ndjson", Some((TableFormat::JsonLines, Compression::None))),
        ("a.feather", Some((TableFormat::Arrow, Compression::None))),
        ("csv", None),
        ("a.json", None),
        ("a.txt", None),
        ("a.zip", None),
        ("", None),
    ] {
        assert_eq!(TableFormat::from_path(&Path::new("/x.csv/y").join(name)), expected, "{name}");
    }
    for format in [TableFormat::Parquet, TableFormat::Csv, TableFormat::Tsv, TableFormat::JsonLines, TableFormat::Arrow]
    {
        assert_eq!(TableFormat::from_name(&format.to_string()), Some(format));
    }
}

#[test]
fn types_are_for_text_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    std::fs::write(&path, b"PAR1").unwrap();
    let mut options = ImportOptions::default();
    options.types.insert("a".into(), "int64".into());
    assert!(open_table(&path, &options).err().unwrap().to_string().contains("cannot be given"));
}

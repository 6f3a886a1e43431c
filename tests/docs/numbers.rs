//! Sizes and limits that pages name are those of the sources.

use super::pages;

/// A constant as its source has it, and how a page says it.
const NUMBERS: [(&str, &str, &str, &str); 25] = [
    ("crates/storage/src/hash.rs", "CHUNK: usize = 256 * 1024;", FORMAT, "262,144 bytes, 256 KiB"),
    ("crates/storage/src/hash.rs", "CHUNK: usize = 256 * 1024;", INTEGRITY, "each block of 256 KiB"),
    ("crates/storage/src/blocks.rs", "SMALLEST: u32 = 4 * 1024;", FORMAT, "from 4,096"),
    ("crates/storage/src/blocks.rs", "LARGEST: u32 = 16 * 1024 * 1024;", FORMAT, "to 16,777,216"),
    ("crates/storage/src/cache.rs", "SMALLEST: u64 = 1024 * 1024;", INTEGRITY, "Files of 1 MiB and more"),
    (
        "crates/storage/src/local/temporary.rs",
        "MAX_NAME: usize = 255;",
        FORMAT,
        "cut where the whole would be longer than 255 bytes",
    ),
    ("crates/storage/src/random.rs", "NAME_LENGTH: usize = 10;", FORMAT, "ten random characters"),
    ("crates/core/src/path.rs", "MAX_PATH: usize = 1024;", FORMAT, "at most 1024 bytes"),
    ("crates/core/src/path.rs", "MAX_SEGMENT: usize = 255;", FORMAT, "at most 255 bytes"),
    ("crates/core/src/fingerprint.rs", "text.len().min(4096)", FORMAT, "within the first 4096 bytes"),
    ("src/bundle/commit.rs", "CHECKPOINT_EVERY: u32 = 128;", FORMAT, "every 128th commit"),
    ("src/bundle/state.rs", "MAX_CATALOGUE: u64 = 4 << 30;", FORMAT, "4 GiB each"),
    ("src/bundle/derived.rs", "SMALL: usize = 128 * 1024;", FORMAT, "above 128 KiB"),
    ("src/history/chain.rs", "MAX_ENTRY: u64 = 1 << 30;", FORMAT, "| a file in `history/` | 1 GiB |"),
    ("handlers/src/json_text.rs", "MAX_DEPTH: usize = 127;", FORMAT, "127 levels"),
    ("handlers/src/formats/types.rs", "MAX_TYPE_DEPTH: usize = 32;", FORMAT, "| 32 levels |"),
    ("handlers/src/formats/types.rs", "MAX_TYPE_DEPTH: usize = 32;", IMPORT, "at most 32 levels"),
    ("handlers/src/formats/inferred.rs", "GUESSED_FROM: u64 = 4 << 20;", IMPORT, "the types of its first 4 MB"),
    ("handlers/src/table/parquet_write.rs", "GROUP_ROWS: usize = 491_520;", FORMAT, "at most 491,520 rows"),
    ("handlers/src/table/parquet_write.rs", "MANY_COLUMNS: usize = 1000;", FORMAT, "beyond 1,000\ncolumns"),
    ("handlers/src/table/parquet_write.rs", "VERY_MANY_COLUMNS: usize = 10_000;", FORMAT, "beyond 10,000 with Snappy"),
    ("handlers/src/table/parquet_write.rs", "VERY_MANY_COLUMNS: usize = 10_000;", IMPORT, "beyond 10,000 columns"),
    ("handlers/src/table/arrow_write.rs", "BATCH_ROWS: usize = 1 << 20;", FORMAT, "at most 1,048,576 rows"),
    ("handlers/src/formats/mod.rs", "MAX_RECORD: usize = 64 << 20;", IMPORT, "at most 64 MiB"),
    ("handlers/src/formats/mod.rs", "MAX_COLUMNS: usize = 250_000;", IMPORT, "at most 250,000 columns"),
];

const FORMAT: &str = "docs/spec/format.md";
const INTEGRITY: &str = "docs/concepts/integrity.md";
const IMPORT: &str = "docs/guides/import-files.md";

#[test]
fn the_numbers_on_the_pages_are_those_of_the_sources() {
    for (source, constant, page, text) in NUMBERS {
        let read = |path: &str| pages::read(&pages::root().join(path));
        assert!(read(page).contains(text), "{page} no longer says {text:?}, which is {constant} in {source}");
        assert!(read(source).contains(constant), "{source} no longer has {constant}, which {page} says as {text:?}");
    }
}

#[test]
fn the_defaults_that_pages_name_are_those_of_the_settings() {
    let settings = datafolio::Settings::default();
    assert_eq!((settings.retention_days, settings.retention_revisions), (30, 20));
    assert_eq!((settings.gc_grace.as_secs(), settings.lock_timeout.as_secs()), (7 * 24 * 3600, 30));
    for (page, text) in [
        (FORMAT, "younger than 30 days"),
        (FORMAT, "fewer than 20 commits"),
        (FORMAT, "(7 days, can be set)"),
        (FORMAT, "(30 seconds unless set otherwise)"),
        (
            "docs/concepts/versions.md",
            "kept for 30 days after\nthey were replaced, or while they are among the last 20",
        ),
        ("docs/guides/clean-up.md", "for 7 days (`gc_grace`)"),
    ] {
        assert!(pages::read(&pages::root().join(page)).contains(text), "{page} no longer says {text:?}");
    }
}

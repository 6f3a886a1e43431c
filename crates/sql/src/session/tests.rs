//! What DuckDB refuses by its settings, with the gate left out: a statement that ever gets through it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A directory of one test, removed with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("datafolio-session-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        // Names are compared after links are resolved.
        Self(path.canonicalize().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write_parquet(path: &Path) {
    let connection = Connection::open_in_memory().unwrap();
    let sql =
        format!("COPY (SELECT range AS id FROM range(9)) TO {} (FORMAT parquet)", literal(path.to_str().unwrap()));
    connection.execute_batch(&sql).unwrap();
}

/// A session that is shut in to `data.parquet`, the table `numbers`, beside which others lie.
fn shut_in_to_data(dir: &Dir, settings: &Settings) -> Session {
    for name in ["data.parquet", "other.parquet"] {
        write_parquet(&dir.at(name));
    }
    fs::write(dir.at("other.csv"), "a\n1\n").unwrap();
    let relation = Relation::Parquet(vec![dir.at("data.parquet")]);
    let tables = [Exposed { schema: None, name: "numbers".to_owned(), relation }];
    shut_in(settings, &Opening::of(settings, &[]), &tables, Views::Plain).unwrap()
}

fn value(session: &Session, sql: &str) -> String {
    session.database.connection.query_row(&format!("SELECT ({sql})::VARCHAR"), [], |row| row.get(0)).unwrap()
}

#[test]
fn files_that_were_not_given_are_out_of_reach() {
    let dir = Dir::new("files");
    let session = shut_in_to_data(&dir, &Settings::default());
    let at = |name: &str| dir.at(name).display().to_string();
    let (csv, parquet, new) = (at("other.csv"), at("other.parquet"), at("new"));
    for sql in [
        format!("SELECT * FROM read_csv('{csv}')"),
        format!("SELECT * FROM '{csv}'"),
        format!("SELECT * FROM read_text('{csv}')"),
        format!("SELECT * FROM read_blob('{csv}')"),
        format!("SELECT * FROM read_json('{csv}')"),
        format!("SELECT * FROM sniff_csv('{csv}')"),
        format!("SELECT * FROM read_parquet('{parquet}')"),
        format!("SELECT * FROM parquet_metadata('{parquet}')"),
        format!("SELECT * FROM glob('{}')", at("*")),
        // Also one that would find the given file alone.
        format!("SELECT * FROM read_parquet('{}')", at("data*.parquet")),
        format!("CREATE TABLE t (a INTEGER); COPY t FROM '{csv}'"),
        format!("CREATE VIEW v AS SELECT * FROM read_csv('{csv}')"),
        format!("COPY numbers TO '{new}'"),
        format!("COPY numbers TO '{csv}' (FORMAT csv, use_tmp_file false)"),
        format!("EXPORT DATABASE '{new}'"),
        format!("IMPORT DATABASE '{new}'"),
        format!("ATTACH '{new}' AS z"),
        "SELECT * FROM read_parquet('https://example.org/x.parquet')".to_owned(),
        "SELECT * FROM 's3://bucket/x.parquet'".to_owned(),
        "INSTALL httpfs".to_owned(),
        "LOAD httpfs".to_owned(),
        "CREATE PERSISTENT SECRET s (TYPE http)".to_owned(),
    ] {
        assert!(session.database.connection.execute_batch(&sql).is_err(), "it ran: {sql}");
    }
    assert!(!dir.at("new").exists());
    assert_eq!(fs::read_to_string(dir.at("other.csv")).unwrap(), "a\n1\n");
    assert_eq!(value(&session, "SELECT count(*) FROM numbers"), "9");
}

#[test]
fn settings_are_made_and_cannot_be_changed() {
    let dir = Dir::new("settings");
    let session = shut_in_to_data(&dir, &Settings::default());
    let setting = |name: &str| value(&session, &format!("current_setting('{name}')"));
    for name in [
        "allow_community_extensions",
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "allow_persistent_secrets",
        "enable_external_access",
    ] {
        assert_eq!(setting(name), "false", "{name}");
    }
    // Whole directories are never given: a query could make files there. An empty one for spilling is none; else DuckDB would
    // take `.tmp` in the directory that the program runs in.
    assert_eq!((setting("allowed_directories"), setting("temp_directory")), ("[]".to_owned(), String::new()));
    let csv = dir.at("other.csv").display().to_string();
    let before = (setting("memory_limit"), setting("threads"), setting("allowed_paths"));
    for sql in [
        "SET memory_limit = '100GB'".to_owned(),
        "RESET threads".to_owned(),
        "SET GLOBAL threads = 1".to_owned(),
        "PRAGMA threads = 1".to_owned(),
        "SET enable_external_access = true".to_owned(),
        format!("SET allowed_paths = ['{csv}']"),
        "SET allowed_directories = ['/']".to_owned(),
        "SET lock_configuration = false".to_owned(),
        "PRAGMA enable_profiling".to_owned(),
        format!("SET profiling_output = '{csv}'"),
        "CALL enable_logging()".to_owned(),
    ] {
        assert!(session.database.connection.execute_batch(&sql).is_err(), "it ran: {sql}");
    }
    assert_eq!(before, (setting("memory_limit"), setting("threads"), setting("allowed_paths")));
    assert_eq!(fs::read_to_string(dir.at("other.csv")).unwrap(), "a\n1\n");
}

#[test]
fn what_may_be_written_is_the_spill_directory_of_the_query() {
    let dir = Dir::new("spill");
    let settings = Settings { spill_dir: Some(dir.at("spill")), ..Settings::default() };
    let session = shut_in_to_data(&dir, &settings);
    let directories = value(&session, "current_setting('allowed_directories')");
    let spill = format!("[{}", dir.at("spill").join("query-").display());
    assert!(directories.starts_with(&spill) && !directories.contains(','), "{directories}");
    let sql = format!("SELECT * FROM read_csv('{}')", dir.at("other.csv").display());
    assert!(session.database.connection.execute_batch(&sql).is_err());
}

/// A view that was made before is looked at again when it runs.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_file_leads_nowhere_else() {
    let dir = Dir::new("link");
    let session = shut_in_to_data(&dir, &Settings::default());
    fs::remove_file(dir.at("data.parquet")).unwrap();
    std::os::unix::fs::symlink(dir.at("other.parquet"), dir.at("data.parquet")).unwrap();
    let error = session.database.connection.execute_batch("SELECT * FROM numbers").unwrap_err();
    assert!(error.to_string().contains("operations are disabled by configuration"), "{error}");
}

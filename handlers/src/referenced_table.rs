//! Tables that lie elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatchReader;
use chrono::{DateTime, Utc};
use datafolio_core::{ItemRecord, item_type, time};
use serde_json::{Map, Value, json};

use crate::data::{Data, Reference};
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{ImportOptions, TableFormat, is_pattern, open_directory, open_glob, open_table};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::payload_bytes::facts_of;

/// The formats that a reference may name.
const FORMATS: [&str; 5] = ["parquet", "csv", "arrow", "hdf5", "delta"];

/// How many rows of a text file [`Handler::verify`] looks at.
const VERIFIED_ROWS: u64 = 1000;

/// Item type `referenced_table`: the address of a table outside the bundle, and what was seen there. Parquet (a file, a
/// directory or a pattern), CSV and Arrow files on this machine are read; other formats and addresses are kept.
///
/// A reference is the one place where a bundle reaches outside itself, and reaching outside is its purpose: whoever reads
/// an item of a bundle that someone else wrote reads the file that the item names. Only regular files are ever opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferencedTable;

impl Handler for ReferencedTable {
    fn item_type(&self) -> &str {
        item_type::REFERENCED_TABLE
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Reference(_))
    }

    /// Records the address. The target is looked at, not opened, and need not exist yet.
    fn write(&self, data: Data, _options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Reference(reference) = data else {
            return Err(HandlerError::WrongKind { expected: "a reference", found: data.kind().to_owned() });
        };
        let fields =
            record(&reference).map_err(|reason| HandlerError::Invalid { item: sink.name().to_owned(), reason })?;
        Ok(Draft { fields, payload: None })
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Table(open(item, &ImportOptions::default())?))
    }

    /// Whether the target is there and opens. Its bytes are not ours to vouch for: it may have changed since.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        let options = ImportOptions { infer_rows: Some(VERIFIED_ROWS), ..ImportOptions::default() };
        open(item, &options).map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(
            record,
            &[("path", "path"), ("format", "table_format"), ("rows", "num_rows"), ("table version", "version")],
        )
    }
}

/// The fields of a new reference, or why there can be none.
fn record(reference: &Reference) -> Result<Map<String, Value>, String> {
    let format = reference.table_format.as_str();
    if !FORMATS.contains(&format) {
        return Err(format!("Unsupported table format: {format:?} (known: {})", FORMATS.join(", ")));
    }
    if reference.path.is_empty() {
        return Err("a reference needs a path".to_owned());
    }
    if reference.path.chars().any(char::is_control) {
        return Err("the path of a reference has a control character in it".to_owned());
    }
    let (path, local) = match Address::parse(&reference.path) {
        Address::Url(url) => (without_secrets(url), None),
        Address::Local(path) => {
            let absolute = absolute(path, reference.path.starts_with("file:"))?;
            (format!("file://{absolute}"), Some(PathBuf::from(absolute)))
        }
    };
    let seen = local.and_then(|path| fs::metadata(path).ok());
    let is_directory = match &seen {
        Some(seen) => seen.is_dir(),
        None => path.ends_with('/') || format == "delta",
    };
    let mut fields = Map::new();
    fields.insert("path".to_owned(), path.into());
    fields.insert("table_format".to_owned(), format.into());
    fields.insert("is_directory".to_owned(), is_directory.into());
    fields.insert("mutable".to_owned(), true.into());
    if is_directory {
        // Python DataFolio reads directories with Polars alone, and says so in the entry.
        fields.insert("polars_only".to_owned(), true.into());
    }
    if let Some(rows) = reference.num_rows {
        fields.insert("num_rows".to_owned(), rows.into());
    }
    if let Some(version) = reference.version {
        fields.insert("version".to_owned(), version.into());
    }
    if let Some(seen) = seen.filter(fs::Metadata::is_file) {
        let mut identity = json!({ "size": seen.len() });
        if let (Ok(modified), Some(identity)) = (seen.modified(), identity.as_object_mut()) {
            identity.insert("last_modified".to_owned(), time::to_iso(DateTime::<Utc>::from(modified)).into());
        }
        fields.insert("source_identity".to_owned(), identity);
    }
    Ok(fields)
}

/// Where a table lies.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    /// On this machine; the text is a path.
    Local(&'a str),
    /// Elsewhere.
    Url(&'a str),
}

impl<'a> Address<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some(path) = text.strip_prefix("file://") {
            // `file://localhost/x` is `file:///x`.
            return Self::Local(path.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(path));
        }
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Self::Url(text),
            _ => Self::Local(text),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The absolute form of a path, with the slash at its end that says that it is a directory.
fn absolute(path: &str, from_url: bool) -> Result<String, String> {
    if from_url && !path.starts_with('/') {
        return Err("a file:// address needs an absolute path: file:///...".to_owned());
    }
    let absolute = std::path::absolute(path).map_err(|error| format!("the path cannot be made absolute: {error}"))?;
    let text = absolute.to_str().ok_or("the current directory's name is not valid Unicode")?;
    Ok(if path.ends_with('/') && !text.ends_with('/') { format!("{text}/") } else { text.to_owned() })
}

/// A URL without what gives access: a bundle is shared, and keys must not go with it. User name and password before the
/// host go, and the parameters of signed addresses (S3, Google, Azure, CloudFront); all else stays as it is.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = match host.rsplit_once('@') {
        // In Azure's own addresses it is the container that stands there.
        Some((before, _)) if is_azure(scheme) && !before.contains(':') => host,
        Some((_, host)) => host,
        None => host,
    };
    let mut clean = format!("{scheme}://{host}{path}");
    if let Some(query) = query {
        let names: Vec<String> = query.split('&').map(parameter_name).collect();
        let is_signed = names.iter().any(|name| matches!(name.as_str(), "sig" | "signature"));
        let kept: Vec<&str> = query
            .split('&')
            .zip(&names)
            .filter(|(_, name)| !is_secret(name, is_signed))
            .map(|(text, _)| text)
            .collect();
        if !kept.is_empty() {
            clean.push('?');
            clean.push_str(&kept.join("&"));
        }
    }
    // A fragment never reaches a server, and what is put there by hand may be a token.
    if let Some(fragment) = fragment.filter(|fragment| !fragment.contains('=')) {
        clean.push('#');
        clean.push_str(fragment);
    }
    clean
}

fn is_azure(scheme: &str) -> bool {
    matches!(scheme.to_ascii_lowercase().as_str(), "abfs" | "abfss" | "wasb" | "wasbs" | "az" | "azure" | "adl")
}

fn parameter_name(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or("").to_ascii_lowercase()
}

fn is_secret(name: &str, is_signed: bool) -> bool {
    const ALWAYS: [&str; 14] = [
        "sig",
        "signature",
        "awsaccesskeyid",
        "googleaccessid",
        "token",
        "access_token",
        "auth_token",
        "sas",
        "api_key",
        "apikey",
        "api-key",
        "key-pair-id",
        "password",
        "secret",
    ];
    // The other parameters of a shared access signature, and of CloudFront: short names that mean something else elsewhere.
    const SIGNED: [&str; 19] = [
        "se", "st", "sp", "sv", "sr", "ss", "srt", "spr", "sip", "si", "sdd", "skoid", "sktid", "skt", "ske", "sks",
        "skv", "expires", "policy",
    ];
    name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || ALWAYS.contains(&name)
        || (is_signed && SIGNED.contains(&name))
}

/// Opens what an item refers to.
fn open(item: &Item<'_>, options: &ImportOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let name = item.record.name();
    let text = item.record.str("path").ok_or_else(|| item.damaged("its entry has no path"))?;
    let unsupported = |what: String, needs: &str| HandlerError::Unsupported { what, needs: needs.to_owned() };
    let written = item.record.str("table_format").unwrap_or("parquet");
    let format = match written {
        "delta" => return Err(unsupported(format!("reading Delta table '{name}'"), "a build with the feature delta")),
        "hdf5" => return Err(unsupported(format!("reading HDF5 table '{name}'"), "a build with the feature hdf5")),
        written => TableFormat::from_name(written)
            .ok_or_else(|| unsupported(format!("reading table '{name}' in format {written:?}"), "a later release"))?,
    };
    let path = match Address::parse(text) {
        Address::Local(path) => path,
        Address::Url(_) => {
            let what = format!("reading table '{name}' at {}", without_secrets(text));
            return Err(unsupported(what, "a build with object-store support"));
        }
    };
    let path = item.outside_path(path).ok_or_else(|| {
        unsupported(format!("reading table '{name}' at a path relative to its bundle"), "a bundle on a local disk")
    })?;
    let opened = if path.is_dir() {
        open_whole_directory(name, &path, format, options)
    } else if is_pattern(&path.to_string_lossy()) && !path.exists() && format == TableFormat::Parquet {
        open_glob(&path, options)
    } else {
        open_table(&path, &ImportOptions { format: Some(format), ..options.clone() })
    };
    opened.map_err(|error| match error {
        HandlerError::FileNotFound { path } => HandlerError::MissingReference { item: name.to_owned(), path },
        other => other,
    })
}

fn open_whole_directory(
    name: &str,
    path: &Path,
    format: TableFormat,
    options: &ImportOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    if format == TableFormat::Parquet {
        return open_directory(path, options);
    }
    Err(HandlerError::Unsupported {
        what: format!("reading table '{name}': a directory of {format} files"),
        needs: "one file, or a directory of Parquet files".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn reference(path: &str, format: &str) -> Reference {
        Reference { path: path.to_owned(), table_format: format.to_owned(), num_rows: None, version: None }
    }

    fn write_parquet(path: &Path, values: std::ops::Range<i64>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Reads an item of these fields: the number of its rows and columns.
    fn read(mut fields: Map<String, Value>) -> HandlerResult<(usize, usize)> {
        fields.insert("name".into(), "t".into());
        let (record, storage) = (ItemRecord::new(fields), Arc::new(MemoryStorage::new()) as Arc<dyn Storage>);
        let cache = VerifiedCache::disabled();
        let item = Item { record: &record, storage: &storage, verification: Verification::Full, cache: &cache };
        ReferencedTable.verify(&item)?;
        let Data::Table(reader) = ReferencedTable.read(&item)? else { panic!("not a table") };
        let columns = reader.schema().fields().len();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok((batches.iter().map(RecordBatch::num_rows).sum(), columns))
    }

    #[test]
    fn what_is_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b%20c.parquet");
        write_parquet(&path, 0..3);
        let mut given = reference(path.to_str().unwrap(), "parquet");
        given.num_rows = Some(3);
        given.version = Some(4);
        let fields = record(&given).unwrap();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["path", "table_format", "is_directory", "mutable", "num_rows", "version", "source_identity"]
        );
        assert_eq!(fields["path"], format!("file://{}", path.display()));
        assert_eq!(fields["is_directory"], false);
        assert_eq!(fields["source_identity"]["size"], fs::metadata(&path).unwrap().len());
        assert!(fields["source_identity"]["last_modified"].as_str().unwrap().ends_with("+00:00"));
        let fields = record(&reference(&format!("file://{}/", dir.path().display()), "parquet")).unwrap();
        assert_eq!(fields["path"], format!("file://{}/", dir.path().display()));
        assert_eq!((&fields["is_directory"], &fields["polars_only"]), (&true.into(), &true.into()));
        assert!(!fields.contains_key("source_identity"));
        let here = std::env::current_dir().unwrap();
        let fields = record(&reference("not/there/yet/", "parquet")).unwrap();
        assert_eq!(fields["path"], format!("file://{}/not/there/yet/", here.display()));
        assert_eq!(fields["is_directory"], true);
        assert_eq!(record(&reference("s3://b/t", "delta")).unwrap()["is_directory"], true);
        for (given, expected) in [
            (reference("/x", "xlsx"), "Unsupported table format"),
            (reference("", "csv"), "needs a path"),
            (reference("/a\nb", "csv"), "control character"),
            (reference("file://a.csv", "csv"), "absolute"),
        ] {
            assert!(record(&given).unwrap_err().contains(expected));
        }
    }

    #[test]
    fn addresses_lose_their_secrets() {
        for (url, expected) in [
            ("s3://bucket/a/b.parquet", "s3://bucket/a/b.parquet"),
            ("gs://bucket/events/", "gs://bucket/events/"),
            ("https://user:p@ss@host:8080/x.csv?a=1&b=2", "https://host:8080/x.csv?a=1&b=2"),
            ("https://token@host", "https://host"),
            (
                "https://b.s3.amazonaws.com/x?X-Amz-Signature=1&X-Amz-Credential=2&versionId=3&x-amz-security-token=4",
                "https://b.s3.amazonaws.com/x?versionId=3",
            ),
            ("https://a.blob.core.windows.net/c/x?sv=1&se=2&sr=b&sp=r&sig=3", "https://a.blob.core.windows.net/c/x"),
            ("https://host/x?sp=1&se=2", "https://host/x?sp=1&se=2"),
            ("https://b.s3.amazonaws.com/x?AWSAccessKeyId=1&Expires=2&Signature=3", "https://b.s3.amazonaws.com/x"),
            (
                "https://storage.googleapis.com/b/x?X-Goog-Signature=1&generation=5",
                "https://storage.googleapis.com/b/x?generation=5",
            ),
            ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
            ("https://host/a@b/x", "https://host/a@b/x"),
            ("https://host/x#access_token=1", "https://host/x"),
            ("https://host/x?access_token=1#part", "https://host/x#part"),
        ] {
            assert_eq!(without_secrets(url), expected);
        }
        assert_eq!(Address::parse("a://b"), Address::Url("a://b"));
        assert_eq!(Address::parse("file://localhost/x"), Address::Local("/x"));
        assert_eq!(Address::parse("dir/1://x"), Address::Local("dir/1://x"));
    }

    #[test]
    fn files_directories_and_patterns_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        write_parquet(&dir.path().join("d/year=1/p.parquet"), 0..3);
        write_parquet(&dir.path().join("d/year=2/p.parquet"), 0..4);
        fs::write(dir.path().join("t.csv"), "a,b\n1,2\n").unwrap();
        for (path, format, expected) in [
            (at("d"), "parquet", (7, 2)),
            (at("d/"), "parquet", (7, 2)),
            (at("d/year=2/p.parquet"), "parquet", (4, 1)),
            (at("d/*/p.parquet"), "parquet", (7, 1)),
            (at("t.csv"), "csv", (1, 2)),
        ] {
            let fields = record(&reference(&path, format)).unwrap();
            assert_eq!(read(fields).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none.parquet");
        let error = read(record(&reference(missing.to_str().unwrap(), "parquet")).unwrap()).unwrap_err();
        assert_eq!(error.code(), "missing-reference");
        assert!(error.to_string().contains("'t'") && error.to_string().contains("none.parquet"), "{error}");
        let pattern = dir.path().join("*.parquet");
        let error = read(record(&reference(pattern.to_str().unwrap(), "parquet")).unwrap()).unwrap_err();
        assert_eq!(error.code(), "missing-reference");
        for (path, format, expected) in [
            ("s3://bucket/x.parquet", "parquet", "object-store"),
            ("/x", "delta", "feature delta"),
            ("/x", "hdf5", "feature hdf5"),
        ] {
            let error = read(record(&reference(path, format)).unwrap()).unwrap_err();
            assert_eq!(error.code(), "unsupported");
            assert!(error.to_string().contains(expected), "{error}");
        }
        let fields = json!({ "path": "relative.parquet", "table_format": "parquet" }).as_object().unwrap().clone();
        assert_eq!(read(fields).unwrap_err().code(), "unsupported");
        assert_eq!(read(Map::new()).unwrap_err().code(), "damaged-item");
        #[cfg(unix)]
        {
            let fields = record(&reference("/dev/zero", "csv")).unwrap();
            assert!(!fields.contains_key("source_identity"));
            assert_eq!(read(fields).unwrap_err().code(), "bad-file");
        }
    }
}

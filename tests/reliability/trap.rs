//! A bundle with things around it that nobody may touch, and all that can be done with one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafolio::{
    AddOptions, AppendOptions, CopyOptions, DataFolio, DescribeOptions, ExportOptions, IterOptions, RepairOptions,
    StatisticsOptions, TableOptions, VerifyOptions, repair,
};
use datafolio_testkit::tripwires::Tripwires;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::scratch;
use super::workload::strict_gc;
use crate::support::model::digest;
use crate::support::table;

/// Stands outside the bundle. Whoever shows it, or changes it, has been led out.
pub(super) const CANARY: &str = "\"the canary outside\"";
/// More than anything here takes, less than a person waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bundle of a sound item and whatever is put beside it, with things outside it that must not be touched.
pub(super) struct Trap {
    pub(super) dir: tempfile::TempDir,
    pub(super) root: PathBuf,
    outside: Vec<(PathBuf, SystemTime, Vec<u8>)>,
    tripwires: Tripwires,
}

impl Trap {
    pub(super) fn new() -> Self {
        let dir = scratch();
        let root = dir.path().join("deep/bundle");
        let folio = DataFolio::create(&root).unwrap();
        folio.add("sound", json!({"sound": true}), AddOptions::new()).unwrap();
        drop(folio);
        std::fs::create_dir(dir.path().join("elsewhere")).unwrap();
        for place in ["", "deep", "elsewhere"] {
            let place = dir.path().join(place);
            std::fs::write(place.join("canary.json"), CANARY).unwrap();
            std::fs::write(place.join("canary.parquet"), canary_table()).unwrap();
            // Nobody writes to it: whoever opens it, and not as carefully as a bundle does, waits for ever.
            made_by("mkfifo", &[], &place.join("pipe"));
        }
        std::fs::write(dir.path().join("elsewhere/items.json"), CANARY).unwrap();
        let outside = look_outside(dir.path(), &root);
        let tripwires = Tripwires::across(outside.iter().map(|(path, ..)| path.clone())).unwrap();
        Self { dir, root, outside, tripwires }
    }

    /// Adds entries to the catalogue as another program would: without our stamp.
    pub(super) fn write(&self, change: impl FnOnce(&mut Value)) {
        let path = self.root.join("items.json");
        let mut catalogue: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        catalogue.as_object_mut().unwrap().remove("commit");
        catalogue["revision"] = json!(9);
        change(&mut catalogue);
        std::fs::write(&path, catalogue.to_string()).unwrap();
    }

    pub(super) fn add(&self, entry: &Value) {
        self.write(|catalogue| catalogue["items"].as_array_mut().unwrap().push(entry.clone()));
    }

    /// Does all that can be done with a bundle. Returns what reading the item said.
    pub(super) fn spring(&self, item: &str, what: &str) -> Option<String> {
        // What the tests themselves have opened does not count.
        self.tripwires.tripped().unwrap();
        let (sender, receiver) = mpsc::channel();
        let (root, name) = (self.root.clone(), item.to_owned());
        let copies = self.dir.path().join("copies");
        std::thread::spawn(move || drop(sender.send(do_everything(&root, &name, &copies))));
        let said =
            receiver.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: it hangs or panics: {error}"));
        let opened = self.tripwires.tripped().unwrap();
        assert!(opened.is_empty(), "{what}: these were opened: {opened:?}");
        for text in &said.shown {
            assert!(!text.contains("canary outside"), "{what}: it was read: {text}");
        }
        let copied = files(&self.dir.path().join("copies"));
        assert!(copied.iter().all(|bytes| !contains(bytes, CANARY)), "{what}: it was copied");
        assert!(files(&self.root).iter().all(|bytes| !contains(bytes, CANARY)), "{what}: it was taken in");
        let outside = look_outside(self.dir.path(), &self.root);
        assert_eq!(outside, self.outside, "{what}: something outside has changed");
        said.item
    }
}

/// A table that can be read where it is found. Its text is not compressed.
fn canary_table() -> Vec<u8> {
    let id: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1]));
    let name: ArrayRef = std::sync::Arc::new(StringArray::from(vec![CANARY]));
    let rows = RecordBatch::try_from_iter([("id", id), ("name", name)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    assert!(contains(&bytes, CANARY));
    bytes
}

/// Everything outside the bundle: where, when it was written, and what is in it.
fn look_outside(dir: &Path, root: &Path) -> Vec<(PathBuf, SystemTime, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        if dir == root || dir.ends_with("copies") {
            continue;
        }
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                pending.push(entry.path());
                continue;
            }
            let bytes = if kind.is_file() { std::fs::read(entry.path()).unwrap() } else { Vec::new() };
            found.push((entry.path(), entry.metadata().unwrap().modified().unwrap(), bytes));
        }
    }
    found.sort();
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The content of all files below a directory, links not followed.
fn files(dir: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[derive(Default)]
struct Said {
    shown: Vec<String>,
    /// The error of reading the item.
    item: Option<String>,
}

fn do_everything(root: &Path, item: &str, copies: &Path) -> Said {
    let mut said = Said::default();
    let folio = match DataFolio::open(root) {
        Ok(folio) => folio,
        Err(error) => {
            said.item = Some(error.to_string());
            said.shown.extend([error.to_string(), format!("{:?}", repair(root, &RepairOptions::default()))]);
            return said;
        }
    };
    let mut show = |text: String| said.shown.push(text);
    show(format!("{:?}", folio.list(true)));
    show(format!("{:?}", folio.items(true)));
    show(format!("{:?} {:?}", folio.warnings(), folio.metadata()));
    show(format!("{:?}", folio.describe(&DescribeOptions::default())));
    show(format!("{:?}", folio.verify(&VerifyOptions::default())));
    show(format!("{:?}", folio.validate()));
    show(format!("{:?}", folio.disk_usage()));
    show(format!("{:?}", folio.log(100)));
    show(format!("{:?} {:?}", folio.versions(item).map(|_| ()), folio.item_path(item)));
    show(format!("{:?}", folio.lineage().cycles()));
    let read = folio.get(item).map(digest);
    show(format!("{read:?}"));
    let failure = match read {
        Err(error) => Some(error.to_string()),
        Ok(Err(error)) => Some(error),
        Ok(Ok(_)) => None,
    };
    read_as_a_table(&folio, item, &mut show);
    show(format!("{:?}", folio.list_snapshots()));
    for (number, name) in folio.catalogue().snapshots.keys().enumerate() {
        let past = folio.load_snapshot(name);
        show(format!("{:?}", past.and_then(|past| past.get(item)).map(digest)));
        let exported = folio.export_snapshot(name, copies.join(format!("of-{number}")), &ExportOptions::default());
        show(format!("{:?}", exported.map(|copy| copy.revision())));
        show(format!("{:?}", folio.restore_snapshot(name)));
    }
    let copy = folio.copy(copies.join("all"), &CopyOptions::default());
    show(format!("{:?}", copy.map(|copy| copy.revision())));
    show(format!("{:?}", folio.append_table(item, table(3), AppendOptions::new())));
    show(format!("{:?}", folio.compact(item)));
    show(format!("{:?}", folio.gc(&strict_gc())));
    show(format!("{:?}", folio.rename(item, "renamed")));
    show(format!("{:?}", folio.delete(&["renamed"])));
    show(format!("{:?}", folio.delete(&[item])));
    show(format!("{:?}", folio.cleanup_orphaned_versions(false)));
    show(format!("{:?}", folio.gc(&strict_gc())));
    show(format!("{:?}", folio.undo(None)));
    show(format!("{:?}", folio.add("last", json!(1), AddOptions::new()).map(|_| ())));
    said.item = failure;
    said
}

/// All that reads a table, or would if the item were one.
fn read_as_a_table(folio: &DataFolio, item: &str, show: &mut impl FnMut(String)) {
    show(format!("{:?}", folio.table_info(item)));
    let paths = folio.get_table_paths(item);
    for path in paths.iter().flatten() {
        assert!(Path::new(path).starts_with(folio.location()), "{path} is handed out");
    }
    show(format!("{paths:?}"));
    let part = TableOptions::new().offset(1).limit(20);
    show(format!("{:?}", folio.read_table(item, &part).map(Iterator::collect::<Vec<_>>)));
    show(format!("{:?}", folio.iter_table(item, &IterOptions::new()).map(Iterator::collect::<Vec<_>>)));
    show(format!("{:?}", folio.sample_table(item, 3, 1, &TableOptions::new())));
    show(format!("{:?}", folio.describe_table(item, &StatisticsOptions::new())));
    #[cfg(feature = "sql")]
    {
        let options = datafolio::QueryOptions::new();
        let of_table = folio.query_table(item, "SELECT * FROM table", &options);
        show(format!("{:?}", of_table.map(Iterator::collect::<Vec<_>>)));
        let of_all = folio.query(&format!("SELECT * FROM \"{item}\""), &options);
        show(format!("{:?}", of_all.map(Iterator::collect::<Vec<_>>)));
        let filtered = folio.read_table(item, &TableOptions::new().filter("true"));
        show(format!("{:?}", filtered.map(Iterator::collect::<Vec<_>>)));
    }
}

/// File names that lead out of where they belong.
pub(super) fn outward(trap: &Trap) -> Vec<String> {
    let absolute = trap.dir.path().join("canary.json");
    let long = format!("{}canary.json", "../".repeat(200));
    let mut paths: Vec<String> = [
        "../../canary.json",
        "../../../canary.json",
        "../../../../canary.json",
        "a/../../../canary.json",
        "./../../canary.json",
        "..",
        ".",
        "",
        "/",
        "//",
        "../",
        "..\\..\\canary.json",
        "C:\\canary.json",
        "c:canary",
        "/proc/self/root/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "/dev/stdin",
        "../items.json",
        "../items.json.lock",
        "../../pipe",
        "../../../pipe",
        "../history",
        "%2e%2e/canary.json",
        "~/canary.json",
        "a\u{0}b",
        "a\nb",
        "\u{7f}",
        "file:///etc/passwd",
        "..\u{2215}canary.json",
        "\u{202e}nosj",
        "#/../canary.json",
        "a//b",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    paths.extend([absolute.display().to_string(), format!("file://{}", absolute.display()), long, "a".repeat(5000)]);
    paths
}

/// Makes something at a path; the directory is one outside the bundle.
pub(super) type Make = fn(&Path, &Path) -> bool;

/// A device or pipe needs a program to be made; where there is none the case is left out, and says so.
pub(super) fn made_by(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    // `mknod PATH TYPE MAJOR MINOR`, `mkfifo PATH`.
    let made = command.arg(path).args(arguments).output().is_ok_and(|output| output.status.success());
    if !made {
        println!("skipped: {program} {arguments:?} does not work here");
    }
    made
}

//! The scripted workload that the fault and crash tests run: every kind of operation once, each beside what it does to the
//! reference model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafolio::storage::{IoObserver, LocalStorage};
use datafolio::{
    AddOptions, AppendOptions, DataFolio, Error, GcOptions, NpyArray, OpenOptions, Result, SnapshotOptions,
};
use datafolio_testkit::faults::Injector;
use serde_json::json;

use crate::support::model::{Model, digest};

/// One operation on a bundle.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// Does it.
    run: fn(&mut Session) -> Result<()>,
    /// What it does to the model.
    apply: fn(&mut Model),
}

/// A bundle at work, or about to be created.
pub(crate) struct Session {
    pub(crate) root: PathBuf,
    /// Watches all that the handles do, unless another observer was given.
    pub(crate) injector: Arc<Injector>,
    observer: Arc<dyn IoObserver>,
    pub(crate) folio: Option<DataFolio>,
}

impl Session {
    /// At a place where a bundle is, or will be created.
    pub(crate) fn new(root: &Path) -> Self {
        let injector = Injector::new();
        let observer = injector.clone();
        let mut session = Self { root: root.to_owned(), injector, observer, folio: None };
        if root.join("items.json").exists() {
            session.reopen();
        }
        session
    }

    /// At a place where a bundle will be created, with another observer.
    pub(crate) fn observed(root: &Path, observer: Arc<dyn IoObserver>) -> Self {
        Self { root: root.to_owned(), injector: Injector::new(), observer, folio: None }
    }

    /// Opens the bundle again; the injector watches the new handle too.
    pub(crate) fn reopen(&mut self) {
        let storage = LocalStorage::open(&self.root).unwrap().with_observer(self.observer.clone());
        self.folio = Some(OpenOptions::new().open_storage(Arc::new(storage)).unwrap());
    }

    /// Runs one operation.
    pub(crate) fn run(&mut self, step: &Step) -> Result<()> {
        (step.run)(self)
    }

    fn folio(&self) -> &DataFolio {
        self.folio.as_ref().unwrap()
    }
}

/// The states of the model: the first before any operation, then one after each.
pub(crate) fn states() -> Vec<Model> {
    let mut states = vec![Model::default()];
    for step in STEPS {
        let mut next = states.last().unwrap().clone();
        (step.apply)(&mut next);
        states.push(next);
    }
    // Undoing takes back what the model does not remember.
    states
}

/// Numbers that do not compress, so that a payload has more than one block.
fn table(rows: i64) -> RecordBatch {
    let scrambled = (0..rows).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64).rotate_left(17));
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(scrambled));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

/// A table with others behind it.
fn both(first: i64, others: &[i64]) -> RecordBatch {
    let all: Vec<RecordBatch> = std::iter::once(&first).chain(others).map(|rows| table(*rows)).collect();
    arrow::compute::concat_batches(&all[0].schema(), &all).unwrap()
}

fn array() -> NpyArray {
    let values: Vec<f64> = (0..40_000).map(|n| f64::from(n).sin()).collect();
    NpyArray::from_slice(&[200, 200], &values).unwrap()
}

fn value(data: impl Into<datafolio::Data>) -> serde_json::Value {
    digest(data.into()).unwrap()
}

/// Without the facts of git, which take longer than all the rest.
pub(crate) fn plain() -> SnapshotOptions {
    SnapshotOptions { capture_git: false, ..SnapshotOptions::default() }
}

const LARGE: i64 = 50_000;
const SMALL: i64 = 100;

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "create the bundle",
        run: |session| {
            let storage = LocalStorage::create_observed(&session.root, session.observer.clone())?;
            let owner = json!({"owner": "ada"}).as_object().unwrap().clone();
            match OpenOptions::new().metadata(owner).create_storage(Arc::new(storage)) {
                Ok(folio) => session.folio = Some(folio),
                Err(error) => return Err(error),
            }
            Ok(())
        },
        apply: |model| {
            model.metadata.insert("owner".to_owned(), json!("ada"));
            model.revision += 1;
        },
    },
    Step {
        name: "add a JSON value",
        run: |session| {
            session.folio().add("params", json!({"rate": 0.1}), AddOptions::new().description("of the run")).map(drop)
        },
        apply: |model| {
            model.put("params", json!({"rate": 0.1}));
            model.items.get_mut("params").unwrap().description = Some("of the run".to_owned());
            model.revision += 1;
        },
    },
    Step {
        name: "add a table of several blocks",
        run: |session| session.folio().add("raw", table(LARGE), AddOptions::new().inputs(["params"])).map(drop),
        apply: |model| {
            model.put("raw", value(table(LARGE)));
            model.items.get_mut("raw").unwrap().inputs = vec!["params".to_owned()];
            model.revision += 1;
        },
    },
    Step {
        name: "add an array of several blocks",
        run: |session| session.folio().add("grid", array(), AddOptions::new()).map(drop),
        apply: |model| {
            model.put("grid", value(array()));
            model.revision += 1;
        },
    },
    Step {
        name: "make a snapshot",
        run: |session| session.folio().create_snapshot("v1", plain()),
        apply: |model| {
            model.snapshots.insert("v1".to_owned(), model.snapshot());
            model.revision += 1;
        },
    },
    Step {
        name: "replace the table",
        run: |session| session.folio().add("raw", table(SMALL), AddOptions::new().overwrite()).map(drop),
        apply: |model| {
            model.put("raw", value(table(SMALL)));
            model.revision += 1;
        },
    },
    Step {
        name: "delete the array",
        run: |session| session.folio().delete(&["grid"]).map(drop),
        apply: |model| {
            model.items.remove("grid");
            model.revision += 1;
        },
    },
    Step {
        name: "rename",
        run: |session| session.folio().rename("params", "settings"),
        apply: |model| {
            let item = model.items.remove("params").unwrap();
            model.items.insert("settings".to_owned(), item);
            model.revision += 1;
        },
    },
    Step {
        name: "commit a batch",
        run: |session| {
            let mut batch = session.folio().batch()?;
            batch.add("a", json!([1, 2]), AddOptions::new())?;
            batch.add("b", table(SMALL), AddOptions::new().inputs(["a", "settings"]))?;
            batch.set_metadata("stage", &json!("clean"))?;
            batch.update_item("settings", Some("of the second run"), None)?;
            batch.commit().map(drop)
        },
        apply: |model| {
            model.put("a", json!([1, 2]));
            model.put("b", value(table(SMALL)));
            model.items.get_mut("b").unwrap().inputs = vec!["a".to_owned(), "settings".to_owned()];
            model.metadata.insert("stage".to_owned(), json!("clean"));
            model.items.get_mut("settings").unwrap().description = Some("of the second run".to_owned());
            model.revision += 1;
        },
    },
    Step {
        name: "restore the snapshot",
        run: |session| session.folio().restore_snapshot("v1"),
        apply: |model| {
            let snapshot = model.snapshots["v1"].clone();
            (model.items, model.metadata) = (snapshot.items, snapshot.metadata);
            model.revision += 1;
        },
    },
    Step {
        name: "append to the table",
        run: |session| session.folio().append_table("raw", table(SMALL), AppendOptions::new()).map(drop),
        apply: |model| {
            model.items.get_mut("raw").unwrap().value = value(both(LARGE, &[SMALL]));
            model.revision += 1;
        },
    },
    Step {
        name: "append to a table of parts",
        run: |session| session.folio().append_table("raw", table(LARGE), AppendOptions::new()).map(drop),
        apply: |model| {
            model.items.get_mut("raw").unwrap().value = value(both(LARGE, &[SMALL, LARGE]));
            model.revision += 1;
        },
    },
    Step {
        name: "make one file of the parts",
        run: |session| session.folio().compact("raw").map(drop),
        apply: |model| model.revision += 1,
    },
    Step {
        name: "set metadata",
        run: |session| session.folio().set_metadata("note", "restored"),
        apply: |model| {
            model.metadata.insert("note".to_owned(), json!("restored"));
            model.revision += 1;
        },
    },
    Step {
        name: "undo the setting of metadata",
        run: |session| session.folio().undo(None).map(drop),
        apply: |model| {
            model.metadata.remove("note");
            model.revision += 1;
        },
    },
    Step {
        name: "archive",
        run: |session| session.folio().archive(&["gr*"]).map(drop),
        apply: |model| {
            model.items.get_mut("grid").unwrap().archived = true;
            model.revision += 1;
        },
    },
    Step {
        name: "delete the snapshot",
        run: |session| session.folio().delete_snapshot("v1"),
        apply: |model| {
            model.snapshots.clear();
            model.revision += 1;
        },
    },
    Step { name: "collect garbage", run: |session| session.folio().gc(&strict_gc()).map(drop), apply: |_| {} },
    Step {
        name: "replace after the collection",
        run: |session| {
            let file = session.root.with_extension("txt");
            std::fs::write(&file, "some notes").map_err(|error| Error::Invalid(error.to_string()))?;
            session.folio().add("params", file.as_path(), AddOptions::new().overwrite()).map(drop)
        },
        apply: |model| {
            model.put("params", json!("some notes"));
            model.revision += 1;
        },
    },
];

/// Collects all that it may.
pub(crate) fn strict_gc() -> GcOptions {
    GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(3) }
}

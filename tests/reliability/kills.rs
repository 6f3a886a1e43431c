//! A process is killed at every I/O step of a scripted workload (promise: what is found is the state before or after the
//! operation, never another).

use std::path::Path;

use datafolio::{AddOptions, DataFolio};
use serde_json::json;

use super::faults::{Prepared, expect_state, for_every_step};
use super::workload::{STEPS, Session, strict_gc};
use super::{child, scratch};
use crate::fixtures::{Expected, assert_pins};
use crate::support::model::Model;
use crate::support::{copy_dir, fixtures};

fn one_kill(prepared: &Prepared, k: usize, n: usize, how: &str) -> Result<(), String> {
    let (_dir, root) = prepared.before(k);
    let text = root.to_str().unwrap();
    let output = child::spawn(&["fault", text, &k.to_string(), &n.to_string(), how]).wait_with_output().unwrap();
    // A step that fails, as looking for what is not there does, has no end to die after.
    if output.status.success() && how == "before" {
        return Err("the child was not killed".to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("panicked") {
        return Err(format!("the child failed: {errors}"));
    }
    let published = match expect_state(&root, &prepared.states[k]) {
        Ok(()) => false,
        Err(before) => match expect_state(&root, &prepared.states[k + 1]) {
            Ok(()) => true,
            Err(after) => return Err(format!("neither the state before: {before}\nnor the one after: {after}")),
        },
    };
    works_again(&root, &prepared.states[k + usize::from(published)], &prepared.oldest[k..=k + 1])
}

/// The next commit works, and so does looking back as far as before.
pub(super) fn works_again(root: &Path, state: &Model, oldest: &[u64]) -> Result<(), String> {
    let text = |error: datafolio::Error| error.to_string();
    let folio = match state.revision {
        // By the door that looks whether the directory is empty.
        0 => DataFolio::create(root).map_err(|error| format!("cannot be created again: {error}"))?,
        _ => DataFolio::open(root).map_err(text)?,
    };
    folio.add("afterwards", json!(1), AddOptions::new()).map_err(text)?;
    // Whoever writes next has cleared away what the dead process was writing in the bundle's own directory.
    no_temporary_files(root)?;
    let mut next = state.clone();
    next.put("afterwards", json!(1));
    next.revision = state.revision.max(1) + 1;
    expect_state(root, &next)?;
    let log = folio.log(1000).map_err(text)?;
    // A collection that dies has removed the oldest first.
    if !log.last().is_some_and(|entry| (oldest[0]..=oldest[1]).contains(&entry.revision)) {
        return Err(format!("the log ends at {:?} and not at {oldest:?}", log.last().map(|entry| entry.revision)));
    }
    for (entry, revision) in log.iter().zip((1..=next.revision).rev()) {
        if entry.revision != revision {
            return Err(format!("the log has revision {} where {revision} should be", entry.revision));
        }
        folio.at_revision(revision).map_err(text)?;
    }
    for name in next.items.keys() {
        let versions = folio.versions(name).map_err(text)?;
        if !versions.iter().any(|version| version.current && version.available) {
            return Err(format!("{name} has the versions {versions:?}"));
        }
    }
    // Of what the dead process left nothing stays, and all that is kept can still be opened.
    let report = folio.gc(&strict_gc()).map_err(|error| format!("gc: {error}"))?;
    expect_state(root, &next)?;
    for dir in ["", "tables", "artifacts", "models", "history"] {
        no_temporary_files(&root.join(dir))?;
    }
    for revision in report.oldest_kept_revision..=next.revision {
        folio.at_revision(revision).map_err(|error| format!("after gc: {error}"))?;
    }
    Ok(())
}

fn no_temporary_files(dir: &Path) -> Result<(), String> {
    let names = std::fs::read_dir(dir).map_err(|error| error.to_string())?;
    let mut names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    match names.find(|name| name.ends_with(".tmp")) {
        None => Ok(()),
        Some(name) => Err(format!("{name} is left behind in {}", dir.display())),
    }
}

#[test]
fn a_kill_before_any_step_leaves_the_state_before_or_after() {
    let prepared = Prepared::new();
    for_every_step(&prepared, 1, |k, n| one_kill(&prepared, k, n, "before"));
}

/// Between two steps nothing happens on disk, so that dying after one is dying before the next, but for the last of each
/// operation; and a write may be cut short by the death.
#[test]
fn a_kill_after_or_amid_any_step_leaves_the_state_before_or_after() {
    let prepared = Prepared::new();
    for k in 0..STEPS.len() {
        one_kill(&prepared, k, prepared.counts[k] - 1, "after").unwrap();
    }
    for_every_step(&prepared, 1, |k, n| one_kill(&prepared, k, n, "tear"));
}

/// What changes the layout of a bundle of 1.x, and adds an item to it.
pub(super) fn first_commit(session: &Session) -> datafolio::Result<()> {
    session.folio.as_ref().unwrap().add("first", json!("write"), AddOptions::new()).map(drop)
}

/// The layout changes in a commit of its own, before the one that needed it. So there is a state between, which has all that
/// 1.x had; of that nothing is ever lost.
#[test]
fn a_kill_while_the_layout_changes_leaves_all_that_1x_had() {
    let expected = Expected::load("bundle-v1");
    let fresh = || {
        let dir = scratch();
        let root = dir.path().join("bundle");
        copy_dir(&fixtures().join("bundle-v1"), &root);
        (dir, root)
    };
    let (_dir, root) = fresh();
    let names = |folio: &DataFolio| folio.catalogue().current.keys().map(ToString::to_string).collect::<Vec<_>>();
    let before = names(&DataFolio::open(&root).unwrap());
    let mut after = before.clone();
    after.push("first".to_owned());
    let session = Session::new(&root);
    session.injector.disarm();
    first_commit(&session).unwrap();
    let steps = session.injector.steps().len();
    drop(session);
    assert_eq!(names(&DataFolio::open(&root).unwrap()), after);

    let mut seen = std::collections::BTreeSet::new();
    for (n, how) in (0..steps).flat_map(|n| [(n, "before"), (n, "tear")]) {
        let (_dir, root) = fresh();
        let output =
            child::spawn(&["migrate", root.to_str().unwrap(), &n.to_string(), how]).wait_with_output().unwrap();
        assert!(how != "before" || !output.status.success(), "step {n}: the child was not killed");
        let folio = DataFolio::open(&root).unwrap_or_else(|error| panic!("{how} step {n}: {error}"));
        let found = names(&folio);
        assert!(found == before || found == after, "{how} step {n}: {found:?}");
        assert_pins(&folio, &expected);
        seen.insert((folio.revision(), found.len()));
        folio.add("afterwards", json!(1), AddOptions::new()).unwrap();
        assert_pins(&DataFolio::open(&root).unwrap(), &expected);
        assert!(!root.join("metadata.json").exists() && !root.join("snapshots.json").exists(), "{how} step {n}");
    }
    let count = before.len();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(0, count), (1, count), (2, count + 1)]);
}

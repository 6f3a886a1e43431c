//! Two writers at random, against a model of plain maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafolio_core::patch::{apply, diff_texts, revert};
use datafolio_core::{Catalogue, Change, ChangeSet, Published, Working, encode, encode_after, replay};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{NOW, describe, parse, put, repoint, set, snapshot, stamp};

/// A version of an item, in the model. Its number stands for its identity.
#[derive(Debug, Clone, PartialEq)]
struct Version {
    number: u64,
    file: String,
    description: Option<String>,
    inputs: Vec<String>,
}

/// A bundle, in the model.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    items: BTreeMap<String, Version>,
    snapshots: BTreeMap<String, (u64, BTreeMap<String, Version>)>,
    metadata: BTreeMap<String, u64>,
}

#[derive(Debug, Clone)]
enum Op {
    Put {
        name: u8,
        input: Option<u8>,
        overwrite: bool,
    },
    Delete {
        name: u8,
    },
    Describe {
        name: u8,
        text: u8,
    },
    Rename {
        from: u8,
        to: u8,
    },
    Set {
        key: u8,
        value: Option<u64>,
    },
    Snapshot {
        name: u8,
    },
    DeleteSnapshot {
        name: u8,
    },
    /// One item back to what a snapshot holds.
    Restore {
        name: u8,
        snapshot: u8,
    },
    DropOrphans,
}

/// What a writer or the whole does next.
#[derive(Debug, Clone)]
enum Move {
    Do(usize, Op),
    Commit(usize),
    Refresh(usize),
}

fn item(n: u8) -> String {
    format!("i{n}")
}

fn label(n: u8) -> String {
    format!("s{n}")
}

/// The keys an operation touches.
fn keys(op: &Op) -> Vec<String> {
    match op {
        Op::Put { name, .. } | Op::Delete { name } | Op::Describe { name, .. } | Op::Restore { name, .. } => {
            vec![item(*name)]
        }
        Op::Rename { from, to } => vec![item(*from), item(*to)],
        Op::Set { key, .. } => vec![format!("k{key}")],
        Op::Snapshot { name } | Op::DeleteSnapshot { name } => vec![label(*name)],
        Op::DropOrphans => Vec::new(),
    }
}

impl Model {
    /// What stands under a key, so that two states can be compared.
    fn at(&self, key: &str) -> String {
        match (self.items.get(key), self.snapshots.get(key), self.metadata.get(key)) {
            (Some(version), ..) => version.number.to_string(),
            (_, Some((number, _)), _) => number.to_string(),
            (.., Some(value)) => format!("={value}"),
            _ => "nothing".to_owned(),
        }
    }

    /// Does what the operation does; `false` where it is refused. `seen` is what the writer saw when it began.
    fn apply(&mut self, step: &Step, seen: &Model, next: &mut u64) -> bool {
        let mut number = || {
            *next += 1;
            *next
        };
        match &step.op {
            Op::Put { name, input, overwrite } => {
                let before = self.items.get(&item(*name));
                if before.is_some() && !overwrite {
                    return false;
                }
                let description = before.and_then(|version| version.description.clone());
                let inputs = input.iter().map(|n| item(*n)).collect();
                let version = Version { number: number(), file: step.file.clone(), description, inputs };
                self.items.insert(item(*name), version);
            }
            Op::Delete { name } => return self.items.remove(&item(*name)).is_some(),
            Op::Describe { name, text } => {
                let Some(version) = self.items.get_mut(&item(*name)) else { return false };
                let text = Some(format!("text {text}"));
                if version.description != text {
                    (version.description, version.number) = (text, number());
                }
            }
            Op::Rename { from, to } => {
                let (from, to) = (item(*from), item(*to));
                if !self.items.contains_key(&from) || self.items.contains_key(&to) {
                    return false;
                }
                if let Some(mut version) = self.items.remove(&from) {
                    version.number = number();
                    self.items.insert(to.clone(), version);
                }
                for version in self.items.values_mut().filter(|version| version.inputs.contains(&from)) {
                    version.inputs = vec![to.clone()];
                    version.number = number();
                }
            }
            Op::Set { key, value: Some(value) } => drop(self.metadata.insert(format!("k{key}"), *value)),
            Op::Set { key, value: None } => drop(self.metadata.remove(&format!("k{key}"))),
            Op::Snapshot { name } => {
                if self.snapshots.contains_key(&label(*name)) {
                    return false;
                }
                self.snapshots.insert(label(*name), (number(), seen.items.clone()));
            }
            Op::DeleteSnapshot { name } => return self.snapshots.remove(&label(*name)).is_some(),
            Op::Restore { name, .. } => {
                let Some(version) = &step.restored else { return false };
                self.items.insert(item(*name), version.clone());
            }
            Op::DropOrphans => {}
        }
        true
    }
}

/// An operation with what its writer found when it did it.
#[derive(Debug, Clone)]
struct Step {
    op: Op,
    file: String,
    restored: Option<Version>,
}

/// A writer, real and in the model.
struct Writer {
    base: Arc<Catalogue>,
    working: Working,
    set: ChangeSet,
    seen: Model,
    local: Model,
    steps: Vec<Step>,
}

impl Writer {
    fn new(base: &Arc<Catalogue>, seen: &Model) -> Self {
        Self {
            base: Arc::clone(base),
            working: Working::new(base, "local"),
            set: ChangeSet::new(Arc::clone(base)),
            seen: seen.clone(),
            local: seen.clone(),
            steps: Vec::new(),
        }
    }

    /// The change that an operation is for a writer who sees what this one sees; `None` where there is nothing to restore.
    fn change(&self, step: &Step) -> Option<Change> {
        Some(match &step.op {
            Op::Put { name, input, overwrite } => {
                let inputs: Vec<String> = input.iter().map(|n| item(*n)).collect();
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                put(&item(*name), &step.file, &inputs, *overwrite)
            }
            Op::Delete { name } => Change::Delete { name: item(*name) },
            Op::Describe { name, text } => describe(&item(*name), &format!("text {text}")),
            Op::Rename { from, to } => Change::Rename { from: item(*from), to: item(*to) },
            Op::Set { key, value } => set(&format!("k{key}"), value.map(|value| json!(value))),
            Op::Snapshot { name } => snapshot(&label(*name), &self.base),
            Op::DeleteSnapshot { name } => Change::DeleteSnapshot { name: label(*name) },
            Op::Restore { name, snapshot } => {
                let held = self.working.catalogue().snapshot_entries(&label(*snapshot)).ok()?;
                let entry = held.get(&item(*name))?.as_ref().unwrap();
                repoint(&item(*name), Some(entry))
            }
            Op::DropOrphans => Change::DropOrphans,
        })
    }
}

/// The visible state of a catalogue, without the numbers of the model.
fn visible(catalogue: &Catalogue) -> String {
    let describe = |entry: &Arc<datafolio_core::Entry>| {
        let record = entry.record().unwrap();
        format!("{:?} {:?} {:?}", entry.filename().unwrap(), record.description(), record.inputs())
    };
    let items: BTreeMap<&str, String> =
        catalogue.current.values().map(|entry| (entry.name(), describe(entry))).collect();
    let snapshots: BTreeMap<&String, BTreeMap<String, String>> = catalogue
        .snapshots
        .keys()
        .map(|name| {
            let held = catalogue.snapshot_entries(name).unwrap();
            (name, held.into_iter().map(|(item, entry)| (item, describe(&entry.unwrap()))).collect())
        })
        .collect();
    let metadata: BTreeMap<&String, String> = catalogue
        .metadata
        .iter()
        .filter(|(key, _)| *key != "updated_at")
        .map(|(key, text)| (key, text.to_string()))
        .collect();
    format!("{items:?} {snapshots:?} {metadata:?}")
}

fn visible_model(model: &Model) -> String {
    let describe =
        |version: &Version| format!("{:?} {:?} {:?}", version.file, version.description.as_deref(), version.inputs);
    let map = |items: &BTreeMap<String, Version>| -> BTreeMap<String, String> {
        items.iter().map(|(name, version)| (name.clone(), describe(version))).collect()
    };
    let snapshots: BTreeMap<&String, _> = model.snapshots.iter().map(|(name, (_, items))| (name, map(items))).collect();
    let metadata: BTreeMap<&String, String> =
        model.metadata.iter().map(|(key, value)| (key, value.to_string())).collect();
    format!("{:?} {snapshots:?} {metadata:?}", map(&model.items))
}

fn op() -> impl Strategy<Value = Op> {
    let name = 0..4u8;
    let label = 0..3u8;
    prop_oneof![
        4 => (name.clone(), prop::option::of(name.clone()), prop::bool::weighted(0.7))
            .prop_map(|(name, input, overwrite)| Op::Put { name, input, overwrite }),
        2 => name.clone().prop_map(|name| Op::Delete { name }),
        2 => (name.clone(), 0..3u8).prop_map(|(name, text)| Op::Describe { name, text }),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Op::Rename { from, to }),
        2 => (0..2u8, prop::option::of(0..3u64)).prop_map(|(key, value)| Op::Set { key, value }),
        2 => label.clone().prop_map(|name| Op::Snapshot { name }),
        1 => label.clone().prop_map(|name| Op::DeleteSnapshot { name }),
        2 => (name, label).prop_map(|(name, snapshot)| Op::Restore { name, snapshot }),
        1 => Just(Op::DropOrphans),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        5 => (0..2usize, op()).prop_map(|(who, op)| Move::Do(who, op)),
        3 => (0..2usize).prop_map(Move::Commit),
        1 => (0..2usize).prop_map(Move::Refresh),
    ];
    prop::collection::vec(one, 1..60)
}

/// The head of the bundle, real and in the model.
struct Bundle {
    head: Published,
    model: Model,
    next: u64,
    commits: u64,
}

impl Bundle {
    fn commit(&mut self, writer: &Writer) {
        let touched = writer.steps.iter().flat_map(|step| keys(&step.op));
        let clash = touched.filter(|key| writer.seen.at(key) != self.model.at(key)).find(|key| {
            // What both wanted of a metadata key is no clash.
            !(key.starts_with('k') && writer.local.at(key) == self.model.at(key))
        });
        self.commits += 1;
        let stamp = stamp(&format!("c{}", self.commits));
        match (replay(&writer.set, &self.head.catalogue, stamp, NOW), clash) {
            (Err(error), Some(_)) => assert_eq!(error.code(), "conflict", "{error}"),
            (Err(error), None) => panic!("{error} without a clash: {:?}", writer.steps),
            (Ok(_), Some(key)) => panic!("no conflict about {key}: {:?}", writer.steps),
            (Ok(applied), None) => {
                for step in &writer.steps {
                    assert!(self.model.apply(step, &writer.seen, &mut self.next), "{step:?}");
                }
                self.publish(applied.catalogue);
            }
        }
    }

    /// As a commit does; what is copied of the text before must be what is written without it.
    fn publish(&mut self, catalogue: Catalogue) {
        let alone = encode(catalogue.clone());
        let (new, splices) = encode_after(&self.head, catalogue, String::new());
        assert_eq!(new.text, alone.text);
        for splices in [splices, diff_texts(&self.head, &alone)] {
            assert_eq!(apply(&self.head.text, &splices).unwrap(), *new.text);
            assert_eq!(revert(&new.text, &splices).unwrap(), *self.head.text);
        }
        assert_eq!(new.catalogue.revision, self.head.catalogue.revision + 1);
        let read = parse(&new.text).unwrap();
        assert_eq!(visible(&read.catalogue), visible(&new.catalogue));
        assert_eq!(visible(&new.catalogue), visible_model(&self.model));
        let mut ids: Vec<&str> = new.catalogue.entries().filter_map(|entry| entry.version_id()).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an id was given twice: {ids:?}");
        // Half of the time as another process reads it.
        self.head = if self.commits.is_multiple_of(2) { read } else { new };
    }
}

fn play(moves: Vec<Move>) {
    let empty = encode(Catalogue::empty());
    let mut bundle = Bundle { head: empty, model: Model::default(), next: 0, commits: 0 };
    let mut writers = [(); 2].map(|()| Writer::new(&bundle.head.catalogue, &bundle.model));
    for (index, next) in moves.into_iter().enumerate() {
        match next {
            Move::Refresh(who) => writers[who] = Writer::new(&bundle.head.catalogue, &bundle.model),
            Move::Commit(who) => {
                if !writers[who].set.is_empty() {
                    bundle.commit(&writers[who]);
                }
                writers[who] = Writer::new(&bundle.head.catalogue, &bundle.model);
            }
            Move::Do(who, op) => {
                let writer = &mut writers[who];
                let restored = match &op {
                    Op::Restore { name, snapshot } => {
                        let held = writer.local.snapshots.get(&label(*snapshot));
                        held.and_then(|(_, items)| items.get(&item(*name)).cloned())
                    }
                    _ => None,
                };
                let step = Step { op, file: format!("f{index}"), restored };
                let Some(change) = writer.change(&step) else {
                    assert!(step.restored.is_none());
                    continue;
                };
                let done = writer.working.apply(&change).is_ok();
                let (seen, mut next) = (writer.seen.clone(), 1_000_000 + index as u64 * 100);
                let expected = writer.local.apply(&step, &seen, &mut next);
                assert_eq!(done, expected, "{step:?} in {:?}", writer.local);
                assert_eq!(visible(writer.working.catalogue()), visible_model(&writer.local), "{step:?}");
                if done {
                    writer.set.push(change);
                    writer.steps.push(step);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn two_writers_agree_with_the_model(moves in moves()) {
        play(moves);
    }
}

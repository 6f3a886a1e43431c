//! The reference model of a bundle, plain maps, and the same of a real one.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use datafolio::{Data, DataFolio, Error, SourceReader};
use serde_json::{Map, Value, json};

/// All that a user can see of a bundle at one revision, but times and version ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) revision: u64,
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Item {
    /// The JSON value itself; of other types a digest.
    pub(crate) value: Value,
    pub(crate) description: Option<String>,
    pub(crate) inputs: Vec<String>,
    pub(crate) archived: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) metadata: BTreeMap<String, Value>,
}

impl Model {
    /// A snapshot of the current state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { items: self.items.clone(), metadata: self.metadata.clone() }
    }

    /// Adds or replaces an item, which keeps its description.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        let description = self.items.get(name).and_then(|item| item.description.clone());
        self.items.insert(name.to_owned(), Item { value, description, ..Item::default() });
    }
}

/// Reads everything that a handle sees.
///
/// # Errors
/// The first thing that cannot be read.
pub(crate) fn visible_state(folio: &DataFolio) -> Result<Model, String> {
    let mut snapshots = BTreeMap::new();
    for info in folio.list_snapshots().map_err(text)? {
        let past = folio.load_snapshot(&info.name).map_err(text)?;
        snapshots.insert(info.name, Snapshot { items: items(&past)?, metadata: metadata(past.metadata()) });
    }
    Ok(Model { revision: folio.revision(), items: items(folio)?, metadata: metadata(folio.metadata()), snapshots })
}

fn items(folio: &DataFolio) -> Result<BTreeMap<String, Item>, String> {
    let mut items = BTreeMap::new();
    for info in folio.items(true) {
        let info = info.map_err(text)?;
        let inputs = info.record.get("inputs").and_then(Value::as_array);
        let item = Item {
            value: digest(folio.get(&info.name).map_err(text)?)?,
            description: info.description().map(str::to_owned),
            inputs: inputs.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            archived: info.archived,
        };
        items.insert(info.name, item);
    }
    Ok(items)
}

fn text(error: Error) -> String {
    format!("{}: {error}", error.code())
}

fn metadata(all: Map<String, Value>) -> BTreeMap<String, Value> {
    const RESERVED: [&str; 3] = ["created_at", "updated_at", "_datafolio"];
    all.into_iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())).collect()
}

/// A value as the model keeps it. Reads it to the end, so that damage shows.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn digest(data: Data) -> Result<Value, String> {
    Ok(match data {
        Data::Json(value) => value,
        Data::Table(reader) => {
            let (mut rows, mut sums) = (0, vec![0i64; reader.schema().fields().len()]);
            for batch in reader {
                let batch = batch.map_err(|error| error.to_string())?;
                rows += batch.num_rows();
                for (sum, column) in sums.iter_mut().zip(batch.columns()) {
                    *sum = match column.as_primitive_opt::<Int64Type>() {
                        Some(numbers) => numbers.values().iter().fold(*sum, |sum, n| mix(sum, *n)),
                        None => {
                            let texts = column.as_string::<i32>();
                            (0..texts.len()).fold(*sum, |sum, row| mix(sum, hash_bytes(texts.value(row).as_bytes())))
                        }
                    };
                }
            }
            json!({"rows": rows, "sums": sums})
        }
        Data::Array(array) => json!({"shape": array.shape(), "sum": hash_bytes(array.as_bytes())}),
        Data::Timestamp(instant) => json!(instant.to_rfc3339()),
        Data::Payload(source) => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut SourceReader::new(source), &mut bytes)
                .map_err(|error| error.to_string())?;
            json!(String::from_utf8_lossy(&bytes))
        }
        other => return Err(format!("{other:?} is not in the model")),
    })
}

fn hash_bytes(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |sum, byte| mix(sum, i64::from(*byte)))
}

fn mix(sum: i64, next: i64) -> i64 {
    sum.wrapping_mul(31).wrapping_add(next)
}

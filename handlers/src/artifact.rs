//! Files kept as they are.

use datafolio_core::{ItemRecord, item_type};
use serde_json::Map;

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::outside_file::{OutsideFile, suffix};
use crate::payload_bytes::facts_of;

/// Item type `artifact`: a file, byte for byte. The payload keeps the last suffix of its name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Artifact;

impl Handler for Artifact {
    fn item_type(&self) -> &str {
        item_type::ARTIFACT
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::File(_))
    }

    fn write(&self, data: Data, options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::File(path) = data else {
            return Err(HandlerError::WrongKind { expected: "a file", found: data.kind().to_owned() });
        };
        let file = OutsideFile::open(&path)?;
        let mut writer = sink.payload(&suffix(&path))?;
        let size = file.copy_to(&mut writer)?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("original_path".to_owned(), path.to_string_lossy().into());
        fields.insert("file_size".to_owned(), size.into());
        if let Some(category) = &options.category {
            fields.insert("category".to_owned(), category.as_str().into());
        }
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Payload(item.open_payload()?))
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        item.open_payload().map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(record, &[("from", "original_path")])
    }
}

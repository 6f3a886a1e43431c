//! Arrays.

use datafolio_core::{ItemRecord, item_type};
use datafolio_storage::{Source, SourceReader};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::npy::{Dtype, NpyArray, NpyError, NpyHeader};
use crate::payload_bytes::facts_of;

/// Item type `numpy_array`: an array in numpy's `.npy` format.
#[derive(Debug, Clone, Copy, Default)]
pub struct NumpyArray;

impl Handler for NumpyArray {
    fn item_type(&self) -> &str {
        item_type::NUMPY_ARRAY
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Array(_))
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Array(array) = data else {
            return Err(HandlerError::WrongKind { expected: "an array", found: data.kind().to_owned() });
        };
        let mut writer = sink.payload(".npy")?;
        array.write(&mut writer).map_err(|error| match error {
            NpyError::Io(error) => error.into(),
            error => HandlerError::Invalid { item: sink.name().to_owned(), reason: error.to_string() },
        })?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("shape".to_owned(), array.shape().into());
        fields.insert("dtype".to_owned(), array.dtype().into());
        Ok(Draft { fields, payload: Some(payload) })
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let source = item.open_payload()?;
        let size = source.size();
        let array = NpyArray::read(&mut SourceReader::new(source), size).map_err(|error| failed(item, error))?;
        check_record(item, array.header())?;
        Ok(Data::Array(array))
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        let source = item.open_payload()?;
        let header = NpyHeader::read(&mut SourceReader::new(source.clone())).map_err(|error| failed(item, error))?;
        header.check_file_size(source.size()).map_err(|error| failed(item, error))?;
        check_record(item, &header)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(Value::Array(shape)) = record.get("shape") {
            let lengths: Vec<String> = shape.iter().map(Value::to_string).collect();
            facts.push(("shape", format!("[{}]", lengths.join(", "))));
        }
        facts.extend(facts_of(record, &[("dtype", "dtype")]));
        facts
    }
}

/// What the entry says of the array must be what its payload says.
fn check_record(item: &Item<'_>, header: &NpyHeader) -> HandlerResult<()> {
    if let Some(Value::Array(shape)) = item.record.get("shape") {
        let same = shape.len() == header.shape().len()
            && shape.iter().zip(header.shape()).all(|(recorded, found)| recorded.as_u64() == Some(*found));
        if !same {
            let (recorded, found) = (Value::from(shape.clone()), header.shape());
            return Err(item.damaged(format!("its entry records the shape {recorded}, and its payload has {found:?}")));
        }
    }
    // Names of structured types tell of alignment flags that a file does not keep, so only plain ones are compared.
    if let (Some(recorded), dtype @ Dtype::Scalar(_)) = (item.record.str("dtype"), header.dtype())
        && recorded != dtype.name()
    {
        return Err(
            item.damaged(format!("its entry records the type {recorded}, and its payload has {}", dtype.name()))
        );
    }
    Ok(())
}

fn failed(item: &Item<'_>, error: NpyError) -> HandlerError {
    match error {
        NpyError::Io(error) => match HandlerError::from(error) {
            HandlerError::Storage(source) => HandlerError::Payload { item: item.record.name().to_owned(), source },
            error => error,
        },
        error => item.damaged(error),
    }
}

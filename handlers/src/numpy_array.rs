//! Arrays.

use std::io::BufReader;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use datafolio_core::{ItemRecord, item_type};
use datafolio_storage::{PayloadWriter, Source, SourceReader};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::npy::{Dtype, Element, NpyArray, NpyError, NpyHeader};
use crate::outside_file::OutsideFile;
use crate::payload_bytes::facts_of;

/// Item type `numpy_array`: an array in numpy's `.npy` format.
#[derive(Debug, Clone, Copy, Default)]
pub struct NumpyArray;

impl Handler for NumpyArray {
    fn item_type(&self) -> &str {
        item_type::NUMPY_ARRAY
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Array(_) | Data::ArrayFile(_))
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let (header, writer) = match data {
            Data::Array(array) => {
                let mut writer = sink.payload(".npy")?;
                array.write(&mut writer).map_err(|error| match error {
                    NpyError::Io(error) => error.into(),
                    error => HandlerError::Invalid { item: sink.name().to_owned(), reason: error.to_string() },
                })?;
                (array.header().clone(), writer)
            }
            Data::ArrayFile(path) => take_over(&path, sink)?,
            other => return Err(HandlerError::WrongKind { expected: "an array", found: other.kind().to_owned() }),
        };
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("shape".to_owned(), header.shape().into());
        fields.insert("dtype".to_owned(), header.dtype().name().into());
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let source = item.open_payload()?;
        let size = source.size();
        let array = NpyArray::read(&mut SourceReader::new(source), size).map_err(|error| failed(item, error))?;
        check_record(item, array.header())?;
        Ok(Data::Array(array))
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        open_array(item).map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(shape) = record.shape() {
            let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
            facts.push(("shape", format!("[{}]", lengths.join(", "))));
        }
        facts.extend(facts_of(record, &[("dtype", "dtype")]));
        facts
    }
}

/// Copies a `.npy` file whose header fits its size; its elements are of any value, so there is no more to check.
fn take_over(path: &Path, sink: &mut Sink<'_>) -> HandlerResult<(NpyHeader, PayloadWriter)> {
    let file = OutsideFile::open(path)?;
    let header = NpyHeader::read(&mut BufReader::new(file.handle()?))
        .and_then(|header| header.check_file_size(file.size()).map(|()| header))
        .map_err(|error| file.bad(error.to_string()))?;
    let mut writer = sink.payload(".npy")?;
    file.copy_to(&mut writer)?;
    Ok((header, writer))
}

/// An array in a bundle, of which only what is asked for is read.
#[derive(Debug, Clone)]
pub struct StoredArray {
    header: NpyHeader,
    source: Arc<dyn Source>,
    item: String,
}

/// Opens the array of an item without reading its elements.
///
/// # Errors
/// [`HandlerError::Damaged`] or [`HandlerError::Payload`] when the file is not what was recorded.
pub fn open_array(item: &Item<'_>) -> HandlerResult<StoredArray> {
    let source = item.open_payload()?;
    let header = NpyHeader::read(&mut SourceReader::new(source.clone())).map_err(|error| failed(item, error))?;
    header.check_file_size(source.size()).map_err(|error| failed(item, error))?;
    check_record(item, &header)?;
    Ok(StoredArray { header, source, item: item.name().to_owned() })
}

impl StoredArray {
    /// Type, shape and order.
    pub fn header(&self) -> &NpyHeader {
        &self.header
    }

    /// The whole `.npy` file.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The elements at these places, counted with the last index running fastest, whatever order the file has. Places
    /// behind the last element are left out.
    ///
    /// # Errors
    /// [`HandlerError::Invalid`] when the elements are of another type; [`HandlerError::Payload`] when they cannot be read.
    pub fn elements<T: Element>(&self, places: Range<u64>) -> HandlerResult<Vec<T>> {
        let invalid = |reason: String| HandlerError::Invalid { item: self.item.clone(), reason };
        // Elements of another type are not worth reading.
        self.header.decode::<T>(&[]).map_err(|error| invalid(error.to_string()))?;
        let end = places.end.min(self.header.len());
        let places = places.start.min(end)..end;
        let size = (places.end - places.start).checked_mul(self.header.dtype().item_size());
        let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
            return Err(invalid("too many elements".to_owned()));
        };
        let mut bytes = vec![0; size];
        match self.header.is_contiguous() {
            true => self.read(places.start, &mut bytes)?,
            false => self.gather(places, &mut bytes)?,
        }
        self.header.decode(&bytes).map_err(|error| invalid(error.to_string()))
    }

    /// Elements that lie side by side in the file, from this one on.
    fn read(&self, first: u64, bytes: &mut [u8]) -> HandlerResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let start = self.header.data_offset() + first * self.header.dtype().item_size();
        let failed = |source| HandlerError::Payload { item: self.item.clone(), source };
        self.source.read_exact_at(bytes, start).map_err(failed)
    }

    /// Elements that the file has in another order. Those that lie close together there are read at once: where the first
    /// index runs fastest, the elements of some rows are many short runs.
    fn gather(&self, places: Range<u64>, bytes: &mut [u8]) -> HandlerResult<()> {
        /// Reading so many bytes costs less than another call.
        const GAP: u64 = 4 << 10;
        /// At most so many are read at once.
        const SPAN: u64 = 1 << 20;
        let size = self.header.dtype().item_size();
        let mut wanted: Vec<(u64, usize)> = places.map(|place| self.header.file_place(place)).zip(0..).collect();
        wanted.sort_unstable();
        let (mut span, mut rest) = (Vec::new(), wanted.as_slice());
        while let Some(&(first, _)) = rest.first() {
            let is_near = |pair: &&[(u64, usize)]| {
                (pair[1].0 - pair[0].0) * size <= GAP && (pair[1].0 - first + 1) * size <= SPAN
            };
            let count = 1 + rest.windows(2).take_while(is_near).count();
            let (run, after) = rest.split_at(count);
            let last = run.last().map_or(first, |(place, _)| *place);
            span.resize(((last - first + 1) * size) as usize, 0);
            self.read(first, &mut span)?;
            for (place, index) in run {
                let (from, to, size) = (((place - first) * size) as usize, index * size as usize, size as usize);
                bytes[to..to + size].copy_from_slice(&span[from..from + size]);
            }
            rest = after;
        }
        Ok(())
    }
}

/// What the entry says of the array must be what its payload says.
fn check_record(item: &Item<'_>, header: &NpyHeader) -> HandlerResult<()> {
    if let Some(Value::Array(shape)) = item.record().get("shape") {
        let same = shape.len() == header.shape().len()
            && shape.iter().zip(header.shape()).all(|(recorded, found)| recorded.as_u64() == Some(*found));
        if !same {
            let (recorded, found) = (Value::from(shape.clone()), header.shape());
            return Err(item.damaged(format!("its entry records the shape {recorded}, and its payload has {found:?}")));
        }
    }
    // Names of structured types tell of alignment flags that a file does not keep, so only plain ones are compared.
    if let (Some(recorded), dtype @ Dtype::Scalar(_)) = (item.record().str("dtype"), header.dtype())
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
            HandlerError::Storage(source) => HandlerError::Payload { item: item.name().to_owned(), source },
            error => error,
        },
        error => item.damaged(error),
    }
}

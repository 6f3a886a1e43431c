//! What an Arrow IPC file or stream holds: its schema, and where its batches and dictionaries lie.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{Block, Endianness, MessageHeader, root_as_footer};

use super::layout::Layout;
use super::message::{self, Frame, Place};
use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;

const MAGIC: &[u8] = b"ARROW1";
/// The most rows of a batch, and of all: no file has more, and a header that claims more would only cost memory.
const MOST_ROWS: u64 = 1 << 40;

/// Everything that opening finds.
pub(super) struct Contents {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<BatchPlace>,
    pub(super) dictionaries: Vec<DictionaryPlace>,
}

/// A record batch.
#[derive(Debug)]
pub(super) struct BatchPlace {
    /// The number of its first row.
    pub(super) start: u64,
    pub(super) rows: u64,
    pub(super) compressed: bool,
    /// How many messages came before it. A batch has the dictionaries as they are then.
    pub(super) order: usize,
    place: Place,
    layout: OnceLock<Arc<Layout>>,
}

/// A dictionary, or what is added to one.
#[derive(Debug)]
pub(super) struct DictionaryPlace {
    pub(super) id: i64,
    pub(super) delta: bool,
    /// How many messages came before it. In a file all dictionaries come first.
    pub(super) order: usize,
    pub(super) place: Place,
}

impl BatchPlace {
    /// Where the buffers of the batch lie.
    pub(super) fn layout(&self, store: &Store, schema: &Schema) -> ColumnsResult<Arc<Layout>> {
        if let Some(layout) = self.layout.get() {
            return Ok(layout.clone());
        }
        let header = message::header(store, &self.place.header)?;
        let message = message::parse(store, &header)?;
        let Some(batch) = message.header_as_record_batch() else {
            return Err(ColumnsError::damaged(store.path(), "changed while it was open: a record batch is gone"));
        };
        let layout = Arc::new(Layout::new(store, &batch, message.version(), &self.place.body, schema.fields())?);
        if layout.rows != self.rows {
            return Err(ColumnsError::damaged(
                store.path(),
                "changed while it was open: a record batch has other rows",
            ));
        }
        Ok(self.layout.get_or_init(|| layout).clone())
    }
}

/// Reads the headers.
pub(super) fn walk(store: &Store) -> ColumnsResult<Contents> {
    if starts_with(store, MAGIC)? {
        return file(store);
    }
    if starts_with(store, b"FEA1")? {
        return Err(ColumnsError::unsupported(
            store.path(),
            "is Feather of version 1, which is not read; write it anew with pyarrow.feather.write_feather(..., version=2)",
        ));
    }
    stream(store)
}

fn starts_with(store: &Store, magic: &[u8]) -> ColumnsResult<bool> {
    let length = magic.len() as u64;
    Ok(store.length() >= length && store.bytes(0, length)?.as_slice() == magic)
}

fn file(store: &Store) -> ColumnsResult<Contents> {
    // Magic and padding, ..., footer, its length, magic.
    let cut = || ColumnsError::damaged(store.path(), "is an Arrow file that was cut off: its footer is missing");
    let end = store.length().checked_sub(10).filter(|end| *end >= 8).ok_or_else(cut)?;
    let tail = store.bytes(end, 10)?;
    let (length, magic) = tail.as_slice().split_at_checked(4).ok_or_else(cut)?;
    let length = i32::from_le_bytes(length.try_into().unwrap_or_default());
    let start = u64::try_from(length).ok().and_then(|length| end.checked_sub(length)).filter(|start| *start >= 8);
    let start = start.filter(|_| magic == MAGIC).ok_or_else(cut)?;
    let footer = message::header(store, &(start..end))?;
    let footer = root_as_footer(footer.as_slice())
        .map_err(|error| ColumnsError::damaged(store.path(), format!("has a footer that cannot be read: {error}")))?;
    let Some(schema) = footer.schema() else {
        return Err(ColumnsError::damaged(store.path(), "has a footer without a schema"));
    };
    let mut reading = Reading::new(store, schema)?;
    for block in footer.dictionaries().iter().flatten() {
        reading.block(block, start)?;
    }
    for block in footer.recordBatches().iter().flatten() {
        reading.block(block, start)?;
    }
    let contents = reading.contents;
    let mut first: Vec<i64> = contents.dictionaries.iter().filter(|one| !one.delta).map(|one| one.id).collect();
    first.sort_unstable();
    if first.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ColumnsError::damaged(
            store.path(),
            "has two dictionaries for the same column, which Arrow files cannot have; write it anew, or as a stream",
        ));
    }
    Ok(contents)
}

fn stream(store: &Store) -> ColumnsResult<Contents> {
    let none = || {
        ColumnsError::damaged(
            store.path(),
            "is neither an Arrow file nor an Arrow stream: it does not begin with a schema",
        )
    };
    if store.length() < 8 {
        return Err(none());
    }
    let Ok(Frame::Header(place)) = message::frame(store, 0) else { return Err(none()) };
    let header = message::header(store, &place)?;
    let message = message::parse(store, &header).map_err(|_| none())?;
    let schema = message.header_as_schema().ok_or_else(none)?;
    let mut at = message::body(store, place.end, message.bodyLength())?.end;
    let mut reading = Reading::new(store, schema)?;
    // A stream may end with a mark or without.
    while at < store.length() {
        let Frame::Header(header) = message::frame(store, at)? else { break };
        at = reading.message(header)?;
    }
    Ok(reading.contents)
}

struct Reading<'s> {
    store: &'s Store,
    contents: Contents,
    rows: u64,
    order: usize,
}

impl<'s> Reading<'s> {
    fn new(store: &'s Store, schema: arrow::ipc::Schema<'_>) -> ColumnsResult<Self> {
        if schema.endianness() != Endianness::Little {
            return Err(ColumnsError::unsupported(
                store.path(),
                "is of a machine whose numbers have the highest byte first; write it anew on one like this",
            ));
        }
        let schema = try_fb_to_schema(schema).map_err(|error| {
            ColumnsError::damaged(store.path(), format!("has a schema that cannot be read: {error}"))
        })?;
        let contents = Contents { schema: Arc::new(schema), batches: Vec::new(), dictionaries: Vec::new() };
        Ok(Self { store, contents, rows: 0, order: 0 })
    }

    /// A message that a footer points to.
    fn block(&mut self, block: &Block, footer: u64) -> ColumnsResult<()> {
        let outside = || {
            ColumnsError::damaged(
                self.store.path(),
                format!("has a footer that points to {} bytes at {}", block.bodyLength(), block.offset()),
            )
        };
        let start = u64::try_from(block.offset()).ok().filter(|start| *start < footer).ok_or_else(outside)?;
        let length = u64::try_from(block.metaDataLength()).ok().ok_or_else(outside)?;
        let Frame::Header(header) = message::frame(self.store, start)? else { return Err(outside()) };
        // The footer's length takes in the padding behind the header, and so does the header's own.
        let body =
            start.checked_add(length).filter(|body| *body >= header.end && *body <= footer).ok_or_else(outside)?;
        let end = self.message(header.start..body)?;
        if end > footer { Err(outside()) } else { Ok(()) }
    }

    /// Takes a message, and says where the next one begins.
    fn message(&mut self, header: Range<u64>) -> ColumnsResult<u64> {
        let bytes = message::header(self.store, &header)?;
        let message = message::parse(self.store, &bytes)?;
        let body = message::body(self.store, header.end, message.bodyLength())?;
        let end = body.end;
        let place = Place { header, body };
        let order = self.order;
        self.order += 1;
        match (message.header_type(), message.header_as_record_batch(), message.header_as_dictionary_batch()) {
            (MessageHeader::RecordBatch, Some(batch), _) => {
                let rows = u64::try_from(batch.length()).ok().filter(|rows| self.rows + rows <= MOST_ROWS);
                let Some(rows) = rows else {
                    let reason = format!("has a record batch that claims {} rows", batch.length());
                    return Err(ColumnsError::damaged(self.store.path(), reason));
                };
                self.contents.batches.push(BatchPlace {
                    start: self.rows,
                    rows,
                    compressed: batch.compression().is_some(),
                    order,
                    place,
                    layout: OnceLock::new(),
                });
                self.rows += rows;
            }
            (MessageHeader::DictionaryBatch, _, Some(batch)) => {
                self.contents.dictionaries.push(DictionaryPlace {
                    id: batch.id(),
                    delta: batch.isDelta(),
                    order,
                    place,
                });
            }
            (kind, ..) => {
                let name = kind.variant_name().unwrap_or("of an unknown kind");
                let reason = format!("has a message that is no record batch and no dictionary: {name}");
                return Err(ColumnsError::damaged(self.store.path(), reason));
            }
        }
        Ok(end)
    }
}

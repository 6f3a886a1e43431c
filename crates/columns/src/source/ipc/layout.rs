//! Where the buffers of a batch lie, and which of them are a column's.

use std::ops::Range;

use arrow::datatypes::{DataType, Field, FieldRef, UnionMode};
use arrow::ipc::{CompressionType, MetadataVersion, RecordBatch};

use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;

/// How the buffers of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Lz4,
    Zstd,
}

/// The nodes and buffers of a batch. All buffers lie within its body.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) rows: u64,
    pub(super) codec: Option<Codec>,
    nodes: Vec<Node>,
    /// Where each buffer lies in the file.
    buffers: Vec<Range<u64>>,
    /// How many buffers of bytes each column of views has.
    views: Vec<usize>,
    /// Where each column begins.
    columns: Vec<Cursor>,
    union_masks: bool,
}

/// What is said of an array, or of an array within one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) length: u64,
    pub(super) nulls: u64,
}

/// A place in the lists of a layout.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    node: usize,
    buffer: usize,
    view: usize,
}

impl Layout {
    pub(super) fn new(
        store: &Store,
        batch: &RecordBatch<'_>,
        version: MetadataVersion,
        body: &Range<u64>,
        fields: &[FieldRef],
    ) -> ColumnsResult<Self> {
        let damaged =
            |reason: String| ColumnsError::damaged(store.path(), format!("has a damaged record batch: {reason}"));
        let number = |value: i64| u64::try_from(value).map_err(|_| damaged(format!("a length is {value}")));
        let codec = match batch.compression().map(|compression| compression.codec()) {
            None => None,
            Some(CompressionType::LZ4_FRAME) => Some(Codec::Lz4),
            Some(CompressionType::ZSTD) => Some(Codec::Zstd),
            Some(other) => return Err(damaged(format!("it is compressed in a way that is not known ({})", other.0))),
        };
        let nodes = batch
            .nodes()
            .into_iter()
            .flatten()
            .map(|node| Ok(Node { length: number(node.length())?, nulls: number(node.null_count())? }));
        let size = body.end - body.start;
        let buffers = batch.buffers().into_iter().flatten().map(|buffer| {
            let (start, length) = (number(buffer.offset())?, number(buffer.length())?);
            match start.checked_add(length).filter(|end| *end <= size) {
                Some(end) => Ok(body.start + start..body.start + end),
                None => Err(damaged(format!("a buffer of {length} bytes at {start} is outside of its {size} bytes"))),
            }
        });
        let views = batch.variadicBufferCounts().into_iter().flatten().map(|count| Ok(number(count)? as usize));
        let mut layout = Self {
            rows: number(batch.length())?,
            codec,
            nodes: nodes.collect::<ColumnsResult<_>>()?,
            buffers: buffers.collect::<ColumnsResult<_>>()?,
            views: views.collect::<ColumnsResult<_>>()?,
            columns: Vec::with_capacity(fields.len()),
            union_masks: version < MetadataVersion::V5,
        };
        let mut cursor = Cursor::default();
        for field in fields {
            layout.columns.push(cursor);
            let node = layout.nodes.get(cursor.node).map(|node| node.length);
            layout
                .skip(&mut cursor, field)
                .ok_or_else(|| damaged(format!("it has no values for column '{}'", field.name())))?;
            if node != Some(layout.rows) {
                return Err(damaged(format!("column '{}' has other rows than it", field.name())));
            }
        }
        Ok(layout)
    }

    /// Where a column begins.
    pub(super) fn column(&self, column: usize) -> Cursor {
        self.columns.get(column).copied().unwrap_or_default()
    }

    pub(super) fn node(&self, cursor: &mut Cursor) -> Option<Node> {
        let node = self.nodes.get(cursor.node).copied();
        cursor.node += 1;
        node
    }

    pub(super) fn buffer(&self, cursor: &mut Cursor) -> Option<Range<u64>> {
        let buffer = self.buffers.get(cursor.buffer).cloned();
        cursor.buffer += 1;
        buffer
    }

    pub(super) fn view(&self, cursor: &mut Cursor) -> Option<usize> {
        let count = self.views.get(cursor.view).copied();
        cursor.view += 1;
        // As many buffers as there are, and not as many as are claimed.
        count.filter(|count| *count <= self.buffers.len())
    }

    /// Goes past an array; nothing where its nodes or buffers are not there.
    pub(super) fn skip(&self, cursor: &mut Cursor, field: &Field) -> Option<()> {
        self.node(cursor)?;
        let mut buffers = |count: usize| (0..count).try_for_each(|_| self.buffer(cursor).map(|_| ()));
        match field.data_type() {
            DataType::Null => {}
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => buffers(3)?,
            DataType::Utf8View | DataType::BinaryView => {
                buffers(2)?;
                let count = self.view(cursor)?;
                (0..count).try_for_each(|_| self.buffer(cursor).map(|_| ()))?;
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
                buffers(2)?;
                self.skip(cursor, item)?;
            }
            DataType::ListView(item) | DataType::LargeListView(item) => {
                buffers(3)?;
                self.skip(cursor, item)?;
            }
            DataType::FixedSizeList(item, _) => {
                buffers(1)?;
                self.skip(cursor, item)?;
            }
            DataType::Struct(fields) => {
                buffers(1)?;
                fields.iter().try_for_each(|field| self.skip(cursor, field))?;
            }
            DataType::RunEndEncoded(ends, values) => {
                self.skip(cursor, ends)?;
                self.skip(cursor, values)?;
            }
            DataType::Union(fields, mode) => {
                buffers(1 + usize::from(*mode == UnionMode::Dense) + usize::from(self.union_masks))?;
                fields.iter().try_for_each(|(_, field)| self.skip(cursor, field))?;
            }
            _ => buffers(2)?,
        }
        Some(())
    }
}

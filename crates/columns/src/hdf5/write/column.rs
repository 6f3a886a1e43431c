//! The writers of columns, one for each layout.

use arrow::array::{Array, ArrayRef, AsArray};

use crate::error::ColumnsResult;

use super::dictionary::{Recoder, Unified};
use super::faults;
use super::fixed::FixedWriter;
use super::group::Region;
use super::plan::Layout;
use super::stream::{Bits, Sink, Stream};
use super::text::Texts;

/// The writer of one column.
pub(super) enum ColumnWriter<'a> {
    /// Of values of fixed width.
    Fixed(FixedWriter<'a>),
    /// Of texts.
    Text(TextWriter<'a>),
    /// Of codes.
    Dictionary(DictionaryWriter<'a>),
}

impl<'a> ColumnWriter<'a> {
    pub(super) fn new(sink: Sink<'a>, layout: &'a Layout) -> ColumnsResult<Self> {
        Ok(match layout {
            Layout::Fixed { element, swaps, data, missing } => {
                Self::Fixed(FixedWriter::new(sink, *element, *swaps, Stream::new(sink, *data), missing))
            }
            Layout::Text { data, offsets, wide, bitmap } => {
                Self::Text(TextWriter::new(sink, *data, *offsets, *wide, *bitmap)?)
            }
            Layout::Dictionary { code, codes, unified, array, values } => {
                Self::Dictionary(DictionaryWriter::new(sink, code.width(), *codes, unified, (array, values)))
            }
        })
    }

    /// Writes the next rows.
    pub(super) fn write(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        match self {
            Self::Fixed(writer) => writer.write(array),
            Self::Text(writer) => writer.write(array),
            Self::Dictionary(writer) => writer.write(array),
        }
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> ColumnsResult<()> {
        match self {
            Self::Fixed(writer) => writer.finish(),
            Self::Text(writer) => writer.finish(),
            Self::Dictionary(writer) => writer.finish(),
        }
    }
}

/// The writer of texts: their bytes, where each begins, and which are there.
pub(super) struct TextWriter<'a> {
    sink: Sink<'a>,
    data: Stream<'a>,
    offsets: Stream<'a>,
    wide: bool,
    bitmap: Option<Bits<'a>>,
    total: u64,
}

impl<'a> TextWriter<'a> {
    fn new(sink: Sink<'a>, data: Region, offsets: Region, wide: bool, bitmap: Option<Region>) -> ColumnsResult<Self> {
        let mut writer = Self {
            sink,
            data: Stream::new(sink, data),
            offsets: Stream::new(sink, offsets),
            wide,
            bitmap: bitmap.map(|region| Bits::new(sink, region)),
            total: 0,
        };
        writer.offset(0)?;
        Ok(writer)
    }

    /// The text of the next row ends so many bytes after the one before it.
    fn offset(&mut self, length: usize) -> ColumnsResult<()> {
        self.total += length as u64;
        match self.wide {
            true => self.offsets.write(&(self.total as i64).to_ne_bytes()),
            // More bytes than were planned are refused by the stream of bytes, before they overflow.
            false => self.offsets.write(&(self.total as i32).to_ne_bytes()),
        }
    }

    fn write(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        let sink = self.sink;
        let stranger = || faults::column_changed(sink, "has got another type since layout");
        let texts = Texts::of(array).ok_or_else(stranger)?;
        let joined = texts.joined();
        if let Some(bytes) = joined {
            self.data.write(bytes)?;
        }
        if self.bitmap.is_none() && array.null_count() > 0 {
            return Err(faults::column_changed(self.sink, "misses a text, and layout saw none missing"));
        }
        for row in 0..texts.len() {
            let text = texts.get(row);
            if let (Some(text), None) = (text, joined) {
                self.data.write(text.as_bytes())?;
            }
            self.offset(text.map_or(0, str::len))?;
            if let Some(bitmap) = &mut self.bitmap {
                bitmap.push(text.is_some())?;
            }
        }
        Ok(())
    }

    fn finish(self) -> ColumnsResult<()> {
        self.data.finish()?;
        self.offsets.finish()?;
        self.bitmap.map_or(Ok(()), Bits::finish)
    }
}

/// The writer of codes, and at the end of the values that they stand for.
pub(super) struct DictionaryWriter<'a> {
    sink: Sink<'a>,
    width: usize,
    codes: Stream<'a>,
    recoder: Recoder<'a>,
    values: (&'a ArrayRef, &'a Layout),
}

impl<'a> DictionaryWriter<'a> {
    fn new(
        sink: Sink<'a>,
        width: usize,
        codes: Region,
        unified: &'a Unified,
        values: (&'a ArrayRef, &'a Layout),
    ) -> Self {
        Self { sink, width, codes: Stream::new(sink, codes), recoder: Recoder::new(unified), values }
    }

    fn write(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        let sink = self.sink;
        let stranger = || faults::column_changed(sink, "has got another type since layout");
        let batch = array.as_any_dictionary_opt().ok_or_else(stranger)?;
        for code in self.recoder.codes(sink, batch)? {
            let code = code?;
            match self.width {
                1 => self.codes.write(&(code as u8).to_ne_bytes())?,
                2 => self.codes.write(&(code as u16).to_ne_bytes())?,
                4 => self.codes.write(&(code as u32).to_ne_bytes())?,
                _ => self.codes.write(&code.to_ne_bytes())?,
            }
        }
        Ok(())
    }

    fn finish(self) -> ColumnsResult<()> {
        self.codes.finish()?;
        let (array, layout) = self.values;
        let mut values = ColumnWriter::new(self.sink, layout)?;
        values.write(array)?;
        values.finish()
    }
}

//! The pages of a column without nulls, one after the other.
//!
//! Their headers are read by themselves, so that rows which nobody wants are passed without a look at their values, and so that whoever
//! decodes values says where they go to. What the pages tell is compared with what the footer tells.

use std::ops::Range;

use bytes::Bytes;
use flate2::Crc;
use parquet::basic::{CompressionCodec, Encoding};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::decompress::Decompress;
use super::levels::{are_all_set, length_of};
use super::page_header::{PageHeader, PageKind};
use super::runs::Run;
use super::source::SourceFile;
use super::spare::Spare;

pub(super) type Result<T> = std::result::Result<T, ParquetError>;

/// Bytes that are read for a header at first, and at most: statistics in it can be long texts.
pub(super) const HEADER: usize = 256;
const LONGEST_HEADER: usize = 1 << 20;

/// What is left of the values of a page.
pub(super) trait PageValues {
    /// Leaves out so many; there are as many.
    ///
    /// # Errors
    /// For pages that are not what their headers say.
    fn pass(&mut self, count: usize) -> Result<()>;
}

/// A column in a row group of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct InGroup<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) group: &'a RowGroupMetaData,
    /// Which of the group's columns it is.
    pub(super) leaf: usize,
}

/// The pages of a column in some row groups, of one file or several. `V` is what becomes of the values of a page when the first of them is wanted.
pub(super) struct Pages<V> {
    memory: Spare,
    /// How the values of a page may be encoded.
    encodings: &'static [u64],
    /// Whether pages tell which values are null, to say that none is.
    has_levels: bool,
    chunks: std::vec::IntoIter<Chunk>,
    /// What is left of the row group in progress, and how many there were before.
    chunk: Chunk,
    number: usize,
    /// Its dictionary, when the page was met.
    dictionary: Option<Page>,
    page: Option<(Page, Option<V>)>,
    /// Rows of the beginning that nobody wants.
    skipped: u64,
    decompress: Decompress,
}

/// The column in a row group.
#[derive(Debug, Clone)]
struct Chunk {
    file: SourceFile,
    bytes: Range<u64>,
    /// Where the pages begin, also when only those from a later one on are left.
    start: u64,
    rows: u64,
    is_compressed: bool,
}

/// A page whose header is read.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) header: PageHeader,
    /// Where its bytes begin.
    pub(super) start: u64,
    pub(super) is_compressed: bool,
    /// Values that were given or left out.
    pub(super) taken: usize,
}

impl Page {
    pub(super) fn left(&self) -> usize {
        self.header.values - self.taken
    }
}

impl<V: PageValues> Pages<V> {
    /// The pages of a column in these row groups, where `is_read` of each and its pages are of a kind that can be read here.
    pub(super) fn new<'a>(
        memory: &Spare,
        groups: impl Iterator<Item = InGroup<'a>>,
        skipped: u64,
        encodings: &'static [u64],
        is_read: impl Fn(&ColumnChunkMetaData) -> bool,
    ) -> Option<Self> {
        let mut found: Option<bool> = None;
        let mut chunks = Vec::new();
        for InGroup { file, group, leaf } in groups {
            let column = group.columns().get(leaf)?;
            let has_levels = levels_of(column).filter(|_| is_read(column))?;
            if *found.get_or_insert(has_levels) != has_levels {
                return None;
            }
            let (start, length) = column.byte_range();
            let rows = u64::try_from(group.num_rows()).ok().filter(|_| column.num_values() == group.num_rows())?;
            let is_compressed = column.compression_codec() != CompressionCodec::UNCOMPRESSED;
            let bytes = start..start.checked_add(length)?;
            chunks.push(Chunk { file: file.clone(), bytes, start, rows, is_compressed });
        }
        let file = chunks.first()?.file.clone();
        Some(Self {
            memory: memory.clone(),
            encodings,
            has_levels: found?,
            chunks: chunks.into_iter(),
            chunk: Chunk { file, bytes: 0..0, start: 0, rows: 0, is_compressed: false },
            number: 0,
            dictionary: None,
            page: None,
            skipped,
            decompress: Decompress::default(),
        })
    }

    /// Begins with the page that has the first wanted row, where those of the first row group are known: those before it are not
    /// looked at, of which each is a request where the file is on a store.
    pub(super) fn at_page(mut self, pages: &[PageLocation]) -> Self {
        let first_row = |page: &PageLocation| u64::try_from(page.first_row_index).ok();
        let page = pages.iter().rfind(|page| first_row(page).is_some_and(|row| row <= self.skipped));
        if let (Some(page), Some(chunk)) = (page, self.chunks.as_mut_slice().first_mut())
            && let (Some(rows), Ok(offset)) = (first_row(page), u64::try_from(page.offset))
            && rows < chunk.rows
            && chunk.bytes.contains(&offset)
        {
            chunk.bytes.start = offset;
            chunk.rows -= rows;
            self.skipped -= rows;
        }
        self
    }

    /// The file of the row group in progress.
    pub(super) fn file(&self) -> &SourceFile {
        &self.chunk.file
    }

    /// Which of the row groups is in progress.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Gives the values of the next runs of rows to `to`, page by page: what `open` made of a page when it was begun, how many of its values
    /// were given or left out, and how many are wanted.
    ///
    /// # Errors
    /// Those of the file and of the functions; for pages that are not what the footer says.
    pub(super) fn read(
        &mut self,
        runs: &[Run],
        mut open: impl FnMut(&mut Self, &Page) -> Result<V>,
        mut to: impl FnMut(&mut V, usize, usize) -> Result<()>,
    ) -> Result<()> {
        for run in runs {
            // Most runs of rows here and there lie in the page that was begun.
            if let Some((page, Some(values))) = &mut self.page
                && self.skipped == 0
                && let Some(left) = page.left().checked_sub(run.wanted)
                && let Ok(passed) = usize::try_from(run.passed)
                && passed <= left
            {
                if passed > 0 {
                    values.pass(passed)?;
                }
                to(values, page.taken + passed, run.wanted)?;
                page.taken += passed + run.wanted;
                continue;
            }
            self.skipped = self.skipped.saturating_add(run.passed);
            self.skip()?;
            let mut left = run.wanted;
            while left > 0 {
                self.page()?;
                if let Some((page, None)) = &self.page {
                    let page = page.clone();
                    let values = open(self, &page)?;
                    self.page = Some((page, Some(values)));
                }
                let Some((page, Some(values))) = &mut self.page else { return Err(damaged("its rows end early")) };
                let count = page.left().min(left);
                to(values, page.taken, count)?;
                page.taken += count;
                left -= count;
            }
        }
        Ok(())
    }

    /// Passes the rows that nobody wants, without a look at their values.
    fn skip(&mut self) -> Result<()> {
        while self.skipped > 0 {
            self.page()?;
            let Some((page, values)) = &mut self.page else { return Err(damaged("its rows end early")) };
            let count = page.left().min(usize::try_from(self.skipped).unwrap_or(usize::MAX));
            // Of a page that is passed to its end nothing is wanted any more.
            if let Some(values) = values.as_mut().filter(|_| count < page.left()) {
                values.pass(count)?;
            }
            page.taken += count;
            self.skipped -= count as u64;
        }
        Ok(())
    }

    /// Sees to it that there is the page with the next value; at the end there is none.
    fn page(&mut self) -> Result<()> {
        while self.page.as_ref().is_none_or(|(page, _)| page.left() == 0) {
            self.page = None;
            while self.chunk.rows == 0 {
                let Some(chunk) = self.chunks.next() else { return Ok(()) };
                self.chunk = chunk;
                self.number += 1;
                self.dictionary = None;
            }
            let page = self.next_page()?;
            // What is left of the column must be pages, too, and without a row.
            while self.chunk.rows == 0 && !self.chunk.bytes.is_empty() {
                self.next_page()?;
            }
            self.page = Some((page, None));
        }
        Ok(())
    }

    /// Reads the header of the next page of the row group.
    fn next_page(&mut self) -> Result<Page> {
        let page = self.page_at(self.chunk.bytes.start)?;
        let header = &page.header;
        match header.kind {
            PageKind::Data | PageKind::Other => {}
            PageKind::Dictionary { .. } if self.dictionary.is_some() => return Err(damaged("it has two dictionaries")),
            PageKind::Dictionary { .. } => self.dictionary = Some(page.clone()),
            PageKind::DataV2 { rows, nulls, .. } => {
                if nulls > 0 || rows != header.values as u64 {
                    return Err(damaged("a page has nulls, and the footer tells of none"));
                }
            }
        }
        let has_rows = matches!(header.kind, PageKind::Data | PageKind::DataV2 { .. });
        if has_rows && !self.encodings.contains(&header.encoding) {
            return Err(damaged("a page is encoded in another way than the footer says"));
        }
        let rows = self.chunk.rows.checked_sub(header.values as u64);
        self.chunk.rows = rows.ok_or_else(|| damaged("its pages have more rows than the row group"))?;
        self.chunk.bytes.start = page.start + header.stored as u64;
        Ok(page)
    }

    /// Reads the header of the page that begins here, and sees to it that the page lies in its row group.
    fn page_at(&self, start: u64) -> Result<Page> {
        let end = self.chunk.bytes.end;
        let left = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut window = HEADER.min(left);
        let mut buffer = [0; HEADER];
        self.chunk.file.read_at(&mut buffer[..window], start)?;
        let mut header = PageHeader::parse(&buffer[..window]);
        while header.is_none() && window < left.min(LONGEST_HEADER) {
            window = window.saturating_mul(4).min(left).min(LONGEST_HEADER);
            let mut longer = vec![0; window];
            self.chunk.file.read_at(&mut longer, start)?;
            header = PageHeader::parse(&longer);
        }
        let header = header.ok_or_else(|| damaged("a page has no header"))?;
        let start = start + header.length as u64;
        if start.checked_add(header.stored as u64).is_none_or(|page| page > end) {
            return Err(damaged("a page is longer than its column"));
        }
        let is_compressed = match header.kind {
            PageKind::DataV2 { is_compressed, .. } => is_compressed && self.chunk.is_compressed,
            PageKind::Data | PageKind::Dictionary { .. } | PageKind::Other => self.chunk.is_compressed,
        };
        Ok(Page { header, start, is_compressed, taken: 0 })
    }

    /// The dictionary of the row group in progress, which its pages begin with.
    ///
    /// # Errors
    /// Those of the file; where there is none.
    pub(super) fn dictionary(&mut self) -> Result<Page> {
        if let Some(page) = &self.dictionary {
            return Ok(page.clone());
        }
        let page = self.page_at(self.chunk.start)?;
        if !matches!(page.header.kind, PageKind::Dictionary { .. }) {
            return Err(damaged("it has no dictionary"));
        }
        Ok(self.dictionary.insert(page).clone())
    }

    /// The bytes of a page, decompressed.
    ///
    /// # Errors
    /// Those of the file; for bytes that are not what the header says.
    pub(super) fn hold(&mut self, page: &Page) -> Result<Bytes> {
        let header = &page.header;
        let stored = self.memory.filled(header.stored, |to| self.chunk.file.read_at(to, page.start))?;
        if let Some(expected) = header.crc {
            let mut crc = Crc::new();
            crc.update(&stored);
            if crc.sum() != expected {
                return Err(damaged("a page has another checksum than its header says"));
            }
        }
        if !page.is_compressed {
            return Ok(stored);
        }
        let levels = match header.kind {
            PageKind::DataV2 { level_bytes, .. } => level_bytes,
            PageKind::Data | PageKind::Dictionary { .. } | PageKind::Other => 0,
        };
        let values = stored.get(levels..).ok_or_else(|| damaged("a page ends early"))?;
        let length = header.whole.checked_sub(levels).ok_or_else(|| damaged("a page ends early"))?;
        self.memory.filled(length, |to| {
            // Pages without a value can be without a byte.
            let found = if values.is_empty() { 0 } else { self.decompress.to(values, to)? };
            if found == length { Ok(()) } else { Err(damaged("a page has another length than its header says")) }
        })
    }

    /// Where the values begin in the bytes of a page, behind levels which say that none is null. The bytes are [held](Self::hold), or
    /// `None` for those that stay in the file as they are.
    ///
    /// # Errors
    /// Those of the file; for pages that have nulls.
    pub(super) fn values_start(&self, page: &Page, held: Option<&Bytes>) -> Result<usize> {
        match (page.header.kind, held) {
            // Those of the second version are not compressed: they were left behind.
            (PageKind::DataV2 { .. }, _) if page.is_compressed => Ok(0),
            (PageKind::DataV2 { level_bytes, .. }, _) => Ok(level_bytes),
            _ if !self.has_levels => Ok(0),
            (_, Some(held)) => levels_before(held, page.header.values),
            (_, None) => self.stored_levels(page),
        }
    }

    /// The length of what stands before the values of a page that is stored as it is, and says that none is null.
    fn stored_levels(&self, page: &Page) -> Result<usize> {
        // One run of equal levels takes a few bytes.
        let mut few = [0; 64];
        let few = &mut few[..page.header.stored.min(64)];
        self.chunk.file.read_at(few, page.start)?;
        if let Ok(length) = levels_before(few, page.header.values) {
            return Ok(length);
        }
        let all = self.memory.filled(page.header.stored, |to| self.chunk.file.read_at(to, page.start))?;
        levels_before(&all, page.header.values)
    }
}

/// The length of the levels that a page begins with, which say that none of its values is null.
fn levels_before(page: &[u8], count: usize) -> Result<usize> {
    let levels = page.split_first_chunk().and_then(|(length, rest)| rest.get(..length_of(*length, rest.len())?));
    let levels = levels.ok_or_else(|| damaged("a page ends early"))?;
    match are_all_set(levels, count) {
        true => Ok(4 + levels.len()),
        false => Err(damaged("a page has nulls, and the footer tells of none")),
    }
}

/// Whether pages have levels, where the column has no nulls and is no list, and its pages are compressed in a way that is known here.
fn levels_of(column: &ColumnChunkMetaData) -> Option<bool> {
    let of = column.column_descr();
    let is_flat = of.max_rep_level() == 0 && of.max_def_level() <= 1 && column.column_path().parts().len() == 1;
    let has_levels = of.max_def_level() == 1;
    let nulls = column.statistics().and_then(|statistics| statistics.null_count_opt());
    let levels_say_nothing = !has_levels
        // Levels of the first Parquet are packed in another way, which a page tells too late.
        || nulls == Some(0) && !column.encodings_mask().is_set(BIT_PACKED);
    let is_known = matches!(column.compression_codec(), CompressionCodec::UNCOMPRESSED | CompressionCodec::ZSTD);
    (cfg!(target_endian = "little") && is_flat && levels_say_nothing && is_known).then_some(has_levels)
}

#[allow(deprecated, reason = "old files have it")]
const BIT_PACKED: Encoding = Encoding::BIT_PACKED;

pub(super) fn damaged(reason: &str) -> ParquetError {
    ParquetError::General(reason.to_owned())
}

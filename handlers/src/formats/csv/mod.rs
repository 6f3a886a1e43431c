//! CSV and TSV: one pass over the file to find the types, one to give the rows. Or a single one, with the types of the first
//! rows, in which all others are watched.

mod block;
mod columns;
mod flaw;
mod infer;
mod instant;
mod records;
mod watch;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use indexmap::IndexMap;

use self::block::Block;
use self::flaw::Flaw;
use self::infer::Seen;
use self::instant::Instant;
use self::records::{Dialect, Splitter};
use self::watch::Watch;
use super::detect::{Found, sniff_delimiter};
use super::input::{Meter, TableFile};
use super::{
    BATCH_BYTES, Compression, DEFAULT_NULL_VALUES, ImportOptions, MAX_COLUMNS, TableFormat, bad, decoder_error,
    invalid, parse_type, quoted,
};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, Blame, GuardedReader};
use crate::table::places;

pub(super) use self::columns::{Chosen, Column, Nulls, column};

type Content = Box<dyn Read + Send>;

/// Days since 1970 of a text that is an ISO date and nothing more.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    Instant::parse(text).filter(|instant| instant.time.is_none()).map(|instant| instant.days)
}

pub(super) fn open(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let source = Source::new(file, found, options)?;
    let limit = Limit { rows: options.infer_rows.unwrap_or(u64::MAX), bytes: u64::MAX };
    let first = source.infer(options, limit, (0, 2))?;
    let again = source.start_again(&first.wanted, options)?;
    source.reader(first.wanted, again, Expected { rows: first.rows, watch: None }, options)
}

/// Opens a file with the types of its first rows, of `guessed_from` bytes or a little more; these are kept until they are
/// given out. When a later value shows that over all rows another type would have been found, reading ends with an error,
/// and the flag is set.
pub(super) fn open_guessing(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    guessed_from: u64,
    misjudged: &Arc<AtomicBool>,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let source = Source::new(file, found, options)?;
    let first = source.infer(options, Limit { rows: u64::MAX, bytes: guessed_from }, (0, 1))?;
    let watch = first.rows.is_none().then(|| Watch::new(first.open, &first.wanted.schema, Arc::clone(misjudged)));
    source.reader(first.wanted, first.rest, Expected { rows: first.rows, watch }, options)
}

/// What was seen in the columns of several files, by their names.
#[derive(Debug, Default)]
pub(super) struct CsvColumns(IndexMap<String, Seen>);

impl CsvColumns {
    /// The columns, with the types that hold all values.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.0.iter().map(|(name, seen)| Field::new(name, seen.data_type(), true))
    }
}

/// Takes in the columns of one of several files; the number of its rows where all were looked at.
pub(super) fn look(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    columns: &mut CsvColumns,
) -> HandlerResult<Option<u64>> {
    let options = ImportOptions { types: BTreeMap::new(), columns: None, ..options.clone() };
    let limit = Limit { rows: options.infer_rows.unwrap_or(u64::MAX), bytes: u64::MAX };
    let first = Source::new(file, found, &options)?.infer(&options, limit, (0, 2))?;
    for (field, &place) in first.wanted.schema.fields().iter().zip(&first.wanted.places) {
        columns.0.entry(field.name().clone()).or_default().merge(first.seen[place]);
    }
    Ok(first.rows)
}

/// Opens one of several files with the types that the table has. `wanted` are the columns to be read, where not all are; those
/// that the file does not have are left out.
pub(super) fn open_as(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    table: &Schema,
    wanted: Option<&SchemaRef>,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let plain = ImportOptions { types: BTreeMap::new(), columns: None, ..options.clone() };
    let source = Source::new(file, found, options)?;
    let Wanted { schema, places, width, .. } = source.infer(&plain, Limit { rows: 0, bytes: u64::MAX }, (0, 2))?.wanted;
    let (mut fields, mut kept, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
    for (field, place) in schema.fields().iter().zip(places) {
        if wanted.is_some_and(|wanted| wanted.column_with_name(field.name()).is_none()) {
            continue;
        }
        let Some((_, field)) = table.column_with_name(field.name()) else {
            return Err(bad(&source.file.path, "was changed while it was read: try again"));
        };
        fields.push(field.clone());
        kept.push(place);
        chosen.push(if options.types.contains_key(field.name()) { Chosen::ByCaller } else { Chosen::ByValues });
    }
    let wanted = Wanted { schema: Arc::new(Schema::new(fields)), places: kept, chosen, width };
    let again = source.start_again(&wanted, options)?;
    source.reader(wanted, again, Expected { rows: None, watch: None }, options)
}

/// How much memory a byte of text may take where the first rows are held; that of a field of one digit takes five.
const ROOM_PER_BYTE: u64 = 6;

/// How much of the file is looked at to find the types.
struct Limit {
    rows: u64,
    bytes: u64,
}

/// What is known after looking.
struct First {
    wanted: Wanted,
    /// Number of rows, where all were looked at.
    rows: Option<u64>,
    /// What was seen in the columns whose type may still change: their places among the wanted ones, and in the file.
    open: Vec<(usize, usize, Seen)>,
    /// What was seen in each column of the file.
    seen: Vec<Seen>,
    /// The rows, where this is the only pass.
    rest: Rest,
}

/// Rows that are not in a batch yet: some that are split already, and what follows them.
struct Rest {
    held: VecDeque<Block>,
    splitter: Splitter<Content>,
}

/// What the rows to come must agree with.
struct Expected {
    rows: Option<u64>,
    watch: Option<Watch>,
}

/// A CSV file and how it is written.
struct Source {
    file: TableFile,
    compression: Compression,
    dialect: Dialect,
    nulls: Nulls,
    has_header: bool,
    /// The delimiter was neither given nor found in the file.
    delimiter_assumed: bool,
}

/// The columns that are read, by their place in the file.
struct Wanted {
    schema: SchemaRef,
    places: Vec<usize>,
    /// For each of them, who chose its type.
    chosen: Vec<Chosen>,
    /// Number of columns of the file.
    width: usize,
}

impl Source {
    fn new(file: TableFile, found: &Found, options: &ImportOptions) -> HandlerResult<Self> {
        let compression = found.compression;
        let delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None if found.format == TableFormat::Tsv => b'\t',
            None if found.sniff_delimiter => sniff_delimiter(&file, compression)?,
            None => b',',
        };
        let dialect = Dialect::new(options, delimiter).map_err(|reason| invalid(&file.path, reason))?;
        let delimiter_assumed = options.delimiter.is_none() && !found.sniff_delimiter;
        let nulls = match &options.null_values {
            Some(texts) => Nulls::new(texts),
            None => Nulls::new(&DEFAULT_NULL_VALUES.map(str::to_owned)),
        };
        Ok(Self { file, compression, dialect, nulls, has_header: options.has_header, delimiter_assumed })
    }

    fn error(&self, flaw: Flaw) -> HandlerError {
        flaw.into_error(&self.file, self.compression)
    }

    /// Starts a pass: the splitter behind the header, and the names of the columns. Without a header the block holds the
    /// first record of the table.
    fn start(&self, meter: Meter, block: &mut Block) -> HandlerResult<(Splitter<Content>, Vec<String>)> {
        let mut splitter = Splitter::new(self.file.content(self.compression, meter)?, self.dialect);
        let names = self.names(&mut splitter, block).map_err(|flaw| self.error(flaw))?;
        Ok((splitter, names))
    }

    fn names(&self, splitter: &mut Splitter<Content>, block: &mut Block) -> Result<Vec<String>, Flaw> {
        if !splitter.first(block)? {
            return Err(Flaw::File("is empty: it has not even a header".to_owned()));
        }
        let cells = block.text()?;
        let width = cells.width();
        if width > MAX_COLUMNS {
            return Err(Flaw::Line(
                cells.line(0, 0),
                format!("{width} columns, and at most {MAX_COLUMNS} can be read"),
            ));
        }
        let mut names = Vec::with_capacity(width);
        let mut seen = HashSet::with_capacity(width);
        for place in 0..width {
            let text = cells.get(0, place).ok_or_else(|| cells.split_character(0, place))?;
            let name = match text {
                text if self.has_header && !text.is_empty() => text.to_owned(),
                _ => format!("column_{}", place + 1),
            };
            if !seen.insert(name.clone()) {
                return Err(Flaw::Line(cells.line(0, place), format!("two columns are called {}", quoted(&name))));
            }
            names.push(name);
        }
        if let [name] = names.as_slice()
            && self.has_header
            && self.delimiter_assumed
            && let Some(other) = [';', '\t', '|', ','].into_iter().find(|other| name.contains(*other))
        {
            let (line, one) = (cells.line(0, 0), quoted(name));
            // Commas in a file that is called TSV, or the reverse: its name tells the wrong format.
            let format = match other {
                ',' => Some(TableFormat::Csv),
                '\t' => Some(TableFormat::Tsv),
                _ => None,
            };
            let (option, value, give) = match format {
                Some(format) => ("format", format.to_string(), format!("give the format {format}")),
                None => ("delimiter", other.to_string(), "give that as the delimiter".to_owned()),
            };
            let reason =
                format!("line {line}: one column called {one}: if the fields are separated by {other:?}, {give}");
            return Err(Flaw::Needs { reason, option, value });
        }
        Ok(names)
    }

    /// Finds the type of every wanted column. This is pass `pass` of `passes` over the file; what a single one reads is kept.
    fn infer(&self, options: &ImportOptions, limit: Limit, (pass, passes): (u64, u64)) -> HandlerResult<First> {
        let path = &self.file.path;
        let mut block = Block::default();
        let meter = Meter::new(options.progress.as_ref(), self.file.size, pass, passes);
        let (mut splitter, names) = self.start(meter, &mut block)?;
        let width = names.len();
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let places = match &options.columns {
            Some(wanted) => places(path, &columns, wanted)?,
            None => (0..width).collect(),
        };
        let given = self.given_types(&names, options)?;
        let mut seen = vec![Seen::default(); width];
        let mut open: Vec<usize> = places.iter().copied().filter(|place| !given.contains_key(place)).collect();
        let (mut rows, mut bytes, mut room) = (0, 0, 0);
        let mut has_block = !self.has_header;
        let mut held = VecDeque::new();
        let (keeps, most) = if passes == 1 { (true, options.batch_size) } else { (false, usize::MAX) };
        let complete = loop {
            if !has_block && !splitter.next(&mut block, width, most).map_err(|flaw| self.error(flaw))? {
                break true;
            }
            has_block = false;
            let cells = block.text().map_err(|flaw| self.error(flaw))?;
            let taken = usize::try_from(limit.rows - rows).unwrap_or(usize::MAX).min(cells.rows());
            for row in 0..taken {
                for &place in &open {
                    let column = &mut seen[place];
                    if column.is_settled() {
                        continue;
                    }
                    let text = cells.get(row, place).ok_or_else(|| self.error(cells.split_character(row, place)))?;
                    if !self.nulls.contain(text) {
                        column.add(text);
                    }
                }
            }
            // Columns that are strings already need no further look; the records are still split, which counts and
            // checks them.
            open.retain(|&place| !seen[place].is_settled());
            rows += taken as u64;
            bytes += cells.bytes() as u64;
            if keeps {
                room += block.room() as u64;
                held.push_back(std::mem::take(&mut block));
            }
            // Empty fields have no text, and what is held of them takes room all the same.
            if rows == limit.rows || bytes >= limit.bytes || room / ROOM_PER_BYTE >= limit.bytes {
                break false;
            }
        };
        let fields = places.iter().map(|&place| {
            let data_type = given.get(&place).cloned().unwrap_or_else(|| seen[place].data_type());
            Field::new(&names[place], data_type, true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let by_caller = |place| if given.contains_key(place) { Chosen::ByCaller } else { Chosen::ByValues };
        let chosen = places.iter().map(by_caller).collect();
        let open = places.iter().enumerate().filter(|(_, place)| open.contains(place));
        let open = open.map(|(index, &place)| (index, place, seen[place])).collect();
        let wanted = Wanted { schema, places, chosen, width };
        Ok(First { wanted, rows: complete.then_some(rows), open, seen, rest: Rest { held, splitter } })
    }

    fn given_types(&self, names: &[String], options: &ImportOptions) -> HandlerResult<HashMap<usize, DataType>> {
        let mut given = HashMap::with_capacity(options.types.len());
        for (name, text) in &options.types {
            let Some(place) = names.iter().position(|known| known == name) else {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                return Err(self.file.path.unknown_column(name, &known));
            };
            given.insert(place, parse_type(text)?);
        }
        Ok(given)
    }

    /// Starts the second pass.
    fn start_again(&self, wanted: &Wanted, options: &ImportOptions) -> HandlerResult<Rest> {
        let mut block = Block::default();
        let meter = Meter::new(options.progress.as_ref(), self.file.size, 1, 2);
        let (splitter, names) = self.start(meter, &mut block)?;
        if names.len() != wanted.width {
            return Err(bad(&self.file.path, "was changed while it was read: try again"));
        }
        Ok(Rest { held: (!self.has_header).then_some(block).into_iter().collect(), splitter })
    }

    /// Gives the rows.
    fn reader(
        self,
        wanted: Wanted,
        rest: Rest,
        expected: Expected,
        options: &ImportOptions,
    ) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let places = wanted.places.iter().zip(&wanted.chosen).zip(wanted.schema.fields());
        let columns = places.map(|((&place, &chosen), field)| {
            column(field.data_type(), chosen, place, field.name())
                .ok_or_else(|| invalid(&self.file.path, format!("text cannot be read as {}", field.data_type())))
        });
        let path = self.file.path.clone();
        let schema = Arc::clone(&wanted.schema);
        let batches = CsvBatches {
            columns: columns.collect::<HandlerResult<_>>()?,
            schema: wanted.schema,
            width: wanted.width,
            rest,
            block: Block::default(),
            batch_size: options.batch_size.max(1),
            expected,
            read: 0,
            ended: false,
            source: self,
        };
        Ok(Box::new(GuardedReader::new(&path, schema, batches)))
    }
}

struct CsvBatches {
    source: Source,
    schema: SchemaRef,
    width: usize,
    rest: Rest,
    block: Block,
    columns: Vec<Box<dyn Column>>,
    batch_size: usize,
    expected: Expected,
    read: u64,
    ended: bool,
}

impl Batches for CsvBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (0, 0);
        while !self.ended && rows < self.batch_size && bytes < BATCH_BYTES {
            let limit = self.batch_size - rows;
            match self.rest.held.pop_front() {
                Some(block) if block.rows() <= limit => self.block = block,
                Some(block) => {
                    self.rest.held.push_front(block);
                    break;
                }
                None => {
                    let more = self.rest.splitter.next(&mut self.block, self.width, limit);
                    if !more.map_err(|flaw| self.source.error(flaw))? {
                        self.ended = true;
                        break;
                    }
                }
            }
            let cells = self.block.text().map_err(|flaw| self.source.error(flaw))?;
            if let Some(watch) = &mut self.expected.watch {
                watch.look(cells, &self.source.nulls).map_err(|flaw| self.source.error(flaw))?;
            }
            for column in &mut self.columns {
                column.extend(cells, &self.source.nulls).map_err(|flaw| self.source.error(flaw))?;
            }
            rows += cells.rows();
            bytes += cells.bytes();
        }
        self.read += rows as u64;
        if self.ended {
            self.source.file.check_unchanged()?;
            if self.expected.rows.is_some_and(|expected| expected != self.read) {
                return Err(bad(&self.source.file.path, "was changed while it was read: try again"));
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(|column| column.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map(Some)
            .map_err(|error| decoder_error(&self.source.file.path, "cannot be read", error))
    }
}

#[cfg(test)]
mod tests;

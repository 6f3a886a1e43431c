//! What DuckDB is given to read: files that were checked, and streams of what it cannot read by itself.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafolio_columns::Frame;
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{Footers, HandlerError, Item, TableReadOptions, plain_parquet_files, read_ranges, read_table};
use datafolio_sql::{Asked, ByNumber, Exposed, Quoted, Relation, Scannable, Streamed, TableName, check};
use datafolio_storage::{OutsidePlaces, Storage, Verification, VerifiedCache};

use super::frames::{self, is_frame};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::table::{refuse_folded, refuse_inexact};
use crate::view::view_of;

/// Views that stand on each other, at most.
const DEEPEST: usize = 64;

/// Schema and name as DuckDB tells them apart: without regard to case.
type Key = (Option<String>, String);

/// A version that a query reads.
#[derive(Debug, Clone)]
pub(crate) struct ReadInput {
    /// The snapshot that it was read from; `None` for the state that the handle sees.
    pub(crate) snapshot: Option<String>,
    /// What the catalogue says of it.
    pub(crate) record: Arc<ItemRecord>,
    /// Its version.
    pub(crate) version: String,
}

/// The snapshot that the names of a view are looked up in.
#[derive(Clone)]
struct Within {
    schema: String,
    folio: Arc<DataFolio>,
}

/// Collects what a query reads: tables, and views with all that they stand on before them.
pub(crate) struct Exposer<'a> {
    folio: &'a DataFolio,
    /// A table that goes by another name in the query.
    argument: Option<(&'a str, &'a Arc<ItemRecord>)>,
    /// Frames that go before items of their names.
    frames: &'a [(String, Frame)],
    /// What the query asks of the rows of the one table that it names.
    asked: Option<Asked>,
    seen: HashSet<Key>,
    /// The views that are being looked into, the innermost last.
    open: Vec<(Key, String)>,
    /// Whether the outermost of them is only being made.
    is_making: bool,
    /// In an order in which DuckDB can be told of them.
    pub(crate) exposed: Vec<Exposed>,
    /// All versions that are read, views included.
    pub(crate) read: Vec<ReadInput>,
}

impl<'a> Exposer<'a> {
    pub(crate) fn new(folio: &'a DataFolio, argument: Option<(&'a str, &'a Arc<ItemRecord>)>) -> Self {
        Self {
            folio,
            argument,
            frames: &[],
            asked: None,
            seen: HashSet::new(),
            open: Vec::new(),
            is_making: false,
            exposed: Vec::new(),
            read: Vec::new(),
        }
    }

    /// With frames that the query may name.
    pub(crate) fn with_frames(self, frames: &'a [(String, Frame)]) -> Self {
        Self { frames, ..self }
    }

    /// With what the query asks of the rows of the one table that it names.
    pub(crate) fn with_asked(self, asked: Option<Asked>) -> Self {
        Self { asked, ..self }
    }

    /// Takes what was exposed by another as known.
    pub(crate) fn know_exposed(&mut self) {
        self.seen = self.exposed.iter().map(|table| key(table.schema.as_deref(), &table.name)).collect();
    }

    /// A view that is about to get this name: what leads back to it is a cycle.
    pub(crate) fn begin_view(&mut self, name: &str) {
        self.is_making = true;
        self.open.push((key(None, name), name.to_owned()));
    }

    /// A table or view that a query names.
    pub(crate) fn add(&mut self, table: &TableName) -> Result<()> {
        self.add_within(None, table)
    }

    /// A table that a query lists, and does not read: one that cannot be read is no reason not to list it.
    pub(crate) fn add_name(&mut self, table: &TableName) -> Result<()> {
        if self.seen.insert(key(table.schema.as_deref(), &table.name)) {
            let relation = Relation::View(check(&Quoted::unchanged("SELECT 1"))?);
            self.exposed.push(Exposed { schema: table.schema.clone(), name: table.name.clone(), relation });
        }
        Ok(())
    }

    fn add_within(&mut self, within: Option<&Within>, table: &TableName) -> Result<()> {
        let schema = table.schema.clone().or_else(|| within.map(|within| within.schema.clone()));
        let key = key(schema.as_deref(), &table.name);
        if let Some(at) = self.open.iter().position(|(open, _)| *open == key) {
            let path = self.open[at..].iter().map(|(_, name)| name.clone()).collect();
            return Err(Error::ViewCycle { path });
        }
        let argument = self.argument.filter(|(name, _)| key.0.is_none() && table.name.eq_ignore_ascii_case(name));
        let frame = self.frames.iter().find(|(name, _)| key.0.is_none() && is_frame(name, table));
        let other = argument.map(|(name, _)| name).or(frame.map(|(name, _)| name.as_str()));
        if let (Some(name), Some((_, view))) = (other, self.open.last()) {
            return Err(Error::Invalid(format!(
                "view '{view}' reads an item called '{name}', which is the name of another table in this query: give \
                 the item another name"
            )));
        }
        if !self.seen.insert(key.clone()) {
            return Ok(());
        }
        if let Some((name, frame)) = frame {
            let relation = frames::relation(name, frame, self.folio.settings().threads)?;
            self.exposed.push(Exposed { schema, name: table.name.clone(), relation });
            return Ok(());
        }
        let (folio, record) = match (argument, within) {
            (Some((_, record)), _) => (None, Arc::clone(record)),
            (None, Some(within)) if table.schema.is_none() => {
                let (_, record) = self.explained(within.folio.resolve(table), &within.folio, &table.name)?;
                (Some(within.clone()), record)
            }
            (None, _) => {
                let found = self.explained(self.folio.resolve(table), self.folio, &table.name)?;
                let schema = schema.clone();
                (found.0.zip(schema).map(|(folio, schema)| Within { schema, folio: Arc::new(folio) }), found.1)
            }
        };
        let handle = folio.as_ref().map_or(self.folio, |within| within.folio.as_ref());
        let version = match argument {
            Some(_) => record.str("version_id").unwrap_or_default().to_owned(),
            None => handle.state().item(record.name())?.token(),
        };
        let snapshot = folio.as_ref().map(|within| within.schema.clone());
        let relation = match (handle.frame_of_view(&record)?, view_of(&record)?) {
            (Some(frame), _) => {
                for below in frame.origins() {
                    let (record, version) = (handle.record(&below.name)?, below.version.clone());
                    self.note(ReadInput { snapshot: snapshot.clone(), record, version });
                }
                frames::relation(record.name(), &frame, self.folio.settings().threads)?
            }
            (None, None) => {
                let columns = record.strings("columns");
                if columns.is_empty() && record.get("columns").is_some_and(serde_json::Value::is_array) {
                    let reason = "it has no columns, and a table of SQL has one at least".to_owned();
                    return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
                }
                refuse_folded(record.name(), columns)?;
                match self.asked.as_ref().filter(|_| self.open.is_empty()) {
                    Some(asked) => handle.relation_asked(&record, asked)?,
                    None => handle.relation(&record)?,
                }
            }
            (None, Some(view)) => {
                if self.open.len() >= DEEPEST {
                    return Err(Error::Invalid(format!(
                        "view '{}' stands on more than {DEEPEST} views, one on the other: store one of them with derive",
                        record.name()
                    )));
                }
                // What a bundle says may come from anyone: a view passes the gate each time it is read.
                let checked = check(&Quoted::unchanged(view.sql(record.name())?))?;
                if checked.lists_tables {
                    return Err(Error::Invalid(format!("view '{}' lists the tables of the bundle", record.name())));
                }
                self.open.push((key, record.name().to_owned()));
                for inner in &checked.tables {
                    self.add_within(folio.as_ref(), inner)?;
                }
                self.open.pop();
                Relation::View(checked)
            }
        };
        self.note(ReadInput { snapshot, record, version });
        self.exposed.push(Exposed { schema, name: table.name.clone(), relation });
        Ok(())
    }

    /// A version that is read, once: a table may be read by itself and below the state of a frame.
    fn note(&mut self, input: ReadInput) {
        let is_same = |other: &ReadInput| {
            (&other.snapshot, other.record.name(), &other.version)
                == (&input.snapshot, input.record.name(), &input.version)
        };
        if !self.read.iter().any(is_same) {
            self.read.push(input);
        }
    }

    /// A name that a view reads and that is not there is told as what became of it.
    fn explained<T>(&self, found: Result<T>, folio: &DataFolio, input: &str) -> Result<T> {
        let view = self.open.last().filter(|_| !(self.is_making && self.open.len() == 1)).map(|(_, view)| view.clone());
        let Some(view) = view else { return found };
        match found {
            Err(Error::NoSuchTable { name, .. }) => {
                let record = folio.record(&view)?;
                let renamed_to = crate::view::renamed_input(&record, input).filter(|to| folio.contains(to));
                Err(Error::InputGone { item: view, input: name, renamed_to })
            }
            Err(Error::NoSuchSchema { name, .. }) => {
                Err(Error::InputGone { item: view, input: format!("{name}.{input}"), renamed_to: None })
            }
            found => found,
        }
    }
}

fn key(schema: Option<&str>, name: &str) -> Key {
    let schema = schema.filter(|schema| !schema.eq_ignore_ascii_case("main"));
    (schema.map(str::to_lowercase), name.to_lowercase())
}

impl DataFolio {
    /// A table as a relation of DuckDB. DuckDB does not notice flipped bits, so a file that was not checked on this machine is
    /// checked now, unless that is turned off.
    pub(crate) fn relation(&self, record: &Arc<ItemRecord>) -> Result<Relation> {
        let item = self.handler_item(record);
        if let Some(paths) = plain_parquet_files(&item)? {
            if record.item_type() != item_type::REFERENCED_TABLE {
                self.verify_files(record)?;
            }
            // DuckDB would make floating-point numbers of long decimals; a stream tells when one is asked for.
            if !self.has_inexact(record)? {
                return Ok(Relation::Parquet(paths));
            }
        }
        Ok(Relation::Stream(Arc::new(self.stream(record)?)))
    }

    /// A table as a stream of rows.
    pub(crate) fn stream(&self, record: &Arc<ItemRecord>) -> Result<TableStream> {
        let record = self.pinned_record(Arc::clone(record))?;
        let schema = read_table(&self.handler_item(&record), &TableReadOptions::default())?.schema();
        Ok(self.stream_of(record, schema))
    }

    /// The same of a version of which it is known which columns are wanted of it.
    pub(crate) fn stream_of(&self, record: Arc<ItemRecord>, schema: SchemaRef) -> TableStream {
        TableStream {
            verification: self.handler_item(&record).verification(),
            record,
            storage: Arc::clone(self.storage()),
            verified: self.verified().clone(),
            places: self.places().cloned(),
            schema,
            picked: None,
            ranges: None,
            footers: None,
            are_texts_keyed: false,
        }
    }

    /// Columns of a table, for a query that numbers its rows, where that pays. The schema is the one that they are to have.
    ///
    /// DuckDB reads a column here and there no more slowly, and of several less fast than they are read here. A file that others write could be
    /// replaced meanwhile, and the numbers be those of the one before.
    pub(crate) fn fetched(
        &self,
        record: &Arc<ItemRecord>,
        relation: &Relation,
        schema: SchemaRef,
    ) -> Option<Arc<dyn ByNumber>> {
        let is_own = record.item_type() != item_type::REFERENCED_TABLE;
        if !is_own || !matches!(relation, Relation::Parquet(_)) || schema.fields().len() < 2 {
            return None;
        }
        Some(Arc::new(self.stream_of(Arc::clone(record), schema)))
    }
}

/// A table that is read here: streamed into a query, or behind one that numbers its rows.
#[derive(Debug, Clone)]
pub(crate) struct TableStream {
    record: Arc<ItemRecord>,
    storage: Arc<dyn Storage>,
    verification: Verification,
    verified: VerifiedCache,
    places: Option<Arc<dyn OutsidePlaces>>,
    schema: SchemaRef,
    /// These rows alone.
    picked: Option<Arc<[u64]>>,
    /// The rows of these ranges alone, of a Delta table.
    ranges: Option<Arc<[Range<u64>]>>,
    /// What was read of its files already, where they are opened again and again.
    footers: Option<Footers>,
    /// Whether texts of stretches may be [`keyed_texts`](datafolio_handlers::keyed_texts).
    are_texts_keyed: bool,
}

impl TableStream {
    /// These rows of it alone, by ascending numbers.
    pub(crate) fn picked(self, rows: Arc<[u64]>) -> Self {
        Self { picked: Some(rows), ..self }
    }

    /// With footers that are kept.
    pub(crate) fn with_footers(self, footers: &Footers) -> Self {
        Self { footers: Some(footers.clone()), ..self }
    }

    /// With texts in the form in which they are compared soonest, where all rows of a stretch are wanted.
    pub(crate) fn with_keyed_texts(self) -> Self {
        Self { are_texts_keyed: true, ..self }
    }

    /// How its columns are read for [`ByNumber`].
    fn part(&self) -> TableReadOptions {
        let mut part = TableReadOptions::default();
        part.columns = Some(self.schema.fields().iter().map(|field| field.name().clone()).collect());
        part.footers = self.footers.clone();
        part
    }

    fn item(&self) -> Item<'_> {
        Item::new(&self.record, &self.storage, self.verification, &self.verified).with_places(self.places.as_ref())
    }

    /// The rows of a Delta table alone that lie in these ranges, which ascend and do not touch.
    pub(crate) fn within(self, ranges: Arc<[Range<u64>]>) -> Self {
        Self { ranges: Some(ranges), ..self }
    }
}

impl ByNumber for TableStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(
        &self,
        numbers: Arc<[u64]>,
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let mut part = self.part();
        part.rows = Some(numbers);
        Ok(read_table(&self.item(), &part)?)
    }
}

impl Scannable for TableStream {
    fn stretch(
        &self,
        rows: Range<u64>,
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let mut part = self.part();
        part.offset = rows.start;
        part.limit = Some(rows.end - rows.start);
        part.are_texts_keyed = self.are_texts_keyed;
        Ok(read_table(&self.item(), &part)?)
    }

    fn only(&self, places: &[usize]) -> Arc<dyn ByNumber> {
        let fields = places.iter().filter_map(|place| self.schema.fields().get(*place)).cloned();
        let schema = Schema::new_with_metadata(fields.collect::<Fields>(), self.schema.metadata().clone());
        Arc::new(Self { schema: Arc::new(schema), ..self.clone() })
    }
}

impl Streamed for TableStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        if let Some(ranges) = &self.ranges {
            return Some(ranges.iter().map(|rows| rows.end - rows.start).sum());
        }
        if let Some(rows) = &self.picked {
            return Some(rows.len() as u64);
        }
        // What an entry says of a file that others write is no more than a guess.
        (self.record.item_type() != item_type::REFERENCED_TABLE).then(|| self.record.count("num_rows")).flatten()
    }

    fn open(
        &self,
        columns: &[String],
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let item = self.item();
        let wanted = columns.iter().filter_map(|name| self.schema.fields().find(name));
        refuse_inexact(item.name(), wanted.map(|(_, field)| &**field))?;
        let mut part = TableReadOptions::default();
        part.columns = Some(columns.to_vec());
        part.rows = self.picked.clone();
        match &self.ranges {
            Some(ranges) => {
                let rows = read_ranges(&item, &part, Arc::clone(ranges))?;
                Ok(rows.ok_or_else(|| format!("table '{}' is not read by ranges of its rows", item.name()))?)
            }
            None => Ok(read_table(&item, &part)?),
        }
    }
}

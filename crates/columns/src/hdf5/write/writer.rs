//! The writer: `create`, `layout`, `write`, `finish`.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use datafolio_core::counted;

use crate::error::ColumnsResult;

use super::append::{Existing, MARKER};
use super::fill::{Meter, Pace, fill};
use super::format::{SUPERBLOCK, entry, superblock};
use super::group::{ALIGNMENT, Image, Link};
use super::kind::Kind;
use super::plan::{self, Column};
use super::rows::Rows;
use super::stream::Sink;
use super::survey::{survey, surveyed};
use super::target::Target;
use super::{Hdf5Mode, Hdf5WriteOptions, Progress, faults, names};

/// Writes a table to an HDF5 file.
///
/// The file appears under its name when [`finish`](Self::finish) returns, whole or not at all. What is dropped before, or has
/// failed, leaves nothing behind; only a process that is killed leaves a hidden `.name.*.tmp` beside it.
#[derive(Debug)]
pub struct Hdf5Writer {
    path: PathBuf,
    group: Vec<String>,
    swaps: bool,
    existing: Option<Existing>,
    target: Option<Target>,
    state: State,
}

#[derive(Debug)]
enum State {
    Created,
    LaidOut(Table),
    Written,
    Failed,
}

#[derive(Debug)]
struct Table {
    schema: SchemaRef,
    rows: u64,
    origin: u64,
    columns: Vec<Column>,
}

impl Hdf5Writer {
    /// Begins a file of this name.
    pub fn create(path: impl AsRef<Path>, options: Hdf5WriteOptions) -> ColumnsResult<Self> {
        let path = path.as_ref().to_owned();
        let group = names::components(&options.group)?;
        let existing = match options.mode {
            Hdf5Mode::Write => None,
            Hdf5Mode::Append => Existing::open(&path)?,
        };
        if let Some(existing) = &existing {
            existing.levels(&group)?;
        }
        let target = Some(Target::create(&path)?);
        Ok(Self { path, group, swaps: options.byte_order.swaps(), existing, target, state: State::Created })
    }

    /// Begins a file without a name in a directory, of which nothing is left if the process is killed.
    pub(crate) fn unnamed(dir: &Path, options: &Hdf5WriteOptions) -> ColumnsResult<Self> {
        let (path, group) = (dir.to_owned(), names::components(&options.group)?);
        let target = Some(Target::unnamed(dir)?);
        Ok(Self { path, group, swaps: options.byte_order.swaps(), existing: None, target, state: State::Created })
    }

    /// The whole file without a name.
    pub(crate) fn into_file(mut self) -> ColumnsResult<File> {
        match (&self.state, self.target.take()) {
            (State::Written, Some(target)) => target.into_file(),
            _ => Err(faults::order(&self.path, "nothing was written")),
        }
    }

    /// Looks at the rows, and makes room for them: once over those columns whose room depends on their values.
    pub fn layout(&mut self, rows: &dyn Rows, progress: Option<Progress<'_>>) -> ColumnsResult<()> {
        match self.state {
            State::Created => {}
            State::LaidOut(_) | State::Written => return Err(faults::order(&self.path, "layout was called before")),
            State::Failed => return Err(faults::order(&self.path, "an earlier call failed")),
        }
        let table = self.laid_out(rows, progress).inspect_err(|_| self.fail())?;
        self.state = State::LaidOut(table);
        Ok(())
    }

    /// Writes the rows that `layout` has seen.
    ///
    /// At most `chunk_size` rows (rounded up to a multiple of 8) of `column_count` columns are turned into bytes at once, by each
    /// of `threads` threads. With no threads, or one, it is done by the caller's. Every so many columns the rows are walked again.
    pub fn write(
        &mut self,
        rows: &dyn Rows,
        chunk_size: usize,
        column_count: usize,
        threads: usize,
        progress: Option<Progress<'_>>,
    ) -> ColumnsResult<()> {
        match self.state {
            State::LaidOut(_) => {}
            State::Created => return Err(faults::order(&self.path, "layout must be called before write")),
            State::Written => return Err(faults::order(&self.path, "the rows were written before")),
            State::Failed => return Err(faults::order(&self.path, "an earlier call failed")),
        }
        let chunk = chunk_size.max(1).checked_next_multiple_of(8).unwrap_or(usize::MAX);
        let pace = Pace { chunk, columns: column_count.max(1), threads };
        self.filled(rows, pace, progress).inspect_err(|_| self.fail())?;
        self.state = State::Written;
        Ok(())
    }

    /// Brings the file to the disk and under its name, in place of what was there.
    pub fn finish(mut self) -> ColumnsResult<()> {
        match self.state {
            State::Written => {}
            State::Created => return Err(faults::order(&self.path, "nothing was laid out")),
            State::LaidOut(_) => return Err(faults::order(&self.path, "nothing was written")),
            State::Failed => return Err(faults::order(&self.path, "an earlier call failed")),
        }
        if let Some(existing) = &self.existing {
            existing.check_unchanged()?;
        }
        // Closed before it is replaced, which some systems ask for.
        self.existing = None;
        self.target.take().map_or(Ok(()), Target::commit)
    }

    /// Drops what there is of the file.
    fn fail(&mut self) {
        self.state = State::Failed;
        self.target = None;
    }

    fn laid_out(&mut self, rows: &dyn Rows, progress: Option<Progress<'_>>) -> ColumnsResult<Table> {
        let (schema, count) = (rows.schema(), rows.rows());
        if schema.fields().is_empty() {
            return Err(faults::empty(&self.path, "columns"));
        }
        if count == 0 {
            return Err(faults::empty(&self.path, "rows"));
        }
        names::check(&self.path, &schema)?;
        let kinds: Vec<Kind> =
            schema.fields().iter().map(|field| Kind::of(&self.path, field)).collect::<ColumnsResult<_>>()?;
        let meter = Meter::new(count.saturating_mul(surveyed(&schema, &kinds).len() as u64), progress);
        let found = survey(&self.path, rows, &schema, &kinds, &meter)?;

        let base = self.existing.as_ref().map_or(SUPERBLOCK, |existing| existing.length.next_multiple_of(ALIGNMENT));
        let mut image = Image::new(base);
        let name = self.group.last().map_or("", String::as_str);
        let (table, columns) = plan::table(&self.path, &mut image, name, (&schema, &kinds, found), count, self.swaps)?;
        let root = self.root(&mut image, table)?;
        let finished = image.finish();
        let Some(target) = &mut self.target else { return Err(faults::order(&self.path, "an earlier call failed")) };
        if let Some(existing) = &mut self.existing {
            target.copy(&mut existing.file, existing.length)?;
        }
        target.set_length(finished.end)?;
        target.write(&superblock(finished.end, &entry(0, root.header, root.scratch)), 0)?;
        target.write(&finished.bytes, base)?;
        meter.add(0)?;
        Ok(Table { schema, rows: count, origin: finished.origin, columns })
    }

    /// The groups on the way to the table, with what they hold already.
    fn root(&self, image: &mut Image, table: Link) -> ColumnsResult<Link> {
        let mut levels = match &self.existing {
            Some(existing) => existing.levels(&self.group)?,
            None => Vec::new(),
        };
        levels.resize(self.group.len(), Vec::new());
        let mut link = table;
        for (depth, mut members) in levels.into_iter().enumerate().rev() {
            members.retain(|member| member.name != link.name);
            members.push(link);
            link = match depth.checked_sub(1).and_then(|above| self.group.get(above)) {
                Some(name) => image.group(name, members, &[])?,
                None => image.group("", members, &[MARKER])?,
            };
        }
        Ok(link)
    }

    fn filled(&mut self, rows: &dyn Rows, pace: Pace, progress: Option<Progress<'_>>) -> ColumnsResult<()> {
        let (State::LaidOut(table), Some(target)) = (&self.state, &self.target) else {
            return Err(faults::order(&self.path, "layout must be called before write"));
        };
        if rows.schema().fields() != table.schema.fields() {
            return Err(faults::changed(&self.path, "the columns are not those of layout"));
        }
        if rows.rows() != table.rows {
            let reason = format!("there are {}, and layout saw {}", counted(rows.rows(), "row"), table.rows);
            return Err(faults::changed(&self.path, &reason));
        }
        let sink = Sink { file: &target.file, path: &self.path, column: "", origin: table.origin };
        let meter = Meter::new(table.rows.saturating_mul(table.columns.len() as u64), progress);
        fill(sink, rows, &table.schema, &table.columns, pace, &meter)
    }
}

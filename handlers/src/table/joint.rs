//! Parquet files of one table that are read as if they were one: each column goes on from file to file.
//!
//! Read one after the other, the rows where one file ends and the next begins would have to be copied into one batch, and the end of
//! each file be waited for.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use parquet::arrow::ProjectionMask;

use super::direct::DirectColumn;
use super::file_rows::{FileRows, Sizes};
use super::pages::InGroup;
use super::parquet_read::{Columns, ParquetBatches, ParquetFile};
use super::spare::Spare;
use super::split_columns::SplitColumns;
use super::wanted::{decoded_bytes, first_leaves, fitting_rows, shared_out, waiting};
use super::window::Window;
use super::{TableReadOptions, TableReader, dates};
use crate::error::HandlerResult;
use crate::guard::{GuardedReader, InPayload, guarded};

/// The rows of files behind `skipped` ones, of which there are `rows`; `None` where the files differ in a wanted column, or one is of a kind
/// that is not decoded here.
///
/// # Errors
/// When no thread is to be had, and those of the columns.
pub(super) fn read_joint(
    blame: &InPayload,
    files: &[ParquetFile],
    names: &[String],
    part: &TableReadOptions,
    (skipped, rows): (u64, u64),
) -> HandlerResult<Option<TableReader>> {
    guarded(blame, || {
        let Some(joint) = Joint::new(files, names, skipped) else { return Ok(None) };
        let others = part.batch_rows.min(joint.fitting).max(1);
        let sizes = Sizes { first: part.first_rows.filter(|first| (1..=others).contains(first)), others, rows };
        let share = |bytes: u64| u64::try_from(u128::from(bytes) * u128::from(rows) / u128::from(joint.rows.max(1)));
        let bytes: Vec<(usize, u64)> =
            joint.bytes.iter().map(|bytes| share(*bytes).unwrap_or(*bytes)).enumerate().collect();
        let shares = shared_out(&bytes, part);
        let is_split = shares.is_some();
        let groups = shares.unwrap_or_else(|| vec![(0..names.len()).collect()]);
        let Some(mut readers) =
            groups.iter().map(|places| joint.open(places, part, sizes)).collect::<Option<Vec<FileRows>>>()
        else {
            return Ok(None);
        };
        let mut fields: Vec<Option<Arc<Field>>> = vec![None; names.len()];
        for (places, reader) in groups.iter().zip(&readers) {
            for (place, field) in places.iter().zip(reader.schema().fields()) {
                if let Some(to) = fields.get_mut(*place) {
                    *to = Some(Arc::clone(field));
                }
            }
        }
        let metadata = files.first().map(|file| file.schema.metadata().clone()).unwrap_or_default();
        let fields: Vec<Arc<Field>> = fields.into_iter().flatten().collect();
        let decoded = Arc::new(Schema::new_with_metadata(fields, metadata));
        let given = dates::restored_schema(&decoded);
        let restored = (given != decoded).then(|| Arc::clone(&given));
        let columns = match readers.pop() {
            Some(only) if !is_split => Columns::Whole(Box::new(only)),
            last => {
                readers.extend(last);
                let (decoders, waiting) =
                    (part.decoders.clone().unwrap_or_default(), waiting(sizes.others, joint.fitting));
                Columns::Split(SplitColumns::start(&decoders, blame, decoded, readers, part.threads, waiting)?)
            }
        };
        let batches = ParquetBatches::new(columns, restored, blame.clone(), rows);
        let window = Window::new(batches, blame.clone(), Arc::clone(&given), None);
        Ok(Some(Box::new(GuardedReader::blaming(blame.clone(), given, window)) as TableReader))
    })
}

/// Whether a file can be read with others, for all that is known of it alone.
pub(super) fn can_be_joint(file: &ParquetFile, names: &[String]) -> bool {
    let memory = Spare::for_arrays();
    let joint = Joint::new(std::slice::from_ref(file), names, 0);
    joint.is_some_and(|joint| {
        let mut columns = joint.columns.iter();
        columns.all(|(field, groups)| {
            DirectColumn::new(&memory, field.data_type(), groups.iter().copied(), 0).is_some() || groups.is_empty()
        })
    })
}

/// The wanted columns of several files.
struct Joint<'a> {
    /// Each in the row groups of all files, as the first file has it.
    columns: Vec<(Arc<Field>, Vec<InGroup<'a>>)>,
    /// Bytes of each, when all of it is decoded.
    bytes: Vec<u64>,
    skipped: u64,
    rows: u64,
    /// How many rows fit a batch.
    fitting: usize,
}

impl<'a> Joint<'a> {
    fn new(files: &'a [ParquetFile], names: &[String], mut skipped: u64) -> Option<Self> {
        let mut columns: Vec<(Arc<Field>, Vec<InGroup<'a>>)> = Vec::with_capacity(names.len());
        let (mut rows, mut fitting) = (0_u64, usize::MAX);
        let mut passed = 0;
        for (number, file) in files.iter().enumerate() {
            let (metadata, parquet) = (file.metadata(), file.metadata().file_metadata().schema_descr());
            let leaves = first_leaves(parquet);
            if number == 0 {
                // Row groups that nobody wants a row of.
                for group in metadata.row_groups() {
                    let rows = group.num_rows().max(0).unsigned_abs();
                    if rows > skipped {
                        break;
                    }
                    (skipped, passed) = (skipped - rows, passed + 1);
                }
            }
            let groups = metadata.row_groups().get(passed..).unwrap_or_default();
            passed = 0;
            let mut roots = Vec::with_capacity(names.len());
            for (place, name) in names.iter().enumerate() {
                let (root, field) = file.decoded().fields().find(name)?;
                let leaf = *leaves.get(root)?;
                roots.push(root);
                match columns.get(place) {
                    Some((known, _)) if known.data_type() != field.data_type() => return None,
                    Some((known, _)) if known.metadata() != field.metadata() => return None,
                    Some(_) => {}
                    None => columns.push((Arc::clone(field), Vec::new())),
                }
                let (_, to) = columns.get_mut(place)?;
                to.extend(groups.iter().map(|group| InGroup { file: file.source(), group, leaf }));
            }
            let mask = ProjectionMask::roots(parquet, roots);
            fitting = fitting.min(fitting_rows(groups, &mask));
            rows = groups.iter().map(|group| group.num_rows().max(0).unsigned_abs()).fold(rows, u64::saturating_add);
        }
        let of = |groups: &[InGroup<'_>]| {
            let columns = groups.iter().filter_map(|group| group.group.columns().get(group.leaf));
            columns.map(decoded_bytes).fold(0, u64::saturating_add)
        };
        let bytes = columns.iter().map(|(_, groups)| of(groups)).collect();
        Some(Self { columns, bytes, skipped, rows, fitting })
    }

    /// A reader of some of the columns.
    fn open(&self, places: &[usize], part: &TableReadOptions, sizes: Sizes) -> Option<FileRows> {
        let (mut fields, mut direct, memory) = (Vec::new(), Vec::new(), Spare::for_arrays());
        for (at, place) in places.iter().enumerate() {
            let (field, groups) = self.columns.get(*place)?;
            let groups = groups.iter().copied();
            let column = DirectColumn::new(&memory, field.data_type(), groups, self.skipped)?;
            let (column, given) = if part.are_texts_keyed { column.keyed(field) } else { (column, Arc::clone(field)) };
            fields.push(given);
            direct.push((at, column));
        }
        Some(FileRows::new(Arc::new(Schema::new(fields)), None, direct, sizes, None))
    }
}

//! Which bytes of a file will be read: those of whole columns, or of the pages with wanted rows.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;

use super::Wanted;

impl Wanted<'_> {
    /// The bytes of the wanted columns: of all of them, or, of few rows, of the pages that hold these, where the file tells where pages are.
    pub(in super::super) fn stretches(&self, roots: &[usize]) -> Vec<Range<u64>> {
        let metadata = self.footer.metadata();
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied());
        let groups: Vec<usize> = self.groups.clone().unwrap_or_else(|| (0..metadata.num_row_groups()).collect());
        let rows = super::rows_of(metadata, &groups);
        let is_in_every_page = self.selection.is_some() && self.is_in_every_page();
        if !is_in_every_page && (self.selection.is_some() || self.rows < rows / 2) {
            return self.of_pages(&groups, &mask);
        }
        let groups = groups.into_iter().map(|group| metadata.row_group(group));
        let chunks = groups.flat_map(|group| group.columns().iter().enumerate());
        let wanted = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, chunk)| chunk.byte_range());
        wanted.map(|(start, length)| start..start.saturating_add(length)).collect()
    }

    /// The bytes of the pages with wanted rows, and of the dictionaries before them.
    fn of_pages(&self, groups: &[usize], mask: &ProjectionMask) -> Vec<Range<u64>> {
        let metadata = self.footer.metadata();
        let Some(index) = metadata.page_index() else { return Vec::new() };
        let all = usize::try_from(super::rows_of(metadata, groups)).unwrap_or(usize::MAX);
        let range = || {
            let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(all);
            let end = start.saturating_add(usize::try_from(self.rows).unwrap_or(usize::MAX)).min(all);
            RowSelection::from_consecutive_ranges(std::iter::once(start..end), all)
        };
        let mut rest = self.selection.clone().unwrap_or_else(range);
        let mut stretches = Vec::new();
        for group in groups {
            let columns = metadata.row_group(*group);
            let here = rest.split_off(usize::try_from(columns.num_rows()).unwrap_or(0));
            if !here.selects_any() {
                continue;
            }
            for (leaf, column) in columns.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf)) {
                let Some(pages) = index.offset_index(*group, leaf).map(|index| index.page_locations()) else {
                    continue;
                };
                let (start, length) = column.byte_range();
                let end = start.saturating_add(length);
                let first = pages.first().and_then(|page| u64::try_from(page.offset).ok()).unwrap_or(start);
                if first > start {
                    stretches.push(start..first.min(end));
                }
                // What an index tells of other places is not read.
                let wanted = here.scan_ranges(pages).into_iter();
                stretches.extend(
                    wanted.map(|page| page.start.max(start)..page.end.min(end)).filter(|page| !page.is_empty()),
                );
            }
        }
        stretches
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::sync::{Arc, Mutex};

    use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use datafolio_storage::{FileIdentity, Source, StorageResult};
    use parquet::file::properties::WriterProperties;

    use super::*;
    use crate::guard::Batches;
    use crate::table::test_files::{InMemory, encoded};
    use crate::table::{ParquetFile, SourceFile, TableReadOptions};

    /// What was told that it would be read, and what was read then.
    #[derive(Debug, Default)]
    struct Told {
        planned: Option<Vec<Range<u64>>>,
        read: Vec<Range<u64>>,
    }

    #[derive(Debug)]
    struct Listening(InMemory, Arc<Mutex<Told>>);

    impl Source for Listening {
        fn size(&self) -> u64 {
            self.0.size()
        }

        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
            let mut told = self.1.lock().unwrap();
            if told.planned.is_some() {
                told.read.push(offset..offset + buffer.len() as u64);
            }
            self.0.read_exact_at(buffer, offset)
        }

        fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
            self.1.lock().unwrap().planned = Some(stretches());
        }

        fn identity(&self) -> Option<FileIdentity> {
            None
        }

        fn try_clone_file(&self) -> Option<io::Result<File>> {
            None
        }
    }

    const ROWS: i64 = 40_000;
    const AT_ONCE: u64 = 8 << 10;

    fn file() -> Vec<u8> {
        let columns: [(&str, ArrayRef); 4] = [
            ("n", Arc::new(Int64Array::from_iter_values(0..ROWS))),
            ("x", Arc::new((0..ROWS).map(|n| (n % 3 > 0).then_some(n as f64)).collect::<Float64Array>())),
            ("few", Arc::new(StringArray::from_iter_values((0..ROWS).map(|n| ["some", "few"][n as usize % 2])))),
            ("text", Arc::new(StringArray::from_iter_values((0..ROWS).map(|n| format!("text of row {n}"))))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)));
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(1_000)
            .set_write_batch_size(500)
            .set_dictionary_page_size_limit(10_000)
            .set_max_row_group_row_count(Some(16_000));
        encoded(&batch.unwrap(), properties)
    }

    #[test]
    fn what_is_read_was_planned_and_little_else_was() {
        let bytes = file();
        let few = |rows: &[u64]| TableReadOptions { rows: Some(rows.into()), ..TableReadOptions::default() };
        let range = |offset, limit| TableReadOptions { offset, limit: Some(limit), ..TableReadOptions::default() };
        for (part, rows, most) in [
            (range(0, 10), 10, 8),
            (range(20_500, 3_000), 3_000, 6),
            (range(15_990, 20), 20, 6),
            (few(&[0, 5, 39_999]), 3, 6),
            (few(&[17_000]), 1, 8),
            (TableReadOptions::default(), ROWS as usize, 1),
        ] {
            let told = Arc::new(Mutex::new(Told::default()));
            let source = SourceFile::new(Arc::new(Listening(InMemory(bytes.clone()), Arc::clone(&told))));
            let name = "t".to_owned();
            let (_, mut batches) = ParquetFile::open(&name, source, &part).unwrap().read(&name, &part).unwrap();
            let mut found = 0;
            while let Some(batch) = batches.next_batch().unwrap() {
                found += batch.num_rows();
            }
            assert_eq!(found, rows, "{part:?}");
            let Told { planned, read } = std::mem::take(&mut *told.lock().unwrap());
            let planned = planned.unwrap();
            // More than a header is read at once, by the library too, and what is behind a page is another.
            let is_planned = |read: &Range<u64>| {
                planned.iter().any(|planned| planned.start <= read.start && read.end <= planned.end + AT_ONCE)
            };
            let unplanned: Vec<_> = read.iter().filter(|read| !is_planned(read)).collect();
            assert!(unplanned.is_empty() && !read.is_empty(), "{part:?}: {unplanned:?} of {planned:?}");
            let all: u64 = planned.iter().map(|planned| planned.end - planned.start).sum();
            assert!(all * most <= bytes.len() as u64, "{part:?}: {all} of {}", bytes.len());
        }
    }
}

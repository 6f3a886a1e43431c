//! What is read of a table's file, and what need not be.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafolio::storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit};
use datafolio::{DataFolio, OpenOptions, Settings, Verification};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};

/// Settings with which what is read is compared with its hashes so far.
pub fn checking(verification: Verification) -> OpenOptions {
    let mut settings = Settings::default();
    settings.verification = verification;
    OpenOptions::new().settings(settings)
}

/// Counts how often files of tables are read from.
#[derive(Debug, Default)]
pub struct Reads(AtomicUsize);

impl Reads {
    /// So often by now.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The same bundle, whose reads are counted, and in which nothing is compared with hashes.
    pub fn of(folio: &DataFolio) -> (Arc<Self>, DataFolio) {
        let reads = Arc::new(Self::default());
        let storage = LocalStorage::open(folio.location().as_ref()).unwrap().with_observer(reads.clone());
        let folio = checking(Verification::Off).open_storage(Arc::new(storage)).unwrap();
        (reads, folio)
    }
}

impl IoObserver for Reads {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        if step.op == IoOp::Read && step.path.ends_with(".parquet") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Permit::all())
    }
}

/// Destroys all pages of a Parquet file but those that are kept, by row group, column and rows within the row group.
pub fn destroy_pages(path: &Path, keep: impl Fn(usize, usize, Range<u64>) -> bool) {
    let mut bytes = fs::read(path).unwrap();
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = reader.parse_and_finish(&fs::File::open(path).unwrap()).unwrap();
    let index = metadata.page_index().unwrap();
    for (group, facts) in metadata.row_groups().iter().enumerate() {
        for column in 0..facts.num_columns() {
            let pages = index.page_locations(group, column).unwrap();
            let starts = pages.iter().map(|page| page.first_row_index);
            let ends = starts.clone().skip(1).chain([facts.num_rows()]);
            for ((page, start), end) in pages.iter().zip(starts).zip(ends) {
                if !keep(group, column, start as u64..end as u64) {
                    let start = page.offset as usize;
                    bytes[start..start + page.compressed_page_size as usize].fill(0xff);
                }
            }
        }
    }
    fs::write(path, bytes).unwrap();
}

//! Integration tests of the handlers, in one binary.

// clippy.toml allows these in `#[test]` functions; helpers of tests are meant as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
mod batches;
mod conformance;
#[cfg(feature = "delta")]
mod delta;
mod differences;
mod disk;
mod encoding;
mod errors;
mod fixtures;
mod references;
mod streaming;
mod tables;
mod taken_over;
mod texts;
mod third_party;

/// The Parquet file of a batch, as the library writes it.
fn encoded(
    batch: &arrow::array::RecordBatch,
    properties: parquet::file::properties::WriterPropertiesBuilder,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = Some(properties.build());
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), properties).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

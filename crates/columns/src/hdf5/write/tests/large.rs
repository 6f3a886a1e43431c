//! Texts of more bytes than 32 bits count.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::*;

/// More than 2^31 bytes of text, so that offsets are of 64 bits.
#[test]
#[ignore = "writes two gigabytes"]
fn texts_of_more_than_two_gigabytes_get_wide_offsets() {
    struct Long;
    impl Rows for Long {
        fn schema(&self) -> SchemaRef {
            Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, false)]))
        }
        fn rows(&self) -> u64 {
            2049
        }
        fn batches(
            &self,
            _: &[usize],
        ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
            let text = "x".repeat(1 << 20);
            let rows = (0..2049).map(move |_| Arc::new(StringArray::from(vec![text.as_str()])) as ArrayRef);
            Ok(Box::new(rows.map(|array| Ok(RecordBatch::try_new(self.schema(), vec![array])?))))
        }
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    written(&path, &Long, Hdf5WriteOptions::default(), Pace(1000, 1, 0)).unwrap();
    let file = hdf5_pure::File::open_streaming(&path).unwrap();
    let offsets = file.dataset("/table/columns/s/indices").unwrap().read_raw().unwrap();
    assert_eq!(offsets.len(), 2050 * 8);
    assert_eq!(offsets[2049 * 8..], (2049_i64 << 20).to_le_bytes());
}

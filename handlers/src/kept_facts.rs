//! The facts of a table as bytes, for whoever keeps them.

use std::io::Cursor;

use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};

use crate::error::HandlerResult;
use crate::guard::guarded;
use crate::table_facts::{ColumnFacts, FileFacts, TableFacts};

/// All of the facts but the schema, which follows as Arrow writes it.
#[derive(Serialize, Deserialize)]
struct Kept {
    rows: Option<u64>,
    size_bytes: u64,
    compression: Vec<String>,
    columns: Vec<ColumnFacts>,
    files: Vec<FileFacts>,
}

impl TableFacts {
    /// The facts as bytes, for [`TableFacts::from_bytes`].
    ///
    /// # Errors
    /// A schema that Arrow cannot write.
    pub fn to_bytes(&self) -> HandlerResult<Vec<u8>> {
        let Self { rows, schema, size_bytes, compression, columns, files } = self.clone();
        let kept = Kept { rows, size_bytes, compression, columns, files };
        let text = serde_json::to_vec(&kept).map_err(std::io::Error::from)?;
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&text);
        StreamWriter::try_new(&mut bytes, &schema)?.finish()?;
        Ok(bytes)
    }

    /// The facts that [`TableFacts::to_bytes`] has written; `None` for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (text, schema) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let Kept { rows, size_bytes, compression, columns, files } = serde_json::from_slice(text).ok()?;
        let schema: SchemaRef =
            guarded(&"kept facts".to_owned(), || Ok(StreamReader::try_new(Cursor::new(schema), None)?.schema()))
                .ok()?;
        let fits = schema.fields().iter().map(|field| field.name()).eq(columns.iter().map(|column| &column.name));
        fits.then_some(Self { rows, schema, size_bytes, compression, columns, files })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_come_back_as_they_were_and_other_bytes_are_none() {
        let types = [
            DataType::Int64,
            DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Vienna".into())),
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
            DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, false)), 3),
        ];
        let fields = types.into_iter().enumerate().map(|(index, of)| Field::new(format!("c{index}"), of, index > 0));
        let metadata = std::collections::HashMap::from([("key".to_owned(), "value".to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata));
        let columns = schema.fields().iter().map(|field| {
            let column = json!({"name": field.name(), "arrow_type": "any", "null_count": 3, "min": 0.1, "max": "z",
                "is_exact": false, "compressed_bytes": null, "uncompressed_bytes": u64::MAX});
            serde_json::from_value(column).unwrap()
        });
        let file = FileFacts { path: None, rows: Some(7), size_bytes: 1 << 60, row_groups: vec![3, 4] };
        let facts = TableFacts {
            rows: Some(7),
            columns: columns.collect(),
            schema,
            size_bytes: 1 << 60,
            compression: vec!["zstd".to_owned()],
            files: vec![file],
        };
        let bytes = facts.to_bytes().unwrap();
        assert_eq!(TableFacts::from_bytes(&bytes), Some(facts));
        for end in 0..bytes.len() - 8 {
            assert_eq!(TableFacts::from_bytes(&bytes[..end]), None, "{end}");
        }
        assert_eq!(TableFacts::from_bytes(&[0xff; 64]), None);
    }
}

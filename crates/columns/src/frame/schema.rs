//! What a frame says of its columns.

use super::Frame;
use crate::error::ColumnsResult;
use crate::expr::{Expr, col};
use crate::types::Type;

/// A column of a frame.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub type_: Type,
    /// The unit of its values, as it was noted.
    pub unit: Option<String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// What it is computed of, if it is no column of the file.
    pub expression: Option<Expr>,
}

impl Frame {
    /// The columns, with their types, units and descriptions.
    ///
    /// # Errors
    /// Those of virtual columns that cannot be computed.
    pub fn schema(&self) -> ColumnsResult<Vec<ColumnInfo>> {
        let source = self.source.schema();
        self.names
            .iter()
            .map(|name| {
                let virtual_ = self.scope.virtuals.get(name);
                let field = match (virtual_, self.scope.columns.get(name)) {
                    (None, Some(column)) => source.fields().get(column.place),
                    _ => None,
                };
                let noted = |key: &str| field.and_then(|field| field.metadata().get(key).cloned());
                Ok(ColumnInfo {
                    name: name.to_string(),
                    type_: self.type_of(col(name.clone()))?,
                    unit: noted("unit"),
                    description: noted("description"),
                    expression: virtual_.cloned(),
                })
            })
            .collect()
    }
}

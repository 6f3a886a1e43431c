//! The item types that DataFolio bundles hold, and the directory that each one's payload lies in.

/// Item type of a table stored in the bundle.
pub const INCLUDED_TABLE: &str = "included_table";
/// Item type of a table that lies elsewhere.
pub const REFERENCED_TABLE: &str = "referenced_table";
/// Item type of an array.
pub const NUMPY_ARRAY: &str = "numpy_array";
/// Item type of a JSON value.
pub const JSON_DATA: &str = "json_data";
/// Item type of an instant.
pub const TIMESTAMP: &str = "timestamp";
/// Item type of a file kept as it is.
pub const ARTIFACT: &str = "artifact";
/// Item type of a fitted model.
pub const MODEL: &str = "model";
/// Item type of unreleased DataFolio versions: a torch model.
pub const PYTORCH_MODEL: &str = "pytorch_model";
/// Item type of unreleased DataFolio versions: a Polars table.
pub const POLARS_TABLE: &str = "polars_table";

/// The directory that holds the payloads of this item type, `None` when the type has no payload in the bundle.
///
/// Types that are not known here keep their payloads in `artifacts`, where every release looks for what it does not know.
pub fn payload_dir(item_type: &str) -> Option<&'static str> {
    match item_type {
        REFERENCED_TABLE => None,
        INCLUDED_TABLE | POLARS_TABLE => Some("tables"),
        MODEL | PYTORCH_MODEL => Some("models"),
        _ => Some("artifacts"),
    }
}

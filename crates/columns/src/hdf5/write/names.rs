//! Names of columns and groups, and the order of columns.

use std::collections::HashSet;
use std::path::Path;

use arrow::datatypes::Schema;

use crate::error::{ColumnsError, ColumnsResult};

/// The components of a group's path.
pub(super) fn components(group: &str) -> ColumnsResult<Vec<String>> {
    let trimmed = group.strip_prefix('/').unwrap_or(group);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let components: Vec<String> = trimmed.split('/').map(str::to_owned).collect();
    match components.iter().find_map(|component| wrong(component)) {
        Some(reason) => Err(ColumnsError::option(format!("group '{group}' cannot be written: a name in it {reason}"))),
        None => Ok(components),
    }
}

/// That every column can be found again under its name.
pub(super) fn check(path: &Path, schema: &Schema) -> ColumnsResult<()> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        let name = field.name();
        if let Some(reason) = wrong(name) {
            return Err(ColumnsError::option(format!(
                "column '{name}' cannot be written to '{}': its name {reason}; rename it",
                path.display()
            )));
        }
        if !seen.insert(name.as_str()) {
            return Err(ColumnsError::option(format!(
                "column '{name}' cannot be written to '{}': there are two of that name; rename one",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The attribute `column_order`. Names with a comma are left out of it: Vaex splits at commas and fails where a piece is another
/// column, but puts columns that are not named at the end.
pub(super) fn column_order(schema: &Schema) -> String {
    let names: Vec<&str> =
        schema.fields().iter().map(|field| field.name().as_str()).filter(|name| !name.contains(',')).collect();
    names.join(",")
}

fn wrong(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        "." => Some("is '.', which HDF5 takes for the group itself"),
        _ if name.contains('/') => Some("contains '/', which parts groups in HDF5"),
        _ if name.contains('\0') => Some("contains a NUL, where HDF5 ends names"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn schema(names: &[&str]) -> Schema {
        Schema::new(names.iter().map(|name| Field::new(*name, DataType::Int8, false)).collect::<Vec<_>>())
    }

    #[test]
    fn names_that_hdf5_cannot_find_again_are_refused() {
        for (names, reason) in [
            (&["", "b"], "is empty"),
            (&["a/b", "b"], "contains '/'"),
            (&[".", "b"], "is '.'"),
            (&["a\0", "b"], "NUL"),
            (&["a", "a"], "two of that name"),
        ] {
            let error = check(Path::new("x"), &schema(names)).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        check(Path::new("x"), &schema(&["a,b", "a.b", "class", "ünï cödé", "..", " "])).unwrap();
    }

    #[test]
    fn a_group_may_be_written_with_and_without_slashes() {
        assert_eq!(components("/table").unwrap(), ["table"]);
        assert_eq!(components("a/b/").unwrap(), ["a", "b"]);
        for group in ["", "/", "/a//b", "/a/./b"] {
            components(group).unwrap_err();
        }
    }

    #[test]
    fn names_with_a_comma_are_not_in_the_order() {
        assert_eq!(column_order(&schema(&["b", "a,b", "a"])), "b,a");
    }
}

//! What Polars writes beside the type of a dictionary column: the values of an `Enum`, or the name of its `Categories`.
//!
//! Polars trusts this text, and stops the program where it is not as it should be. A file may come from anyone, so only what
//! is well formed is handed on; without it the column is an ordinary `Categorical`.

use std::collections::HashSet;

use arrow::datatypes::Metadata;
use polars::prelude::CategoricalPhysical;
use polars_arrow::datatypes::{DTYPE_CATEGORICAL_NEW, DTYPE_ENUM_VALUES_LEGACY, DTYPE_ENUM_VALUES_NEW};

/// The metadata of a column that Polars may see.
pub(crate) fn trusted(metadata: &Metadata) -> Metadata {
    type IsWellFormed = fn(&str) -> bool;
    let known: [(&str, IsWellFormed); 3] = [
        (DTYPE_ENUM_VALUES_NEW, is_enum),
        (DTYPE_ENUM_VALUES_LEGACY, is_enum),
        (DTYPE_CATEGORICAL_NEW, is_categorical),
    ];
    let kept = known.into_iter().filter_map(|(key, is_well_formed)| {
        let text = metadata.get(key)?;
        is_well_formed(text).then(|| (key.to_owned(), text.clone()))
    });
    kept.collect()
}

/// The values of an `Enum`: each as the number of its bytes, `;`, and itself. No value comes twice.
fn is_enum(text: &str) -> bool {
    let (mut rest, mut seen) = (text, HashSet::new());
    while !rest.is_empty() {
        match counted(rest) {
            Some((value, after)) if seen.insert(value) => rest = after,
            _ => return false,
        }
    }
    true
}

/// `Categories`: a name and a namespace, written as above, then the type of their numbers and `;`.
fn is_categorical(text: &str) -> bool {
    let physical = || counted(counted(text)?.1)?.1.split_once(';').map(|(physical, _)| physical);
    physical().is_some_and(|physical| physical.parse::<CategoricalPhysical>().is_ok())
}

/// The text at the beginning that its length stands before, and what follows it.
fn counted(text: &str) -> Option<(&str, &str)> {
    let (length, rest) = text.split_once(';')?;
    rest.split_at_checked(length.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_polars_can_read_is_handed_on() {
        for good in ["", "1;a", "2;ab0;3;c;d", "2;ä"] {
            assert!(is_enum(good), "{good:?}");
        }
        for bad in ["x", "1", "2;a", "-1;a", "1;a1;a", "1;ä", "99999999999999999999;a"] {
            assert!(!is_enum(bad), "{bad:?}");
        }
        assert!(is_categorical("0;0;u32;") && is_categorical("3;sex5;studyu8;"));
        assert!(
            !is_categorical("0;0;u64;") && !is_categorical("0;u8;") && !is_categorical("") && !is_categorical("9;a")
        );
    }
}

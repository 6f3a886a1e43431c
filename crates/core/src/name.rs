//! What items and snapshots may be called.
//!
//! These rules bind new names. Names found in a bundle are shown as they are, whatever they hold; what they can never do
//! is become a path unchecked (see [`crate::path::RelPath`]).

use crate::error::{CoreError, CoreResult};
use crate::path::shorten;

/// Checks the name of a new item: `/`-separated segments, each `[A-Za-z0-9][A-Za-z0-9._-]*` of at most 200 characters,
/// 255 in all. Python DataFolio 2.x has the same rules.
///
/// # Errors
/// [`CoreError::InvalidItemName`], saying which rule is broken.
pub fn check_item_name(name: &str) -> CoreResult<()> {
    let refuse = |reason: &str| Err(CoreError::InvalidItemName { name: shorten(name), reason: reason.to_owned() });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.contains('@') {
        return refuse("item names cannot contain '@' symbol");
    }
    if name.chars().count() > 255 {
        return refuse("it is longer than 255 characters");
    }
    for segment in name.split('/') {
        let mut chars = segment.chars();
        match chars.next() {
            None => return refuse("it has an empty segment (names are segments separated by single '/')"),
            Some(first) if !first.is_ascii_alphanumeric() => {
                return refuse("each segment must start with a letter or digit (A-Z, a-z, 0-9)");
            }
            Some(_) => {}
        }
        if let Some(bad) = chars.find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
            return refuse(&format!("{bad:?} is not allowed: use letters, digits, '.', '_', '-' and '/'"));
        }
        if segment.len() > 200 {
            return refuse("it has a segment longer than 200 characters");
        }
    }
    Ok(())
}

/// Checks the name of a new snapshot: `[a-zA-Z0-9._-]+`, at most 100 characters, not `.` or `..`.
///
/// # Errors
/// [`CoreError::InvalidSnapshotName`], saying which rule is broken.
pub fn check_snapshot_name(name: &str) -> CoreResult<()> {
    let refuse = |reason: &str| Err(CoreError::InvalidSnapshotName { name: shorten(name), reason: reason.to_owned() });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > 100 {
        return refuse("it is longer than 100 characters");
    }
    if name == "." || name == ".." {
        return refuse("it is a directory name");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return refuse("snapshot names can only contain letters, digits, '.', '_' and '-'");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_names() {
        for good in ["a", "results", "ns/deep/leaf", "x.y-z_1", "9lives"] {
            check_item_name(good).unwrap();
        }
        for bad in ["", "a@b", " a", "a b", "../x", "a//b", "/a", "a/", "_a", ".a", "ä", "a\u{0}", "a/.."] {
            assert_eq!(check_item_name(bad).unwrap_err().code(), "invalid-item-name", "{bad:?}");
        }
        assert!(check_item_name(&"a".repeat(200)).is_ok());
        assert!(check_item_name(&"a".repeat(201)).is_err());
        assert!(check_item_name(&["a".repeat(128), "b".repeat(128)].join("/")).is_err());
    }

    #[test]
    fn snapshot_names() {
        for good in ["v1.0", "paper-2024_final"] {
            check_snapshot_name(good).unwrap();
        }
        for bad in ["", "..", ".", "a/b", "a b", "v1@"] {
            assert_eq!(check_snapshot_name(bad).unwrap_err().code(), "invalid-snapshot-name", "{bad:?}");
        }
        assert!(check_snapshot_name(&"a".repeat(101)).is_err());
    }
}

//! Where everything will be: the groups and datasets of a table.

use std::path::Path;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Field, Schema};

use crate::error::{ColumnsError, ColumnsResult};

use super::dictionary::Unified;
use super::faults;
use super::format::DiskType;
use super::group::{Image, Link, Region};
use super::kind::{Element, Kind};
use super::names;
use super::survey::{Found, look};

/// What is kept of a field's metadata.
const KEPT: [&str; 3] = ["unit", "ucd", "description"];

/// Where the values of a column will be.
#[derive(Debug)]
pub(super) enum Layout {
    /// Values of fixed width.
    Fixed { element: Element, swaps: bool, data: Region, missing: Missing },
    /// Texts.
    Text { data: Region, offsets: Region, wide: bool, bitmap: Option<Region> },
    /// Codes and values.
    Dictionary { code: Element, codes: Region, unified: Unified, array: ArrayRef, values: Box<Self> },
}

/// How missing values are marked.
#[derive(Debug)]
pub(super) enum Missing {
    /// There are none.
    Never,
    /// By what is written in their place.
    Filled,
    /// By a bit for each row.
    Bitmap(Region),
    /// By a byte for each value.
    Mask(Region),
}

/// A column of the plan.
#[derive(Debug)]
pub(super) struct Column {
    /// Its place among the columns of the rows.
    pub(super) index: usize,
    /// Its name.
    pub(super) name: String,
    /// Where its values will be.
    pub(super) layout: Layout,
}

/// Plans a table of the rows that were looked at. Returns its group and its columns.
pub(super) fn table(
    path: &Path,
    image: &mut Image,
    name: &str,
    (schema, kinds, found): (&Schema, &[Kind], Vec<Found>),
    rows: u64,
    swaps: bool,
) -> ColumnsResult<(Link, Vec<Column>)> {
    let (mut links, mut columns) = (Vec::new(), Vec::new());
    for (index, ((field, kind), found)) in schema.fields().iter().zip(kinds).zip(found).enumerate() {
        let (members, layout) = column(path, image, field, kind, found, rows, swaps)?;
        let mut attributes = attributes(field);
        if matches!(layout, Layout::Dictionary { .. }) {
            attributes.push(("type", "dictionary_encoded"));
        }
        links.push(image.group(field.name(), members, &attributes)?);
        columns.push(Column { index, name: field.name().clone(), layout });
    }
    let order = names::column_order(schema);
    let group = image.group("columns", links, &[("column_order", &order)])?;
    let mut attributes = vec![("type", "table")];
    attributes.extend(schema.metadata().get("description").map(|text| ("description", text.as_str())));
    Ok((image.group(name, vec![group], &attributes)?, columns))
}

fn attributes(field: &Field) -> Vec<(&str, &str)> {
    KEPT.iter().filter_map(|key| field.metadata().get(key).map(|text| (*key, text.as_str()))).collect()
}

fn column(
    path: &Path,
    image: &mut Image,
    field: &Field,
    kind: &Kind,
    found: Found,
    rows: u64,
    swaps: bool,
) -> ColumnsResult<(Vec<Link>, Layout)> {
    let (Kind::Dictionary { key, values }, Some(unified)) = (kind, found.unified) else {
        return plain(image, kind, found.missing, found.bytes, rows, swaps);
    };
    // Vaex takes all parts of a dictionary in the machine's byte order.
    let array = unified.array()?;
    let inside = look(values, &array)?;
    if array.is_empty() {
        let advice = "all its dictionaries are empty; cast it to the type of its values";
        return Err(faults::column_type(path, field.name(), &field.data_type().to_string(), advice));
    }
    let (members, layout) = plain(image, values, inside.missing, inside.bytes, array.len() as u64, false)?;
    let dictionary = image.group("dictionary", members, &[])?;
    let code = unified.key(*key);
    let (data, codes) = image.dataset("data", DiskType::of(code, false), &[rows], code.width(), &[])?;
    let indices = image.group("indices", vec![data], &[])?;
    Ok((vec![dictionary, indices], Layout::Dictionary { code, codes, unified, array, values: Box::new(layout) }))
}

fn plain(
    image: &mut Image,
    kind: &Kind,
    missing: bool,
    bytes: u64,
    rows: u64,
    swaps: bool,
) -> ColumnsResult<(Vec<Link>, Layout)> {
    match kind {
        Kind::Fixed { element, shape } => fixed(image, *element, shape, missing, rows, swaps),
        Kind::Text => text(image, bytes, missing, rows),
        Kind::Dictionary { .. } => {
            Err(ColumnsError::option("a dictionary of dictionaries cannot be written".to_owned()))
        }
    }
}

fn fixed(
    image: &mut Image,
    element: Element,
    shape: &[u64],
    missing: bool,
    rows: u64,
    swaps: bool,
) -> ColumnsResult<(Vec<Link>, Layout)> {
    let type_ = DiskType::of(element, swaps);
    let swaps = matches!(type_, DiskType::Int { swapped: true, .. } | DiskType::Float { swapped: true, .. });
    let dtype = element.dtype();
    let attributes: Vec<(&str, &str)> = dtype.iter().map(|dtype| ("dtype", dtype.as_str())).collect();
    let full: Vec<u64> = std::iter::once(rows).chain(shape.iter().copied()).collect();
    let (data_link, data) = image.dataset("data", type_, &full, element.width(), &attributes)?;
    let mut links = vec![data_link];
    let missing = if !missing {
        Missing::Never
    } else if !shape.is_empty() {
        let (link, mask) = image.dataset("mask", DiskType::Bool, &full, 1, &[])?;
        links.push(link);
        Missing::Mask(mask)
    } else if element.filler_is_missing() {
        Missing::Filled
    } else {
        Missing::Bitmap(bitmap(image, &mut links, rows)?)
    };
    Ok((links, Layout::Fixed { element, swaps, data, missing }))
}

fn text(image: &mut Image, bytes: u64, missing: bool, rows: u64) -> ColumnsResult<(Vec<Link>, Layout)> {
    let wide = wide(bytes);
    let width = if wide { 8 } else { 4 };
    let (data_link, data) = image.dataset("data", DiskType::Char, &[bytes], 1, &[("dtype", "str")])?;
    let offset = DiskType::Int { width, signed: true, swapped: false };
    let (offsets_link, offsets) = image.dataset("indices", offset, &[rows.saturating_add(1)], width, &[])?;
    let mut links = vec![data_link, offsets_link];
    let bitmap = if missing { Some(bitmap(image, &mut links, rows)?) } else { None };
    Ok((links, Layout::Text { data, offsets, wide, bitmap }))
}

fn bitmap(image: &mut Image, links: &mut Vec<Link>, rows: u64) -> ColumnsResult<Region> {
    let (link, region) = image.dataset("null_bitmap", DiskType::BYTE, &[rows.div_ceil(8)], 1, &[])?;
    links.push(link);
    Ok(region)
}

/// Whether so many bytes need offsets of 64 bits.
pub(super) fn wide(bytes: u64) -> bool {
    bytes > i32::MAX as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_wide_only_where_they_must() {
        assert!(!wide((1 << 31) - 1));
        assert!(wide(1 << 31));
    }
}

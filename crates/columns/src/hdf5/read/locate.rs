//! Where in an HDF5 file the columns are: the layouts that Vaex writes, wrote and reads.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::structure::{Attributes, Dataset, Group, Tree};
use crate::error::{ColumnsError, ColumnsResult};

/// How many groups a column's name is made of at most: one for each slash in it.
const DEEPEST: usize = 16;

/// A table's columns in their order.
#[derive(Debug, Default)]
pub(super) struct Located {
    /// The columns.
    pub(super) columns: Vec<Found>,
    /// What the table is said to be.
    pub(super) description: Option<String>,
}

/// A column.
#[derive(Debug)]
pub(super) struct Found {
    /// Its name, or the alias that it was given.
    pub(super) name: String,
    /// Unit and description.
    pub(super) attributes: Attributes,
    /// Its datasets.
    pub(super) parts: Parts,
}

/// The datasets of a column.
#[derive(Debug)]
pub(super) enum Parts {
    /// Values.
    Plain(Box<Values>),
    /// Codes, and the values that they stand for.
    Dictionary(Box<Values>, Box<Values>),
}

/// Values with what says which of them are missing.
#[derive(Debug)]
pub(super) struct Values {
    /// The values, or the bytes of texts.
    pub(super) data: Dataset,
    /// Where texts begin and end.
    pub(super) indices: Option<Dataset>,
    /// True where a value is missing.
    pub(super) mask: Option<Dataset>,
    /// A bit for each value that is not missing.
    pub(super) bitmap: Option<Dataset>,
}

impl Values {
    fn alone(data: Dataset) -> Self {
        Self { data, indices: None, mask: None, bitmap: None }
    }

    fn in_group(path: &Path, name: &str, group: &Group<'_>) -> ColumnsResult<Self> {
        Self::among(group.datasets()?).ok_or_else(|| no_values(path, name))
    }

    fn among(datasets: Vec<(String, Dataset)>) -> Option<Self> {
        let mut datasets: HashMap<_, _> = datasets.into_iter().collect();
        Some(Self {
            data: datasets.remove("data")?,
            indices: datasets.remove("indices"),
            mask: datasets.remove("mask"),
            bitmap: datasets.remove("null_bitmap"),
        })
    }
}

fn no_values(path: &Path, name: &str) -> ColumnsError {
    ColumnsError::damaged(path, format!("has no values for column '{name}': it was not written to its end"))
}

/// Finds the columns of the table in `group`, or where Vaex looks for them when none is named.
pub(super) fn locate(path: &Path, tree: &Tree, group: Option<&str>) -> ColumnsResult<Located> {
    let root = tree.root();
    let mut located = Located::default();
    match group {
        Some(name) => {
            let group = descend(&root, name)?.ok_or_else(|| no_table(path, tree, Some(name)))?;
            if !located.add_table(path, &group)? && !located.add_datasets(path, &group, &group)? {
                return Err(no_table(path, tree, Some(name)));
            }
        }
        None => {
            let groups: HashMap<_, _> = root.groups()?.into_iter().collect();
            if let Some(data) = groups.get("data") {
                located.add_datasets(path, data, data)?;
            }
            if let Some(table) = groups.get("table") {
                located.add_table(path, table)?;
            }
            located.add_datasets(path, &root, &root)?;
            if let Some(columns) = groups.get("columns") {
                located.add_datasets(path, columns, columns)?;
            }
            if located.columns.is_empty() {
                return Err(no_table(path, tree, None));
            }
        }
    }
    Ok(located)
}

/// The groups of a file that hold tables, by their paths.
pub(super) fn tables(tree: &Tree) -> ColumnsResult<Vec<String>> {
    fn walk(group: &Group<'_>, path: &str, depth: usize, tables: &mut Vec<String>) -> ColumnsResult<()> {
        let groups = group.groups()?;
        // A table's own groups hold no tables, but a group may be a table and hold others.
        let is_table = groups.iter().any(|(name, columns)| {
            name == "columns" && !path.is_empty() && columns.groups().is_ok_and(|columns| !columns.is_empty())
        });
        let is_bare = matches!(path, "" | "/data" | "/columns")
            && group.datasets()?.iter().any(|(_, dataset)| !dataset.shape.is_empty());
        if is_table || is_bare {
            tables.push(if path.is_empty() { "/".to_owned() } else { path.to_owned() });
        }
        if depth < DEEPEST {
            for (name, inner) in groups.iter().filter(|(name, _)| !(is_table && name == "columns")) {
                walk(inner, &format!("{path}/{name}"), depth + 1, tables)?;
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(&tree.root(), "", 0, &mut found)?;
    Ok(found)
}

impl Located {
    /// Adds the columns of a table as Vaex writes it; false if `table` is none.
    fn add_table(&mut self, path: &Path, table: &Group<'_>) -> ColumnsResult<bool> {
        let Some((_, columns)) = table.groups()?.into_iter().find(|(name, _)| name == "columns") else {
            return Ok(false);
        };
        let mut found = Vec::new();
        collect(path, &columns, "", 0, &mut found)?;
        self.add(path, &columns, table, found)?;
        Ok(true)
    }

    /// Adds the datasets that are directly in `group`; false if there are none.
    fn add_datasets(&mut self, path: &Path, group: &Group<'_>, table: &Group<'_>) -> ColumnsResult<bool> {
        // Single values are no columns.
        let datasets = group.datasets()?.into_iter().filter(|(_, dataset)| !dataset.shape.is_empty());
        let found: Vec<_> = datasets.map(|(name, dataset)| bare(name, dataset)).collect();
        match found.is_empty() {
            true => Ok(false),
            false => self.add(path, group, table, found).map(|()| true),
        }
    }

    fn add(&mut self, path: &Path, ordered: &Group<'_>, table: &Group<'_>, found: Vec<Found>) -> ColumnsResult<()> {
        let attributes = ordered.attributes()?;
        let found = in_order(found, attributes.text("column_order").unwrap_or_default());
        if let Some(description) = table.attributes()?.text("description") {
            self.description = Some(description.to_owned());
        }
        let mut names: HashSet<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let links: HashSet<String> = found.iter().map(|column| column.name.clone()).collect();
        for mut column in found {
            // An alias that is another column's name would leave one of the two without any.
            let alias = column.attributes.text("alias").filter(|alias| !alias.is_empty());
            if let Some(alias) = alias.filter(|alias| !links.contains(*alias) && !names.contains(*alias)) {
                column.name = alias.to_owned();
            }
            if !names.insert(column.name.clone()) {
                return Err(ColumnsError::damaged(path, format!("has two columns of the name '{}'", column.name)));
            }
            self.columns.push(column);
        }
        Ok(())
    }
}

/// A column that is a dataset without a group of its own: what is noted on it counts for both.
fn bare(name: String, dataset: Dataset) -> Found {
    let attributes = dataset.attributes.clone();
    Found { name, attributes, parts: Parts::Plain(Box::new(Values::alone(dataset))) }
}

/// The columns in `group`. A name with a slash in it has become a group within a group.
fn collect(path: &Path, group: &Group<'_>, prefix: &str, depth: usize, found: &mut Vec<Found>) -> ColumnsResult<()> {
    if depth == 0 {
        found.extend(group.datasets()?.into_iter().map(|(name, dataset)| bare(name, dataset)));
    }
    for (link, column) in group.groups()? {
        let name = format!("{prefix}{link}");
        let attributes = column.attributes()?;
        match attributes.text("type") {
            Some("dictionary_encoded") => {
                let inner: HashMap<_, _> = column.groups()?.into_iter().collect();
                let (Some(codes), Some(values)) = (inner.get("indices"), inner.get("dictionary")) else {
                    return Err(no_values(path, &name));
                };
                let codes = Box::new(Values::in_group(path, &name, codes)?);
                let values = Box::new(Values::in_group(path, &name, values)?);
                found.push(Found { name, attributes, parts: Parts::Dictionary(codes, values) });
            }
            // The type of a table, on a group that happens to lie here, says nothing about a column.
            None | Some("table") => {
                let values = Values::among(column.datasets()?);
                let before = found.len();
                let is_column = values.is_some();
                if let Some(values) = values {
                    found.push(Found { name: name.clone(), attributes, parts: Parts::Plain(Box::new(values)) });
                }
                if depth < DEEPEST {
                    collect(path, &column, &format!("{name}/"), depth + 1, found)?;
                }
                if !is_column && found.len() == before {
                    return Err(no_values(path, &name));
                }
            }
            Some(other) => {
                let reason = format!("holds column '{name}' in the layout '{other}', which this release does not read");
                return Err(ColumnsError::unsupported(path, reason));
            }
        }
    }
    Ok(())
}

/// Columns as `order` has them, its pieces separated by commas. Pieces that are no column or came before are passed over,
/// and columns that are no piece follow by name.
fn in_order(mut found: Vec<Found>, order: &str) -> Vec<Found> {
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, piece) in order.split(',').enumerate() {
        places.entry(piece).or_insert(at);
    }
    let place = |column: &Found| places.get(column.name.as_str()).copied().unwrap_or(usize::MAX);
    found.sort_by_key(place);
    found
}

/// The group of a path, if there is one.
fn descend<'tree>(root: &Group<'tree>, path: &str) -> ColumnsResult<Option<Group<'tree>>> {
    let mut at: Option<Group<'tree>> = None;
    for piece in path.split('/').filter(|piece| !piece.is_empty()) {
        let groups = at.as_ref().unwrap_or(root).groups()?;
        match groups.into_iter().find(|(name, _)| name == piece) {
            Some((_, group)) => at = Some(group),
            None => return Ok(None),
        }
    }
    Ok(at.or_else(|| Some(root.clone())))
}

fn no_table(path: &Path, tree: &Tree, name: Option<&str>) -> ColumnsError {
    // Only to say more: a file that cannot be walked is still one without that table.
    let tables = tables(tree).unwrap_or_default();
    let known = match tables.as_slice() {
        [] => String::new(),
        tables => format!("; there are tables in the groups '{}'", tables.join("', '")),
    };
    match name {
        Some(name) => {
            ColumnsError::option(format!("there is no table in group '{name}' of '{}'{known}", path.display()))
        }
        None if tables.is_empty() => {
            ColumnsError::unsupported(path, "holds no table: no group 'table', 'data' or 'columns', and no datasets")
        }
        None => ColumnsError::option(format!("name a group of '{}' to read{known}", path.display())),
    }
}

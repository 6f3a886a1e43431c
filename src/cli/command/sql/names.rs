//! What can be completed at the prompt: names of tables and columns, keywords, commands.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::dots;
use crate::bundle::DataFolio;
use crate::table::is_table_entry;

/// The words of SQL that are typed most.
const KEYWORDS: [&str; 52] = [
    "ALL",
    "AND",
    "ANTI",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COUNT",
    "CROSS",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXCLUDE",
    "EXISTS",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "PIVOT",
    "QUALIFY",
    "REPLACE",
    "RIGHT",
    "SELECT",
    "SUMMARIZE",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];
/// Of so many tables at most columns are offered while none of them is named yet.
const MOST_TABLES: usize = 20;

/// The names of a bundle.
pub(super) struct Names {
    folio: Rc<DataFolio>,
    tables: RefCell<Vec<String>>,
    snapshots: RefCell<Vec<String>>,
    columns: RefCell<HashMap<String, Vec<String>>>,
}

impl Names {
    pub(super) fn of(folio: &Rc<DataFolio>) -> Self {
        let names = Self {
            folio: Rc::clone(folio),
            tables: RefCell::default(),
            snapshots: RefCell::default(),
            columns: RefCell::default(),
        };
        names.refresh();
        names
    }

    /// Takes them from what the handle sees now.
    pub(super) fn refresh(&self) {
        let catalogue = self.folio.catalogue();
        let tables = catalogue.current.values().filter(|entry| is_table_entry(entry) && !entry.is_archived());
        self.tables.replace(tables.map(|entry| entry.name().to_owned()).collect());
        self.snapshots.replace(catalogue.snapshots.keys().cloned().collect());
        self.columns.borrow_mut().clear();
    }

    pub(super) fn tables(&self) -> Vec<String> {
        self.tables.borrow().clone()
    }

    /// The columns of a table; none where they cannot be told.
    fn columns(&self, table: &str) -> Vec<String> {
        if let Some(known) = self.columns.borrow().get(table) {
            return known.clone();
        }
        let found = self.folio.table_info(table).map(|info| info.column_names).unwrap_or_default();
        self.columns.borrow_mut().insert(table.to_owned(), found.clone());
        found
    }

    /// Where the word begins that is typed at this place, and what it could become.
    pub(super) fn candidates(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        candidates(line, at, &self.tables.borrow(), &self.snapshots.borrow(), |table| self.columns(table))
    }
}

fn candidates(
    line: &str,
    at: usize,
    tables: &[String],
    snapshots: &[String],
    columns: impl Fn(&str) -> Vec<String>,
) -> (usize, Vec<String>) {
    let before = line.get(..at).unwrap_or(line);
    if before.trim_start().starts_with('.') {
        return of_command(before, tables, snapshots);
    }
    let start = word_start(before);
    let word = &before[start..];
    let named = |table: &&String| contains_word(line, table);
    // Behind a dot there are the columns of what stands before it.
    let owner = before[..start].strip_suffix('.').map(|rest| unquoted(&rest[word_start_closed(rest)..]));
    let mut found: Vec<String> = Vec::new();
    if owner.as_ref().is_some_and(|owner| snapshots.iter().any(|snapshot| snapshot.eq_ignore_ascii_case(owner))) {
        // Those of today: most are the same.
        found.extend(tables.iter().map(|name| quoted(name)));
    } else if let Some(owner) = owner {
        let of: Vec<&String> = tables.iter().filter(|table| table.eq_ignore_ascii_case(&owner)).collect();
        // An alias stands for one of the tables that are named.
        let of = if of.is_empty() { tables.iter().filter(named).collect() } else { of };
        found.extend(of.into_iter().flat_map(|table| columns(table)).map(|name| quoted(&name)));
    } else if wants_table(&before[..start]) {
        found.extend(tables.iter().chain(snapshots).map(|name| quoted(name)));
    } else {
        found.extend(tables.iter().map(|name| quoted(name)));
        let of: Vec<&String> = match tables.iter().filter(named).collect::<Vec<_>>() {
            of if of.is_empty() => tables.iter().take(MOST_TABLES).collect(),
            of => of,
        };
        found.extend(of.into_iter().flat_map(|table| columns(table)).map(|name| quoted(&name)));
        if !word.is_empty() {
            let is_lower = word.chars().all(|c| !c.is_uppercase());
            found.extend(
                KEYWORDS.iter().map(|word| if is_lower { word.to_ascii_lowercase() } else { (*word).to_owned() }),
            );
        }
    }
    let folded = word.trim_start_matches('"').to_lowercase();
    let begins = |name: &String| {
        let is_quoted = name.starts_with('"');
        (is_quoted || !word.starts_with('"')) && name.trim_start_matches('"').to_lowercase().starts_with(&folded)
    };
    found.retain(begins);
    found.sort();
    found.dedup();
    (start, found)
}

/// Whether what follows is the name of a table.
fn wants_table(before: &str) -> bool {
    let last = before.split_whitespace().next_back().unwrap_or_default();
    ["FROM", "JOIN", "DESCRIBE", "SUMMARIZE"].iter().any(|word| last.eq_ignore_ascii_case(word))
}

fn of_command(before: &str, tables: &[String], snapshots: &[String]) -> (usize, Vec<String>) {
    let (words, offered): (usize, Vec<String>) = match before.find(char::is_whitespace).filter(|at| *at > 0) {
        None => (0, dots::NAMES.map(str::to_owned).to_vec()),
        Some(space) => {
            let offered = match &before[..space] {
                ".schema" => {
                    let snapshots: Vec<String> = snapshots.iter().map(|name| format!("{name}.")).collect();
                    let named = snapshots.iter().filter(|snapshot| before[space + 1..].starts_with(snapshot.as_str()));
                    // Those of today: most are the same.
                    let of_named =
                        named.flat_map(|snapshot| tables.iter().map(move |table| format!("{snapshot}{table}")));
                    tables.iter().cloned().chain(of_named.collect::<Vec<_>>()).chain(snapshots).collect()
                }
                ".mode" => ["table", "csv", "tsv", "json", "jsonl"].map(str::to_owned).to_vec(),
                _ => Vec::new(),
            };
            (space + 1, offered)
        }
    };
    let typed = &before[words..];
    (words, offered.into_iter().filter(|word| word.starts_with(typed)).collect())
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the word begins that a text ends with, or the name in double quotes that is not closed yet.
fn word_start(text: &str) -> usize {
    if text.matches('"').count() % 2 == 1 {
        return text.rfind('"').unwrap_or(0);
    }
    text.trim_end_matches(is_name_char).len()
}

/// The same for a name that is complete.
fn word_start_closed(text: &str) -> usize {
    match text.strip_suffix('"') {
        Some(inner) => inner.rfind('"').unwrap_or(0),
        None => word_start(text),
    }
}

fn unquoted(name: &str) -> String {
    name.trim_matches('"').to_owned()
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(is_name_char)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(name));
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn contains_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    text.match_indices(&word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !before.is_some_and(is_name_char) && !after.is_some_and(is_name_char)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> (usize, Vec<String>) {
        let tables = ["flights", "planes", "my-table"].map(str::to_owned);
        candidates(line, line.len(), &tables, &["v1.0".to_owned()], |table| {
            let names: &[&str] = match table {
                "flights" => &["carrier", "distance", "Flight No"],
                "planes" => &["tailnum", "seats"],
                _ => &["order"],
            };
            names.iter().map(|name| (*name).to_owned()).collect()
        })
    }

    #[test]
    fn tables_columns_and_keywords_are_offered() {
        assert_eq!(found("SELECT * FROM fli"), (14, vec!["flights".to_owned()]));
        assert_eq!(found("SEL"), (0, vec!["SELECT".to_owned()]));
        assert_eq!(found("sel"), (0, vec!["select".to_owned()]));
        assert_eq!(found("SELECT * FROM flights WHERE dist").1, ["distance", "distinct"]);
        assert!(found("SELECT * FROM flights WHERE sea").1.is_empty(), "no column of a table that is named");
        assert_eq!(found("SELECT sea").1, ["seats"]);
    }

    #[test]
    fn behind_a_dot_there_are_columns() {
        assert_eq!(found("SELECT planes.").1, ["seats", "tailnum"]);
        assert_eq!(found("SELECT 1 FROM planes p WHERE p.s").1, ["seats"]);
        assert_eq!(found("SELECT \"my-table\".").1, ["\"order\""]);
    }

    #[test]
    fn snapshots_are_offered_with_their_tables() {
        assert_eq!(found("SELECT * FROM v").1, ["\"v1.0\""]);
        assert_eq!(found("SELECT * FROM \"v1.0\".fl").1, ["flights"]);
    }

    #[test]
    fn names_that_need_quotes_get_them() {
        assert_eq!(found("SELECT * FROM my"), (14, vec!["\"my-table\"".to_owned()]));
        assert_eq!(found("SELECT * FROM \"my-"), (14, vec!["\"my-table\"".to_owned()]));
        assert_eq!(found("SELECT \"flight n"), (7, vec!["\"Flight No\"".to_owned()]));
    }

    #[test]
    fn commands_and_what_they_take_are_offered() {
        assert_eq!(found(".ta"), (0, vec![".tables".to_owned()]));
        assert_eq!(found(".schema pl"), (8, vec!["planes".to_owned()]));
        assert_eq!(found(".schema v"), (8, vec!["v1.0.".to_owned()]));
        assert_eq!(found(".schema v1.0.pl"), (8, vec!["v1.0.planes".to_owned()]));
        assert_eq!(found(".mode js"), (6, vec!["json".to_owned(), "jsonl".to_owned()]));
    }
}

//! The gate: what a text may do is seen from the tree that DuckDB makes of it, before it gets near any data.

use std::collections::HashSet;
use std::sync::OnceLock;

use datafolio_core::{Place, did_you_mean};
use serde_json::{Map, Value};

use crate::error::{SqlError, SqlResult};
use crate::pivot;
use crate::refusal::{Refusal, of_statement};
use crate::separable::is_separable;
use crate::sizes::{applied, arguments, is_short_format, unbounded};
use crate::tree::{Serialized, deep, is_function, serialized};
use crate::words::{Quoted, Word, statements, words};

/// A table that a text reads, as it is written there.
#[derive(Debug, Clone)]
pub struct TableName {
    /// The schema, where one is given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// Where it stands first, when that is known.
    pub place: Option<Place>,
}

/// Where a name stands makes it no other name.
impl PartialEq for TableName {
    fn eq(&self, other: &Self) -> bool {
        (&self.schema, &self.name) == (&other.schema, &other.name)
    }
}

impl Eq for TableName {}

impl TableName {
    /// A name in no text.
    pub fn new(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into(), place: None }
    }

    /// Whether it is what the bare word `table` stands for. The schema that names without one lie in is called `main`, and may be
    /// written before it.
    pub fn is_table(&self) -> bool {
        let is_of_main = self.schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
        is_of_main && self.name.eq_ignore_ascii_case("table")
    }
}

/// A text that may run.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(crate) text: Quoted,
    /// The tables that it reads, each once, in the order in which they stand there.
    pub tables: Vec<TableName>,
    /// Whether it lists the tables that there are (`SHOW TABLES`).
    pub lists_tables: bool,
    /// The names of its places for values, each once: `1` and `2` of `?` and `$2`, `name` of `$name`.
    pub places: Vec<String>,
    is_separable: bool,
}

impl Checked {
    /// Whether it looks at each row of one table by itself: its rows over the whole table are those over parts of the table, in
    /// turn.
    pub fn is_separable(&self) -> bool {
        self.is_separable
    }
}

/// Queries are made of these, and of nothing that writes.
const NODES: [&str; 4] = ["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"];
/// What rows come from, beside tables and table functions.
const SOURCES: [&str; 6] = ["EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY"];
const MODIFIERS: [&str; 3] = ["DISTINCT_MODIFIER", "LIMIT_MODIFIER", "ORDER_MODIFIER"];
const ORDERS: [&str; 3] = ["ASCENDING", "DESCENDING", "ORDER_DEFAULT"];
const EXPRESSIONS: [&str; 17] = [
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "DEFAULT",
    "FUNCTION",
    "LAMBDA",
    "OPERATOR",
    "PARAMETER",
    "POSITIONAL_REFERENCE",
    "STAR",
    "SUBQUERY",
    "TYPE",
];
/// Table functions that make rows of their arguments alone.
const TABLE_FUNCTIONS: [&str; 5] = ["generate_series", "json_each", "json_tree", "range", "unnest"];
/// Functions that work on their arguments alone: those of DuckDB 2.0 without those that tell of the machine or the session,
/// change something, wait, run SQL, or make texts whose length is not bounded by memory limits.
const FUNCTIONS: &str = include_str!("functions.txt");

/// Parses a text, and refuses what is not one query that only reads.
///
/// # Errors
/// [`SqlError::Syntax`], [`SqlError::Refused`].
pub fn check(text: &Quoted) -> SqlResult<Checked> {
    Ok(with_tree(text, |_| ())?.0)
}

/// What is made of the tree of a text that may run.
pub(crate) fn with_tree<T: Send>(text: &Quoted, make: impl FnOnce(&Value) -> T + Send) -> SqlResult<(Checked, T)> {
    let with_values;
    let (json, has_values, shown) = match serialized(&text.text)? {
        Serialized::Query(json) => (json, true, text),
        Serialized::None(error) => {
            let refused = || error_of(&error, text);
            with_values = pivot::with_values(text).ok_or_else(refused)?;
            match serialized(&with_values.text)? {
                Serialized::Query(json) => (json, false, &with_values),
                Serialized::None(_) => return Err(refused()),
            }
        }
    };
    let looked_at = |tree: Value| -> SqlResult<(Checked, T)> {
        let checked = checked(text, shown, &tree)?;
        match has_values || pivot::may_run(&tree) {
            true => Ok((checked, make(&tree))),
            false => Err(no_query(text)),
        }
    };
    let (checked, made) = deep(&json, looked_at)??;
    if !has_values && !checked.places.is_empty() {
        let message = "a PIVOT that takes its values from the data goes with no places: PIVOT ... ON column IN (...)";
        return Err(SqlError::Parameters { message: message.to_owned() });
    }
    Ok((checked, made))
}

/// What is known of a text by the tree of `shown`, which is the text itself or reads the same.
fn checked(text: &Quoted, shown: &Quoted, tree: &Value) -> SqlResult<Checked> {
    let statements = tree.get("statements").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [statement] = statements else {
        return Err(match statements.len() {
            0 => SqlError::Syntax { place: None, message: "there is no query in it".to_owned() },
            count => several(count),
        });
    };
    let mut walk = Walk { text: shown, tables: Vec::new(), lists_tables: false, places: Vec::new() };
    walk.visit(statement, &HashSet::new())?;
    Ok(Checked {
        text: text.clone(),
        is_separable: walk.tables.len() == 1 && is_separable(tree),
        tables: walk.tables,
        lists_tables: walk.lists_tables,
        places: walk.places,
    })
}

fn several(count: usize) -> SqlError {
    let reason = format!("{count} statements are given, and one is run at a time");
    SqlError::Refused { place: None, refusal: Refusal::Several, reason }
}

/// Why a text is refused that parses and is no query.
fn no_query(text: &Quoted) -> SqlError {
    let (complete, rest) = statements(&text.text);
    let count = complete.len() + usize::from(rest.is_some());
    if count > 1 {
        return several(count);
    }
    if let Some((refusal, range)) = of_statement(&text.text) {
        let place = text.place(range.start);
        let word = text.text[range].to_ascii_uppercase();
        return SqlError::Refused { place, refusal, reason: format!("{word} is no query, and queries only read") };
    }
    if words(&text.text).iter().any(|word| word.is(&text.text, "pivot")) {
        let reason = "a PIVOT here names its values: PIVOT ... ON column IN (...)".to_owned();
        return SqlError::Refused { place: None, refusal: Refusal::PivotValues, reason };
    }
    let reason = "it is no query: SELECT, FROM, WITH, VALUES, PIVOT, SUMMARIZE and DESCRIBE are".to_owned();
    SqlError::Refused { place: None, refusal: Refusal::Other, reason }
}

fn error_of(error: &Map<String, Value>, text: &Quoted) -> SqlError {
    let field = |name: &str| error.get(name).and_then(Value::as_str);
    // The word `table` has quotes of its own only here.
    let message = field("error_message").unwrap_or("it cannot be read").replace("\"\"table\"\"", "\"table\"");
    let byte = field("position").and_then(|position| position.parse().ok());
    let place = byte.and_then(|byte| text.place(byte));
    match field("error_type") {
        Some("not implemented") if message.starts_with("Mixing named and positional") => SqlError::Parameters {
            message: "places for values are ? and $1, or have names, as $name: not both in one text".to_owned(),
        },
        Some("not implemented") => no_query(text),
        _ => SqlError::Syntax { place, message: format!("{message}{}", instead_of_table(text, byte)) },
    }
}

/// What to write where the word `table` stands, which is a table only where one is named beside the text.
fn instead_of_table(text: &Quoted, byte: Option<usize>) -> &'static str {
    let is_table = |word: &Word| Some(word.range.start) == byte && word.is(&text.text, "table");
    match words(&text.text).iter().any(is_table) {
        true => "; `table` stands for a table in query_table and `sql --table`: here its name does",
        false => "",
    }
}

struct Walk<'a> {
    text: &'a Quoted,
    tables: Vec<TableName>,
    lists_tables: bool,
    places: Vec<String>,
}

impl Walk<'_> {
    fn refuse<T>(&self, at: &Map<String, Value>, reason: impl Into<String>) -> SqlResult<T> {
        self.refuse_as(Refusal::Other, at, reason)
    }

    fn refuse_as<T>(&self, refusal: Refusal, at: &Map<String, Value>, reason: impl Into<String>) -> SqlResult<T> {
        Err(SqlError::Refused { place: self.place(at), refusal, reason: reason.into() })
    }

    /// Where a part of the tree stands in the text. Where DuckDB does not know, it gives the largest number.
    fn place(&self, part: &Map<String, Value>) -> Option<Place> {
        let byte = part.get("query_location").and_then(Value::as_u64)?;
        self.text.place(usize::try_from(byte).ok()?)
    }

    /// Goes through a part of the tree. `known` are the names that WITH gives here, in lower case.
    fn visit(&mut self, value: &Value, known: &HashSet<String>) -> SqlResult<()> {
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.visit(value, known)),
            Value::Object(object) => self.visit_object(object, known),
            _ => Ok(()),
        }
    }

    fn visit_object(&mut self, object: &Map<String, Value>, known: &HashSet<String>) -> SqlResult<()> {
        if let Some(class) = object.get("class").and_then(Value::as_str) {
            if class == "PARAMETER"
                && let Some(place) = object.get("identifier").and_then(Value::as_str)
                && !self.places.iter().any(|known| known.eq_ignore_ascii_case(place))
            {
                self.places.push(place.to_owned());
            }
            self.check_expression(class, object)?;
        } else if let Some(kind) = object.get("type").and_then(Value::as_str) {
            return self.visit_typed(kind, object, known);
        }
        object.values().try_for_each(|value| self.visit(value, known))
    }

    fn visit_typed(&mut self, kind: &str, object: &Map<String, Value>, known: &HashSet<String>) -> SqlResult<()> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut known = known.clone();
        match kind {
            "BASE_TABLE" => return self.visit_table(object, &known),
            "TABLE_FUNCTION" => {
                let name = object.get("function").and_then(|function| function.get("function_name"));
                let name = name.and_then(Value::as_str).unwrap_or_default();
                if !TABLE_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                    let reason = format!("{name}() as a table reads something else than the tables by name");
                    return self.refuse_as(Refusal::Source, object, reason);
                }
            }
            "SHOW_REF" if object.get("query").is_none_or(Value::is_null) => match text("table_name") {
                "\"tables\"" | "tables" => self.lists_tables = true,
                other => {
                    let what = other.trim_matches('"');
                    let reason = match what.starts_with("__show") {
                        true => "SHOW TABLES lists the tables".to_owned(),
                        false => {
                            format!("SHOW {what} is not a query: SHOW TABLES is, and DESCRIBE with the name of a table")
                        }
                    };
                    return self.refuse_as(Refusal::Describe, object, reason);
                }
            },
            _ if [&NODES[..], &SOURCES, &MODIFIERS, &ORDERS].iter().any(|kinds| kinds.contains(&kind)) => {}
            _ if kind.ends_with("_QUERY_NODE") => {
                let what = kind.trim_end_matches("_QUERY_NODE");
                let refusal = Refusal::of_word(what).unwrap_or(Refusal::Other);
                return self.refuse_as(refusal, object, format!("{what} within WITH writes, and queries only read"));
            }
            other => return self.refuse(object, format!("{other} is not known to be a part of a query")),
        }
        if let Some(with) = object.get("cte_map").and_then(|map| map.get("map")).and_then(Value::as_array) {
            // A query of WITH sees those before it, and itself only when it is recursive.
            for entry in with {
                self.visit(entry.get("value").unwrap_or(&Value::Null), &known)?;
                if let Some(name) = entry.get("key").and_then(Value::as_str) {
                    known.insert(name.to_ascii_lowercase());
                }
            }
        }
        // The query that begins a recursive one does not see its name: where it has it, that is another table.
        let recursive = (kind == "RECURSIVE_CTE_NODE").then(|| {
            let mut with_itself = known.clone();
            with_itself.insert(text("cte_name").to_ascii_lowercase());
            with_itself
        });
        let of_itself = |name: &str| recursive.as_ref().filter(|_| matches!(name, "right" | "key_targets"));
        let function = |name: &str| kind == "TABLE_FUNCTION" && name == "function";
        object.iter().filter(|(name, _)| name.as_str() != "cte_map").try_for_each(|(name, value)| match value {
            // Its name was looked at; functions of that name that are not tables need not be allowed.
            Value::Object(call) if function(name) => {
                self.visit(call.get("arguments").unwrap_or(&Value::Null), &known)?;
                self.visit(call.get("filter").unwrap_or(&Value::Null), &known)
            }
            value => self.visit(value, of_itself(name).unwrap_or(&known)),
        })
    }

    fn visit_table(&mut self, object: &Map<String, Value>, known: &HashSet<String>) -> SqlResult<()> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(name) = text("table_name") else { return self.refuse(object, "a table has no name") };
        if let Some(catalog) = text("catalog_name") {
            let reason = format!("{catalog:?} is another database, and there is one");
            return self.refuse_as(Refusal::Attach, object, reason);
        }
        if object.get("at_clause").is_some_and(|clause| !clause.is_null()) {
            return self.refuse(object, "AT is not known here: tables of a snapshot go by \"snapshot\".\"table\"");
        }
        let schema = text("schema_name");
        if schema.is_some() || !known.contains(&name.to_ascii_lowercase()) {
            let place = self.place(object);
            let table = TableName { schema: schema.map(str::to_owned), name: name.to_owned(), place };
            if !self.tables.contains(&table) {
                self.tables.push(table);
            }
        }
        self.visit(object.get("sample").unwrap_or(&Value::Null), known)
    }

    fn check_name(&self, name: &str, call: &Map<String, Value>) -> SqlResult<()> {
        if name.is_empty() || is_allowed(name) {
            return Ok(());
        }
        if !is_function(name) {
            let suggestion = did_you_mean(name, FUNCTIONS.lines()).map(str::to_owned);
            return Err(SqlError::UnknownFunction { place: self.place(call), name: name.to_owned(), suggestion });
        }
        let reason = format!("function {name} is not one of those that work on their arguments alone");
        self.refuse_as(Refusal::Call, call, reason)
    }

    fn check_expression(&self, class: &str, object: &Map<String, Value>) -> SqlResult<()> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        if class == "WINDOW" || class == "FUNCTION" {
            let name = text("function_name").to_ascii_lowercase();
            if !text("schema").is_empty() || !text("catalog").is_empty() {
                let reason = format!("{name} is called by the name of a schema, or as a method: write {name}(...)");
                return self.refuse(object, reason);
            }
            self.check_name(&name, object)?;
            if matches!(name.as_str(), "format" | "printf") && !is_short_format(object) {
                let reason = format!("{name} needs a constant format whose widths have three digits at most");
                return self.refuse(object, reason);
            }
            let arguments = arguments(object);
            let applied = applied(&name, &arguments);
            if let Some((applied, _)) = &applied {
                if applied.is_empty() {
                    return self.refuse(object, format!("{name} needs the name of a function as a constant text"));
                }
                self.check_name(applied, object)?;
            }
            let mut calls = [(name, arguments)].into_iter().chain(applied);
            return match calls.find_map(|(name, arguments)| unbounded(&name, &arguments)) {
                Some(reason) => self.refuse(object, reason),
                None => Ok(()),
            };
        }
        match EXPRESSIONS.contains(&class) {
            true => Ok(()),
            false => self.refuse(object, format!("{class} is not known to be a part of a query")),
        }
    }
}

fn is_allowed(name: &str) -> bool {
    static ALLOWED: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALLOWED.get_or_init(|| FUNCTIONS.lines().collect()).contains(name)
}

//! The tree that DuckDB makes of a text.

use std::sync::{Mutex, OnceLock, PoisonError};

use duckdb::Connection;
use duckdb::types::FromSql;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{SqlError, SqlResult};
use crate::refusal::Refusal;

/// What DuckDB makes of a text: the tree of a query, as JSON, or what is wrong with it.
pub(crate) enum Serialized {
    Query(String),
    None(Map<String, Value>),
}

pub(crate) fn serialized(text: &str) -> SqlResult<Serialized> {
    let json: String = answer("SELECT json_serialize_sql(?)", text)?;
    // An error is a small object.
    Ok(match serde_json::from_str(&json) {
        Ok(Value::Object(error)) if error.get("error") == Some(&Value::Bool(true)) => Serialized::None(error),
        _ => Serialized::Query(json),
    })
}

/// The one query of a tree.
pub(crate) fn query_of(tree: &Value) -> Option<&Value> {
    let [statement] = tree.get("statements")?.as_array()?.as_slice() else { return None };
    statement.get("node")
}

/// The name that a table goes by which a query reads.
pub(crate) fn name_of_table(table: &Value) -> Option<&str> {
    let text = |name: &str| table.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("alias").or_else(|| text("table_name"))
}

/// Whether DuckDB has a function of this name.
pub(crate) fn is_function(name: &str) -> bool {
    answer("SELECT count(*) > 0 FROM duckdb_functions() WHERE function_name = lower(?)", name).unwrap_or(true)
}

/// Whether a function gives one value for many rows.
pub(crate) fn is_aggregate(name: &str) -> bool {
    static AGGREGATES: OnceLock<String> = OnceLock::new();
    let question = "SELECT coalesce(string_agg(name, ?), '') FROM (SELECT function_name AS name FROM duckdb_functions() \
                    GROUP BY ALL HAVING bool_and(function_type = 'aggregate'))";
    let all = AGGREGATES.get_or_init(|| answer(question, "\n").unwrap_or_default());
    all.lines().any(|aggregate| aggregate.eq_ignore_ascii_case(name))
}

/// What DuckDB answers to a question about a text, in a database that is empty.
fn answer<T: FromSql>(question: &str, text: &str) -> SqlResult<T> {
    static PARSER: OnceLock<Mutex<Option<Connection>>> = OnceLock::new();
    let mut parser = PARSER.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let failed = |error: duckdb::Error| SqlError::of_duckdb(&error);
    let connection = match parser.take() {
        Some(connection) => connection,
        None => Connection::open_in_memory().map_err(failed)?,
    };
    let answer = connection.query_row(question, [text], |row| row.get(0));
    *parser = Some(connection);
    answer.map_err(failed)
}

/// Works on the tree that a JSON text has. A sum of a hundred columns is some three hundred levels deep: such trees are worked
/// on in a thread that has the stack for it.
pub(crate) fn deep<T: Send>(json: &str, work: impl FnOnce(Value) -> T + Send) -> SqlResult<T> {
    const SHALLOW: usize = 100;
    const DEEPEST: usize = 5_000;
    const STACK: usize = 64 << 20;
    let too_deep = || {
        let reason = "it is nested too deeply".to_owned();
        SqlError::Refused { place: None, refusal: Refusal::Other, reason }
    };
    let parse_and_work = || {
        let mut parser = serde_json::Deserializer::from_str(json);
        parser.disable_recursion_limit();
        Value::deserialize(&mut parser).map(work).map_err(|_| too_deep())
    };
    match depth(json) {
        depth if depth <= SHALLOW => parse_and_work(),
        depth if depth <= DEEPEST => std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().name("parse".to_owned()).stack_size(STACK);
            let thread = builder.spawn_scoped(scope, parse_and_work).map_err(|_| too_deep())?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }),
        _ => Err(too_deep()),
    }
}

/// How many brackets a JSON text has open at most.
fn depth(json: &str) -> usize {
    let (mut open, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                open += 1;
                most = most.max(open);
            }
            b'}' | b']' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

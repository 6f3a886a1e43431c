//! What a text was to do that is refused, so that a caller can tell what does it instead.

use std::ops::Range;

use crate::words::{Word, words};

/// What a text was to do that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Several things, one after the other.
    Several,
    /// To add rows to a table.
    Insert,
    /// To change or remove rows of a table.
    Change,
    /// To make a table.
    CreateTable,
    /// To make a view.
    CreateView,
    /// To give a table other columns or another name.
    Alter,
    /// To remove a table or view.
    Drop,
    /// To write a file.
    CopyTo,
    /// To read a file into a table.
    CopyFrom,
    /// To read another database.
    Attach,
    /// To change a setting.
    Set,
    /// To begin or end a transaction.
    Transaction,
    /// To keep a statement for later, with places for values.
    Prepare,
    /// To read something else than tables that go by a name.
    Source,
    /// To call a function that does more than to work on its arguments.
    Call,
    /// To pivot without the values of the column, which come from the data, where a query is kept.
    PivotValues,
    /// To tell of tables in other words than a query has.
    Describe,
    /// More than the one expression that a condition or a value for a column is.
    NoExpression,
    /// Something else that DuckDB can do and a query cannot.
    OfDuckDb,
    /// Something that has no name of its own here.
    Other,
}

impl Refusal {
    /// What a statement does that begins with this word, in upper case; `None` for a query.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "INSERT" => Self::Insert,
            "UPDATE" | "DELETE" | "MERGE" | "MERGE_INTO" | "TRUNCATE" => Self::Change,
            "ALTER" => Self::Alter,
            "DROP" => Self::Drop,
            "COPY" | "EXPORT" => Self::CopyTo,
            "IMPORT" => Self::CopyFrom,
            "ATTACH" | "DETACH" | "USE" => Self::Attach,
            "SET" | "RESET" | "PRAGMA" => Self::Set,
            "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" => Self::Transaction,
            "PREPARE" | "EXECUTE" | "DEALLOCATE" => Self::Prepare,
            "CREATE" | "EXPLAIN" | "ANALYZE" | "VACUUM" | "CHECKPOINT" | "FORCE" | "CALL" | "INSTALL" | "LOAD"
            | "COMMENT" => Self::OfDuckDb,
            _ => return None,
        })
    }
}

/// What a statement does that is no query, and where the word stands that says so; `None` where no word does.
pub(crate) fn of_statement(text: &str) -> Option<(Refusal, Range<usize>)> {
    let all = words(text);
    let mut depth = 0_usize;
    let outside: Vec<&Word> = all
        .iter()
        .filter(|word| {
            if word.is_sign(text, "(") {
                depth += 1;
            } else if word.is_sign(text, ")") {
                depth = depth.saturating_sub(1);
            }
            depth == 0
        })
        .collect();
    let first = outside.first()?;
    // What WITH names can be written as well as read.
    let says = match first.is(text, "with") {
        true => outside.iter().find(|word| is_one_of(word, text, &["insert", "update", "delete", "merge"]))?,
        false => first,
    };
    let refusal = Refusal::of_word(&text[says.range.clone()].to_ascii_uppercase())?;
    let refusal = if says.is(text, "create") {
        const BETWEEN: [&str; 7] = ["or", "replace", "temp", "temporary", "persistent", "recursive", "unlogged"];
        match outside.iter().skip(1).find(|word| !is_one_of(word, text, &BETWEEN)) {
            Some(made) if made.is(text, "table") => Refusal::CreateTable,
            Some(made) if made.is(text, "view") => Refusal::CreateView,
            _ => refusal,
        }
    } else if says.is(text, "copy") && !outside.iter().any(|word| word.is(text, "to")) {
        Refusal::CopyFrom
    } else {
        refusal
    };
    Some((refusal, says.range.clone()))
}

fn is_one_of(word: &Word, text: &str, known: &[&str]) -> bool {
    known.iter().any(|keyword| word.is(text, keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_by_their_words() {
        for (text, refusal, word) in [
            ("INSERT INTO t VALUES (1)", Refusal::Insert, "INSERT"),
            ("-- one\n delete from t", Refusal::Change, "delete"),
            ("WITH x AS (SELECT 1) UPDATE t SET a = 1", Refusal::Change, "UPDATE"),
            ("CREATE OR REPLACE TEMP TABLE t AS FROM view", Refusal::CreateTable, "CREATE"),
            ("CREATE VIEW v AS SELECT 1", Refusal::CreateView, "CREATE"),
            ("CREATE SECRET s (TYPE s3)", Refusal::OfDuckDb, "CREATE"),
            ("COPY (SELECT 1 FROM t) TO 'x.csv'", Refusal::CopyTo, "COPY"),
            ("COPY t FROM 'x.csv'", Refusal::CopyFrom, "COPY"),
            ("ATTACH 'x.db' AS z", Refusal::Attach, "ATTACH"),
            ("SET threads = 1", Refusal::Set, "SET"),
        ] {
            let (found, range) = of_statement(text).unwrap();
            assert_eq!((found, &text[range]), (refusal, word), "{text}");
        }
        for text in ["SELECT 1", "FROM t", "WITH x AS (INSERT INTO t VALUES (1)) SELECT 1", "\"insert\"", ""] {
            assert_eq!(of_statement(text), None, "{text}");
        }
    }
}

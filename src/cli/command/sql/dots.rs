//! The commands of the prompt that are not SQL.

use clap::ValueEnum;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::value::rows::{EXTENSIONS, Form};

/// What `.help` shows.
pub(super) const HELP: &str = "\
.tables          the tables that queries can read
.schema NAME     the columns of a table, or of one of a snapshot: .schema v1.NAME
.mode FORM       how results are shown: table, csv, tsv, json or jsonl
.once FILE       write the next result to a file, whose extension says how
.help            this list
.quit            leave, as \\q and Ctrl-D do
Statements end with ';' and may span lines. Ctrl-C stops the query that runs.";

/// The commands, for completion.
pub(super) const NAMES: [&str; 6] = [".help", ".mode", ".once", ".quit", ".schema", ".tables"];

/// A table, and the snapshot that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) snapshot: Option<String>,
    pub(super) table: String,
}

/// A command of the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dot {
    Tables,
    /// All that the name can stand for, in the order in which it is looked up.
    Schema(Vec<Named>),
    Mode(Form),
    Once(String),
    Help,
    Quit,
}

impl Dot {
    /// The command that was typed; `None` where it is SQL.
    ///
    /// # Errors
    /// A command that is not there, or lacks what it needs.
    pub(super) fn parse(typed: &str) -> Outcome<Option<Self>> {
        let typed = typed.trim();
        // As other programs have them.
        match typed.trim_end_matches(';').trim_end().to_ascii_lowercase().as_str() {
            "\\q" | "quit" | "exit" => return Ok(Some(Self::Quit)),
            "help" | "?" | "\\?" | "\\h" => return Ok(Some(Self::Help)),
            "\\d" | "\\dt" => return Ok(Some(Self::Tables)),
            _ => {}
        }
        if !typed.starts_with('.') {
            return Ok(None);
        }
        // As elsewhere, a semicolon at the end does no harm.
        let typed = typed.trim_end_matches(';').trim_end();
        let (name, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
        let rest = rest.trim();
        let needs = |what: &str| match rest.is_empty() {
            true => Err(Failure::usage(format!("{name} needs {what}"))),
            false => Ok(rest.to_owned()),
        };
        Ok(Some(match name {
            ".tables" => Self::Tables,
            ".schema" => Self::Schema(readings(&needs("the name of a table")?)),
            ".mode" => {
                let word = needs("a form: table, csv, tsv, json or jsonl")?;
                match Form::from_str(&word, true) {
                    Ok(Form::Parquet | Form::Arrow) => {
                        return Err(Failure::usage(format!("{word} is nothing to look at"))
                            .hint(format!(".once FILE writes the next result to {EXTENSIONS}")));
                    }
                    Ok(form) => Self::Mode(form),
                    Err(_) => {
                        let forms = ["table", "csv", "tsv", "json", "jsonl"];
                        return Err(Failure::usage(format!("there is no form '{word}'"))
                            .hint(format!("take one of {}", forms.join(", ")))
                            .meant(&word, forms));
                    }
                }
            }
            ".once" => Self::Once(needs("the name of a file")?),
            ".help" => Self::Help,
            ".quit" | ".exit" => Self::Quit,
            other => {
                return Err(Failure::usage(format!("there is no command '{other}'"))
                    .hint(".help lists the commands")
                    .meant(other, NAMES));
            }
        }))
    }
}

/// What a name stands for that was typed as it is or as in SQL. Without quotes a dot may be one of the name, or stand between a
/// snapshot and a table.
fn readings(typed: &str) -> Vec<Named> {
    let dots = typed.match_indices('.').filter(|(at, _)| typed[..*at].matches('"').count().is_multiple_of(2));
    let parts: Vec<Named> = dots
        .map(|(at, _)| Named {
            snapshot: Some(unquoted(typed[..at].trim_end())),
            table: unquoted(typed[at + 1..].trim_start()),
        })
        .collect();
    // Quotes around a part leave no other reading.
    let is_one_name = parts.is_empty() || !typed.contains('"');
    let whole = is_one_name.then(|| Named { snapshot: None, table: unquoted(typed) });
    whole.into_iter().chain(parts).collect()
}

/// A name as it is, also where it was typed as in SQL.
fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sql() {
        fn parsed(typed: &str) -> Option<Dot> {
            Dot::parse(typed).unwrap()
        }
        assert_eq!(parsed("SELECT 1;"), None);
        assert_eq!(parsed(" .tables;"), Some(Dot::Tables));
        let named = |snapshot: Option<&str>, table: &str| Named {
            snapshot: snapshot.map(str::to_owned),
            table: table.to_owned(),
        };
        for (typed, readings) in [
            ("t", vec![named(None, "t")]),
            (" \"my \"\"own\"\" table\"", vec![named(None, "my \"own\" table")]),
            ("\"v1.t\"", vec![named(None, "v1.t")]),
            ("v1.t", vec![named(None, "v1.t"), named(Some("v1"), "t")]),
            ("v1.0.t;", vec![named(None, "v1.0.t"), named(Some("v1"), "0.t"), named(Some("v1.0"), "t")]),
            ("\"v1.0\".t", vec![named(Some("v1.0"), "t")]),
            ("v1.\"my.t\"", vec![named(Some("v1"), "my.t")]),
            ("\"v1\" . \"t\"", vec![named(Some("v1"), "t")]),
        ] {
            let line = format!(".schema {typed}");
            assert_eq!(parsed(&line), Some(Dot::Schema(readings)), "{typed}");
        }
        assert_eq!(parsed(".mode JSONL"), Some(Dot::Mode(Form::Jsonl)));
        assert_eq!(parsed(".once a b.csv"), Some(Dot::Once("a b.csv".to_owned())));
        for typed in ["\\q", ".quit", ".exit", "exit", "QUIT;"] {
            assert_eq!(parsed(typed), Some(Dot::Quit), "{typed}");
        }
        assert_eq!((parsed("help"), parsed("\\d")), (Some(Dot::Help), Some(Dot::Tables)));
    }

    #[test]
    fn what_is_wrong_with_a_command_is_said() {
        let told = |typed| Dot::parse(typed).unwrap_err().words().unwrap();
        assert_eq!(told(".tabels").1.as_deref(), Some("did you mean '.tables'?"));
        assert_eq!(told(".schema").0, ".schema needs the name of a table");
        assert!(told(".mode parquet").1.unwrap().contains(".once"));
        assert!(told(".mode cvs").1.unwrap().contains("csv"));
    }
}

//! The commands of the prompt that are not SQL.

use clap::ValueEnum;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::value::rows::{EXTENSIONS, Form};

/// What `.help` shows.
pub(super) const HELP: &str = "\
.tables          the tables that queries can read
.schema NAME     the columns of a table
.mode FORM       how results are shown: table, csv, tsv, json or jsonl
.once FILE       write the next result to a file, whose extension says how
.help            this list
.quit            leave, as \\q and Ctrl-D do
Statements end with ';' and may span lines. Ctrl-C stops the query that runs.";

/// The commands, for completion.
pub(super) const NAMES: [&str; 6] = [".help", ".mode", ".once", ".quit", ".schema", ".tables"];

/// A command of the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dot {
    Tables,
    Schema(String),
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
            ".schema" => Self::Schema(unquoted(&needs("the name of a table")?)),
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
        let parsed = |typed| Dot::parse(typed).unwrap();
        assert_eq!(parsed("SELECT 1;"), None);
        assert_eq!(parsed(" .tables;"), Some(Dot::Tables));
        assert_eq!(parsed(".schema  \"my \"\"own\"\" table\""), Some(Dot::Schema("my \"own\" table".to_owned())));
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

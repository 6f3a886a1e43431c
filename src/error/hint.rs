//! What a person might do next about an error.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use datafolio_core::{CoreError, ErrorCategory};
use datafolio_handlers::formats::TableFormat;
use datafolio_handlers::{HandlerError, Misfit};
use datafolio_storage::StorageError;

#[cfg(feature = "sql")]
use super::refused;
use super::{Error, ITEMS};
use crate::text::shell_word;

impl Error {
    /// What a person might do next, where that is known.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        if let Some(item) = self.damaged_item() {
            let item = shell_word(item);
            return Some(Cow::Owned(format!(
                "`datafolio verify` lists all damage; an older version may be whole: `datafolio log {item} --versions`"
            )));
        }
        if self.is_denied() {
            return Some(Cow::Borrowed("look at the permissions of the file and of the directories that it lies in"));
        }
        match self {
            Self::CannotUndo { advice, .. } => Some(Cow::Owned(advice.clone())),
            Self::PayloadGone { item, .. } => Some(Cow::Owned(format!(
                "restore another version: `datafolio log {} --versions` shows which can be read",
                shell_word(item)
            ))),
            Self::NoSuchTable { name, .. } if TableFormat::from_path(Path::new(name)).is_some() => Some(Cow::Borrowed(
                "a query reads no files: `datafolio import` or `datafolio reference` brings one in, to be read by its name",
            )),
            #[cfg(feature = "sql")]
            Self::Sql(datafolio_sql::SqlError::Refused { refusal, .. }) => {
                refused::instead_of(*refusal).or_else(|| hint_of("sql-refused")).map(Cow::Borrowed)
            }
            #[cfg(feature = "sql")]
            Self::Sql(datafolio_sql::SqlError::UnknownColumn { .. }) => {
                Some(Cow::Borrowed("names of columns stand in double quotes or in none, and texts in single ones"))
            }
            #[cfg(feature = "sql")]
            Self::Sql(datafolio_sql::SqlError::Syntax { place: None, .. }) => {
                Some(Cow::Borrowed("the message says what is lacking"))
            }
            Self::Handler(HandlerError::SchemaMismatch { item, misfit, .. }) => match misfit {
                Misfit::Missing => Some(Cow::Borrowed(
                    "add the column to the new rows, empty where nothing is known: --evolve lets the table get columns, and \
                     gives the new rows none",
                )),
                Misfit::New => Some(Cow::Borrowed(
                    "pass --evolve to let the table get the column, null in the rows that are there, or leave it out with \
                     --columns",
                )),
                Misfit::OtherType => Some(Cow::Owned(format!(
                    "cast the column: `datafolio info {}` shows the types of the table, which --evolve does not change",
                    shell_word(item)
                ))),
                Misfit::Case => Some(Cow::Borrowed(
                    "rename the column of the new rows: names that differ in case alone are one name to SQL",
                )),
                Misfit::Null => Some(Cow::Borrowed("give it a value in every row")),
                Misfit::Order => Some(Cow::Borrowed("give the categories the order of the table, further ones last")),
                Misfit::NewValue => Some(Cow::Borrowed(
                    "CAST(... AS ...) makes another type of a value, and coalesce one of a missing one",
                )),
                _ => hint_of(self.code()).map(Cow::Borrowed),
            },
            // There is no other name for a snapshot.
            Self::AmbiguousName { what, .. } if *what != ITEMS => {
                Some(Cow::Borrowed("open the snapshot, and ask there: its tables then go by their names alone"))
            }
            // A long name is shown by its beginning, and '…'.
            Self::Core(CoreError::InvalidSnapshotName { name, .. } | CoreError::InvalidItemName { name, .. })
                if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '…')) =>
            {
                Some(Cow::Borrowed("choose another name: the message says which rule this one breaks"))
            }
            Self::Storage(StorageError::TooLarge { path, .. }) if path == "items.json" => Some(Cow::Borrowed(
                "no catalogue is as large: `datafolio repair` puts it aside and goes back to the last good revision",
            )),
            Self::Handler(HandlerError::FileAlone { item, .. }) => Some(Cow::Owned(format!(
                "`datafolio export {} FILE` copies the file as it is; `item_path` names it",
                shell_word(item)
            ))),
            // A version that no release has given is damage.
            Self::Core(CoreError::UnknownSchema { .. }) if self.category() == ErrorCategory::Corrupt => {
                hint_of("damaged-catalogue").map(Cow::Borrowed)
            }
            _ => hint_of(self.code()).map(Cow::Borrowed),
        }
    }

    /// The item whose bytes are not what was recorded.
    fn damaged_item(&self) -> Option<&str> {
        match self {
            Self::Handler(HandlerError::Damaged { item, .. }) => Some(item),
            Self::Handler(HandlerError::Payload { item, source }) => {
                matches!(source, StorageError::Damaged { .. } | StorageError::NotFound { .. }).then_some(item)
            }
            _ => None,
        }
    }

    /// Whether the system did not allow it.
    fn is_denied(&self) -> bool {
        let source = match self {
            Self::File { source, .. } | Self::Handler(HandlerError::Io(source)) => source,
            Self::Storage(StorageError::Io { source, .. })
            | Self::Handler(
                HandlerError::Payload { source: StorageError::Io { source, .. }, .. }
                | HandlerError::Storage(StorageError::Io { source, .. }),
            ) => source,
            _ => return false,
        };
        source.kind() == io::ErrorKind::PermissionDenied
    }
}

/// What a person might do about errors of a code: the column "what to do" of `docs/reference/errors.md`, in the words of
/// the program.
fn hint_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "stage-not-found" => {
            "`datafolio stage list` shows those that are there; one that was committed or aborted is gone"
        }
        "stage-refused" => "the stage is as it was: put right what the message says and commit it again, or abort it",
        "access-denied" => "the message says which source of credentials was used; set others, or ask for the right",
        "diverged" => {
            "`datafolio pull` brings one that is behind forward; of two with commits of their own, `--include` sends single items"
        }
        "conditions-ignored" => "read from it, and write to a store that keeps to conditions",
        "invalid-store-option" => "correct it: options have the names of the crate object_store, and profile",
        "no-such-bucket" => "correct the address, or the endpoint and region that it is looked for at",
        "read-only-place" => "`datafolio copy` writes a bundle of your own",
        "store-unreachable" => {
            "try again; look at the network, and at the endpoint and region that the store is reached by"
        }
        "ambiguous-name" => "give one of them another name",
        "sql-syntax" => {
            "the message names the place; a name with other characters than letters, digits and _ needs double quotes"
        }
        "sql-refused" => "put the query in other words: the message says what is not allowed in it",
        "sql-unfit" => {
            "DESCRIBE with the name of a table gives its columns and their types; texts stand in single quotes"
        }
        "sql-parameters" => {
            "values are given for `?` in their order, or for `$name` by its name, and only where a query takes any"
        }
        "sql-out-of-memory" => "raise the setting `memory`, or `spill_dir` and `spill_cap` for what does not fit",
        "sql-cancelled" | "sql-timed-out" => "ask for fewer rows or columns, or allow more time",
        "sql-no-time-zones" => "cast to TIMESTAMP, which is then in UTC, and add or subtract an INTERVAL",
        "sql-failed" => "correct the values or the expression that the message names",
        "sql-file-changed" => "ask again when nobody writes to it; `datafolio import` keeps a copy that nobody changes",
        "reference-changed" => {
            "bring the files back, reference them anew as they are now (`datafolio reference --overwrite`), or read them for once with `--setting changed_references=warn`"
        }
        "view-cycle" => "give one of these views another text, or remove one",
        "input-gone" => {
            "bring it back under that name, or give the text anew with --overwrite: `datafolio explain` shows the old one"
        }
        "table-not-found" => "`datafolio ls` shows the items of the bundle; `table` is the one that --table names",
        "ambiguous-data" => "change the handlers that the program registers: one of them must not recognise it",
        "arrow" | "parquet" => "correct the data as the message says",
        "bad-file" => "correct the file where the message says",
        "cancelled" => "do it again",
        "expression-syntax" => "correct the expression at the place that the message names",
        "invalid-option" => "the message says what would do",
        "unknown-column" => "`datafolio info ITEM` shows the columns; names with spaces stand in backticks",
        "unknown-function" => {
            "look at its spelling; in an expression over columns, a function of your own is registered before it is called"
        }
        "type-mismatch" => {
            "the message says what was expected: astype(x, \"float64\") makes another type of an expression"
        }
        "recursive-column" => "give one of these columns another name",
        "no-result" => {
            "leave such rows out with a condition, or cast first: astype(x, \"int64\"), astype(x, \"float64\")"
        }
        "user-function-failed" => "the message is what the function said",
        "columns-io" | "columns-source" => "the message names the file, and what the system says of it",
        "damaged-columns" => "the message says what is wrong with the file: get or write it anew",
        "unsupported-columns" => "the message says what the file has, and what can be read or written instead",
        "bad-setting" | "unknown-setting" => {
            "`datafolio settings` shows the settings in force and where they come from"
        }
        "bad-settings-file" => "correct the line that the message names",
        "unreadable-settings-file" => "check the path in DATAFOLIO_CONFIG and the permissions of the file",
        "damaged-entry" => {
            "`datafolio repair` brings the entry back from the history, where that has one that can be read"
        }
        "broken-seal" | "damaged-catalogue" => {
            "`datafolio repair` goes back to the last good revision; `datafolio repair --accept` takes the file as it is"
        }
        "bundle-exists" => "open it, or choose another place",
        "cannot-undo" => {
            "`datafolio log` shows the revisions that can be undone; a later change of the same things is undone first"
        }
        "column-not-found" => "the message names those that are there",
        "commit-unknown" => "do not repeat it yet: look for the revision with `datafolio log`",
        "conflict" => "look at what the other writer did with `datafolio log`, then run the command again",
        "damaged-by-1x" => "`datafolio repair` brings them back from the history",
        "damaged-snapshot" => "items and other snapshots are whole; `datafolio snapshot delete` removes this one",
        "damaged-history" => "`datafolio repair` writes it again from what its neighbours say",
        "damaged-payload" | "missing-payload" | "damaged-item" => "`datafolio verify` lists all damage",
        "file-exists" => "choose another name",
        "frame-column" => "cast the column, or leave it out",
        "polars" => "correct the expression as the message says",
        "handler-failed" | "second-payload" => "look at the handler that the program registers: the message is its own",
        "needs-option" => "pass the option that the message names",
        "older-catalogue" => {
            "`datafolio repair --accept` stays with items.json as it is; to go to the last revision of the history, move \
             items.json away and run `datafolio repair`"
        }
        "option-not-taken" => "leave the option out",
        "revision-limit" => "copy it to a new bundle with `datafolio copy`",
        "staged-gone" => "make the change again; do not shorten `gc --grace` while others write",
        "unreadable-reference" => "correct the file that the message names, or reference another",
        "file-not-found" => "check the path",
        "invalid-argument" => "correct the argument as the message says",
        "invalid-item-name" => "use letters, digits, '.', '_' and '-', with '/' between the parts of a name",
        "invalid-snapshot-name" => "use letters, digits, '.', '_' and '-' alone",
        "invalid-value" => "correct the value or option as the message says",
        "io" => "look at the disk: the message has the file and the cause",
        "item-exists" => {
            "pass --overwrite to replace it, where that is taken: the old version stays in the history; or choose another name"
        }
        "item-not-found" => "`datafolio ls` shows what there is",
        "key-not-unique" => "name further columns as well, or compare rows as a whole, without a key",
        "item-type-taken" => "register one handler for each item type",
        "locked" => "wait for the other program, or raise lock_timeout",
        "lost-version" => "the other items of the snapshot can be read",
        "missing-reference" => "bring the file back, or reference its new place with `datafolio reference`",
        "missing-table-version" => {
            "reference a version that is there, with --version or without one, or restore the file"
        }
        "no-randomness" => "look at the system: every program needs random numbers",
        "not-a-bundle" => "create one with `datafolio init`, or name another with -f",
        "not-a-regular-file" => "put the file itself in its place; see who put there what does not belong",
        "not-durable" => "do not repeat it: it was done; look at the disk",
        "not-empty" => "choose an empty directory, or one that is not there yet",
        "payload-gone" => "restore another version: `datafolio log ITEM --versions` shows which can be read",
        "read-only" => "open the bundle itself for writing: a snapshot or earlier revision cannot be changed",
        "revision-not-found" => "`datafolio log` lists the revisions",
        "schema-mismatch" => "correct the column as the message says",
        "snapshot-exists" => "choose another name, or remove that one: `datafolio snapshot delete NAME`",
        "snapshot-not-found" => "`datafolio snapshot list` shows what there is",
        "too-busy" => "run the command again",
        "too-large" => "see the limits in docs/spec/format.md",
        "unknown-item-type" => "the item is kept and can be copied; read it with the program that wrote it",
        "unknown-history" | "unknown-schema" => "use a newer release",
        "unrecognised-data" => "give a value of a known type, or keep it as a file",
        "unsafe-path" => "do not trust the bundle: see who wrote it",
        "unsupported" => "the message says what it needs",
        "version-not-found" => "`datafolio log ITEM --versions` lists them",
        "wrong-kind" => "give a value of this kind; where the type of the item was named, leave it to be recognised",
        "wrong-type" => "`datafolio info ITEM` tells its type",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever looks an error up in the documentation, and whoever only sees the message, is told what to do.
    #[test]
    fn every_documented_error_has_a_hint() {
        let page = include_str!("../../docs/reference/errors.md");
        let table = page.split("## Errors\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let codes: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert!(codes.len() > 45, "{codes:?}");
        for code in codes.into_iter().filter(|code| *code != "lineage-cycle") {
            assert!(hint_of(code).is_some(), "{code} has no hint");
        }
    }

    /// A hint that advises what the message rules out leads nowhere.
    #[test]
    fn hints_do_not_contradict_their_messages() {
        let hint = |error: Error| error.hint().unwrap_or_default().into_owned();
        let mismatch = |misfit| {
            let (item, column, reason) = ("t".to_owned(), "x".to_owned(), "it differs".to_owned());
            hint(Error::from(HandlerError::SchemaMismatch { item, column, misfit, reason }))
        };
        assert!(mismatch(Misfit::New).contains("--evolve") && mismatch(Misfit::Missing).contains("add the column"));
        assert!(mismatch(Misfit::Case).contains("rename the column"));
        for misfit in [Misfit::Case, Misfit::Order, Misfit::Null, Misfit::NewValue] {
            assert!(!mismatch(misfit).contains("--evolve"), "{misfit:?}");
        }
        let ambiguous = |what| hint(Error::AmbiguousName { name: "v".to_owned(), what, candidates: String::new() });
        assert!(ambiguous(ITEMS).contains("another name"));
        assert!(ambiguous("snapshots").contains("open the snapshot"));
        let named = |name: String| hint(datafolio_core::name::check_snapshot_name(&name).unwrap_err().into());
        assert!(named("a b".to_owned()).contains("letters"));
        assert!(named("a".repeat(101)).contains("another name"));
    }

    #[test]
    fn hints_name_the_item_and_how_to_see_its_versions() {
        let error = Error::from(HandlerError::Damaged { item: "my item".to_owned(), reason: "x".to_owned() });
        assert!(error.hint().unwrap().ends_with("`datafolio log 'my item' --versions`"));
        let denied = StorageError::Io {
            action: "read",
            path: "items.json".to_owned(),
            location: "here".to_owned(),
            source: io::ErrorKind::PermissionDenied.into(),
        };
        assert!(Error::from(denied).hint().unwrap().contains("permissions"));
    }
}

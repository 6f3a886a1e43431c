//! What to do instead of what SQL was refused for.

use datafolio_sql::Refusal;

/// The command that does here what a statement was to do; `None` where nothing more is known than that it is refused.
pub(super) fn instead_of(refusal: Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::Several => "give them one by one; `datafolio sql < FILE` runs a script of queries, each with its ';'",
        Refusal::Insert => {
            "`datafolio append TABLE FILE` adds rows of a file, `datafolio derive NAME SQL` stores the result of a query"
        }
        Refusal::Change => {
            "`datafolio derive NAME SQL` stores the rows as they should be as another table; programs have `update_table` and \
             `delete_rows`"
        }
        Refusal::CreateTable => "`datafolio derive NAME 'SELECT ...'` stores the result of a query as a table",
        Refusal::CreateView => "`datafolio view NAME 'SELECT ...'` keeps a query under a name",
        Refusal::Alter => {
            "`datafolio rename` gives a table another name, `datafolio derive NAME SQL` stores it with other columns"
        }
        Refusal::Drop => "`datafolio rm ITEM` removes an item; snapshots and the history keep what they have of it",
        Refusal::CopyTo => {
            "`datafolio sql 'SELECT ...' -o FILE` writes a result to a file, `datafolio export TABLE FILE` a table"
        }
        Refusal::CopyFrom => {
            "`datafolio import FILE` makes a table of a file, `datafolio append TABLE FILE` adds its rows to one"
        }
        Refusal::Attach => {
            "`datafolio import` brings tables of others in, as files; tables of a snapshot go by \"snapshot\".\"table\""
        }
        Refusal::Set => {
            "`datafolio sql` has --memory, --threads and --timeout; `datafolio settings` shows what they are by default"
        }
        Refusal::PivotValues => "list the values, as in PIVOT sales ON year IN (2024, 2025) USING sum(amount)",
        Refusal::Describe => {
            "DESCRIBE NAME gives the columns of a table, `datafolio info NAME` all that is known of it"
        }
        Refusal::NoExpression => "write one expression over the columns of a row, as in x > 1 AND y IS NOT NULL",
        Refusal::Transaction => "each command is one commit, and `datafolio undo` takes one back",
        Refusal::Prepare => "places for values are `?` or `$name`; --value and --param give the values",
        Refusal::Source => {
            "a query reads the tables of the bundle by name; `datafolio import` or `datafolio reference` brings files in"
        }
        Refusal::Call | Refusal::OfDuckDb => {
            "`datafolio sql --unrestricted` lets your own SQL do all that DuckDB can: never take it for SQL of someone else"
        }
        _ => return None,
    })
}

//! SQL over the tables of a bundle, in DuckDB.
//!
//! A caller has names and what they stand for; this crate knows nothing of bundles. The way of a query:
//!
//! * [`quote_table`] makes the bare word `table`, which SQL reserves, the name of a table;
//! * [`check`] parses the text with DuckDB and walks the tree: it must be one query that only reads, from tables that go by a
//!   name, with functions that are listed. It tells which names those are;
//! * [`run`] opens a database of its own in memory, shut in to the files that it is given, and streams the result; where each
//!   row is looked at by itself, several threads do so, and their rows come in turn.
//!
//! The guard is for a user's own slips and for bundles of others. DuckDB has no boundary inside a process: whoever runs SQL of
//! someone who means harm shuts in the process.

mod asked;
mod bounds;
mod check;
mod concat;
mod condition;
mod control;
mod database;
mod error;
mod fetch;
mod ffi;
mod formula;
mod instants;
mod lanes;
mod looks;
mod params;
mod pivot;
mod places;
mod plain;
mod property;
mod reader;
mod refusal;
mod result_schema;
mod row_numbers;
mod run;
mod scan;
mod separable;
mod session;
mod sizes;
mod spill;
mod stream;
mod told;
mod tree;
mod words;

pub use asked::{Asked, Looked, check_query};
pub use bounds::{Bound, Comparison, Constant, of_one_type};
pub use check::{Checked, TableName, check};
pub use condition::{Condition, check_condition, check_condition_on, check_value};
pub use control::QueryControl;
pub use database::Databases;
pub use error::{Spot, SqlError, SqlResult, TableFailure};
pub use fetch::ByNumber;
pub use params::{ParamValue, Params, decimal};
pub use places::Expressions;
pub use plain::{Plain, Wanted};
pub use reader::QueryReader;
pub use refusal::Refusal;
pub use row_numbers::{Filter, Picked, ROW, filter, pick};
pub use scan::{Predicate, Ranges, Scan, Scannable, Stage, Test, count, scan};
pub use session::{Exposed, OF_THE_FILE, Relation, Settings, Shares, run, run_unrestricted};
pub use stream::Streamed;
pub use words::{Quoted, quote_table, statements};

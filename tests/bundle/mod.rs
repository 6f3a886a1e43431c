//! The bundle manager through its public calls.

mod history;
mod items;
mod snapshots;

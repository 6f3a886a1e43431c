//! The bundle manager through its public calls.

mod copies;
mod damaged_history;
mod history;
mod items;
mod own_types;
mod snapshots;

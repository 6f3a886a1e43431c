//! Text for people: sizes, times and values as `describe` prints them, and random bundle names.

mod human;
mod python;
mod shell;
mod words;

pub use human::{human_size, human_time, printable, printable_json, shorten_value};
pub use shell::shell_word;
pub use words::{RandomnessError, bundle_name};

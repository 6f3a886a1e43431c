//! Text for people: sizes, times and values as `describe` prints them, random bundle names, and "did you mean".

mod human;
mod python;
mod shell;
mod words;

pub use human::{human_size, human_time, printable, printable_json, shorten_value};
pub use shell::shell_word;
pub use words::{RandomnessError, bundle_name, did_you_mean};

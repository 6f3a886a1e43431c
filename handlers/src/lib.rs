//! Item types of a bundle: how each is recognised, written, opened and verified.

mod data;
mod error;
mod handler;
pub mod npy;

pub use data::{Data, Model, Reference};
pub use error::{HandlerError, HandlerResult};
pub use handler::{Draft, Handler, Item, Sink, WriteOptions, expected, payload_path};

//! What is said of an item that is added.

use crate::bundle::AddOptions;
use crate::cli::completion;

/// Options of the commands that add items.
#[derive(Debug, Default, clap::Args)]
pub(super) struct NewItem {
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// An item that it was made from; can be given several times
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// Replace an item of that name; its version before stays in the history
    #[arg(long)]
    overwrite: bool,
}

impl NewItem {
    pub(super) fn options(&self) -> AddOptions {
        let mut options = AddOptions::new().inputs(self.inputs.iter().cloned());
        if let Some(text) = &self.description {
            options = options.description(text);
        }
        if self.overwrite { options.overwrite() } else { options }
    }
}

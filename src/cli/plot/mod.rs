//! Pictures of histograms and heatmaps: in the terminal, as SVG and as PNG.

pub(super) mod axis;
pub(super) mod bars;
pub(super) mod color;
pub(super) mod heat;
mod png;
mod svg;

use std::path::Path;

use super::failure::{Failure, Outcome};
use crate::error::Error;

/// What a picture file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Svg,
    Png,
}

impl Format {
    /// What the ending of a name stands for.
    ///
    /// # Errors
    /// Where it stands for neither.
    pub(super) fn of_path(path: &Path) -> Outcome<Self> {
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => {
                let reason = format!("'{}' is no name of a picture: it ends in .svg or .png", path.display());
                Err(Failure::from(Error::Invalid(reason)))
            }
        }
    }
}

//! What commands that compute over a table have in common: the table, its virtual columns and its filter.

use std::num::NonZeroUsize;

use datafolio_columns::{Expr, Frame, PassOptions};

use crate::bundle::DataFolio;
use crate::cli::completion;
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::error::Error;

/// The table, what is computed of its columns, and which of its rows count.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FrameArgs {
    /// The table
    #[arg(add = completion::items())]
    pub(super) item: String,
    #[command(flatten)]
    made: Made,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID", conflicts_with = "mapped")]
    version: Option<String>,
    /// Convert the table once to files in the cache that are mapped into memory: for many questions about one version
    #[arg(long)]
    mapped: bool,
}

/// What is made of a table.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Made {
    /// Only rows for which this condition holds: an expression, as `(x > 0) & (name == 'a')`
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// A column that is computed: may be given several times
    #[arg(long = "with", value_name = "NAME=EXPRESSION")]
    columns: Vec<String>,
}

impl FrameArgs {
    /// The frame that is meant, and the bundle that it is of.
    pub(super) fn open(&self, session: &mut Session) -> Result<(DataFolio, Frame), Failure> {
        let folio = session.reader()?;
        inputs::warn_changed(&folio, &self.item, &mut session.out);
        let frame = match &self.version {
            None if self.mapped => {
                let _progress = session.reading_item("converting", &folio, &self.item);
                folio.mapped_frame(&self.item, &pass_options(&folio))?
            }
            None => folio.frame(&self.item)?,
            Some(version) => folio.frame_of_version(&self.item, version)?,
        };
        Ok((folio, self.made.of(frame)?))
    }
}

impl Made {
    /// Whether anything is made of it.
    #[cfg(feature = "sql")]
    pub(super) fn is_any(&self) -> bool {
        self.filter.is_some() || !self.columns.is_empty()
    }

    /// The frame with the columns and the filter.
    pub(super) fn of(&self, frame: Frame) -> Result<Frame, Failure> {
        let mut frame = frame;
        for column in &self.columns {
            let Some((name, expr)) = named(column) else {
                return Err(Error::Invalid(format!("--with takes NAME=EXPRESSION, and was given '{column}'")).into());
            };
            frame = frame.with_column(name, Expr::parse(expr).map_err(Error::from)?);
        }
        if let Some(condition) = &self.filter {
            frame = frame.filter(Expr::parse(condition).map_err(Error::from)?).map_err(Error::from)?;
        }
        Ok(frame)
    }
}

/// Threads and memory as the bundle's settings have them.
pub(super) fn pass_options(folio: &DataFolio) -> PassOptions {
    let settings = folio.settings();
    PassOptions {
        threads: NonZeroUsize::new(settings.threads),
        memory: Some(settings.memory_bytes()),
        spill: settings.spill_dir.clone(),
        ..PassOptions::default()
    }
}

/// The name and the expression of `NAME=EXPRESSION`; none where it is an expression alone, which may compare.
pub(super) fn named(text: &str) -> Option<(&str, &str)> {
    let (name, expr) = text.split_once('=')?;
    let is_name =
        !name.trim().is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || " _".contains(letter));
    (is_name && !expr.starts_with('=')).then(|| (name.trim(), expr))
}

//! What is odd about the inputs that items were given. All of it is allowed, and may be a slip.

use datafolio_core::did_you_mean;

use crate::bundle::DataFolio;
use crate::text::shell_word;
use crate::{ChangedReference, ChangedReferences};

use super::output::Output;

/// Warns of inputs that are no items of the bundle, and of items that are now made from themselves by name. The latter is
/// how something is refined step by step, since the versions that were read are recorded; more often it is a mistake.
pub(super) fn warn<S: AsRef<str>>(folio: &DataFolio, items: &[S], out: &mut Output) {
    let lineage = folio.lineage();
    for item in items.iter().map(AsRef::as_ref) {
        for input in lineage.inputs(item).unwrap_or_default() {
            if lineage.is_external(input) {
                let known = lineage.items().map(|(name, _)| name).filter(|name| *name != item);
                let meant = match did_you_mean(input, known) {
                    Some(name) => format!(": did you mean '{name}'?"),
                    None => String::new(),
                };
                out.warn(format_args!("input '{input}' of '{item}' is not in the bundle{meant}"));
            }
        }
        if let Some(cycle) = lineage.cycle_through(item) {
            let names: Vec<&str> = cycle.iter().copied().chain(cycle.first().copied()).collect();
            out.warn(format_args!("'{item}' is made from itself: {}", names.join(" ← ")));
        }
    }
}

/// Warns of references that are read and whose files are no longer those that were referenced, by their sizes and times.
pub(super) fn warn_changed(folio: &DataFolio, item: &str, out: &mut Output) {
    if warns(folio) {
        warn_of(&folio.changed_inputs(item).unwrap_or_default(), out);
    }
}

/// The same of the tables that a query reads.
#[cfg(feature = "sql")]
pub(super) fn warn_changed_in_query(folio: &DataFolio, sql: &str, table: Option<&str>, out: &mut Output) {
    if warns(folio) {
        warn_of(&folio.changed_inputs_of_query(sql, table), out);
    }
}

/// Whether reading goes on: else an error tells what the warning would.
fn warns(folio: &DataFolio) -> bool {
    folio.settings().changed_references == ChangedReferences::Warn
}

fn warn_of(changed: &[ChangedReference], out: &mut Output) {
    for reference in changed {
        let name = shell_word(&reference.name);
        out.warn(format_args!(
            "{reference}: `datafolio verify --references {name}` tells more, and `datafolio reference PATH --name {name} --overwrite` takes the files as they are now"
        ));
    }
}

//! What is odd about the inputs that items were given. All of it is allowed, and may be a slip.

use crate::bundle::DataFolio;
use crate::text::did_you_mean;

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

/// Warns of a reference that is read and whose files are no longer those that were referenced, by their sizes and times.
pub(super) fn warn_changed(folio: &DataFolio, item: &str, out: &mut Output) {
    if let Some(change) = folio.changed_reference(item) {
        out.warn(format_args!("'{item}' is a reference, and {change}"));
    }
}

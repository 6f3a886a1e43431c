//! Whole payloads in memory, and text about them.

use datafolio_core::ItemRecord;
use datafolio_storage::Source;

use crate::error::{HandlerError, HandlerResult};
use crate::handler::Item;

/// All bytes of an item's payload, checked.
pub(crate) fn read_all(item: &Item<'_>) -> HandlerResult<Vec<u8>> {
    let source = item.open_payload()?;
    let failed = |source| HandlerError::Payload { item: item.name().to_owned(), source };
    // The size is that of the file, so a hostile entry cannot ask for memory that its payload does not need.
    let too_large = |_| item.damaged(format!("its payload of {} bytes does not fit in memory", source.size()));
    let length = usize::try_from(source.size()).map_err(|_| too_large(()))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| too_large(()))?;
    bytes.resize(length, 0);
    source.read_exact_at(&mut bytes, 0).map_err(failed)?;
    Ok(bytes)
}

/// Lines of `describe`: a label and a field of the entry, where the entry has it as text or number.
pub(crate) fn facts_of(record: &ItemRecord, fields: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    fields
        .iter()
        .filter(|(_, field)| !record.is_miscounted(field))
        .filter_map(|(label, field)| {
            let text = match record.get(field)? {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => return None,
                other => other.to_string(),
            };
            Some((*label, text))
        })
        .collect()
}

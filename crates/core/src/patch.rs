//! The difference between the texts of two catalogues, exact to the byte and reversible.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::encode::{Published, Shared, Span};
use crate::error::{CoreError, CoreResult};

/// One replacement in the text of the earlier catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice {
    /// Byte offset in the earlier text.
    pub at: usize,
    /// What stands there in the earlier text.
    pub remove: String,
    /// What stands there in the later text.
    pub insert: String,
}

/// The replacements that make the later text of the earlier one, in ascending order and without overlap.
///
/// For catalogues that were read separately; of one that was made from the other, [`encode_after`](crate::encode_after) knows
/// the difference. Entries are recognised by their text, and only what stands between them is compared byte by byte.
pub fn diff_texts(before: &Published, after: &Published) -> Vec<Splice> {
    splices(&before.text, &after.text, shared_spans(before, after))
}

/// The replacements between stretches that both texts share, in order.
pub(crate) fn splices(before: &str, after: &str, shared: Vec<Shared>) -> Vec<Splice> {
    let mut splices = Vec::new();
    let (mut old_end, mut new_end) = (0, 0);
    let ends = (before.len()..before.len(), after.len()..after.len());
    for (old, new) in shared.into_iter().chain([ends]) {
        splices.extend(trimmed(before, old_end..old.start, after, new_end..new.start));
        (old_end, new_end) = (old.end, new.end);
    }
    splices
}

/// Spans that stand in both texts in the same order.
fn shared_spans(before: &Published, after: &Published) -> Vec<Shared> {
    let (old, new) = (&before.spans, &after.spans);
    let same = |a: &Span, b: &Span| before.text.as_bytes()[a.range.clone()] == after.text.as_bytes()[b.range.clone()];
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (old_mid, new_mid) = (head..old.len() - tail, &new[head..new.len() - tail]);
    let mut shared: Vec<Shared> = Vec::with_capacity(new.len());
    let pair = |a: &Span, b: &Span| (a.range.clone(), b.range.clone());
    shared.extend(old[..head].iter().zip(&new[..head]).map(|(a, b)| pair(a, b)));
    let mut next = head;
    for (span, place) in new_mid.iter().zip(places(before, old_mid, after, new_mid)) {
        if let Some(index) = place.filter(|index| *index >= next) {
            shared.push(pair(&old[index], span));
            next = index + 1;
        }
    }
    shared.extend(old[old.len() - tail..].iter().zip(&new[new.len() - tail..]).map(|(a, b)| pair(a, b)));
    shared
}

/// For each of these spans of the later text the one of the earlier text that is the same.
fn places(before: &Published, old: Range<usize>, after: &Published, new: &[Span]) -> Vec<Option<usize>> {
    let bytes = |index: usize| &before.text.as_bytes()[before.spans[index].range.clone()];
    let by_text: HashMap<&[u8], usize> = old.map(|index| (bytes(index), index)).collect();
    new.iter().map(|span| by_text.get(&after.text.as_bytes()[span.range.clone()]).copied()).collect()
}

/// The splice between two stretches of text, without what they have in common at both ends.
fn trimmed(old: &str, old_range: Range<usize>, new: &str, new_range: Range<usize>) -> Option<Splice> {
    let (a, b) = (&old[old_range.clone()], &new[new_range]);
    if a == b {
        return None;
    }
    let mut head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    while !(a.is_char_boundary(head) && b.is_char_boundary(head)) {
        head -= 1;
    }
    let (a_rest, b_rest) = (&a[head..], &b[head..]);
    let mut tail = a_rest.bytes().rev().zip(b_rest.bytes().rev()).take_while(|(x, y)| x == y).count();
    while !(a_rest.is_char_boundary(a_rest.len() - tail) && b_rest.is_char_boundary(b_rest.len() - tail)) {
        tail -= 1;
    }
    Some(Splice {
        at: old_range.start + head,
        remove: a_rest[..a_rest.len() - tail].to_owned(),
        insert: b_rest[..b_rest.len() - tail].to_owned(),
    })
}

/// Makes the later text of the earlier one.
///
/// # Errors
/// [`CoreError::DamagedHistory`] when the splices do not fit the text.
pub fn apply(text: &str, splices: &[Splice]) -> CoreResult<String> {
    rebuild(text, splices.iter().map(|splice| (splice.at, splice.remove.as_str(), splice.insert.as_str())))
}

/// Makes the earlier text of the later one.
///
/// # Errors
/// [`CoreError::DamagedHistory`] when the splices do not fit the text.
pub fn revert(text: &str, splices: &[Splice]) -> CoreResult<String> {
    let mut shift: i128 = 0;
    let mut reversed = Vec::with_capacity(splices.len());
    for splice in splices {
        let at = usize::try_from(splice.at as i128 + shift).map_err(|_| misfit())?;
        reversed.push((at, splice.insert.as_str(), splice.remove.as_str()));
        shift += splice.insert.len() as i128 - splice.remove.len() as i128;
    }
    rebuild(text, reversed.into_iter())
}

fn rebuild<'a>(text: &str, splices: impl Iterator<Item = (usize, &'a str, &'a str)>) -> CoreResult<String> {
    let mut out = String::with_capacity(text.len() + 4096);
    let mut done = 0;
    for (at, remove, insert) in splices {
        let kept = text.get(done..at).ok_or_else(misfit)?;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(remove)) {
            return Err(misfit());
        }
        out.push_str(kept);
        out.push_str(insert);
        done = at + remove.len();
    }
    out.push_str(&text[done..]);
    Ok(out)
}

fn misfit() -> CoreError {
    CoreError::DamagedHistory {
        file: "history".to_owned(),
        reason: "a recorded difference does not fit the catalogue that it was made for".to_owned(),
    }
}

//! Which rows of a lane an aggregation takes.

use std::borrow::Cow;

use crate::block::Lane;
use crate::pass::BlockView;

/// Which rows count and have a value in a lane, which has one for each row; none where all do.
pub(super) fn mask_of<'m>(block: &BlockView<'m, '_>, lane: &'m Lane<'_>) -> Option<Cow<'m, [u8]>> {
    match (block.live, &lane.valid) {
        (None, None) => None,
        (Some(live), None) => Some(Cow::Borrowed(live)),
        (None, Some(valid)) => Some(Cow::Borrowed(valid)),
        (Some(live), Some(valid)) => Some(live.iter().zip(valid.iter()).map(|(a, b)| a & b).collect()),
    }
}

/// Truth values as numbers.
pub(super) fn ones(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte & 1).collect()
}

//! What of a file was checked, block by block.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::blocks::Blocks;

/// Which blocks of a file were checked.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(super) blocks: Blocks,
    checked: Vec<AtomicU64>,
    left: AtomicU64,
}

impl Touched {
    pub(super) fn new(blocks: Blocks) -> Self {
        let count = blocks.checksums.len();
        Self {
            checked: (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            left: AtomicU64::new(count as u64),
            blocks,
        }
    }

    pub(super) fn is_checked(&self, index: u64) -> bool {
        let word = self.checked.get((index / 64) as usize);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (index % 64)) != 0)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Notes that a block is good; `true` when it was the last.
    pub(super) fn set_checked(&self, index: u64) -> bool {
        let bit = 1 << (index % 64);
        let Some(word) = self.checked.get((index / 64) as usize) else { return false };
        word.fetch_or(bit, Ordering::Relaxed) & bit == 0 && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

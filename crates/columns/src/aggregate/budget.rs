//! How much memory the sets of values of a pass may take.

use crate::pass::PassOptions;

/// Where it is unknown how much memory the machine has.
const UNKNOWN: u64 = 1 << 30;

/// Bytes that each thread of a pass may use: its share of what the options allow, or of a quarter of the machine's memory.
pub(super) fn of_thread(options: &PassOptions) -> u64 {
    options.memory.unwrap_or_else(|| machine().unwrap_or(UNKNOWN) / 4) / options.threads().max(1) as u64
}

fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

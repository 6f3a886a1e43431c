//! The switches of an object server.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not carried out and answered with 500.
    ErrorBefore,
    /// It is not carried out and answered with 503: too many requests.
    SlowDown,
    /// It is carried out and answered with 500.
    ErrorAfter,
    /// It is carried out, and the connection is closed without an answer.
    CutAfter,
    /// It is not carried out, and the connection is closed without an answer.
    CutBefore,
    /// It is not carried out and answered with 409, as where two conditional writes meet.
    Conflict,
    /// It is not carried out and answered with 412, whatever its condition.
    Precondition,
    /// It is carried out and answered with 412, as where a lost answer makes something in between send it again.
    PreconditionAfter,
    /// Half of the body that the answer declares is sent, and the connection is closed. Of answers with a body alone.
    ShortRead,
}

impl FaultKind {
    /// Whether a store does this only to a request with a condition.
    fn needs_condition(self) -> bool {
        matches!(self, Self::Conflict | Self::Precondition | Self::PreconditionAfter)
    }
}

/// Switches that can be changed while the server runs. A change holds for the requests that are handled after it.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Switches>);

/// All switches at one moment.
#[derive(Debug, Clone)]
pub(super) struct Switches {
    pub(super) deny: bool,
    pub(super) deny_writes: bool,
    pub(super) required_key: Option<String>,
    pub(super) ignore_conditions: bool,
    pub(super) latency: Duration,
    pub(super) bandwidth: Option<u64>,
    pub(super) page_size: usize,
    clock_offset: TimeDelta,
    down: bool,
    write_rates: Vec<(FaultKind, u32)>,
    read_rates: Vec<(FaultKind, u32)>,
    dice: Dice,
    queue: VecDeque<Waiting>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            deny: false,
            deny_writes: false,
            required_key: None,
            ignore_conditions: false,
            latency: Duration::ZERO,
            bandwidth: None,
            page_size: usize::MAX,
            clock_offset: TimeDelta::zero(),
            down: false,
            write_rates: Vec::new(),
            read_rates: Vec::new(),
            dice: Dice::new(0),
            queue: VecDeque::new(),
        }
    }
}

/// A fault that waits for its request.
#[derive(Debug, Clone)]
struct Waiting {
    kind: FaultKind,
    method: Option<String>,
    key: String,
}

/// What of a request decides on its fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trait<'a> {
    pub(super) method: &'a str,
    /// The key, or the query of a request to the bucket.
    pub(super) target: &'a str,
    pub(super) conditional: bool,
}

impl Faults {
    /// All requests are refused with 403.
    pub fn set_deny(&self, on: bool) {
        self.switches().deny = on;
    }

    /// All requests but reads are refused with 403.
    pub fn set_deny_writes(&self, on: bool) {
        self.switches().deny_writes = on;
    }

    /// Requests that are not signed with this access key are refused with 403; the signature itself is not looked at.
    pub fn set_required_key(&self, access_key_id: Option<&str>) {
        self.switches().required_key = access_key_id.map(str::to_owned);
    }

    /// Writes are carried out whatever their conditions: a store that does not know them.
    pub fn set_ignore_conditions(&self, on: bool) {
        self.switches().ignore_conditions = on;
    }

    /// Each request waits so long, after it arrived in full and before it is handled. It is handled even when its
    /// client does not wait for the answer.
    pub fn set_latency(&self, latency: Duration) {
        self.switches().latency = latency;
    }

    /// Bodies of answers are sent at this many bytes a second, in pieces.
    pub fn set_bandwidth(&self, bytes_per_second: Option<u64>) {
        self.switches().bandwidth = bytes_per_second;
    }

    /// Of 1000 requests that change something, so many have this fault, by chance; 0 takes it away. Faults that are
    /// about conditions befall only requests with a condition.
    pub fn set_write_rate(&self, kind: FaultKind, per_mille: u32) {
        set_rate(&mut self.switches().write_rates, kind, per_mille);
    }

    /// The same for requests that only read: GET and HEAD.
    pub fn set_read_rate(&self, kind: FaultKind, per_mille: u32) {
        set_rate(&mut self.switches().read_rates, kind, per_mille);
    }

    /// Where chance begins: the same seed and the same requests in the same order give the same faults.
    pub fn set_seed(&self, seed: u64) {
        self.switches().dice = Dice::new(seed);
    }

    /// The next request with this method, or any, whose key contains the text has the fault; for a request to the bucket
    /// the text is looked for in its query. Calls add up: each one is for one request, the earlier ones first.
    pub fn next(&self, kind: FaultKind, method: Option<&str>, key_contains: &str) {
        let waiting = Waiting { kind, method: method.map(str::to_owned), key: key_contains.to_owned() };
        self.switches().queue.push_back(waiting);
    }

    /// How many calls of [`next`](Self::next) have not met their request.
    pub fn waiting(&self) -> usize {
        self.switches().queue.len()
    }

    /// The clock of the server is so much ahead, or behind when negative, in the dates of headers and of what is written
    /// from now on.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.switches().clock_offset = offset;
    }

    /// Every connection is closed without an answer, and its request is not recorded.
    pub fn set_down(&self, down: bool) {
        self.switches().down = down;
    }

    /// Lists have at most so many entries on a page.
    pub fn set_page_size(&self, entries: usize) {
        self.switches().page_size = entries.max(1);
    }

    /// All switches are off again.
    pub fn clear(&self) {
        *self.switches() = Switches::default();
    }

    /// The time of the server.
    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.switches().clock_offset
    }

    pub(super) fn is_down(&self) -> bool {
        self.switches().down
    }

    /// All switches as they are now.
    pub(super) fn snapshot(&self) -> Switches {
        self.switches().clone()
    }

    /// The fault of a request, if it has one.
    pub(super) fn choose(&self, request: Trait<'_>) -> Option<FaultKind> {
        let mut switches = self.switches();
        let meets = |waiting: &Waiting| {
            waiting.method.as_deref().is_none_or(|method| method == request.method)
                && request.target.contains(&waiting.key)
        };
        if let Some(at) = switches.queue.iter().position(meets) {
            return switches.queue.remove(at).map(|waiting| waiting.kind);
        }
        let Switches { read_rates, write_rates, dice, .. } = &mut *switches;
        let rates = if is_read(request.method) { read_rates } else { write_rates };
        if rates.is_empty() {
            return None;
        }
        let mut number = dice.below_thousand();
        let kind = rates.iter().find_map(|(kind, per_mille)| match number.checked_sub(*per_mille) {
            None => Some(*kind),
            Some(rest) => {
                number = rest;
                None
            }
        });
        kind.filter(|kind| request.conditional || !kind.needs_condition())
    }

    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether requests with this method leave everything as it is.
pub(super) fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

fn set_rate(rates: &mut Vec<(FaultKind, u32)>, kind: FaultKind, per_mille: u32) {
    rates.retain(|(other, _)| *other != kind);
    if per_mille > 0 {
        rates.push((kind, per_mille));
    }
}

/// Numbers by chance, the same for the same seed.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        // Seeds that differ in little have to give other numbers from the first one on, and zero would give only zeros.
        Self((seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1)
    }

    fn below_thousand(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % 1000;
        u32::try_from(number).unwrap_or_default()
    }
}

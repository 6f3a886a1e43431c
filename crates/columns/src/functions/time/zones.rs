//! Instants in other time zones, and local times as instants.

use std::sync::Arc;

use super::instant::{FAR, Instant, fault_where, per_second, present};
use crate::block::{Buffer, Lane, Values, YES, both_valid};
use crate::error::{ColumnsError, ColumnsResult};
use crate::kernels::zones::{Instants, Zone};
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::{Type, Unit};

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "dt_tz_convert",
        arguments: &["x", "zone"],
        about: "The same instants shown in another zone; with None, in UTC and without a zone.",
        bind: convert,
    },
    Function {
        name: "dt_tz_localize",
        arguments: &["x", "zone", "ambiguous?", "nonexistent?"],
        about: "Local times as instants of a zone; with None, instants as local times without a zone. A time that clocks showed twice \
                is an error, or by `ambiguous` the \"earliest\", the \"latest\", or missing (\"NaT\"); one that they never showed is an \
                error, or by `nonexistent` the instant after the gap (\"shift_forward\"), the last one before (\"shift_backward\"), or missing.",
        bind: localize,
    },
];

/// The zone in the second place, with its rules; none where it is `None`.
fn zone(call: &Call<'_, '_>) -> ColumnsResult<Option<(Arc<str>, Zone)>> {
    let Some(name) = call.text(1)? else { return Ok(None) };
    let rules = Zone::named(&name).map_err(|reason| call.wrong(1, &reason))?;
    Ok(Some((name, rules)))
}

fn convert(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let instant = Instant::argument(call, 0)?;
    let zone = zone(call)?;
    if instant.zone.is_none() && !is_missing(&instant) {
        return Err(ColumnsError::mismatch(
            &instant.operand.expr,
            "these are local times without a zone; `dt_tz_localize(x, \"UTC\")` says which they are of".to_owned(),
        ));
    }
    // In a zone, ticks are no coarser than the parts of offsets.
    let instant = if zone.is_some() { instant.at_least(call, Unit::Second)? } else { instant };
    let type_ = Type::Instant(instant.unit, zone.map(|(name, _)| name));
    renamed(call, &instant, type_)
}

fn is_missing(instant: &Instant) -> bool {
    instant.operand.literal.as_ref().is_some_and(|value| value.is_null())
}

/// The same ticks under another type.
fn renamed(call: &mut Call<'_, '_>, instant: &Instant, type_: Type) -> ColumnsResult<Operand> {
    call.compute(&type_.to_string(), &[&instant.operand], type_, |mut arguments: Arguments<'_>| Ok(arguments.next()))
}

/// What becomes of a local time that is no single instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Refuse,
    Missing,
    /// The earliest instant, or the last before the gap.
    Before,
    /// The latest instant, or the first after the gap.
    After,
}

/// The choice in a place, by the words for [`Choice::Before`] and [`Choice::After`].
fn choice(call: &Call<'_, '_>, at: usize, before: &str, after: &str) -> ColumnsResult<Choice> {
    Ok(match call.text(at)?.as_deref() {
        None | Some("raise") => Choice::Refuse,
        Some("NaT" | "null") => Choice::Missing,
        Some(word) if word == before => Choice::Before,
        Some(word) if word == after => Choice::After,
        Some(_) => {
            return Err(call.wrong(at, &format!("it is one of \"raise\", \"{before}\", \"{after}\" and \"NaT\"")));
        }
    })
}

fn localize(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let instant = Instant::argument(call, 0)?;
    let ambiguous = choice(call, 2, "earliest", "latest")?;
    let nonexistent = choice(call, 3, "shift_backward", "shift_forward")?;
    let Some((name, rules)) = zone(call)? else {
        let local = instant.local(call)?;
        let type_ = Type::Instant(local.unit, None);
        return renamed(call, &local, type_);
    };
    if let Some(zone) = &instant.zone {
        let reason = format!(
            "these are instants of {zone} already; `dt_tz_convert` shows them in another zone, `dt_tz_localize(x, None)` makes \
             local times of them"
        );
        return Err(ColumnsError::mismatch(&instant.operand.expr, reason));
    }
    let instant = instant.at_least(call, Unit::Second)?;
    let type_ = Type::Instant(instant.unit, Some(name.clone()));
    let locals =
        Locals { per_second: per_second(instant.unit), unit: instant.unit, name, rules, ambiguous, nonexistent };
    let parameters = format!("{} {ambiguous:?} {nonexistent:?}", locals.name);
    call.compute(&parameters, &[&instant.operand], type_, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let valid = present(ticks, &lane);
        Ok(locals.instants(ticks, valid))
    })
}

/// How local times become instants.
#[derive(Debug)]
struct Locals {
    per_second: i64,
    unit: Unit,
    name: Arc<str>,
    rules: Zone,
    ambiguous: Choice,
    nonexistent: Choice,
}

/// From so many seconds after and before a change of offset on, local times are certain.
const CERTAIN: i64 = 2 * 86_400;

impl Locals {
    fn instants<'a>(&self, ticks: &[i64], valid: Option<Buffer<'a, u8>>) -> Lane<'a> {
        let mut values = Vec::with_capacity(ticks.len());
        let mut missing: Option<Vec<u8>> = None;
        let mut bad: Option<Vec<u8>> = None;
        let mut certain = 0..0;
        let mut ahead = 0;
        for (row, tick) in ticks.iter().enumerate() {
            let second = tick.div_euclid(self.per_second);
            if !certain.contains(&second) {
                let interval = self.rules.interval(second);
                ahead = i64::from(interval.offset) * self.per_second;
                certain = interval.start.saturating_add(CERTAIN)..interval.end.saturating_sub(CERTAIN);
            }
            let found = if certain.contains(&second) { Ok(tick.wrapping_sub(ahead)) } else { self.one(*tick) };
            values.push(found.unwrap_or(0));
            match found {
                Ok(_) => {}
                Err(Choice::Missing) => set(&mut missing, ticks.len(), YES, row, 0),
                Err(_) => set(&mut bad, ticks.len(), 0, row, YES),
            }
        }
        let fault = fault_where(
            ticks,
            |tick| bad.is_some() || !(-FAR..FAR).contains(&tick),
            |row| {
                let wrapped = ticks
                    .get(row)
                    .zip(values.get(row))
                    .is_some_and(|(before, after)| !(-FAR..FAR).contains(before) && (before ^ after) < 0);
                wrapped || bad.as_ref().is_some_and(|bad| bad.get(row) == Some(&YES))
            },
            &valid,
            || match (self.ambiguous, self.nonexistent) {
                (Choice::Refuse, _) | (_, Choice::Refuse) => format!(
                    "clocks in {} showed this time twice, or never; `ambiguous` (\"earliest\", \"latest\", \"NaT\") and \
                     `nonexistent` (\"shift_forward\", \"shift_backward\", \"NaT\") say what becomes of it",
                    self.name
                ),
                _ => format!("the instant is beyond what {} can count", self.unit.as_str()),
            },
        );
        let valid = both_valid(valid, missing.map(Buffer::from));
        Lane { fault, ..Lane::with_valid(Values::I64(values.into()), valid) }
    }

    /// The instant of a local time, or why there is none.
    fn one(&self, tick: i64) -> Result<i64, Choice> {
        let fraction = tick.rem_euclid(self.per_second);
        let ticks = |second: i64| second.wrapping_mul(self.per_second).wrapping_add(fraction);
        match (self.rules.instants(tick.div_euclid(self.per_second)), self.ambiguous, self.nonexistent) {
            (Instants::One(second), ..) => Ok(ticks(second)),
            (Instants::Two(first, _), Choice::Before, _) => Ok(ticks(first)),
            (Instants::Two(_, second), Choice::After, _) => Ok(ticks(second)),
            (Instants::Two(..), other, _) => Err(other),
            (Instants::None(gap), _, Choice::After) => Ok(gap.wrapping_mul(self.per_second)),
            (Instants::None(gap), _, Choice::Before) => Ok(gap.wrapping_mul(self.per_second).wrapping_sub(1)),
            (Instants::None(_), _, other) => Err(other),
        }
    }
}

/// Sets a row of a mask, which is made if there is none.
fn set(mask: &mut Option<Vec<u8>>, rows: usize, others: u8, row: usize, byte: u8) {
    if let Some(slot) = mask.get_or_insert_with(|| vec![others; rows]).get_mut(row) {
        *slot = byte;
    }
}

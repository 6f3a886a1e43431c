//! Instants as arguments, and what many functions compute of them: local time, and its days, seconds and nanoseconds.
//!
//! These are nodes of their own, so that `x.dt.year`, `x.dt.month` and `x.dt.day` share them.

use std::sync::Arc;

use crate::block::{Buffer, Fault, Lane, Values, YES, both_valid};
use crate::error::{ColumnsError, ColumnsResult};
use crate::kernels::clock::{self, Piece};
use crate::kernels::zones::Zone;
use crate::plan::{Arguments, Call, Kernel, Operand};
use crate::types::{Int, Type, Unit};

/// An argument that is an instant.
#[derive(Debug, Clone)]
pub(super) struct Instant {
    pub(super) operand: Operand,
    pub(super) unit: Unit,
    pub(super) zone: Option<Arc<str>>,
    pub(super) rules: Zone,
}

impl Instant {
    /// The argument in a place.
    pub(super) fn argument(call: &mut Call<'_, '_>, at: usize) -> ColumnsResult<Self> {
        let mut operand = call.operand(at)?;
        if operand.type_ == Type::Null {
            operand = call.cast(&operand, &Type::Instant(Unit::Nano, None))?;
        }
        if let Some(text) = operand.literal.as_ref().and_then(|value| value.as_str()) {
            let value = crate::expr::instant_of(text, None).map_err(|reason| call.wrong(at, &reason))?;
            operand = call.planner.literal(value, &operand.expr)?;
        }
        let Type::Instant(unit, zone) = operand.type_.clone() else {
            let hint = match operand.type_ {
                Type::Text => "instants; cast texts with `astype(\"datetime64[ns]\")`",
                Type::Int(_) => "instants; cast ticks since 1970 with `astype(\"datetime64[s]\")`, or another unit",
                Type::Duration(_) => "instants; parts of durations are `.td.days`, `.td.seconds` and so on",
                _ => "instants",
            };
            return Err(call.wrong_type(&operand, hint));
        };
        let rules = Zone::of(zone.as_deref()).map_err(|reason| ColumnsError::mismatch(&operand.expr, reason))?;
        Ok(Self { operand, unit, zone, rules })
    }

    /// The same instants in ticks of a unit that is as fine, or in their own if it is finer.
    pub(super) fn at_least(&self, call: &mut Call<'_, '_>, unit: Unit) -> ColumnsResult<Self> {
        if self.unit >= unit {
            return Ok(self.clone());
        }
        let operand = call.cast(&self.operand, &Type::Instant(unit, self.zone.clone()))?;
        Ok(Self { operand, unit, ..self.clone() })
    }

    /// Local time, as instants without a zone.
    pub(super) fn local(&self, call: &mut Call<'_, '_>) -> ColumnsResult<Self> {
        if matches!(self.rules, Zone::Fixed(0)) {
            let operand = Operand { type_: Type::Instant(self.unit, None), literal: None, ..self.operand.clone() };
            return Ok(Self { operand, zone: None, ..self.clone() });
        }
        // Offsets are not whole minutes everywhere.
        let fine = self.at_least(call, Unit::Second)?;
        let (rules, unit) = (fine.rules.clone(), fine.unit);
        let kernel: Kernel = Arc::new(move |mut arguments: Arguments<'_>| {
            let lane = arguments.next();
            let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
            let valid = present(ticks, &lane);
            let values = rules.local(ticks, per_second(unit));
            let wrapped = |row: usize| differ(ticks.get(row), values.get(row));
            let fault = fault_where(
                ticks,
                |ticks| !(-FAR..FAR).contains(&ticks),
                wrapped,
                &valid,
                || format!("local time is beyond what {} can count; cast it to a coarser unit", unit.as_str()),
            );
            Ok(Lane { fault, ..Lane::with_valid(Values::I64(values), valid) })
        });
        let name = format!("local time {}", fine.zone.as_deref().unwrap_or_default());
        let type_ = Type::Instant(fine.unit, None);
        let node = call.planner.compute(name, kernel, vec![fine.operand.node], type_, &call.expr)?;
        let operand = call.planner.computed(node, &fine.operand.expr);
        Ok(Self { operand, unit: fine.unit, zone: None, rules: Zone::Fixed(0) })
    }

    /// A piece of local time, as `int32`.
    pub(super) fn piece(&self, call: &mut Call<'_, '_>, piece: Piece) -> ColumnsResult<Operand> {
        let local = self.local(call)?;
        let unit = local.unit;
        let kernel: Kernel = Arc::new(move |mut arguments: Arguments<'_>| {
            let lane = arguments.next();
            let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
            let valid = present(ticks, &lane);
            let limit = clock::limit(unit);
            let far = |ticks: i64| ticks > limit || ticks < -limit;
            let fault = fault_where(
                ticks,
                far,
                |row| ticks.get(row).is_some_and(|ticks| far(*ticks)),
                &valid,
                || "the instant is more than 5.8 million years from 1970".to_owned(),
            );
            Ok(Lane { fault, ..Lane::with_valid(Values::I32(clock::pieces(ticks, unit, piece)), valid) })
        });
        let type_ = Type::Int(Int::I32);
        let name = format!("piece {piece:?}");
        let node = call.planner.compute(name, kernel, vec![local.operand.node], type_, &call.expr)?;
        Ok(call.planner.computed(node, &local.operand.expr))
    }
}

/// Ticks so far from the ends that no offset leads beyond them.
pub(super) const FAR: i64 = i64::MAX / 2;

/// Whether a sum of a great number and a small one has wrapped.
fn differ(before: Option<&i64>, after: Option<&i64>) -> bool {
    before.zip(after).is_some_and(|(before, after)| !(-FAR..FAR).contains(before) && (before ^ after) < 0)
}

/// How many ticks a second has. Coarser ticks are not computed with in zones.
pub(super) fn per_second(unit: Unit) -> i64 {
    unit.nanoseconds().map_or(1, |nanoseconds| (1_000_000_000 / nanoseconds).max(1))
}

/// Which rows have an instant: those with a value that is not NumPy's mark for none.
pub(super) fn present<'a>(ticks: &[i64], lane: &Lane<'a>) -> Option<Buffer<'a, u8>> {
    let valid = lane.valid.clone();
    if !ticks.iter().fold(false, |any, ticks| any | (*ticks == i64::MIN)) {
        return valid;
    }
    let times: Vec<u8> = ticks.iter().map(|ticks| if *ticks == i64::MIN { 0 } else { YES }).collect();
    both_valid(valid, Some(times.into()))
}

/// The fault of rows that have a value and no result. `suspect` tells whether any row need be looked at.
pub(super) fn fault_where(
    ticks: &[i64],
    suspect: impl Fn(i64) -> bool,
    bad: impl Fn(usize) -> bool,
    valid: &Option<Buffer<'_, u8>>,
    reason: impl FnOnce() -> String,
) -> Option<Arc<Fault>> {
    if !ticks.iter().fold(false, |any, ticks| any | suspect(*ticks)) {
        return None;
    }
    let counts = |row: usize| valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES));
    let rows: Vec<u8> = (0..ticks.len()).map(|row| if counts(row) && bad(row) { YES } else { 0 }).collect();
    rows.contains(&YES).then(|| Arc::new(Fault { rows, reason: reason(), node: None }))
}

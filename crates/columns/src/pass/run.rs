//! Runs the threads of a pass.

use std::any::Any;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::PassOptions;
use super::sink::{BlockView, Outcome, Output, SinkPlan};
use crate::block::{BLOCK, Chunk, Lane, Values, YES, count_yes};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::{Evaluator, NodeId, Plan};
use crate::source::{RawBatch, Source};

/// Rows of a task: enough that taking one costs nothing, and few enough that no thread is left alone with the last one.
const TASK: u64 = 64 * BLOCK as u64;

/// What a pass is to do.
#[derive(Debug)]
pub(crate) struct Request<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) source: &'r dyn Source,
    /// The condition that all rows must fulfil.
    pub(crate) filter: Option<NodeId>,
    pub(crate) rows: Range<u64>,
    pub(crate) sinks: Vec<SinkPlan>,
    pub(crate) options: &'r PassOptions,
}

/// Runs passes until all that is asked for is known.
pub(crate) fn run(mut request: Request<'_>) -> ColumnsResult<Vec<Output>> {
    let mut outputs: Vec<Option<Output>> = request.sinks.iter().map(|_| None).collect();
    let mut open: Vec<usize> = (0..request.sinks.len()).collect();
    while !open.is_empty() {
        let outcomes = pass(&request)?;
        let mut again = Vec::new();
        let mut sinks = Vec::new();
        for ((at, outcome), sink) in open.iter().zip(outcomes).zip(&request.sinks) {
            match outcome {
                Outcome::Done(output) => {
                    if let Some(slot) = outputs.get_mut(*at) {
                        *slot = Some(output);
                    }
                }
                Outcome::Again(next) => {
                    again.push(*at);
                    sinks.push(SinkPlan { sink: next, ..sink.clone() });
                }
            }
        }
        open = again;
        request.sinks = sinks;
    }
    Ok(outputs.into_iter().flatten().collect())
}

type Parts = Vec<Box<dyn Any + Send>>;

fn pass(request: &Request<'_>) -> ColumnsResult<Vec<Outcome>> {
    request.source.check()?;
    let tasks = request.source.tasks(request.rows.clone(), TASK);
    let threads = request.options.threads().min(tasks.len()).max(1);
    let shared =
        Shared { request, next: AtomicUsize::new(0), stop: AtomicBool::new(false), done: AtomicU64::new(0), tasks };
    let results: Mutex<Vec<ColumnsResult<Parts>>> = Mutex::new(Vec::new());
    let keep = |result: ColumnsResult<Parts>| {
        if result.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| keep(shared.work(false)));
        }
        keep(shared.work(true));
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Of several errors, the one that stopped the others tells most.
    let cancelled = |result: &ColumnsResult<Parts>| matches!(result, Err(ColumnsError::Cancelled));
    results.sort_by_key(|result| cancelled(result));
    let mut by_sink: Vec<Parts> = request.sinks.iter().map(|_| Vec::new()).collect();
    for parts in results {
        for (sink, part) in by_sink.iter_mut().zip(parts?) {
            sink.push(part);
        }
    }
    request.sinks.iter().zip(by_sink).map(|(plan, parts)| plan.sink.finish(parts)).collect()
}

/// What the threads of a pass share.
struct Shared<'r, 's> {
    request: &'r Request<'s>,
    tasks: Vec<Range<u64>>,
    next: AtomicUsize,
    stop: AtomicBool,
    done: AtomicU64,
}

impl Shared<'_, '_> {
    /// Takes tasks until there is none left. The thread of the caller also tells how far the pass is.
    fn work(&self, tells: bool) -> ColumnsResult<Parts> {
        let request = self.request;
        let mut parts: Parts = request.sinks.iter().map(|plan| plan.sink.start()).collect::<ColumnsResult<_>>()?;
        let total = request.rows.end - request.rows.start;
        while let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut row = task.start;
            for batch in request.source.read_raw(task.clone(), &request.plan.columns)? {
                let batch = batch?;
                self.batch(&batch, row, &mut parts)?;
                row += batch.rows as u64;
            }
            if row != task.end {
                return Err(ColumnsError::option(format!(
                    "rows {} to {} were asked for, and the source ended at row {row}",
                    task.start, task.end
                )));
            }
            let done = self.done.fetch_add(task.end - task.start, Ordering::Relaxed) + task.end - task.start;
            if tells
                && let Some(progress) = &request.options.progress
                && !progress(done, total)
            {
                return Err(ColumnsError::Cancelled);
            }
        }
        Ok(parts)
    }

    fn batch(&self, batch: &RawBatch, first_row: u64, parts: &mut Parts) -> ColumnsResult<()> {
        let request = self.request;
        let chunk = Chunk::raw(batch)?;
        let mut evaluator = Evaluator::new(request.plan, &chunk);
        let mut start = 0;
        while start < chunk.rows() {
            if self.stop.load(Ordering::Relaxed) || request.options.cancelled() {
                return Err(ColumnsError::Cancelled);
            }
            let end = (start + BLOCK).min(chunk.rows());
            evaluator.block(start..end);
            let row = first_row + start as u64;
            self.block(&mut evaluator, end - start, row, parts)?;
            start = end;
        }
        Ok(())
    }

    fn block(
        &self,
        evaluator: &mut Evaluator<'_, '_>,
        rows: usize,
        first_row: u64,
        parts: &mut Parts,
    ) -> ColumnsResult<()> {
        let filter = match self.request.filter {
            None => Live::All,
            Some(filter) => live_rows(evaluator, filter, &Live::All, rows, first_row)?,
        };
        if matches!(filter, Live::None) {
            return Ok(());
        }
        for (plan, part) in self.request.sinks.iter().zip(parts.iter_mut()) {
            let selected;
            let live = match plan.selection {
                None => &filter,
                Some(selection) => {
                    selected = live_rows(evaluator, selection, &filter, rows, first_row)?;
                    &selected
                }
            };
            let live = match live {
                Live::None => continue,
                Live::All => None,
                Live::Some(mask) => Some(mask.as_slice()),
            };
            let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(plan.inputs.len());
            for input in &plan.inputs {
                let lane = evaluator.lane(*input)?;
                evaluator.check(&lane, live, first_row)?;
                lanes.push(lane);
            }
            plan.sink.block(part.as_mut(), &BlockView { lanes: &lanes, live, rows, first_row })?;
        }
        Ok(())
    }
}

/// Rows that count.
pub(crate) enum Live {
    All,
    None,
    Some(Vec<u8>),
}

/// The rows, of those that already count, for which a condition is true. Unknown is not true.
pub(crate) fn live_rows(
    evaluator: &mut Evaluator<'_, '_>,
    condition: NodeId,
    before: &Live,
    rows: usize,
    first_row: u64,
) -> ColumnsResult<Live> {
    let lane = evaluator.lane(condition)?;
    let known = match before {
        Live::All => None,
        Live::None => return Ok(Live::None),
        Live::Some(mask) => Some(mask.as_slice()),
    };
    evaluator.check(&lane, known, first_row)?;
    if lane.constant {
        let holds = matches!(&lane.values, Values::Bool(value) if value.first() == Some(&YES)) && lane.is_valid(0);
        return Ok(match (holds, known) {
            (false, _) => Live::None,
            (true, None) => Live::All,
            (true, Some(mask)) => Live::Some(mask.to_vec()),
        });
    }
    let Values::Bool(values) = lane.values else { return Ok(Live::None) };
    let mut mask = values.into_vec();
    for other in [lane.valid.as_deref(), known].into_iter().flatten() {
        mask.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
    }
    Ok(match count_yes(&mask) {
        0 => Live::None,
        all if all == rows => Live::All,
        _ => Live::Some(mask),
    })
}

//! Answers that are tables, kept as those of aggregations are.

use arrow::array::RecordBatch;

use super::Frame;
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{Output, PassOptions, Request, SinkPlan, run};
use crate::plan::{NodeId, Planner};
use crate::results::{decode_table, encode_table};

/// What keys of answers begin with. The number changes whenever a release computes something otherwise.
const KEYS: &str = "answers 2";

impl Frame {
    /// Runs a sink that gives a table over the rows that pass the filter, unless it is known what it gives.
    ///
    /// `asked` is all that the table depends on beside the rows and what is computed of them: what the sink makes of its lanes. How the
    /// pass is run does not belong to it.
    pub(super) fn table(
        &self,
        mut planner: Planner<'_>,
        sink: SinkPlan,
        asked: &str,
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let filter = self.filter.as_ref().map(|filter| planner.bind_condition(filter)).transpose()?;
        let results = self.results.as_deref();
        let key = results.and_then(|_| self.key_of(&planner, std::slice::from_ref(&sink), filter, asked));
        let kept = results.zip(key.as_deref());
        if let Some(answer) = kept.and_then(|(results, key)| decode_table(&results.get(key)?)) {
            return Ok(answer);
        }
        let plan = planner.finish();
        let rows = self.rows.clone();
        let request = Request { plan: &plan, source: self.source.as_ref(), filter, rows, sinks: vec![sink], options };
        let answer = match run(request)?.pop() {
            Some(Output::Batch(batch)) => batch,
            other => return Err(ColumnsError::option(format!("a table was expected, and {other:?} came"))),
        };
        if let Some((results, key)) = kept
            && let Some(bytes) = encode_table(&answer)
        {
            results.put(key, &bytes);
        }
        Ok(answer)
    }

    /// All that the answers of sinks depend on, as text: the content of the columns, what is computed of them, which rows count, and what was
    /// asked of these. None where that cannot be told.
    pub(super) fn key_of(
        &self,
        planner: &Planner<'_>,
        sinks: &[SinkPlan],
        filter: Option<NodeId>,
        asked: &str,
    ) -> Option<String> {
        let content = self.source.fingerprint(planner.columns())?;
        let computation = planner.computation()?;
        let inputs: Vec<_> = sinks.iter().map(|sink| (&sink.inputs, sink.selection)).collect();
        let rows = &self.rows;
        Some(format!("{KEYS} {content} {rows:?} {asked} {inputs:?} {filter:?} {computation}"))
    }
}

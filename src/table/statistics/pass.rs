//! One pass over the rows of a table, with the columns shared out among threads.

use std::sync::mpsc::{Receiver, sync_channel};

use arrow::array::{RecordBatch, RecordBatchReader};

use super::column::{Column, Failure};
use super::{ColumnStatistics, StatisticsOptions};
use crate::error::{Error, Result};

/// Batches that wait for a thread.
const WAITING: usize = 2;

/// Columns, with their places in the table.
type Share = Vec<(usize, Column)>;

/// The statistics of all columns of a stream, and how many rows it has.
pub(super) fn pass(
    reader: Box<dyn RecordBatchReader + Send>,
    threads: usize,
    options: &StatisticsOptions,
) -> Result<(u64, Vec<ColumnStatistics>)> {
    let columns = reader.schema().fields().iter().map(|field| Column::new(field)).enumerate().collect();
    let shares = share_out(columns, threads);
    let (rows, mut columns) = match shares.len() {
        0 | 1 => alone(reader, shares.into_iter().flatten().collect())?,
        _ => side_by_side(reader, shares)?,
    };
    columns.sort_by_key(|(place, _)| *place);
    let finished = columns.into_iter().map(|(_, column)| column.finish(options));
    Ok((rows, finished.collect::<Result<_, Failure>>()?))
}

/// The columns with most work first, each to the share that has least.
fn share_out(mut columns: Share, threads: usize) -> Vec<Share> {
    columns.sort_by_key(|(_, column)| std::cmp::Reverse(column.weight()));
    let mut shares: Vec<(u32, Share)> = Vec::new();
    shares.resize_with(threads.min(columns.len()), Default::default);
    for (place, column) in columns {
        if let Some((weight, share)) = shares.iter_mut().min_by_key(|(weight, _)| *weight) {
            *weight += column.weight();
            share.push((place, column));
        }
    }
    shares.into_iter().map(|(_, share)| share).filter(|share| !share.is_empty()).collect()
}

fn alone(reader: Box<dyn RecordBatchReader + Send>, mut share: Share) -> Result<(u64, Share)> {
    let mut rows = 0;
    for batch in reader {
        let batch = batch.map_err(Error::from)?;
        rows += batch.num_rows() as u64;
        add(&mut share, &batch)?;
    }
    Ok((rows, share))
}

fn side_by_side(reader: Box<dyn RecordBatchReader + Send>, shares: Vec<Share>) -> Result<(u64, Share)> {
    std::thread::scope(|scope| {
        let lanes = shares.into_iter().map(|share| {
            let (sender, batches) = sync_channel(WAITING);
            (sender, scope.spawn(move || work(share, &batches)))
        });
        let lanes: Vec<_> = lanes.collect();
        let mut rows = 0;
        for batch in reader {
            // The threads end when their senders go.
            let batch = batch.map_err(Error::from)?;
            rows += batch.num_rows() as u64;
            // One that has failed takes no more; why is told below.
            if lanes.iter().any(|(sender, _)| sender.send(batch.clone()).is_err()) {
                break;
            }
        }
        let mut columns = Vec::new();
        for (sender, thread) in lanes {
            drop(sender);
            columns.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok((rows, columns))
    })
}

fn work(mut share: Share, batches: &Receiver<RecordBatch>) -> Result<Share, Failure> {
    for batch in batches {
        add(&mut share, &batch)?;
    }
    Ok(share)
}

fn add(share: &mut Share, batch: &RecordBatch) -> Result<(), Failure> {
    share.iter_mut().try_for_each(|(place, column)| column.add(batch.column(*place)))
}

//! Frames of Polars in and out of a bundle.

mod lazy;
mod types;

use datafolio::polars::frame::DataFrame;
use datafolio::polars::prelude::IntoLazy;
use datafolio::polars::prelude::{Expr, col, df, lit};

/// Rows of the sample frame; as a table its row groups have 10,000 of them.
const ROWS: i64 = 50_000;

/// Columns `id` (its own number), `third`, `word`, `day` and `score`, which is null in every tenth row.
fn sample() -> DataFrame {
    let ids: Vec<i64> = (0..ROWS).collect();
    let third: Vec<f64> = ids.iter().map(|id| *id as f64 / 3.0).collect();
    let word: Vec<String> = ids.iter().map(|id| format!("word {id:06} of the sample")).collect();
    let day: Vec<i32> = ids.iter().map(|id| (id / 100) as i32).collect();
    let score: Vec<Option<i64>> = ids.iter().map(|id| (id % 10 != 3).then_some(id * 7 % 1000)).collect();
    df!("id" => ids, "third" => third, "word" => word, "day" => day, "score" => score)
        .unwrap()
        .lazy()
        .with_column(col("day").cast(datafolio::polars::prelude::DataType::Date))
        .collect()
        .unwrap()
}

fn number(value: i64) -> Expr {
    lit(value)
}

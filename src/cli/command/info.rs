//! `info`: all that is known of an item.

use serde_json::{Value, json};

use super::ls::inputs;
use super::values::Values;
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::Outcome;
use crate::cli::inputs::warn_changed;
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::{count, details, grouped, kind_word, long_time, size_of, size_text};
use crate::text::printable;
use crate::{Error, Quantile, StatisticsOptions, TableInfo, TableStatistics};

/// Show all that is known of an item
///
/// Of a table, --statistics reads the rows once and tells what each column holds: how many values and different ones, mean,
/// standard deviation, extremes, quantiles, frequent values. They are kept, so that the next call need not read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio info flights
  datafolio info flights --json
  datafolio info flights --statistics --columns dep_delay,carrier --quantiles 0.5,0.99")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
    /// Statistics of the columns of a table
    #[arg(long)]
    statistics: bool,
    /// Only of these columns, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', requires = "statistics")]
    columns: Vec<String>,
    /// Only of rows for which this SQL condition holds
    #[arg(long = "where", value_name = "CONDITION", requires = "statistics")]
    filter: Option<String>,
    #[command(flatten)]
    values: Values,
    /// These quantiles, each from 0 to 1, instead of the quartiles
    #[arg(long, value_name = "Q,...", value_delimiter = ',', requires = "statistics")]
    quantiles: Vec<f64>,
    /// How many frequent values
    #[arg(long, value_name = "N", requires = "statistics")]
    top: Option<usize>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let info = folio.item_info(&args.item)?;
    let size = size_of(&folio, &info);
    let path = folio.item_path(&args.item).ok().map(|path| path.display().to_string());
    let lineage = folio.lineage();
    let dependents = lineage.dependents(&args.item).unwrap_or_default();
    let catalogue = folio.catalogue();
    let entry = catalogue.item(&args.item)?;
    let snapshots: Vec<&str> = catalogue.pinning(entry).collect();
    let inputs = inputs(&info);
    // What a table's files say; where they cannot be read, what the catalogue says must do.
    let found = session.waiting("looking at the table", || folio.table_info(&args.item));
    let (table, unreadable) = match found {
        // What is known of the content of a file says nothing of whether it is there.
        Ok(table) if !folio.storage().is_remote() && table.table_format != "view" => {
            (Some(table), folio.get_table_paths(&args.item).err())
        }
        Ok(table) => (Some(table), None),
        Err(Error::WrongType { .. }) => (None, None),
        Err(error) => (None, Some(error)),
    };
    let statistics = match args.statistics {
        true => {
            let _progress = session.reading_item("describing", &folio, &args.item);
            Some(folio.describe_table(&args.item, &options(args)?)?)
        }
        false => None,
    };
    let out = &mut session.out;
    doubts::warn(&folio, [&info], out);
    if let Some(error) = unreadable {
        out.warn(format_args!("the rows cannot be read: {error}"));
    }
    warn_changed(&folio, &args.item, out);
    if out.is_json() {
        let mut value = json!(info);
        value["size_bytes"] = json!(size);
        value["path"] = json!(path);
        value["inputs"] = json!(inputs);
        value["dependents"] = json!(dependents);
        value["snapshots"] = json!(snapshots);
        if let Some(table) = table {
            value["table"] = json!(table);
        }
        if let Some(statistics) = statistics {
            value["statistics"] = json!(statistics);
        }
        return out.json(&value);
    }
    let text = |key: &str| info.record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = out.paint(Paint::Strong, printable(&info.name));
    out.line(title)?;
    let facts = [
        ("Description", info.description().unwrap_or_default().to_owned()),
        ("Type", format!("{} ({})", kind_word(&info.to_record()), info.item_type)),
        ("Details", details(&info.to_record())),
        ("Stored as", table.as_ref().map(stored_as).unwrap_or_default()),
        ("Size", size_text(size)),
        ("Version", info.version.clone()),
        ("Created", long_time(&text("created_at"))),
        ("Path", path.unwrap_or_default()),
        ("Inputs", inputs.join(", ")),
        ("Dependents", dependents.join(", ")),
        ("Snapshots", snapshots.join(", ")),
        ("Archived", if info.archived { "yes".to_owned() } else { String::new() }),
        ("SHA-256", text("sha256")),
    ];
    for (label, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        out.line(format_args!("  {:<13}{}", format!("{label}:"), printable(fact)))?;
    }
    if let Some(statistics) = statistics {
        return show_statistics(&statistics, args.filter.is_some(), out);
    }
    if let Some(facts) = table {
        return show_columns(&facts, out);
    }
    let Some(Value::Object(types)) = info.record.get("dtypes") else { return Ok(()) };
    out.line("")?;
    let mut table = Table::new(out, &["COLUMN", "TYPE"], &[]);
    for (column, of) in types {
        table.row([column.as_str(), of.as_str().unwrap_or("?")]);
    }
    table.print(out)
}

/// How the rows of a table are laid out.
fn stored_as(table: &TableInfo) -> String {
    let mut words = vec![table.table_format.clone()];
    if table.parts.len() > 1 {
        words.push(count(table.parts.len(), "file"));
    }
    if table.row_groups > 0 {
        words.push(count(table.row_groups, "row group"));
    }
    words.extend(table.compression.iter().map(|codec| codec.to_lowercase()));
    words.join(", ")
}

fn options(args: &Args) -> Outcome<StatisticsOptions> {
    let mut options = StatisticsOptions::new();
    if !args.columns.is_empty() {
        options = options.columns(args.columns.iter().cloned());
    }
    if !args.quantiles.is_empty() {
        options = options.quantiles(args.quantiles.iter().copied());
    }
    options.filter = args.values.condition(args.filter.as_deref())?;
    options.top = args.top.unwrap_or(options.top);
    Ok(options)
}

/// What the columns of a table hold.
fn show_statistics(statistics: &TableStatistics, is_filtered: bool, out: &mut Output) -> Outcome {
    out.line("")?;
    if is_filtered {
        out.line(format_args!("{} for which the condition holds", count(statistics.rows as usize, "row")))?;
    }
    let has_nan = statistics.columns.iter().any(|column| column.nan_count.is_some_and(|count| count > 0));
    let nan = if has_nan { &["NAN"][..] } else { &[] };
    // The extremes stand by themselves.
    let is_inner = |quantile: &&Quantile| quantile.at > 0.0 && quantile.at < 1.0;
    let quantiles = statistics.columns.iter().find(|column| !column.quantiles.is_empty());
    let quantiles: Vec<f64> = quantiles
        .map_or_else(Vec::new, |column| column.quantiles.iter().filter(is_inner).map(|quantile| quantile.at).collect());
    let mut header: Vec<String> = ["COLUMN", "COUNT", "NULLS"].iter().chain(nan).map(|&name| name.to_owned()).collect();
    header.extend(["DISTINCT", "MEAN", "STD", "MIN"].map(str::to_owned));
    header.extend(quantiles.iter().map(|at| format!("{}%", short(at * 100.0))));
    header.extend(["MAX", "TOP"].map(str::to_owned));
    let mut table = Table::new(out, &header, if has_nan { &[1, 2, 3, 4, 5, 6] } else { &[1, 2, 3, 4, 5] });
    for column in &statistics.columns {
        let mut cells = vec![column.name.clone(), grouped(column.count), grouped(column.null_count)];
        if has_nan {
            cells.push(column.nan_count.map(grouped).unwrap_or_default());
        }
        let about = |is_exact: bool| if is_exact { "" } else { "~" };
        let distinct = column.distinct.map(|of| format!("{}{}", about(of.is_exact), grouped(of.count)));
        cells.push(distinct.unwrap_or_default());
        cells.push(shown(column.mean.as_ref()));
        cells.push(column.std.map(short).unwrap_or_default());
        cells.push(shown(column.min.as_ref()));
        let inner: Vec<&Quantile> = column.quantiles.iter().filter(is_inner).collect();
        cells.extend((0..quantiles.len()).map(|place| shown(inner.get(place).map(|quantile| &quantile.value))));
        cells.push(shown(column.max.as_ref()));
        let is_exact = column.top_error.is_none_or(|error| error == 0);
        let top = column.top.iter().filter(|top| top.count > 1 || column.distinct.is_some_and(|of| of.count < 2));
        let top = top.map(|top| format!("{} ({}{})", shown(Some(&top.value)), about(is_exact), grouped(top.count)));
        cells.push(top.collect::<Vec<_>>().join(", "));
        table.row(cells);
    }
    table.print(out)
}

/// A value for people.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(value) => match value.as_f64().filter(|_| value.is_f64()) {
            Some(number) => short(number),
            None => value.to_string(),
        },
    }
}

/// A number with six digits that count.
fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{number:.5e}");
    }
    let before = if size >= 1.0 { size.log10().floor() as i32 + 1 } else { 0 };
    let text = format!("{number:.*}", usize::try_from(6 - before).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The columns of a table, with what its files say of their values.
fn show_columns(facts: &TableInfo, out: &mut Output) -> Outcome {
    let bound = |value: &Option<Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(value) => value.to_string(),
    };
    out.line("")?;
    let mut table = Table::new(out, &["COLUMN", "TYPE", "NULLS", "MIN", "MAX"], &[2]);
    for column in &facts.column_facts {
        let nulls = column.null_count.map(grouped).unwrap_or_default();
        table.row(
            [&column.name, &column.arrow_type, &nulls, &bound(&column.min), &bound(&column.max)].map(String::as_str),
        );
    }
    table.print(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (12.639_070_257, "12.6391"),
            (1_039.912_603, "1039.91"),
            (-0.25, "-0.25"),
            (25.0, "25"),
            (123_456_789.4, "123456789"),
            (0.000_012_345_6, "1.23456e-5"),
            (1e20, "1.00000e20"),
            (99.9, "99.9"),
        ] {
            assert_eq!(short(number), text);
        }
    }
}

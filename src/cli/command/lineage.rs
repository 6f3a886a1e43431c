//! `lineage`: what was made from what.

use std::collections::HashSet;

use clap::ValueEnum;
use datafolio_core::CoreError;
use serde_json::{Value, json};

use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::lineage::Lineage;
use crate::text::printable;

/// Show what was made from what
///
/// With ITEM: what it was made from, and what was made from it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio lineage
  datafolio lineage model --up
  datafolio lineage --format dot | dot -Tsvg > lineage.svg")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: Option<String>,
    /// Only what it was made from
    #[arg(long, requires = "item", conflicts_with = "down")]
    up: bool,
    /// Only what was made from it
    #[arg(long, requires = "item")]
    down: bool,
    /// Form of the graph
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Form of the graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Indented text
    #[default]
    Text,
    /// Graphviz
    Dot,
    /// Mermaid flowchart
    Mermaid,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if session.out.is_json() && args.format != Form::Text {
        return Err(Failure::usage("--json prints one JSON value: it goes with no --format"));
    }
    let folio = session.reader()?;
    let lineage = folio.lineage();
    let out = &mut session.out;
    doubts::warn(&folio, folio.items(true).iter().flatten(), out);
    if let Some(item) = &args.item
        && !lineage.is_item(item)
    {
        return Err(Failure::from(CoreError::ItemNotFound { name: item.clone() }));
    }
    if out.is_json() {
        return out.json(&as_json(&lineage, args));
    }
    match (args.format, &args.item) {
        (Form::Text, Some(item)) => {
            if !args.down {
                out.line(format_args!("{} was made from", printable(item)))?;
                tree(item, &|name| lineage.inputs(name).unwrap_or_default(), &lineage, out)?;
            }
            if !args.up {
                out.line(format_args!("{} is an input of", printable(item)))?;
                tree(item, &|name| lineage.dependents(name).unwrap_or_default(), &lineage, out)?;
            }
            Ok(())
        }
        (Form::Text, None) => {
            for name in lineage.topological_order() {
                let label = label(name, &lineage);
                match lineage.inputs(name).unwrap_or_default() {
                    inputs if inputs.is_empty() => out.line(label)?,
                    inputs => out.line(format_args!("{label} ← {}", printable(&inputs.join(", "))))?,
                }
            }
            Ok(())
        }
        (form, item) => {
            let lineage = match item {
                Some(item) => around(&lineage, item, args),
                None => lineage,
            };
            let text = if form == Form::Dot { lineage.to_dot() } else { lineage.to_mermaid() };
            out.line(text.trim_end())
        }
    }
}

fn label(name: &str, lineage: &Lineage) -> String {
    let outside = if lineage.is_external(name) { " (not in the bundle)" } else { "" };
    format!("{}{outside}", printable(name))
}

/// How deep lines are indented; those below say their depth, so that a long chain does not grow with its square.
const INDENTED: usize = 24;

/// Shows what a name leads to, each branch once: what was shown before is not followed again, and says so.
fn tree<'a>(root: &str, next: &dyn Fn(&str) -> Vec<&'a str>, lineage: &Lineage, out: &mut Output) -> Outcome {
    let mut seen = HashSet::new();
    // The names that lead from the root to the line that is shown; on a way back to one of them lies a cycle.
    let mut path: Vec<&str> = vec![root];
    let mut on_path: HashSet<&str> = HashSet::from([root]);
    let mut stack: Vec<(usize, &'a str)> = next(root).into_iter().rev().map(|name| (1, name)).collect();
    if stack.is_empty() {
        return out.line("  (nothing)");
    }
    while let Some((depth, name)) = stack.pop() {
        for left in path.drain(depth..) {
            on_path.remove(left);
        }
        let more = next(name);
        let is_cycle = on_path.contains(name);
        let is_new = !is_cycle && seen.insert(name);
        let mark = match (is_cycle, is_new || more.is_empty()) {
            (true, _) => " (a cycle)",
            (false, true) => "",
            (false, false) => " (see above)",
        };
        let indent = match depth > INDENTED {
            true => format!("{}[{depth}] ", "  ".repeat(INDENTED)),
            false => "  ".repeat(depth),
        };
        out.line(format_args!("{indent}{}{mark}", label(name, lineage)))?;
        if is_new {
            stack.extend(more.into_iter().rev().map(|name| (depth + 1, name)));
            path.push(name);
            on_path.insert(name);
        }
    }
    Ok(())
}

/// The part of the graph that an item is connected with in the wanted direction.
fn around(lineage: &Lineage, item: &str, args: &Args) -> Lineage {
    let mut kept: HashSet<&str> = HashSet::from([item]);
    if !args.down {
        kept.extend(lineage.upstream(item).unwrap_or_default());
    }
    if !args.up {
        kept.extend(lineage.downstream(item).unwrap_or_default());
    }
    let items = lineage.items().filter(|(name, _)| kept.contains(name));
    Lineage::new(items.map(|(name, inputs)| {
        let inputs: Vec<String> = inputs.into_iter().filter(|name| kept.contains(name)).map(str::to_owned).collect();
        (name, inputs)
    }))
}

fn as_json(lineage: &Lineage, args: &Args) -> Value {
    let Some(item) = &args.item else {
        let items: serde_json::Map<String, Value> =
            lineage.items().map(|(name, inputs)| (name.to_owned(), json!(inputs))).collect();
        return json!({"items": items, "externals": lineage.externals()});
    };
    let mut value = json!({"item": item});
    if !args.down {
        value["inputs"] = json!(lineage.inputs(item));
        value["upstream"] = json!(lineage.upstream(item));
    }
    if !args.up {
        value["dependents"] = json!(lineage.dependents(item));
        value["downstream"] = json!(lineage.downstream(item));
    }
    value
}

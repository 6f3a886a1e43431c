//! `sql` at a terminal: statement after statement, with line editing, history and completion.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use datafolio_core::ErrorCategory;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::dots::{Dot, HELP, Named};
use super::helper::{Begun, Helper, is_complete};
use super::names::Names;
use super::{Args, ask, format_of, show, tell_cut, time_since, write_file};
use crate::bundle::DataFolio;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::value::first::first;
use crate::cli::value::preview;
use crate::cli::value::rows::{self, Form, RowFormat};
use crate::cli::words;
use crate::{QueryControl, QueryOptions, TableInfo};

/// The file of the history, within the cache directory.
const HISTORY: &str = "sql_history";
/// Most entries of it.
const ENTRIES: usize = 1_000;
/// What asks for a statement.
const PROMPT: &str = "datafolio> ";
/// What asks for the rest of one, as wide.
const GOES_ON: &str = "      ...> ";

/// Asks for statements until there are no more.
pub(super) fn run(args: &Args, options: &QueryOptions, session: &mut Session) -> Outcome {
    let folio = Rc::new(session.reader()?);
    let names = Rc::new(Names::of(&folio));
    let history = if args.no_history { None } else { history_file(session)? };
    let config = Config::builder()
        .max_history_size(ENTRIES)
        .map(|config| config.completion_type(CompletionType::List).history_ignore_space(true).build())
        .unwrap_or_default();
    let mut editor: Editor<Helper, FileHistory> = Editor::with_config(config).map_err(no_terminal)?;
    let begun = Begun::default();
    editor.set_helper(Some(Helper::new(Rc::clone(&names), Rc::clone(&begun))));
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    let interrupted = Interrupt::install();
    let mut shell = Shell {
        args,
        options,
        session,
        folio,
        names,
        form: args.format.unwrap_or(Form::Table),
        once: None,
        interrupted,
    };
    shell
        .session
        .out
        .aside("Statements end with ';', .help lists the commands, Ctrl-C drops what is typed, Ctrl-D leaves")?;
    loop {
        shell.session.out.flush()?;
        let typed = match read(&mut editor, &begun) {
            Ok(typed) => typed,
            // What was typed is dropped, as in other shells.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(no_terminal(error)),
        };
        if typed.trim().is_empty() {
            continue;
        }
        if editor.add_history_entry(typed.trim_end()).unwrap_or(false)
            && let Some(path) = &history
            && let Err(error) = editor.append_history(path)
        {
            tracing::debug!(%error, "the history was not kept");
        }
        match shell.enter(&typed) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(failure) if failure.is_broken_pipe() => return Err(failure),
            Err(failure) => {
                shell.session.out.flush()?;
                let failure = shell.session.advise(failure);
                shell.session.out.error(&failure);
            }
        }
    }
}

/// Reads a command, or statements to the end of the last one.
fn read(editor: &mut Editor<Helper, FileHistory>, begun: &Begun) -> rustyline::Result<String> {
    begun.borrow_mut().clear();
    loop {
        let prompt = if begun.borrow().is_empty() { PROMPT } else { GOES_ON };
        let line = editor.readline(prompt)?;
        let mut typed = begun.borrow_mut();
        typed.push_str(&line);
        if is_complete(&typed) {
            return Ok(std::mem::take(&mut *typed));
        }
        typed.push('\n');
    }
}

fn no_terminal(error: ReadlineError) -> Failure {
    Failure::Output(std::io::Error::other(error))
}

/// Where what was typed is kept; nowhere when the cache keeps nothing.
fn history_file(session: &mut Session) -> Outcome<Option<PathBuf>> {
    const LEAST: u64 = 1 << 20;
    let settings = session.settings()?;
    let Some(dir) = settings.cache_dir.filter(|_| settings.cache_cap >= LEAST) else { return Ok(None) };
    if let Err(error) = std::fs::create_dir_all(&dir) {
        tracing::debug!(%error, "the history is not kept");
        return Ok(None);
    }
    Ok(Some(dir.join(HISTORY)))
}

/// Ctrl-C stops the query that runs, and not the program.
#[derive(Debug, Default)]
struct Interrupt(Arc<Mutex<Option<QueryControl>>>);

impl Interrupt {
    fn install() -> Self {
        let interrupt = Self::default();
        let running = Arc::clone(&interrupt.0);
        let handler = move || {
            if let Some(control) = running.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                control.cancel();
            }
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            tracing::debug!(%error, "Ctrl-C ends the program");
        }
        interrupt
    }

    fn stops(&self, control: Option<QueryControl>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = control;
    }
}

struct Shell<'a> {
    args: &'a Args,
    options: &'a QueryOptions,
    session: &'a mut Session,
    folio: Rc<DataFolio>,
    names: Rc<Names>,
    /// How results are shown.
    form: Form,
    /// The file that the next result goes to.
    once: Option<(PathBuf, RowFormat)>,
    interrupted: Interrupt,
}

impl Shell<'_> {
    /// Does what was typed; `false` when that was to leave.
    fn enter(&mut self, typed: &str) -> Outcome<bool> {
        if let Some(dot) = Dot::parse(typed)? {
            return self.command(dot);
        }
        // Others may have written meanwhile.
        self.folio.refresh()?;
        self.names.refresh();
        let (statements, rest) = datafolio_sql::statements(typed);
        for range in statements.into_iter().chain(rest) {
            self.statement(&typed[range])?;
        }
        Ok(true)
    }

    fn statement(&mut self, sql: &str) -> Outcome {
        let control = QueryControl::new();
        self.interrupted.stops(Some(control.clone()));
        let begun = Instant::now();
        let watched = control.clone();
        let progress = Progress::of_share(&self.session.out, "querying", move || watched.progress());
        let asked = ask(&self.folio, self.args, sql, &self.options.clone().control(&control));
        let shown = asked.and_then(|result| self.show(result, progress, begun));
        self.interrupted.stops(None);
        shown
    }

    fn show(&mut self, result: crate::QueryReader, progress: Progress, begun: Instant) -> Outcome {
        let threads = self.options.threads.unwrap_or(self.folio.settings().threads);
        let out = &mut self.session.out;
        let count = match (self.once.take(), self.form.row_format()) {
            (Some((path, format)), _) => {
                let (count, _) = write_file(&path, false, format, threads, Box::new(result))?;
                drop(progress);
                out.done(format_args!("Wrote {}", crate::text::printable(&path.display().to_string())))?;
                count
            }
            (None, Some(format)) => {
                drop(progress);
                let (rows, cut) = first(Box::new(result), self.args.limit);
                let count = rows::write(rows, format, threads, out.raw())?;
                tell_cut(&cut, self.args, out)?;
                count
            }
            (None, None) => return show(result, self.args, progress, Some(begun), out),
        };
        out.aside(format_args!("({}{})", words::count(count, "row"), time_since(Some(begun))))
    }

    fn command(&mut self, dot: Dot) -> Outcome<bool> {
        let out = &mut self.session.out;
        match dot {
            Dot::Quit => return Ok(false),
            Dot::Help => out.line(HELP)?,
            Dot::Mode(form) => self.form = form,
            Dot::Once(path) => {
                let path = PathBuf::from(path);
                let format = format_of(&path, None)?;
                if path.exists() {
                    let message = format!("{} exists already", path.display());
                    return Err(Failure::new("file-exists", ErrorCategory::Exists, message).hint("name another file"));
                }
                self.once = Some((path, format));
            }
            Dot::Tables => {
                self.folio.refresh()?;
                self.names.refresh();
                for name in self.names.tables() {
                    out.line(crate::text::printable(&name))?;
                }
            }
            Dot::Schema(readings) => {
                self.folio.refresh()?;
                let info = described(&self.folio, &readings)?;
                let mut table = Table::rows(out, &["column", "type"]);
                for (column, of) in preview::columns(&info.schema) {
                    table.row(vec![column, of]);
                }
                table.print(out)?;
            }
        }
        Ok(true)
    }
}

/// What is known of the table that a name stands for.
fn described(folio: &DataFolio, readings: &[Named]) -> Outcome<TableInfo> {
    let catalogue = folio.catalogue();
    let is_there = |named: &&Named| match &named.snapshot {
        None => folio.contains(&named.table),
        Some(snapshot) => catalogue.snapshots.contains_key(snapshot),
    };
    let named = readings.iter().find(is_there).or(readings.first());
    Ok(match named.map(|named| (named.snapshot.as_deref(), named.table.as_str())) {
        Some((Some(snapshot), table)) => folio.load_snapshot(snapshot)?.table_info(table)?,
        Some((None, table)) => folio.table_info(table)?,
        None => return Err(Failure::usage(".schema needs the name of a table")),
    })
}

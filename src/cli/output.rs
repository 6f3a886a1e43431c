//! Standard output and standard error: data to the one, what is said about it to the other.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};

use serde::Serialize;
use serde_json::json;

use super::args::ColorChoice;
use super::failure::{Failure, Outcome};
use crate::settings::Color;
use crate::text::{printable, printable_json};

/// How a word is set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Worth a look.
    Warn,
    /// A name or heading.
    Strong,
    /// Beside the point.
    Faint,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warn => "33",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

/// Where a command writes.
#[derive(Debug)]
pub(super) struct Output {
    stdout: BufWriter<Stdout>,
    stderr: Stderr,
    json: bool,
    quiet: bool,
    /// What an option says, else a setting.
    color: Option<ColorChoice>,
}

impl Output {
    pub(super) fn new(json: bool, quiet: bool, color: Option<ColorChoice>) -> Self {
        Self { stdout: BufWriter::with_capacity(64 << 10, io::stdout()), stderr: io::stderr(), json, quiet, color }
    }

    /// Without any options.
    pub(super) fn plain() -> Self {
        Self::new(false, false, None)
    }

    /// For programs.
    pub(super) fn json_only() -> Self {
        Self::new(true, true, None)
    }

    /// Takes the user's setting when no option says otherwise.
    pub(super) fn prefer(&mut self, setting: Color) {
        self.color.get_or_insert(setting.into());
    }

    /// Whether the output is for programs.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether people look at standard output.
    pub(super) fn is_terminal(&self) -> bool {
        self.stdout.get_ref().is_terminal()
    }

    /// Whether people watch standard error.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && self.stderr.is_terminal()
    }

    /// Whether standard output is coloured.
    pub(super) fn is_colored(&self) -> bool {
        self.colors(self.stdout.get_ref().is_terminal())
    }

    fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            Some(ColorChoice::Always) => true,
            Some(ColorChoice::Never) => false,
            Some(ColorChoice::Auto) | None => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }

    /// How many columns text may take: what `COLUMNS` says, else the terminal's width, else as many as it needs. A terminal
    /// that says it has none, as those of some programs do, has told nothing.
    pub(super) fn width(&self) -> Option<u16> {
        let given = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|width| *width >= 20);
        given.or_else(|| {
            let terminal = comfy_table::Table::new();
            let width = self.stdout.get_ref().is_terminal().then(|| terminal.width()).flatten();
            width.filter(|width| *width > 0)
        })
    }

    /// A text for standard output, set off.
    pub(super) fn paint(&self, paint: Paint, text: impl Display) -> String {
        if self.is_colored() { format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code()) } else { text.to_string() }
    }

    /// One line of standard output.
    pub(super) fn line(&mut self, text: impl Display) -> Outcome {
        Ok(writeln!(self.stdout, "{text}")?)
    }

    /// A line that says that something was done; quiet programs and programs that are read by others leave it out.
    pub(super) fn done(&mut self, text: impl Display) -> Outcome {
        let mark = self.paint(Paint::Good, "✓");
        self.note(format_args!("{mark} {text}"))
    }

    /// A line that goes with what was done, or with a report.
    pub(super) fn note(&mut self, text: impl Display) -> Outcome {
        if self.quiet || self.json { Ok(()) } else { self.line(text) }
    }

    /// A remark on data that was shown, or on there being none: for standard error, so that it never gets among the data.
    pub(super) fn aside(&mut self, text: impl Display) -> Outcome {
        if self.quiet || self.json {
            return Ok(());
        }
        // In the order in which a terminal should show them.
        self.stdout.flush()?;
        let text = printable(&text.to_string());
        // Nothing is left to do when nobody takes it.
        let _ = match self.colors(self.stderr.is_terminal()) {
            true => writeln!(self.stderr, "\u{1b}[{}m{text}\u{1b}[0m", Paint::Faint.code()),
            false => writeln!(self.stderr, "{text}"),
        };
        Ok(())
    }

    /// A value for programs. On a terminal, where it is a person who looks, nothing in it drives the terminal.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Outcome {
        if self.is_terminal() {
            let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
            return self.line(printable_json(&text));
        }
        serde_json::to_writer_pretty(&mut self.stdout, value).map_err(io::Error::from)?;
        self.line("")
    }

    /// Bytes for standard output.
    pub(super) fn raw(&mut self) -> &mut (dyn Write + Send) {
        &mut self.stdout
    }

    pub(super) fn flush(&mut self) -> Outcome {
        Ok(self.stdout.flush()?)
    }

    /// Something that is not as it should be and does not stop the command.
    pub(super) fn warn(&mut self, text: impl Display) {
        if self.json {
            // Nothing is left to do when nobody takes it.
            let _ = writeln!(self.stderr, "{}", printable_json(&json!({"warning": text.to_string()}).to_string()));
        } else if !self.quiet {
            self.say(Paint::Warn, "⚠", &printable(&text.to_string()));
        }
    }

    /// Why the command failed.
    pub(super) fn error(&mut self, failure: &Failure) {
        if self.json {
            if let Some(value) = failure.to_json() {
                // Nothing is left to do when nobody takes it.
                let _ = writeln!(self.stderr, "{}", printable_json(&value.to_string()));
            }
            return;
        }
        let Some((message, hint)) = failure.words() else { return };
        // Whatever else a message quotes may come from a bundle of somebody else's: a line break in it would begin a line that
        // looks like one of ours.
        let message = match failure.points_into_a_text() {
            true => message.lines().map(printable).collect::<Vec<_>>().join("\n"),
            false => printable(&message),
        };
        self.say(Paint::Bad, "✗ Error:", &message);
        if let Some(hint) = hint {
            self.say(Paint::Faint, "hint:", &printable(&hint));
        }
    }

    /// A text for standard error, which has been made [`printable`]: it must not drive a terminal either.
    fn say(&mut self, paint: Paint, mark: &str, text: &str) {
        let _ = match self.colors(self.stderr.is_terminal()) {
            true => writeln!(self.stderr, "\u{1b}[{}m{mark}\u{1b}[0m {text}", paint.code()),
            false => writeln!(self.stderr, "{mark} {text}"),
        };
    }
}

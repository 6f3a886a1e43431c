//! Lists with columns, fitted to the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Width};

use super::failure::Outcome;
use super::output::Output;
use crate::text::printable;

/// Columns between two columns.
const GAP: usize = 2;

/// A list with named columns.
///
/// Where the terminal is too narrow, the widest columns become narrower, down to a limit; columns for which there is no
/// room even then are left out and named below.
#[derive(Debug)]
pub(super) struct Table {
    inner: comfy_table::Table,
    header: Vec<String>,
    right: &'static [usize],
    colored: bool,
    width: Option<usize>,
    /// How narrow a column may become.
    narrowest: usize,
    /// Columns of ids, which are of no use in two pieces.
    whole: &'static [usize],
    /// Long texts are cut rather than wrapped.
    one_line: bool,
}

impl Table {
    /// An empty list. The columns at the places of `right` hold numbers.
    pub(super) fn new<S: AsRef<str>>(out: &Output, header: &[S], right: &'static [usize]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_truncation_indicator("…");
        let colored = out.is_colored();
        if colored {
            inner.enforce_styling();
        } else {
            inner.force_no_tty();
        }
        Self {
            inner,
            header: header.iter().map(|text| printable(text.as_ref())).collect(),
            right,
            colored,
            width: out.width().map(usize::from),
            narrowest: 10,
            whole: &[],
            one_line: false,
        }
    }

    /// An empty list for the rows of a table: each on one line.
    pub(super) fn rows<S: AsRef<str>>(out: &Output, header: &[S]) -> Self {
        Self { narrowest: 20, one_line: true, ..Self::new(out, header, &[]) }
    }

    /// The columns at these places hold ids: they are never broken, where half the width is enough for them.
    pub(super) fn whole(mut self, columns: &'static [usize]) -> Self {
        self.whole = columns;
        self
    }

    /// One more row.
    pub(super) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells = cells.into_iter().enumerate().map(|(column, text)| self.cell(column, text.as_ref()));
        let mut row = Row::from(cells.collect::<Vec<_>>());
        if self.one_line {
            row.max_height(1);
        }
        self.inner.add_row(row);
    }

    fn cell(&self, column: usize, text: &str) -> Cell {
        let cell = Cell::new(printable(text));
        if self.right.contains(&column) { cell.set_alignment(CellAlignment::Right) } else { cell }
    }

    /// Writes the list.
    pub(super) fn print(mut self, out: &mut Output) -> Outcome {
        let header: Vec<Cell> = (self.header.iter().enumerate())
            .map(|(column, text)| {
                let cell = self.cell(column, text);
                if self.colored { cell.add_attribute(Attribute::Bold) } else { cell }
            })
            .collect();
        self.inner.set_header(header);
        let left_out = self.fit();
        for line in self.inner.lines() {
            out.line(line.trim_end())?;
        }
        if left_out.is_empty() {
            return Ok(());
        }
        out.aside(format_args!("(no room for {})", left_out.join(", ")))
    }

    /// Gives each column its width; the names of those that are left out.
    fn fit(&mut self) -> Vec<String> {
        let natural: Vec<usize> = self.inner.column_max_content_widths().into_iter().map(usize::from).collect();
        let widths = match self.width {
            Some(width) => {
                let narrowest = |(column, natural): (usize, &usize)| match self.whole.contains(&column) {
                    true => (*natural).min(width / 2).max(self.narrowest),
                    false => self.narrowest,
                };
                let narrowest: Vec<usize> = natural.iter().enumerate().map(narrowest).collect();
                fitted(&natural, width, &narrowest)
            }
            None => natural.clone(),
        };
        if widths != natural {
            self.inner.set_content_arrangement(ContentArrangement::Dynamic);
            self.inner.set_width(u16::MAX);
        }
        for (index, column) in self.inner.column_iter_mut().enumerate() {
            column.set_padding((0, u16::try_from(GAP).unwrap_or_default()));
            match widths.get(index) {
                None => drop(column.set_constraint(ColumnConstraint::Hidden)),
                Some(width) if widths != natural => {
                    let width = u16::try_from(width + GAP).unwrap_or(u16::MAX);
                    column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
                }
                Some(_) => {}
            }
        }
        self.header.split_off(widths.len().min(self.header.len()))
    }
}

/// The widths of as many columns as there is room for, the first always among them: none wider than it needs, and the
/// widest made narrower first, but none below what `narrowest` says for it.
fn fitted(natural: &[usize], width: usize, narrowest: &[usize]) -> Vec<usize> {
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let capped = |count: usize, cap: usize| -> Vec<usize> {
        let columns = natural.iter().zip(narrowest).take(count);
        columns.map(|(natural, narrowest)| (*natural).min(cap.max(*narrowest))).collect()
    };
    let mut count = natural.len();
    while count > 1 && total(&capped(count, 0)) > width {
        count -= 1;
    }
    let mut cap = natural.iter().copied().max().unwrap_or_default();
    while cap > 0 && total(&capped(count, cap)) > width {
        cap -= 1;
    }
    capped(count, cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_made_to_fit() {
        let fitted = |natural: &[usize], width, narrowest| fitted(natural, width, &vec![narrowest; natural.len()]);
        // There is room.
        assert_eq!(fitted(&[4, 30, 8], 80, 10), [4, 30, 8]);
        // The widest gives way, the others stay.
        assert_eq!(fitted(&[4, 90, 8], 60, 10), [4, 44, 8]);
        assert_eq!(fitted(&[30, 30, 4], 48, 10), [20, 20, 4]);
        // Nothing becomes narrower than the limit; what does not fit goes, from the right.
        assert_eq!(fitted(&[20, 20, 20, 20], 40, 10), [12, 12, 12]);
        assert_eq!(fitted(&[50, 50], 5, 10), [10]);
        assert_eq!(fitted(&[], 5, 10), [0; 0]);
    }

    #[test]
    fn ids_are_not_broken() {
        assert_eq!(fitted(&[30, 30, 30], 70, &[10, 30, 10]), [18, 30, 18]);
        assert_eq!(fitted(&[30, 30, 30], 46, &[10, 30, 10]), [14, 30]);
    }
}

//! Heatmaps.

use std::io::Write;

use super::Format;
use super::color::of_share;
use super::png::Pixels;
use super::svg::{Anchor, Svg};
use crate::cli::failure::Outcome;

/// Cells of a heatmap: `columns` along x, and rows along y, of which the first is the lowest.
#[derive(Debug)]
pub(in crate::cli) struct Cells<'a> {
    pub(in crate::cli) columns: usize,
    pub(in crate::cli) rows: usize,
    /// Where the value of each cell lies between the least and the greatest: those of the first column first.
    pub(in crate::cli) shares: &'a [Option<f64>],
    pub(in crate::cli) shown: &'a [String],
    pub(in crate::cli) x: &'a [String],
    pub(in crate::cli) y: &'a [String],
}

/// What stands for a share without colours.
const SHADES: [char; 9] = ['·', ':', '-', '=', '+', '*', '#', '%', '@'];

impl Cells<'_> {
    fn share(&self, column: usize, row: usize) -> Option<f64> {
        self.shares.get(column * self.rows + row).copied().flatten()
    }

    /// A line of text for each row, the highest first.
    pub(in crate::cli) fn lines(&self, colored: bool) -> Vec<String> {
        let cell = |column: usize, row: usize| match self.share(column, row) {
            None => "  ".to_owned(),
            Some(share) if colored => {
                let [r, g, b] = of_share(share);
                format!("\u{1b}[48;2;{r};{g};{b}m  \u{1b}[0m")
            }
            Some(share) => {
                let shade = SHADES.get((share * (SHADES.len() - 1) as f64).round() as usize).copied().unwrap_or(' ');
                format!("{shade}{shade}")
            }
        };
        (0..self.rows).rev().map(|row| (0..self.columns).map(|column| cell(column, row)).collect()).collect()
    }

    /// Writes a picture.
    pub(in crate::cli) fn write(&self, format: Format, title: &str, out: &mut impl Write) -> Outcome {
        match format {
            Format::Svg => self.svg(title, out),
            Format::Png => {
                let size = (1024 / self.columns.max(self.rows).max(1)).max(1);
                let mut pixels = Pixels::new(size * self.columns.max(1), size * self.rows.max(1));
                for column in 0..self.columns {
                    for row in 0..self.rows {
                        let Some(share) = self.share(column, row) else { continue };
                        let top = (self.rows - 1 - row) * size;
                        pixels.fill(column * size..(column + 1) * size, top..top + size, of_share(share));
                    }
                }
                Ok(pixels.write(out)?)
            }
        }
    }

    fn svg(&self, title: &str, out: &mut impl Write) -> Outcome {
        let (left, top, width, height) = (110.0, 40.0, 640.0, 640.0);
        let mut svg = Svg::new(780.0, 740.0);
        svg.text(left + width / 2.0, 22.0, Anchor::Middle, title);
        let (across, up) = (width / self.columns.max(1) as f64, height / self.rows.max(1) as f64);
        for column in 0..self.columns {
            for row in 0..self.rows {
                let Some(share) = self.share(column, row) else { continue };
                let place = [left + column as f64 * across, top + (self.rows - 1 - row) as f64 * up, across, up];
                let text = |texts: &[String], at: usize| texts.get(at).cloned().unwrap_or_default();
                let value = text(self.shown, column * self.rows + row);
                let title = format!("{}, {}: {value}", text(self.x, column), text(self.y, row));
                svg.rectangle(place, of_share(share), &title);
            }
        }
        let stride = |count: usize| count.div_ceil(6).max(1);
        for (at, label) in self.x.iter().enumerate().step_by(stride(self.columns)) {
            svg.text(left + (at as f64 + 0.5) * across, top + height + 20.0, Anchor::Middle, label);
        }
        for (at, label) in self.y.iter().enumerate().step_by(stride(self.rows)) {
            svg.text(left - 8.0, top + height - (at as f64 + 0.5) * up + 4.0, Anchor::End, label);
        }
        Ok(out.write_all(svg.finish().as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_where_their_values_are() {
        let shares = [Some(0.0), Some(1.0), None, Some(0.5)];
        let cells = Cells { columns: 2, rows: 2, shares: &shares, shown: &[], x: &[], y: &[] };
        assert_eq!(cells.lines(false), ["@@++", "··  "]);
        assert!(cells.lines(true)[1].starts_with("\u{1b}[48;2;68;1;84m  \u{1b}[0m"));
    }
}

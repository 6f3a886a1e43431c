//! Histograms.

use std::io::Write;

use super::Format;
use super::png::Pixels;
use super::svg::{Anchor, Svg};
use crate::cli::failure::Outcome;

const COLOR: [u8; 3] = [42, 120, 142];

/// The blocks of a bar's last character, from an eighth to seven of them.
const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The length of a bar as a share of the longest; nothing for what is missing or below zero.
pub(in crate::cli) fn lengths(values: &[Option<f64>]) -> Vec<f64> {
    let most = values.iter().flatten().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let length = |value: &Option<f64>| match value {
        Some(value) if most > 0.0 && value.is_finite() => (value / most).max(0.0),
        _ => 0.0,
    };
    values.iter().map(length).collect()
}

/// A bar of text, in eighths of a character.
pub(in crate::cli) fn bar(share: f64, width: usize) -> String {
    let eighths = (share * width as f64 * 8.0).round() as usize;
    // Something that is there is seen, however little it is.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut text = "█".repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1).and_then(|part| PARTS.get(part)) {
        text.push(*part);
    }
    text
}

/// Writes a histogram as a picture.
pub(in crate::cli) fn write(
    format: Format,
    title: &str,
    labels: &[String],
    values: &[Option<f64>],
    shown: &[String],
    out: &mut impl Write,
) -> Outcome {
    let lengths = lengths(values);
    match format {
        Format::Svg => {
            let (left, top, width, height) = (20.0, 40.0, 760.0, 400.0);
            let mut svg = Svg::new(800.0, 500.0);
            svg.text(400.0, 22.0, Anchor::Middle, title);
            let step = width / lengths.len().max(1) as f64;
            for (at, length) in lengths.iter().enumerate() {
                let place =
                    [left + at as f64 * step, top + height * (1.0 - length), (step - 1.0).max(0.5), height * length];
                let text = |texts: &[String]| texts.get(at).cloned().unwrap_or_default();
                svg.rectangle(place, COLOR, &format!("{}: {}", text(labels), text(shown)));
            }
            // As many names as there is room for.
            let stride = labels.len().div_ceil(8).max(1);
            for (at, label) in labels.iter().enumerate().step_by(stride) {
                svg.text(left + (at as f64 + 0.5) * step, top + height + 20.0, Anchor::Middle, label);
            }
            out.write_all(svg.finish().as_bytes())?;
        }
        Format::Png => {
            let (width, height) = (800, 400);
            let mut pixels = Pixels::new(width, height);
            let step = width as f64 / lengths.len().max(1) as f64;
            for (at, length) in lengths.iter().enumerate() {
                let (from, to) = ((at as f64 * step) as usize, ((at + 1) as f64 * step) as usize);
                let to = if to > from + 1 { to - 1 } else { to };
                pixels.fill(from..to, (height as f64 * (1.0 - length)).round() as usize..height, COLOR);
            }
            pixels.write(out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        assert_eq!(lengths(&[Some(1.0), None, Some(4.0), Some(-1.0), Some(f64::NAN)]), [0.25, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(lengths(&[Some(0.0)]), [0.0]);
        assert_eq!(bar(1.0, 3), "███");
        assert_eq!(bar(0.5, 3), "█▌");
        assert_eq!(bar(1e-9, 3), "▏");
        assert_eq!(bar(0.0, 3), "");
    }
}

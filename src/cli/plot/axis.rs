//! Axes as the command line gives them, and their bins as text.

use arrow::array::ArrayRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafolio_columns::{Axis, Expr, Frame, GridAxis, Limits, Type, Value, agg};

use crate::cli::failure::Outcome;
use crate::error::Error;

/// Where an axis begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cli) enum Between {
    /// These two values.
    Values(f64, f64),
    /// The middle part of all values, in percent.
    Percent(f64),
}

/// Reads `LOW:HIGH` or `P%`.
///
/// # Errors
/// Anything else; the message says what to give instead.
pub(in crate::cli) fn between(text: &str) -> Result<Between, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if let Some(percent) = text.strip_suffix('%').and_then(number) {
        return Ok(Between::Percent(percent));
    }
    let both = text.split_once(':').and_then(|(low, high)| Some((number(low)?, number(high)?)));
    let (low, high) = both.ok_or("give two numbers, such as 0:100, or a share of the values, such as 99%")?;
    Ok(Between::Values(low, high))
}

/// The axis of an expression. Texts and truth values have a bin each, unless limits are given.
pub(in crate::cli) fn axis_of(
    frame: &Frame,
    text: &str,
    bins: usize,
    limits: Option<Between>,
    logarithmic: bool,
) -> Outcome<Axis> {
    let expr = Expr::parse(text).map_err(Error::from)?;
    let type_ = frame.type_of(expr.clone()).map_err(Error::from)?;
    if matches!(type_, Type::Text | Type::Bool) && limits.is_none() {
        return Ok(Axis::values(expr).named(text));
    }
    if matches!(type_, Type::Int(_)) && limits.is_none() && !logarithmic && is_narrow(frame, &expr, bins)? {
        return Ok(Axis::whole(expr).named(text));
    }
    let limits = match limits {
        None => Limits::MinMax,
        Some(Between::Values(low, high)) => Limits::Given(low, high),
        Some(Between::Percent(percent)) => Limits::Percent(percent),
    };
    let axis = if logarithmic { Axis::logarithmic(expr, limits, bins) } else { Axis::new(expr, limits, bins) };
    Ok(axis.named(text).closed(true))
}

/// Whether there is a bin for each whole number between the least and the greatest.
fn is_narrow(frame: &Frame, expr: &Expr, bins: usize) -> Outcome<bool> {
    let extremes = frame.aggregate(&[agg::minmax(expr.clone())]).map_err(Error::from)?.pop();
    let Some(Value::List(extremes)) = extremes else { return Ok(false) };
    let whole = |at: usize| extremes.get(at).and_then(Value::as_i128);
    Ok(whole(0).zip(whole(1)).is_some_and(|(least, most)| (most - least) < bins as i128))
}

/// The names of the bins: the values that they are, or where each begins and ends.
pub(in crate::cli) fn labels(axis: &GridAxis) -> Vec<String> {
    if let Some(values) = &axis.values {
        return texts(values);
    }
    let edges: Vec<f64> = axis.edges.iter().flatten().copied().collect();
    // A bin of one whole number is called by it.
    let whole = edges.windows(2).all(|pair| matches!(pair, [low, high] if low.fract() == 0.0 && high - low == 1.0));
    let name = |pair: &[f64]| match pair {
        [low, _] if whole => short(*low),
        [low, high] => format!("{} – {}", short(*low), short(*high)),
        _ => String::new(),
    };
    edges.windows(2).map(name).collect()
}

/// Values as text.
pub(in crate::cli) fn texts(values: &ArrayRef) -> Vec<String> {
    let options = FormatOptions::default().with_null("missing");
    match ArrayFormatter::try_new(values.as_ref(), &options) {
        Ok(formatter) => (0..values.len()).map(|row| formatter.value(row).to_string()).collect(),
        Err(_) => vec![String::new(); values.len()],
    }
}

/// A number with up to six digits.
pub(in crate::cli) fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let magnitude = number.abs().log10().floor() as i32;
    if !(-5..=9).contains(&magnitude) {
        return format!("{number:.4e}");
    }
    let digits = (5 - magnitude).clamp(0, 10) as usize;
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        assert_eq!(between("0:10.5").unwrap(), Between::Values(0.0, 10.5));
        assert_eq!(between("-1e3 : -1").unwrap(), Between::Values(-1000.0, -1.0));
        assert_eq!(between("99.5%").unwrap(), Between::Percent(99.5));
        for wrong in ["", "5", "a:b", "1:inf", "nan%"] {
            assert!(between(wrong).unwrap_err().contains("0:100"), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (12.5, "12.5"),
            (1.0 / 3.0, "0.333333"),
            (-1234.567, "-1234.57"),
            (1e9, "1000000000"),
            (1.5e12, "1.5000e12"),
            (1e-7, "1.0000e-7"),
            (0.1 + 0.2, "0.3"),
        ] {
            assert_eq!(short(number), text);
        }
    }
}

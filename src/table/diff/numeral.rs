//! Numbers of two types that SQL compares in a third one, which rounds them or cannot hold all of them: they are compared as what
//! they are written as, with all their digits.

use arrow::datatypes::DataType;

/// Digits of SQL's longest decimals.
const DIGITS: i16 = 38;

/// How the values of a type are written: equal numbers alike, whichever types they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numeral {
    /// Whole numbers.
    Whole,
    /// Decimals of so many digits, so many of them behind the point.
    Decimal { digits: u8, scale: u8 },
    /// Floating-point numbers beside decimals with so many digits behind the point.
    Floating { scale: u8 },
}

impl Numeral {
    /// How values of two types are written to be compared; `None` where SQL compares them exactly, or neither is a decimal.
    pub(super) fn of(before: &DataType, after: &DataType) -> Option<(Self, Self)> {
        let scale = scale(before).into_iter().chain(scale(after)).max()?;
        let numeral = |of: &DataType| match decimal(of) {
            Some((digits, scale)) => Some(Self::Decimal { digits, scale }),
            None if of.is_floating() => Some(Self::Floating { scale }),
            None => of.is_integer().then_some(Self::Whole),
        };
        let (before, after) = (numeral(before)?, numeral(after)?);
        let (one, other) = (before.digits(), after.digits());
        let is_exact = matches!((one, other), (Some(one), Some(other)) if one.max(other) + i16::from(scale) <= DIGITS);
        (!is_exact).then_some((before, after))
    }

    /// The digits before the point; `None` for floating-point numbers.
    fn digits(self) -> Option<i16> {
        match self {
            // Those of the largest number of 64 bits.
            Self::Whole => Some(20),
            Self::Decimal { digits, scale } => Some(i16::from(digits) - i16::from(scale)),
            Self::Floating { .. } => None,
        }
    }

    /// A value as text, in SQL.
    pub(super) fn text(self, value: &str) -> String {
        match self {
            Self::Whole | Self::Decimal { scale: 0, .. } => format!("CAST({value} AS VARCHAR)"),
            // Without digits before the point SQL writes no zero there.
            Self::Decimal { digits, scale } if digits == scale => {
                trimmed(&format!("replace(CAST({value} AS VARCHAR), '.', '0.')"))
            }
            Self::Decimal { .. } => trimmed(&format!("CAST({value} AS VARCHAR)")),
            // A floating-point number has as many binary digits behind the point as it has decimal ones: with no more than so many it
            // is written with all of them, and any other one in a form that no decimal has. Zero has a sign of its own.
            Self::Floating { scale } => {
                let value = format!("CAST({value} AS DOUBLE)");
                let scaled = format!("({value} * {}::DOUBLE)", 1_u128.checked_shl(scale.into()).unwrap_or(u128::MAX));
                let written =
                    format!("format('{{:.{scale}f}}', CASE WHEN {value} = 0 THEN 0::DOUBLE ELSE {value} END)");
                let written = if scale == 0 { written } else { trimmed(&written) };
                format!(
                    "CASE WHEN isfinite({value}) AND {scaled} = trunc({scaled}) THEN {written} \
                     ELSE format('{{:.16e}}', {value}) END"
                )
            }
        }
    }
}

/// A number with a point without the zeros at its end.
fn trimmed(text: &str) -> String {
    format!("rtrim(rtrim({text}, '0'), '.')")
}

fn scale(of: &DataType) -> Option<u8> {
    Some(decimal(of)?.1)
}

fn decimal(of: &DataType) -> Option<(u8, u8)> {
    match of {
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => Some((*digits, u8::try_from(*scale).ok()?)),
        _ => None,
    }
}

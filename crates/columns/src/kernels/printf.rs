//! Formats of printf, with one value, as Python's `%` has them.

use std::io::Write;
use std::sync::Arc;

use crate::block::{Lane, TextBuilder, Values, with_numbers};
use crate::plan::{Arguments, Kernel};

/// The widest field, so that a few letters do not ask for all memory there is.
const MAX_WIDTH: usize = 1000;

/// A format: text around one conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    before: String,
    after: String,
    left: bool,
    zero: bool,
    /// What stands where a minus would, before numbers that have none.
    sign: Option<u8>,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    conversion: Conversion,
    upper: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    Decimal,
    Octal,
    Hex,
    Exponent,
    Fixed,
    General,
    Text,
}

impl Format {
    /// Reads a format. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut format = Self {
            before: String::new(),
            after: String::new(),
            left: false,
            zero: false,
            sign: None,
            alternate: false,
            width: 0,
            precision: None,
            conversion: Conversion::Text,
            upper: false,
        };
        let mut found = false;
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (plain, conversion) = rest.split_at(at);
            let side = if found { &mut format.after } else { &mut format.before };
            side.push_str(plain);
            rest = conversion.get(1..).unwrap_or_default();
            if let Some(after) = rest.strip_prefix('%') {
                side.push('%');
                rest = after;
                continue;
            }
            if found {
                return Err(format!(
                    "'{text}' has several conversions, and there is one value; a percent sign is written %%"
                ));
            }
            found = true;
            rest = format.conversion(rest, text)?;
        }
        if !found {
            return Err(format!("'{text}' has no conversion such as %d, %.2f or %s"));
        }
        format.after.push_str(rest);
        Ok(format)
    }

    /// Reads what follows the percent sign, and gives what follows that.
    fn conversion<'t>(&mut self, mut rest: &'t str, text: &str) -> Result<&'t str, String> {
        loop {
            match rest.as_bytes().first() {
                Some(b'-') => self.left = true,
                Some(b'0') => self.zero = true,
                Some(b'+') => self.sign = Some(b'+'),
                Some(b' ') => self.sign = self.sign.or(Some(b' ')),
                Some(b'#') => self.alternate = true,
                _ => break,
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        let number = |rest: &mut &'t str| -> Result<usize, String> {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, after) = rest.split_at(length);
            *rest = after;
            let value = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
            value
                .filter(|value| *value <= MAX_WIDTH)
                .ok_or_else(|| format!("'{text}' asks for more than {MAX_WIDTH} characters"))
        };
        self.width = number(&mut rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            self.precision = Some(number(&mut rest)?);
        }
        rest = rest.trim_start_matches(['h', 'l', 'L']);
        let Some(letter) = rest.chars().next() else {
            return Err(format!("'{text}' ends within its conversion; %d, %f, %e, %g, %x, %o and %s are known"));
        };
        self.conversion = match letter {
            'd' | 'i' | 'u' => Conversion::Decimal,
            'o' => Conversion::Octal,
            'x' | 'X' => Conversion::Hex,
            'e' | 'E' => Conversion::Exponent,
            'f' | 'F' => Conversion::Fixed,
            'g' | 'G' => Conversion::General,
            's' => Conversion::Text,
            _ => return Err(format!("'{text}' has the conversion %{letter}; %d, %f, %e, %g, %x, %o and %s are known")),
        };
        self.upper = letter.is_ascii_uppercase();
        Ok(rest.get(letter.len_utf8()..).unwrap_or_default())
    }

    /// Whether it takes texts.
    pub(crate) fn takes_text(&self) -> bool {
        self.conversion == Conversion::Text
    }

    /// Whether it takes whole numbers only.
    pub(crate) fn takes_whole(&self) -> bool {
        matches!(self.conversion, Conversion::Decimal | Conversion::Octal | Conversion::Hex)
    }

    /// What formats whole numbers, `float64` or texts, whichever it takes.
    pub(crate) fn kernel(self) -> Kernel {
        Arc::new(move |mut arguments: Arguments<'_>| {
            let rows = arguments.rows;
            let lane = arguments.next();
            let mut builder =
                TextBuilder::with_capacity(rows, rows * (self.before.len() + self.after.len() + self.width.max(8)));
            let mut scratch = Vec::new();
            match &lane.values {
                Values::Text(texts) => {
                    for row in 0..rows {
                        let text = texts.get(row).unwrap_or_default();
                        builder.push_with(|out| self.text(out, text));
                    }
                }
                Values::F64(values) => {
                    values.iter().for_each(|value| builder.push_with(|out| self.float(out, &mut scratch, *value)));
                }
                values => with_numbers!(values, values => {
                    values.iter().for_each(|value| builder.push_with(|out| self.whole(out, &mut scratch, wide(*value))));
                }, _ => return Ok(Lane::new(Values::Null))),
            }
            Ok(Lane { values: Values::Text(builder.finish()), ..lane })
        })
    }

    fn text(&self, out: &mut Vec<u8>, text: &str) {
        let text = match self.precision.and_then(|most| text.char_indices().nth(most)) {
            Some((end, _)) => text.get(..end).unwrap_or_default(),
            None => text,
        };
        out.extend_from_slice(self.before.as_bytes());
        let blanks = if self.width == 0 { 0 } else { self.width.saturating_sub(text.chars().count()) };
        if !self.left {
            out.resize(out.len() + blanks, b' ');
        }
        out.extend_from_slice(text.as_bytes());
        if self.left {
            out.resize(out.len() + blanks, b' ');
        }
        out.extend_from_slice(self.after.as_bytes());
    }

    fn whole(&self, out: &mut Vec<u8>, digits: &mut Vec<u8>, value: i128) {
        digits.clear();
        let size = value.unsigned_abs();
        // Memory takes whatever is written.
        let prefix: &[u8] = match self.conversion {
            Conversion::Octal => {
                let _ = write!(digits, "{size:o}");
                b"0o"
            }
            Conversion::Hex if self.upper => {
                let _ = write!(digits, "{size:X}");
                b"0X"
            }
            Conversion::Hex => {
                let _ = write!(digits, "{size:x}");
                b"0x"
            }
            _ => {
                let _ = write!(digits, "{size}");
                b""
            }
        };
        let least = self.precision.unwrap_or(0);
        if digits.len() < least {
            digits.splice(0..0, std::iter::repeat_n(b'0', least - digits.len()));
        }
        self.number(out, value < 0, if self.alternate { prefix } else { b"" }, digits);
    }

    fn float(&self, out: &mut Vec<u8>, digits: &mut Vec<u8>, value: f64) {
        digits.clear();
        let size = value.abs();
        let precision = self.precision.unwrap_or(6);
        if size.is_nan() {
            digits.extend_from_slice(b"nan");
        } else if size.is_infinite() {
            digits.extend_from_slice(b"inf");
        } else {
            match self.conversion {
                Conversion::Exponent => exponent(digits, size, precision, self.alternate),
                Conversion::General => general(digits, size, precision.max(1), self.alternate),
                _ => {
                    let _ = write!(digits, "{size:.precision$}");
                    if self.alternate && precision == 0 {
                        digits.push(b'.');
                    }
                }
            }
        }
        if self.upper {
            digits.make_ascii_uppercase();
        }
        self.number(out, value.is_sign_negative() && !value.is_nan(), b"", digits);
    }

    /// Puts a number with its sign and what pads it behind what is there.
    fn number(&self, out: &mut Vec<u8>, negative: bool, prefix: &[u8], digits: &[u8]) {
        let sign = if negative { Some(b'-') } else { self.sign };
        let length = usize::from(sign.is_some()) + prefix.len() + digits.len();
        let fill = self.width.saturating_sub(length);
        let (blanks, zeros) = if self.zero && !self.left { (0, fill) } else { (fill, 0) };
        out.extend_from_slice(self.before.as_bytes());
        if !self.left {
            out.resize(out.len() + blanks, b' ');
        }
        out.extend(sign);
        out.extend_from_slice(prefix);
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(digits);
        if self.left {
            out.resize(out.len() + blanks, b' ');
        }
        out.extend_from_slice(self.after.as_bytes());
    }
}

/// A whole number of any width.
fn wide<T: crate::block::Number>(value: T) -> i128 {
    let (low, rest) = value.halves();
    (i128::from(rest) << 32) | i128::from(low)
}

/// `1.5e+02`, with at least two digits of the exponent.
fn exponent(out: &mut Vec<u8>, value: f64, precision: usize, point: bool) {
    let start = out.len();
    let _ = write!(out, "{value:.precision$e}");
    let Some(at) = out.get(start..).and_then(|digits| digits.iter().position(|byte| *byte == b'e')) else { return };
    let power = out.split_off(start + at);
    if point && precision == 0 {
        out.push(b'.');
    }
    push_power(out, power.get(1..).unwrap_or_default());
}

fn push_power(out: &mut Vec<u8>, power: &[u8]) {
    let (sign, digits) = match power.strip_prefix(b"-") {
        Some(digits) => (b'-', digits),
        None => (b'+', power),
    };
    out.extend_from_slice(&[b'e', sign]);
    if digits.len() < 2 {
        out.push(b'0');
    }
    out.extend_from_slice(digits);
}

/// The shorter of the two ways to write so many digits, without zeros at the end.
fn general(out: &mut Vec<u8>, value: f64, digits: usize, keep_zeros: bool) {
    let start = out.len();
    let places = digits - 1;
    let _ = write!(out, "{value:.places$e}");
    let written = out.split_off(start);
    let at = written.iter().position(|byte| *byte == b'e').unwrap_or(written.len());
    let (mantissa, power) = (written.get(..at).unwrap_or_default(), written.get(at + 1..).unwrap_or_default());
    let exponent: i32 = std::str::from_utf8(power).ok().and_then(|power| power.parse().ok()).unwrap_or(0);
    let fits = i32::try_from(digits).is_ok_and(|digits| exponent < digits);
    let plain = exponent >= -4 && fits;
    if plain {
        let places = usize::try_from(i64::from(exponent)).map_or_else(
            |_| digits - 1 + exponent.unsigned_abs() as usize,
            |exponent| (digits - 1).saturating_sub(exponent),
        );
        let _ = write!(out, "{value:.places$}");
    } else {
        out.extend_from_slice(mantissa);
    }
    let has_point = out.get(start..).is_some_and(|digits| digits.contains(&b'.'));
    if keep_zeros {
        if !has_point {
            out.push(b'.');
        }
    } else if has_point {
        while out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
    if !plain {
        push_power(out, power);
    }
}

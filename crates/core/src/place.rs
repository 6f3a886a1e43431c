//! Places in texts that people write.

use std::fmt;

/// A place in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    pub fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let text = "SELECT 'é',\n  x";
        assert_eq!(Place::of(text, text.find('x').unwrap_or_default()).to_string(), "line 2, column 3");
        assert_eq!(Place::of(text, text.find(',').unwrap_or_default()), Place { line: 1, column: 11 });
        assert_eq!(Place::of(text, usize::MAX), Place { line: 2, column: 4 });
    }
}

//! Counts in words.

use std::fmt::Display;

/// `1 row`, `2 rows`: a number with what is counted, which is given for one.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    let end = if number == "1" { "" } else { "s" };
    format!("{number} {one}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let told = [0, 1, 2, 11, -1].map(|number| counted(number, "row"));
        assert_eq!(told, ["0 rows", "1 row", "2 rows", "11 rows", "-1 rows"]);
    }
}

//! Words as a shell takes them.

use std::fmt::Write as _;

use super::human::is_unprintable;

/// A text as one word of a shell: as it is where nothing in it means anything to a shell, else in quotes. Control
/// characters become escapes of `$'...'`, so that the word can be shown on a terminal and still says what it says.
pub fn shell_word(text: &str) -> String {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '+' | '@' | '%' | ',' | '\\');
    let is_path_of_windows = cfg!(windows);
    if !text.is_empty() && text.chars().all(|c| plain(c) && (c != '\\' || is_path_of_windows)) {
        return text.to_owned();
    }
    if !text.chars().any(is_unprintable) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut word = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            c if is_unprintable(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(word, "\\{byte:03o}");
                }
            }
            c => word.push(c),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        let expected = [
            ("/data/run_1/a-b.parquet", "/data/run_1/a-b.parquet"),
            ("café", "café"),
            ("", "''"),
            ("my data", "'my data'"),
            ("it's", "'it'\\''s'"),
            ("$(rm -rf x)", "'$(rm -rf x)'"),
            ("a\nb's\u{1b}[2J\u{202e}", "$'a\\012b\\'s\\033[2J\\342\\200\\256'"),
        ];
        for (text, word) in expected {
            assert_eq!(shell_word(text), word);
        }
    }

    /// The shell gives back what was quoted.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_word_as_the_text() {
        for text in ["a b", "it's", "$HOME `id` \"x\" \\ !", "*", "~", "-x;y&z|"] {
            let script = format!("printf %s {}", shell_word(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}

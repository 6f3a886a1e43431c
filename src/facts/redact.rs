//! Removing what grants access from texts that are recorded or shown.
//!
//! Secrets are recognised by where they stand (before the `@` of an address, after `--password=`) and by how well-known
//! kinds of tokens begin. Where it is not clear, too much is removed rather than too little; what is none of this, such
//! as a password given as a plain word, cannot be recognised.

use super::address::redact_urls;

/// What stands in for a removed secret.
pub const MASK: &str = "***";

/// Beginnings of tokens that services give out, recognised wherever they stand.
const TOKEN_PREFIXES: [&str; 16] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "hf_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk-",
    "pypi-",
    "AKIA",
    "ASIA",
];

/// Shortest token that is taken for one by its beginning: short words may begin alike by chance.
const TOKEN_LEAST: usize = 20;

/// Names that hold secrets, in one piece as they are often written; checked without regard to case and separators.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "sharedaccesskey",
    "signature",
    "credential",
];

/// Words that make a name secret only when they are a whole word of it (`auth-header`, but not `author`).
const SECRET_WORDS: [&str; 8] = ["pwd", "pass", "auth", "authorization", "bearer", "sig", "jwt", "credentials"];

/// Whether a parameter, option or field of that name holds a secret: `--api-key`, `access_token`, `X-Amz-Signature`.
pub fn is_secret_name(name: &str) -> bool {
    let joined: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if joined.starts_with("xamz") || joined.starts_with("xgoog") || joined == "awsaccesskeyid" {
        return true;
    }
    // At the end only: `--tokenizer`, `--max-tokens` and `--secret-santa-list` are something else.
    if SECRET_NAMES.iter().any(|secret| joined.ends_with(secret)) {
        return true;
    }
    words_of(name).iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// The words of a name in lower case, separated by anything but letters and digits, or by a capital after a small letter.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        let starts_word = !c.is_alphanumeric() || (after_small && c.is_uppercase());
        if starts_word {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase();
    }
    words
}

/// Removes secrets from the arguments of a program: values of options and fields with secret names (`--password=x`,
/// `--token x`, `API_KEY=x`, `Authorization: x`), credentials in addresses, and words that begin like known tokens.
pub fn redact_arguments<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut value_is_secret = false;
    for argument in arguments {
        let argument = argument.as_ref();
        // `--token --verbose`: the first is a switch, or waits for input.
        if value_is_secret && !argument.starts_with("--") {
            out.push(MASK.to_owned());
            value_is_secret = false;
            continue;
        }
        value_is_secret = argument.starts_with('-')
            && !argument.contains(['=', ':', ' '])
            && is_secret_name(argument.trim_start_matches('-'));
        out.push(redact_text(argument));
    }
    out
}

/// Removes secrets from one text, such as an argument or a message.
pub fn redact_text(text: &str) -> String {
    mask_tokens(&mask_fields(&redact_urls(text)))
}

/// Masks what follows `name=`, `name:` or `"name":` for secret names: a quoted value to its quote, any other to the end,
/// as nobody can tell which characters a password holds.
fn mask_fields(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Up to here, everything is in `out`.
    let mut done = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find(['=', ':']).map(|at| from + at) {
        let name = &text[done..at];
        from = at + 1;
        if text[from..].starts_with("//") || !is_secret_name(last_name(name)) {
            continue;
        }
        let value = text[from..].trim_start();
        let Some(first) = value.chars().next() else { break };
        let value_at = text.len() - value.len();
        out.push_str(&text[done..value_at]);
        let is_quote = matches!(first, '"' | '\'');
        let Some(end) = value[first.len_utf8()..].find(first).filter(|_| is_quote) else {
            out.push_str(MASK);
            return out;
        };
        out.extend([first.to_string().as_str(), MASK, first.to_string().as_str()]);
        done = value_at + end + 2;
        from = done;
    }
    out.push_str(&text[done..]);
    out
}

/// The name that a text ends with, without its quotes. Only so much of the text is looked at as a name can have.
fn last_name(text: &str) -> &str {
    const LONGEST: usize = 128;
    let text = text.trim_end_matches(['"', '\'']);
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // The characters of a name are single bytes.
    let length = text.chars().rev().take(LONGEST).take_while(is_name).count();
    &text[text.len() - length..]
}

/// Masks words that begin like the tokens of well-known services.
pub(super) fn mask_tokens(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let is_token = word.len() >= TOKEN_LEAST && TOKEN_PREFIXES.iter().any(|prefix| word.starts_with(prefix));
        out.push_str(if is_token { MASK } else { word });
        let gap_end = after.find(is_word).unwrap_or(after.len());
        let (gap, next) = after.split_at(gap_end);
        out.push_str(gap);
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names() {
        for name in [
            "password",
            "--db-password",
            "PGPASSWORD",
            "access_token",
            "accessToken",
            "token",
            "GITHUB_TOKEN",
            "api-key",
            "apikey",
            "AWS_SECRET_ACCESS_KEY",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "x-goog-signature",
            "sig",
            "Signature",
            "AWSAccessKeyId",
            "private_key",
            "AccountKey",
            "Authorization",
            "auth",
            "client-secret",
            "pwd",
            "credentials",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "tokenizer",
            "max_tokens",
            "num-tokens",
            "author",
            "key",
            "keys",
            "passenger",
            "signal",
            "design",
            "path",
            "compass",
            "secretary",
            "authority",
            "sigma",
            "x",
            "name",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn arguments_lose_secrets() {
        let redacted = |arguments: &[&str]| redact_arguments(arguments).join(" ");
        assert_eq!(redacted(&["train.py", "--epochs", "5", "--seed=1"]), "train.py --epochs 5 --seed=1");
        assert_eq!(redacted(&["x", "--password=a b;c", "y"]), "x --password=*** y");
        assert_eq!(redacted(&["x", "--password", "hunter2", "y"]), "x --password *** y");
        assert_eq!(redacted(&["x", "--ask-password", "--verbose", "y"]), "x --ask-password --verbose y");
        assert_eq!(redacted(&["token", "file.csv"]), "token file.csv");
        assert_eq!(redacted(&["API_KEY=abc", "MODE=fast"]), "API_KEY=*** MODE=fast");
        assert_eq!(redacted(&["-H", "Authorization: Bearer abc"]), "-H Authorization: ***");
        assert_eq!(
            redacted(&["{\"user\": \"me\", \"password\": \"x\", \"n\": 1}"]),
            "{\"user\": \"me\", \"password\": \"***\", \"n\": 1}"
        );
        assert_eq!(redacted(&["AccountName=n;AccountKey=k=="]), "AccountName=n;AccountKey=***");
        assert_eq!(redacted(&["--url=https://tok@host/x?sig=1"]), "--url=https://host/x");
        assert_eq!(redacted(&["push", "ghp_0123456789012345678901234567890"]), "push ***");
        assert_eq!(redacted(&["sk-learn", "hf_model", "AKIA"]), "sk-learn hf_model AKIA");
        assert_eq!(redacted(&["--tokenizer=bert", "--max-tokens", "10"]), "--tokenizer=bert --max-tokens 10");
        assert_eq!(redacted(&["--password="]), "--password=");
        assert_eq!(
            redacted(&["{'token': 'a', \"secret\": \"b\", 'token': 'é"]),
            "{'token': '***', \"secret\": \"***\", 'token': ***"
        );
        assert_eq!(redacted(&["ünïcode=é", "töken:x"]), "ünïcode=é töken:x");
    }

    #[test]
    fn long_texts_take_linear_time_and_little_stack() {
        let start = std::time::Instant::now();
        for unit in ["a://", "\"token\":\"x\",", "?a=b", "://", ":", "a=", "é@:/"] {
            assert!(!redact_text(&unit.repeat(50_000)).is_empty());
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

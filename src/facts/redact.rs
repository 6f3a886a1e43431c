//! Removing what grants access from texts that are recorded or shown.
//!
//! Secrets are recognised by where they stand (before the `@` of an address, after `--password=`) and by how well-known
//! kinds of tokens begin. Where it is not clear, too much is removed rather than too little; what is none of this, such
//! as a password given as a plain word, cannot be recognised.

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

/// Schemes whose user name is part of the address and no secret.
const KEEPS_USER: [&str; 6] = ["ssh", "git+ssh", "ssh+git", "git", "file", "sftp"];

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

/// Removes credentials and secret parameters from every address (`scheme://…`) in a text; the rest stays as it is.
pub fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(colon) = rest.find("://") {
        let start = scheme_start(&rest[..colon]);
        let (before, address) = rest.split_at(start);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
        let (address, after) = address.split_at(address.find(ends).unwrap_or(address.len()));
        out.push_str(before);
        out.push_str(&redact_parameters(&redact_authorities(address)));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the scheme begins that a text ends with.
fn scheme_start(text: &str) -> usize {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.trim_end_matches(is_scheme).len()
}

/// Removes user names and passwords from an address and from the addresses inside it, as in
/// `https://proxy/https://token@host`.
fn redact_authorities(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let mut rest = address;
    while let Some((scheme, after)) = rest.split_once("://") {
        let next = after.find("://").map_or(after.len(), |colon| scheme_start(&after[..colon]));
        let (hierarchy, nested) = after.split_at(next);
        let (authority, path) = split_authority(hierarchy);
        // An inner scheme comes without anything before it, as the outer address was cut there.
        let scheme_name = &scheme[scheme_start(scheme)..];
        out.push_str(scheme);
        out.push_str("://");
        match authority.rsplit_once('@') {
            None => out.push_str(authority),
            Some((user, host)) => {
                let name = user.split(':').next().unwrap_or_default();
                if !name.is_empty() && KEEPS_USER.iter().any(|kept| kept.eq_ignore_ascii_case(scheme_name)) {
                    out.push_str(name);
                    out.push('@');
                }
                out.push_str(host);
            }
        }
        out.push_str(path);
        if nested.is_empty() {
            return out;
        }
        rest = nested;
    }
    out.push_str(rest);
    out
}

/// The authority of an address (what stands between `//` and the path) and what follows.
fn split_authority(hierarchy: &str) -> (&str, &str) {
    const ENDS: [char; 4] = ['/', '?', '#', '\\'];
    let end = hierarchy.find(ENDS).unwrap_or(hierarchy.len());
    let (authority, rest) = hierarchy.split_at(end);
    match authority.rsplit_once(':') {
        // In `user:pa/ss@host` the password was not escaped and ends the authority early: the "port" is no number then,
        // and all up to the last `@` belongs to the credentials. Without any `@`, the "port" goes to be safe.
        Some((host, port))
            if !authority.contains('@') && !authority.ends_with(']') && !port.chars().all(|c| c.is_ascii_digit()) =>
        {
            match hierarchy.rfind('@') {
                Some(at) => {
                    let after = &hierarchy[at + 1..];
                    after.split_at(after.find(ENDS).unwrap_or(after.len()))
                }
                None => (host, rest),
            }
        }
        _ => (authority, rest),
    }
}

/// Drops secret parameters from the query and fragment that follow a path.
fn redact_parameters(tail: &str) -> String {
    let Some(start) = tail.find(['?', '#']) else { return tail.to_owned() };
    let (path, parameters) = tail.split_at(start);
    let mut out = path.to_owned();
    // Each parameter with the character that leads to it, which stays with the one that is kept in its place.
    let mut lead: Option<char> = None;
    for piece in split_keeping(parameters, &['?', '#', '&', ';']) {
        let separator = piece.chars().next().unwrap_or_default();
        let parameter = &piece[separator.len_utf8().min(piece.len())..];
        let name = parameter.split('=').next().unwrap_or_default();
        let is_section = matches!(separator, '?' | '#');
        if parameter.contains('=') && is_secret_name(&percent_decoded(name)) {
            // `?secret=1&b=2` becomes `?b=2`.
            if is_section {
                lead = Some(separator);
            }
            continue;
        }
        out.push(if is_section { separator } else { lead.unwrap_or(separator) });
        lead = None;
        out.push_str(parameter);
    }
    out
}

/// Cuts a text before each of the separators.
fn split_keeping<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(separators).map_or(rest.len(), |at| first + at);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A parameter name without percent escapes; broken ones stay.
fn percent_decoded(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let value =
            escaped.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
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
fn mask_tokens(text: &str) -> String {
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
    fn addresses_lose_credentials_and_secret_parameters() {
        let expected = [
            ("postgres://me:pw@db:5432/x", "postgres://db:5432/x"),
            ("https://u:p@ss@host/x", "https://host/x"),
            ("https://user:pa/ss@host/x", "https://host/x"),
            ("https://user:pa#ss@host/x?y=1", "https://host/x?y=1"),
            ("https://user:secret", "https://user"),
            ("https://[::1]:80/x", "https://[::1]:80/x"),
            ("https://u:p@[::1]/x", "https://[::1]/x"),
            ("ssh://git:pw@host/x", "ssh://git@host/x"),
            ("sftp://:pw@host/x", "sftp://host/x"),
            ("codecommit::https://u:p@host/x", "codecommit::https://host/x"),
            ("see https://t@a/b, https://u:p@c/d.", "see https://a/b, https://c/d."),
            ("'https://t@a/b' \"https://t@c\"", "'https://a/b' \"https://c\""),
            ("s3://bucket/key", "s3://bucket/key"),
            ("https://h/p?X-Amz-Credential=a&X-Amz-Signature=b", "https://h/p"),
            ("https://h/p?a=1&sig=x%3D&b=2", "https://h/p?a=1&b=2"),
            ("https://h/p?sig=x&b=2#top", "https://h/p?b=2#top"),
            ("https://h/p?access%5Ftoken=x", "https://h/p"),
            ("https://h/p#access_token=x&y=1", "https://h/p#y=1"),
            ("https://h/p?token=x#frag", "https://h/p#frag"),
            ("https://h/p?token", "https://h/p?token"),
            ("é://ü@ö/?token=ß", "é://ö/"),
            ("://", "://"),
            ("a://b://c@d", "a://b://d"),
            ("https://proxy/https://t@host/x", "https://proxy/https://host/x"),
            ("https://h/p?next=https://t@x/y&token=abc&z=1", "https://h/p?next=https://x/y&z=1"),
        ];
        for (text, clean) in expected {
            assert_eq!(redact_urls(text), clean, "{text}");
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

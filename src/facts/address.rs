//! Removing what grants access from addresses.

use super::credentials::{split, user_in, without_scheme};
use super::redact::{is_secret_name, mask_tokens};

/// Schemes whose user name is part of the address and no secret.
const KEEPS_USER: [&str; 6] = ["ssh", "git+ssh", "ssh+git", "git", "file", "sftp"];

/// Removes what grants access from a text that is one address from end to end, as the remote of a Git repository is:
/// credentials before the host, secret parameters, and words that begin like known tokens. Nothing in it ends the address,
/// so that a password may hold any character. `None` when the address is a command, which can hold anything anywhere.
pub fn redact_address(address: &str) -> Option<String> {
    // `helper::address` names a program of Git; that of `ext` runs what follows.
    let (helper, address) = match address.split_once("::") {
        Some((helper, rest)) if !helper.is_empty() && helper.chars().all(is_scheme) => {
            if helper.eq_ignore_ascii_case("ext") {
                return None;
            }
            (format!("{helper}::"), rest)
        }
        _ => (String::new(), address),
    };
    // One letter before the colon is a drive.
    let forward = match address.split_once(":\\\\") {
        Some((scheme, _)) if scheme.len() > 1 && scheme.chars().all(is_scheme) => address.replace('\\', "/"),
        _ => address.to_owned(),
    };
    let clean = match forward.split_once("://") {
        Some((scheme, after)) if !scheme.is_empty() && scheme.chars().all(is_scheme) => {
            let (user, rest) = shown_user(scheme, after);
            // The path can be an address again: `https://proxy/https://token@host`.
            let rest = redact_urls(&without_path_parameters(rest));
            format!("{scheme}://{user}{}", redact_parameters(&rest))
        }
        // What follows a helper has no user of its own that would have to be shown.
        _ if !helper.is_empty() => forward.rsplit('@').next().unwrap_or_default().to_owned(),
        _ => without_scheme(&forward).to_owned(),
    };
    Some(mask_tokens(&format!("{helper}{clean}")))
}

/// What is shown of the credentials of an address without its scheme, and what follows them.
fn shown_user<'a>(scheme: &str, after: &'a str) -> (String, &'a str) {
    // A file has a path, and nobody who would have to be let in.
    if scheme.eq_ignore_ascii_case("file") && after.starts_with('/') {
        return (String::new(), after);
    }
    let (credentials, rest) = split(after);
    let user = credentials.filter(|_| keeps_user(scheme)).and_then(user_in);
    (user.map_or_else(String::new, |user| format!("{user}@")), rest)
}

/// `host/path;name=value` without anything from the first parameter of the path on, up to the query.
fn without_path_parameters(rest: &str) -> String {
    let query = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(query);
    let is_parameter = |at: &usize| path[at + 1..].split([';', '/']).next().is_some_and(|first| first.contains('='));
    let cut = path.match_indices(';').map(|(at, _)| at).find(is_parameter).unwrap_or(path.len());
    format!("{}{query}", &path[..cut])
}

fn keeps_user(scheme: &str) -> bool {
    KEEPS_USER.iter().any(|kept| kept.eq_ignore_ascii_case(scheme))
}

fn is_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
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
        // An inner scheme comes without anything before it, as the outer address was cut there.
        let (user, rest_of_it) = shown_user(&scheme[scheme_start(scheme)..], hierarchy);
        out.extend([scheme, "://", &user, rest_of_it]);
        if nested.is_empty() {
            return out;
        }
        rest = nested;
    }
    out.push_str(rest);
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_credentials_and_secret_parameters() {
        let expected = [
            ("postgres://me:pw@db:5432/x", "postgres://db:5432/x"),
            ("https://u:p@ss@host/x", "https://host/x"),
            ("https://u:p@ss/x@host/x", "https://host/x"),
            ("https://u:12/x@host/x,https://v:34/y@host/y", "https://host/x,https://host/y"),
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
    fn an_address_on_its_own_loses_what_grants_access() {
        const TOKEN: &str = "ghp_0123456789012345678901234567890123456";
        let masked = |text: &str| text.replace("TOKEN", TOKEN);
        let expected = [
            ("https://user:pass@gitlab.com/group/repo.git", "https://gitlab.com/group/repo.git"),
            ("https://ghp_token@github.com/user/repo.git", "https://github.com/user/repo.git"),
            ("HTTP://u@host:8080/repo", "HTTP://host:8080/repo"),
            ("https://github.com/user/repo.git", "https://github.com/user/repo.git"),
            ("git@github.com:user/repo.git", "git@github.com:user/repo.git"),
            ("ssh://git@host:22/repo.git", "ssh://git@host:22/repo.git"),
            ("ssh://git:pw@host:22/repo.git", "ssh://git@host:22/repo.git"),
            ("git://host/repo.git", "git://host/repo.git"),
            ("file:///srv/repo.git", "file:///srv/repo.git"),
            ("/srv/a@b/repo.git", "/srv/a@b/repo.git"),
            ("../sibling", "../sibling"),
            ("C:\\repos\\x", "C:\\repos\\x"),
            ("\\\\server\\share", "\\\\server\\share"),
            ("https://host/repo?access_token=abc&x=1", "https://host/repo?x=1"),
            ("https://host/repo@v1", "https://host/repo@v1"),
            ("https://host:80/repo@v1", "https://host:80/repo@v1"),
            ("https://[::1]:80/x@y", "https://[::1]:80/x@y"),
            ("", ""),
            // A password holds what would end an address in the middle of a text.
            ("https://user:SEC RET@host/r", "https://host/r"),
            ("https://user:SEC\"RET@host/r", "https://host/r"),
            ("https://user:SEC'RET@host/r", "https://host/r"),
            ("https://user:SEC<RET>@host/r", "https://host/r"),
            ("https://user:SEC\tRET@host/r", "https://host/r"),
            ("https://user:SEC/RET@host/r", "https://host/r"),
            ("https://user:SEC@RET@host/r", "https://host/r"),
            ("https://user:SEC#RET@host/r?y=1", "https://host/r?y=1"),
            ("https://DOMAIN\\user:SECRET@host/r", "https://host/r"),
            ("https:\\\\user:SECRET@host\\r", "https://host/r"),
            ("https://user:SECRET", "https://user"),
            ("user:SECRET@host/r", "host/r"),
            ("user:SEC@RET@host/r", "host/r"),
            // Tokens in the path.
            ("https://host/TOKEN/r.git", "https://host/***/r.git"),
            ("git@github.com:TOKEN/x", "git@github.com:***/x"),
            // What was not escaped reads as a host, a port and a path, and may be none of these.
            ("https://user:123/x@host/r", "https://host/r"),
            ("https://user:123/x@host", "https://host"),
            ("https://user:80/x@host/r", "https://host/r"),
            ("https://user:80/x@host.org", "https://host.org"),
            ("https://user:p@ss/SECRET@host/r", "https://host/r"),
            ("https://user:p@ss/SECRET@host", "https://host"),
            ("https://user:p@ss:80/SECRET@host", "https://host"),
            ("https://tok@en/SECRET@host/r", "https://host/r"),
            ("https://tok/en@host.org/r", "https://host.org/r"),
            ("https://us/er:SECRET@host/r", "https://host/r"),
            ("https://me@corp.com:SECRET@host/r", "https://host/r"),
            ("ssh://git:12/SECRET@host/r", "ssh://git@host/r"),
            ("ssh://git@host/repo@v1", "ssh://git@host/repo@v1"),
            ("https://user@host/repo@v1", "https://host/repo@v1"),
            ("https://host/a@b/c", "https://host/a@b/c"),
            ("https://host:8081/repo@v1", "https://v1"),
            ("user:123/x@host", "host"),
            ("user:p@ss/SECRET@host/r", "host/r"),
            ("me@corp.com:SECRET@host/r", "host/r"),
            ("user::SECRET@host/r", "user::host/r"),
            ("file:///srv/a@b.org/repo.git", "file:///srv/a@b.org/repo.git"),
            ("C:/repos/a@b", "C:/repos/a@b"),
            ("https://host/TOKEN@other", "https://host/***@other"),
            // Parameters of the path.
            ("https://host/r;token=SECRET", "https://host/r"),
            ("https://host/r;v=1;token=SEC/RET?x=1", "https://host/r?x=1"),
            ("https://host/r;v1/x", "https://host/r;v1/x"),
            // Addresses in addresses.
            ("https://proxy/https://t@host/x", "https://proxy/https://host/x"),
            ("codecommit::https://u:p@host/x", "codecommit::https://host/x"),
        ];
        for (address, clean) in expected {
            assert_eq!(redact_address(&masked(address)).as_deref(), Some(clean), "{address}");
        }
        for command in ["ext::sh -c \"curl -H 'Authorization: Bearer SECRET' %S\"", "EXT::git-remote SECRET"] {
            assert_eq!(redact_address(command), None);
        }
    }
}

//! Where the credentials of an address end.
//!
//! A `/`, `?`, `#` or `@` in a password should be escaped, and is not always. Then an address reads in several ways:
//! `https://user:80/x@host/r` may be a path on the host `user`, or the password `80/x`. Where it is not clear, all that may be
//! credentials is taken for them: an address that is cut short is a nuisance, and a password in a shared bundle is worse.
//!
//! The exception is what reads as a path on a host and is one nearly always: `https://host/a@b/c`, without a colon before the
//! `@`. A token with a `/` in it that was not escaped, before a host of one word, would look the same.

/// What ends the authority of an address: what stands between `//` and the path.
const AUTHORITY_ENDS: [char; 3] = ['/', '?', '#'];
/// Ports that Git servers listen on. Another number behind a colon may as well begin a password.
const PORTS: [&str; 6] = ["22", "80", "443", "8080", "8443", "9418"];

/// The credentials of an address without its scheme, and what follows them.
pub(super) fn split(after: &str) -> (Option<&str>, &str) {
    let (authority, _) = split_authority(after);
    let Some(last) = after.rfind('@') else {
        return match authority.rsplit_once(':') {
            // Without a host behind it, what should be a port goes to be safe.
            Some((host, port)) if !is_port(port) && !authority.ends_with(']') => (None, host),
            _ => (None, after),
        };
    };
    let cut = |at: usize| (Some(&after[..at]), &after[at + 1..]);
    let Some(path) = after[..last].strip_prefix(authority) else { return cut(last) };
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let tail = &after[last + 1..];
    let is_path = !user.is_some_and(|user| user.contains(':')) && is_place(host, user.is_some(), path, tail);
    match (is_path, user) {
        (false, _) => cut(last),
        (true, Some(user)) => cut(user.len()),
        (true, None) => (None, after),
    }
}

/// Whether a host and a path that are followed by an `@` and a tail are what they look like.
fn is_place(host: &str, has_user: bool, path: &str, tail: &str) -> bool {
    let (end, rest) = split_authority(tail);
    let is_followed = !end.is_empty() && rest.starts_with('/');
    match host.rsplit_once(':') {
        // No user is called as an IPv6 address is written.
        _ if host.starts_with('[') && host.split_once(']').is_some_and(|(_, port)| is_port_with_colon(port)) => true,
        Some((_, port)) => PORTS.contains(&port) && !is_followed && !is_host(end),
        // An address in an address is looked at by itself.
        None if !has_user && path.contains("://") => true,
        None if path.split('?').next().is_some_and(|path| path.contains(':')) => false,
        None if has_user => !is_followed && !is_host(end),
        None => !(is_followed && is_host(end)),
    }
}

fn is_port(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

fn is_port_with_colon(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(is_port)
}

/// Whether a text can only be a host: `example.org`, `localhost`, `x:80`, and not `v1.2`.
fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let top = name.rsplit_once('.').map_or("", |(_, top)| top);
    let is_name = top.len() > 1 && top.chars().all(char::is_alphabetic);
    is_name || name == "localhost" || port.is_some_and(|port| !port.is_empty() && is_port(port))
}

fn split_authority(text: &str) -> (&str, &str) {
    text.split_at(text.find(AUTHORITY_ENDS).unwrap_or(text.len()))
}

/// The user's name in the credentials, where they are a name, with or without a password.
pub(super) fn user_in(credentials: &str) -> Option<&str> {
    let end = credentials.find([':', '@', '/', '?', '#', '\\']).unwrap_or(credentials.len());
    let (name, rest) = credentials.split_at(end);
    (!name.is_empty() && !rest.starts_with(['/', '?', '#', '\\'])).then_some(name)
}

/// An address without a scheme, and without the user and password that may stand at its beginning: `user:password@host/path`.
/// Paths stay, and so does the user of `git@host:path`.
pub(super) fn without_scheme(address: &str) -> &str {
    let is_drive = address.get(1..3).is_some_and(|text| matches!(text, ":\\" | ":/"));
    let is_local = address.starts_with(['/', '.', '~', '\\']) || is_drive;
    match (address.find(':'), address.rfind('@')) {
        (Some(colon), Some(last)) if colon < last && !is_local => &address[last + 1..],
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::address::{redact_address, redact_urls};

    /// The part of a password that must never be seen, in a password that nobody has escaped.
    fn password() -> impl Strategy<Value = String> {
        let part = "([a-z0-9/@:#?.;=&%\\\\-]|80|443/|8080|ss/){0,8}";
        (part, part).prop_map(|(before, after)| format!("{before}SECRET{after}"))
    }

    fn user() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,8}", "[a-z]{1,5}@[a-z]{1,5}\\.com", "[a-z]{1,4}\\.[a-z]{1,4}", Just(String::new())]
    }

    fn host() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,8}", "[a-z]{1,8}\\.(com|org)", "[a-z]{1,8}:[1-9][0-9]{1,3}", Just("[::1]".to_owned())]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is in a password: nothing of it is left when a host and a repository follow.
        #[test]
        fn nothing_of_a_password_is_left(
            scheme in "https|http|ssh|git|ftp",
            user in user(),
            password in password(),
            host in host(),
            path in "/[a-z]{1,6}(\\.git|/[a-z]{1,6})?",
        ) {
            let address = format!("{scheme}://{user}:{password}@{host}{path}");
            let shown = redact_address(&address).unwrap_or_default();
            prop_assert!(!shown.contains("SECRET"), "{} became {}", address, shown);
            prop_assert_eq!(redact_address(&shown).unwrap_or_default(), shown.clone(), "{}", address);
            prop_assert!(shown.ends_with(&format!("{host}{path}")), "{} became {}", address, shown);
            // In a text, `://` begins another address.
            if !password.contains("//") {
                let text = redact_urls(&format!("--to={address} now"));
                prop_assert!(!text.contains("SECRET"), "{} became {}", address, text);
            }
            // Without a scheme a user is needed, or it is a path; one letter is a drive; and slashes make the user a scheme.
            if user.len() < 2 || password.starts_with("//") || password.starts_with("\\\\") {
                return Ok(());
            }
            let address = format!("{user}:{password}@{host}{path}");
            let shown = redact_address(&address).unwrap_or_default();
            prop_assert!(!shown.contains("SECRET"), "{} became {}", address, shown);
        }
    }
}

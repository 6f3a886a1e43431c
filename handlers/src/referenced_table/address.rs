//! Where a table outside the bundle lies, as an entry may say it.

/// Where a table lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// On this machine; the text is a path.
    Local(&'a str),
    /// Elsewhere.
    Url(&'a str),
}

impl<'a> Address<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        if let Some(path) = text.strip_prefix("file://") {
            // `file://localhost/x` is `file:///x`.
            return Self::Local(path.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(path));
        }
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Self::Url(text),
            _ => Self::Local(text),
        }
    }
}

/// Whether an address is of a web server, which lists nothing and need not say when a file was written.
pub(crate) fn is_web(url: &str) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The absolute form of a path, with the slash at its end that says that it is a directory.
pub(super) fn absolute(path: &str, from_url: bool) -> Result<String, String> {
    if from_url && !path.starts_with('/') {
        return Err("a file:// address needs an absolute path: file:///...".to_owned());
    }
    let absolute = std::path::absolute(path).map_err(|error| format!("the path cannot be made absolute: {error}"))?;
    let text = absolute.to_str().ok_or("the current directory's name is not valid Unicode")?;
    Ok(if path.ends_with('/') && !text.ends_with('/') { format!("{text}/") } else { text.to_owned() })
}

/// A URL without what gives access: a bundle is shared, and keys must not go with it. User name and password before the
/// host go, and the parameters of signed addresses (S3, Google, Azure, CloudFront); all else stays as it is.
pub fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = behind_odd_password(rest);
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = match host.rsplit_once('@') {
        // In Azure's own addresses it is the container that stands there.
        Some((before, _)) if is_azure(scheme) && !before.contains(':') => host,
        Some((_, host)) => host,
        None => host,
    };
    let mut clean = format!("{scheme}://{host}{path}");
    if let Some(query) = query {
        let names: Vec<String> = query.split('&').map(parameter_name).collect();
        let is_signed = names.iter().any(|name| matches!(name.as_str(), "sig" | "signature"));
        let kept: Vec<&str> = query
            .split('&')
            .zip(&names)
            .filter(|(_, name)| !is_secret(name, is_signed))
            .map(|(text, _)| text)
            .collect();
        if !kept.is_empty() {
            clean.push('?');
            clean.push_str(&kept.join("&"));
        }
    }
    // A fragment never reaches a server, and what is put there by hand may be a token.
    if let Some(fragment) = fragment.filter(|fragment| !fragment.contains('=')) {
        clean.push('#');
        clean.push_str(fragment);
    }
    clean
}

/// What follows a password that has a `/`, `?` or `#` in it and should have been escaped: what stands behind the colon is no
/// port then. With digits alone it may be one, and an `@` behind it is part of a path.
fn behind_odd_password(rest: &str) -> &str {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((_, port)) if !is_port(port) && !host.ends_with(']') => {
            rest.rsplit_once('@').map_or(rest, |(_, after)| after)
        }
        _ => rest,
    }
}

fn is_azure(scheme: &str) -> bool {
    matches!(scheme.to_ascii_lowercase().as_str(), "abfs" | "abfss" | "wasb" | "wasbs" | "az" | "azure" | "adl")
}

fn parameter_name(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or("").to_ascii_lowercase()
}

fn is_secret(name: &str, is_signed: bool) -> bool {
    const ALWAYS: [&str; 14] = [
        "sig",
        "signature",
        "awsaccesskeyid",
        "googleaccessid",
        "token",
        "access_token",
        "auth_token",
        "sas",
        "api_key",
        "apikey",
        "api-key",
        "key-pair-id",
        "password",
        "secret",
    ];
    // The other parameters of a shared access signature, and of CloudFront: short names that mean something else elsewhere.
    const SIGNED: [&str; 19] = [
        "se", "st", "sp", "sv", "sr", "ss", "srt", "spr", "sip", "si", "sdd", "skoid", "sktid", "skt", "ske", "sks",
        "skv", "expires", "policy",
    ];
    name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || ALWAYS.contains(&name)
        || (is_signed && SIGNED.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets() {
        for (url, expected) in [
            ("s3://bucket/a/b.parquet", "s3://bucket/a/b.parquet"),
            ("gs://bucket/events/", "gs://bucket/events/"),
            ("https://user:pa/ss@example.org/x.parquet", "https://example.org/x.parquet"),
            ("https://user:pa?s#s@example.org/x.parquet", "https://example.org/x.parquet"),
            ("https://me@corp.com:pa/SECRET@host/x.parquet", "https://host/x.parquet"),
            ("https://user:pw@host/bucket/a@b.parquet", "https://host/bucket/a@b.parquet"),
            ("http://localhost:9000/bucket/a@b.parquet", "http://localhost:9000/bucket/a@b.parquet"),
            ("http://[::1]/bucket/a@b.parquet", "http://[::1]/bucket/a@b.parquet"),
            ("https://user:p@ss@host:8080/x.csv?a=1&b=2", "https://host:8080/x.csv?a=1&b=2"),
            ("https://token@host", "https://host"),
            (
                "https://b.s3.amazonaws.com/x?X-Amz-Signature=1&X-Amz-Credential=2&versionId=3&x-amz-security-token=4",
                "https://b.s3.amazonaws.com/x?versionId=3",
            ),
            ("https://a.blob.core.windows.net/c/x?sv=1&se=2&sr=b&sp=r&sig=3", "https://a.blob.core.windows.net/c/x"),
            ("https://host/x?sp=1&se=2", "https://host/x?sp=1&se=2"),
            ("https://b.s3.amazonaws.com/x?AWSAccessKeyId=1&Expires=2&Signature=3", "https://b.s3.amazonaws.com/x"),
            (
                "https://storage.googleapis.com/b/x?X-Goog-Signature=1&generation=5",
                "https://storage.googleapis.com/b/x?generation=5",
            ),
            ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
            ("https://host/a@b/x", "https://host/a@b/x"),
            ("https://host/x#access_token=1", "https://host/x"),
            ("https://host/x?access_token=1#part", "https://host/x#part"),
        ] {
            assert_eq!(without_secrets(url), expected);
        }
        assert_eq!(Address::parse("a://b"), Address::Url("a://b"));
        assert_eq!(Address::parse("file://localhost/x"), Address::Local("/x"));
        assert_eq!(Address::parse("dir/1://x"), Address::Local("dir/1://x"));
    }
}

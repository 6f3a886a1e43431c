//! Profiles of the AWS command line: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a profile says that is of use here.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Name and secret of a key, with the token of a session where there is one.
    pub(crate) key: Option<(String, String, Option<String>)>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// Another way to get credentials, which only AWS' own programs know.
    pub(crate) elsewhere: Option<&'static str>,
    /// Whether any of the files has it.
    pub(crate) is_there: bool,
}

/// Where the two files lie, by the environment.
pub(crate) struct Files {
    credentials: Option<PathBuf>,
    config: Option<PathBuf>,
}

impl Files {
    pub(crate) fn from_env() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = var("HOME").or_else(|| var("USERPROFILE"));
        let beside = |name: &str| home.as_ref().map(|home| home.join(".aws").join(name));
        Self {
            credentials: var("AWS_SHARED_CREDENTIALS_FILE").or_else(|| beside("credentials")),
            config: var("AWS_CONFIG_FILE").or_else(|| beside("config")),
        }
    }

    /// What the two files say of a profile. What cannot be read says nothing.
    pub(crate) fn profile(&self, name: &str) -> Profile {
        let heads = match name {
            "default" => vec!["default".to_owned(), "profile default".to_owned()],
            name => vec![format!("profile {name}")],
        };
        let mut found = section(self.config.as_deref(), &heads);
        let mut is_there = found.is_some();
        let mut values = found.take().unwrap_or_default();
        if let Some(credentials) = section(self.credentials.as_deref(), &[name.to_owned()]) {
            is_there = true;
            values.extend(credentials);
        }
        let mut take = |name: &str| values.remove(name).filter(|value| !value.is_empty());
        let token = take("aws_session_token");
        let key = take("aws_access_key_id").zip(take("aws_secret_access_key")).map(|(id, secret)| (id, secret, token));
        let elsewhere = [
            ("sso_session", "a single sign-on (sso_session)"),
            ("sso_start_url", "a single sign-on (sso_start_url)"),
            ("credential_process", "a program (credential_process)"),
            ("role_arn", "a role that is assumed (role_arn)"),
        ]
        .into_iter()
        .find_map(|(name, what)| take(name).map(|_| what));
        Profile { key, region: take("region"), endpoint: take("endpoint_url"), elsewhere, is_there }
    }
}

/// The values of the first section with one of these heads.
fn section(path: Option<&Path>, heads: &[String]) -> Option<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path?).ok()?;
    let mut values = None;
    for line in text.lines() {
        let line_start = line;
        let line = line.trim();
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            if values.is_some() {
                break;
            }
            let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
            values = heads.contains(&head).then(BTreeMap::new);
            continue;
        }
        // What is indented belongs to a value of several lines (`s3 =`), none of which is asked for.
        if line.is_empty() || line.starts_with(['#', ';']) || line_start.starts_with([' ', '\t']) {
            continue;
        }
        if let (Some(values), Some((name, value))) = (&mut values, line.split_once('=')) {
            // A comment follows after a space.
            let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
            values.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_as_the_command_line_of_aws_reads_them() {
        let dir = tempfile::TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            Some(dir.path().join(name))
        };
        let files = Files {
            credentials: write(
                "credentials",
                "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=S=1\n\n[work]\naws_access_key_id=W\n\
                 aws_secret_access_key = T ; old\naws_session_token = X\n[half]\naws_access_key_id = H\n",
            ),
            config: write(
                "config",
                "[default]\nregion = eu-central-1\ns3 =\n    region = nowhere\n[profile work]\nendpoint_url = http://e\n\
                 [profile  sso]\nsso_session = s\n[work]\nregion = not-this\n",
            ),
        };
        let default = files.profile("default");
        assert_eq!(default.key, Some(("A".into(), "S=1".into(), None)));
        assert_eq!(default.region.as_deref(), Some("eu-central-1"));
        let work = files.profile("work");
        assert_eq!(work.key, Some(("W".into(), "T".into(), Some("X".into()))));
        assert_eq!((work.endpoint.as_deref(), work.region.as_deref()), (Some("http://e"), None));
        assert!(files.profile("sso").elsewhere.is_some_and(|what| what.contains("single sign-on")));
        assert!(files.profile("half").is_there && files.profile("half").key.is_none());
        assert!(!files.profile("none").is_there);
        assert!(
            Files { credentials: None, config: Some(dir.path().join("none")) }.profile("default") == Profile::default()
        );
    }
}

use std::collections::HashMap;
use std::path::Path;

use datafolio_core::ErrorCategory;

use super::*;

fn load(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables: HashMap<String, String> =
        variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Settings::from_sources(file, |name| variables.get(name).cloned())
}

#[test]
fn later_sources_win() {
    let file = "threads = 2\nmemory = \"1GB\"\nlock_timeout = 5\ncolor = \"always\"\n";
    let mut settings = load(Some(file), &[("DATAFOLIO_THREADS", "3"), ("DATAFOLIO_MEMORY", "")]).unwrap();
    assert_eq!(settings.threads, 3);
    assert_eq!(settings.memory, Memory::Bytes(1_000_000_000));
    assert_eq!(settings.lock_timeout, Duration::from_secs(5));
    assert_eq!(settings.retention_revisions, 20);
    settings.set("threads", "4").unwrap();
    assert_eq!(settings.threads, 4);

    let shown: Vec<String> =
        settings.describe().iter().map(|line| format!("{} = {} ({})", line.key, line.value, line.origin)).collect();
    assert_eq!(
        shown,
        [
            "threads = 4 (option)",
            "memory = 1GB (file config.toml)",
            "cache_dir =  (default)",
            "cache_cap = 10GiB (default)",
            "spill_dir =  (default)",
            "spill_cap = 50GiB (default)",
            "verification = touched (default)",
            "changed_references = warn (default)",
            "lock_timeout = 5s (file config.toml)",
            "gc_grace = 7d (default)",
            "retention_days = 30 (default)",
            "retention_revisions = 20 (default)",
            "color = always (file config.toml)",
        ]
    );
    assert_eq!(settings.origin("threads"), Some(&Origin::Option));
    assert_eq!(settings.origin("nothing"), None);
}

#[test]
fn every_setting_can_come_from_every_source() {
    let values = [
        ("threads", "7"),
        ("memory", "25%"),
        ("cache_dir", if cfg!(windows) { "C:\\c" } else { "/c" }),
        ("cache_cap", "1MB"),
        ("spill_dir", if cfg!(windows) { "C:\\s" } else { "/s" }),
        ("spill_cap", "2MB"),
        ("verification", "full"),
        ("changed_references", "refuse"),
        ("lock_timeout", "90s"),
        ("gc_grace", "12h"),
        ("retention_days", "0"),
        ("retention_revisions", "5"),
        ("color", "never"),
    ];
    assert_eq!(values.map(|(name, _)| name), KEYS.map(|key| key.name));
    let check = |settings: &Settings| {
        for (line, (name, value)) in settings.describe().iter().zip(values) {
            assert_eq!((line.key, line.value.as_str()), (name, value));
            assert_ne!(line.origin, Origin::Default);
        }
    };
    let file: String = values.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
    let by_file = load(Some(&file), &[]).unwrap();
    check(&by_file);
    let variables: Vec<(&str, &str)> = KEYS.iter().zip(values).map(|(key, (_, value))| (key.variable, value)).collect();
    check(&load(None, &variables).unwrap());
    let mut by_option = Settings::default();
    for (name, value) in values {
        by_option.set(name, value).unwrap();
    }
    check(&by_option);
    // What is described can be set again.
    let mut again = Settings::default();
    for line in by_file.describe() {
        again.set(line.key, &line.value).unwrap();
    }
    check(&again);
}

#[test]
fn variables_are_named_after_their_settings() {
    for key in KEYS {
        assert_eq!(key.variable, format!("DATAFOLIO_{}", key.name.to_uppercase()));
        assert!(!key.accepted.contains('|') && !key.meaning.contains('|'));
    }
}

/// Windows has other absolute paths, and another place for what is kept.
#[cfg(unix)]
#[test]
fn directories() {
    use super::source::config_path;

    let home = ("HOME", "/home/me");
    let settings = load(None, &[home]).unwrap();
    if !cfg!(target_os = "macos") {
        assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/home/me/.cache/datafolio")));
        assert_eq!(settings.spill_dir.as_deref(), Some(Path::new("/home/me/.cache/datafolio/spill")));
    }
    let settings = load(Some("cache_dir = '~/fast'"), &[home]).unwrap();
    assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/home/me/fast")));
    assert_eq!(settings.spill_dir.as_deref(), Some(Path::new("/home/me/fast/spill")));
    let settings = load(None, &[("XDG_CACHE_HOME", "/x"), ("DATAFOLIO_SPILL_DIR", "/scratch")]).unwrap();
    assert_eq!(settings.cache_dir.as_deref(), Some(Path::new("/x/datafolio")));
    assert_eq!(settings.spill_dir.as_deref(), Some(Path::new("/scratch")));

    for bad in ["relative", "~other/x", "", "~"] {
        let error = load(Some(&format!("cache_dir = '{bad}'")), &[home]).unwrap_err();
        assert!(matches!(error, SettingsError::BadValue { key: "cache_dir", .. }), "{error}");
    }
    assert!(load(Some("cache_dir = '~/x'"), &[]).is_err());
    let mut settings = Settings::default();
    settings.set("cache_dir", "here").unwrap();
    assert_eq!(settings.cache_dir, std::path::absolute("here").ok());
    assert!(settings.set("cache_dir", "").is_err());
    assert_eq!(
        config_path(&|name| (name == "DATAFOLIO_CONFIG").then(|| "/my.toml".to_owned())),
        Some("/my.toml".into())
    );
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let message = |result: Result<Settings, SettingsError>| result.unwrap_err().to_string();
    assert_eq!(
        message(load(Some("thraeds = 2"), &[])),
        "file config.toml: there is no setting \"thraeds\" (did you mean \"threads\"?)"
    );
    assert_eq!(message(load(Some("[cache]\ndir = 'x'"), &[])), "file config.toml: there is no setting \"cache\"");
    assert_eq!(
        message(load(Some("threads = \"many\""), &[])),
        "file config.toml: threads = \"many\" is not accepted: expected a number from 1 to 4096, or \"auto\""
    );
    assert_eq!(
        message(load(None, &[("DATAFOLIO_VERIFICATION", "sometimes")])),
        "environment variable DATAFOLIO_VERIFICATION: verification = \"sometimes\" is not accepted: expected \
         \"touched\", \"full\" or \"off\""
    );
    assert_eq!(message(load(Some("threads = 1\nmemory = \n"), &[])).split(": ").next(), Some("config.toml, line 2"));
    assert_eq!(
        Settings::default().set("cache-dir", "/x").unwrap_err().to_string(),
        "option: there is no setting \"cache-dir\" (did you mean \"cache_dir\"?)"
    );
    let error = load(Some("threads = 0"), &[]).unwrap_err();
    assert_eq!((error.code(), error.category()), ("bad-setting", ErrorCategory::InvalidInput));
    let gone = SettingsError::UnreadableFile { file: "x".to_owned(), reason: "y".to_owned(), is_missing: true };
    assert_eq!(gone.category(), ErrorCategory::NotFound);
}

#[test]
fn values_out_of_range_are_refused() {
    for (key, values) in [
        ("threads", &["0", "4097", "-1", "1.5", "99999999999999999999"][..]),
        ("memory", &["0", "1MB", "0%", "101%", "%", "half", "-1GB"]),
        ("cache_cap", &["-1", "10%", "lots"]),
        ("changed_references", &["no", ""]),
        ("lock_timeout", &["-1", "soon", "11000d"]),
        ("gc_grace", &["-1d", "1y"]),
        ("retention_days", &["-1", "40000", "1.5", "30d"]),
        ("retention_revisions", &["0", "1000001"]),
        ("color", &["yes", ""]),
    ] {
        for value in values {
            let mut settings = Settings::default();
            assert!(settings.set(key, value).is_err(), "{key} = {value}");
            assert_eq!(settings, Settings::default());
        }
    }
    for value in ["true", "[1]", "2024-01-01", "{a = 1}", "nan", "1e300"] {
        assert!(load(Some(&format!("threads = {value}")), &[]).is_err(), "{value}");
    }
}

#[test]
fn memory_and_colour() {
    assert_eq!(Memory::Percent(50).of(1000), 500);
    assert_eq!(Memory::Percent(100).of(u64::MAX), u64::MAX / 100 * 100);
    assert_eq!(Memory::Bytes(7).of(1), 7);
    assert!(Settings::default().memory_bytes() > 0);
    assert_eq!(load(None, &[("NO_COLOR", "1")]).unwrap().color, Color::Never);
    assert_eq!(load(None, &[("NO_COLOR", "")]).unwrap().color, Color::Auto);
    assert_eq!(load(None, &[("NO_COLOR", "1"), ("DATAFOLIO_COLOR", "always")]).unwrap().color, Color::Always);
    assert_eq!(load(None, &[("DATAFOLIO_THREADS", " AUTO ")]).unwrap().threads, Settings::default().threads);
}

/// The table for people has exactly the rows that the code has.
#[test]
fn documentation_lists_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/settings.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = (KEYS.iter())
        .map(|key| {
            let Key { name, variable, default, accepted, meaning } = key;
            format!("| `{name}` | `{variable}` | {default} | {accepted} | {meaning} |")
        })
        .collect();
    assert_eq!(rows, expected, "the rows of docs/reference/settings.md should be:\n{}", expected.join("\n"));
}

//! Where settings come from: the configuration file, environment variables, and what the system says.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::key::Home;
use super::{KEYS, Key, Origin, Settings, SettingsError};

/// Largest configuration file that is read; a larger one is something else.
const MOST_CONFIG: u64 = 1 << 20;

/// Systems differ in where they keep a user's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Unix,
    MacOs,
    Windows,
}

impl System {
    pub(super) const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Unix
    };

    /// Directories with this name and purpose are made by the user's programs: configuration or caches.
    fn user_dir(self, purpose: Purpose, env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        // Only absolute paths are valid in these variables; empty and relative ones count as unset.
        let dir = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || home_dir(self, env);
        let base = match (self, purpose) {
            (Self::Unix, Purpose::Config) => dir("XDG_CONFIG_HOME").or_else(|| Some(home()?.join(".config"))),
            (Self::Unix, Purpose::Cache) => dir("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache"))),
            (Self::MacOs, Purpose::Config) => {
                dir("XDG_CONFIG_HOME").or_else(|| Some(home()?.join("Library/Application Support")))
            }
            (Self::MacOs, Purpose::Cache) => dir("XDG_CACHE_HOME").or_else(|| Some(home()?.join("Library/Caches"))),
            (Self::Windows, Purpose::Config) => dir("APPDATA").or_else(|| Some(home()?.join("AppData\\Roaming"))),
            (Self::Windows, Purpose::Cache) => dir("LOCALAPPDATA").or_else(|| Some(home()?.join("AppData\\Local"))),
        }?;
        let base = base.join("datafolio");
        // Windows has one directory for caches and other local files.
        Some(if (self, purpose) == (Self::Windows, Purpose::Cache) { base.join("cache") } else { base })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Config,
    Cache,
}

fn home_dir(system: System, env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let name = if system == System::Windows { "USERPROFILE" } else { "HOME" };
    env(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The configuration file of a user with such an environment: what `DATAFOLIO_CONFIG` names, else
/// `datafolio/config.toml` in the usual directory of the system. It need not exist.
pub fn config_path(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    match env("DATAFOLIO_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => Some(PathBuf::from(path)),
        None => Some(System::HERE.user_dir(Purpose::Config, env)?.join("config.toml")),
    }
}

impl Settings {
    /// Reads the settings of the user who runs this process: defaults, configuration file, environment variables. The
    /// only function here that looks at either of them.
    ///
    /// # Errors
    /// Any [`SettingsError`]. A configuration file in the usual place may be missing; one that `DATAFOLIO_CONFIG` names
    /// may not.
    pub fn load() -> Result<Self, SettingsError> {
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let Some(path) = config_path(&env) else { return Self::from_sources(None, env) };
        let is_named = env("DATAFOLIO_CONFIG").is_some_and(|path| !path.is_empty());
        match read_config(&path) {
            Ok(text) => Self::from_named_sources(Some((&path.display().to_string(), &text)), &env, System::HERE),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => Self::from_sources(None, env),
            Err(error) => Err(SettingsError::UnreadableFile {
                file: path.display().to_string(),
                reason: error.to_string(),
                is_missing: error.kind() == io::ErrorKind::NotFound,
            }),
        }
    }

    /// Puts settings together from the text of a configuration file and a function that knows environment variables.
    /// Reads nothing else, so that the same sources give the same settings.
    ///
    /// Empty variables count as unset.
    ///
    /// # Errors
    /// [`SettingsError`], but none about reading files.
    pub fn from_sources(file: Option<&str>, env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Self::from_named_sources(file.map(|text| ("config.toml", text)), &env, System::HERE)
    }

    pub(super) fn from_named_sources(
        file: Option<(&str, &str)>,
        env: &dyn Fn(&str) -> Option<String>,
        system: System,
    ) -> Result<Self, SettingsError> {
        let home = Home(home_dir(system, env));
        let mut settings = Self { cache_dir: system.user_dir(Purpose::Cache, env), ..Self::default() };
        if let Some((name, text)) = file {
            settings.apply_file(name, text, &home)?;
        }
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        // A custom of terminal programs, see https://no-color.org. Weaker than our own variable, so it comes first.
        if set("NO_COLOR").is_some() {
            settings.apply(Key::find("color", &Origin::Default)?, "never", None, Origin::Variable("NO_COLOR"))?;
        }
        for key in &KEYS {
            if let Some(value) = set(key.variable) {
                settings.apply(key, &value, Some(&home), Origin::Variable(key.variable))?;
            }
        }
        if settings.spill_dir.is_none() {
            settings.spill_dir = settings.cache_dir.as_ref().map(|dir| dir.join("spill"));
        }
        Ok(settings)
    }

    fn apply_file(&mut self, name: &str, text: &str, home: &Home) -> Result<(), SettingsError> {
        let origin = Origin::File(name.to_owned());
        let table: toml::Table = toml::from_str(text).map_err(|error| SettingsError::BadFile {
            file: name.to_owned(),
            line: error.span().map(|span| 1 + text.get(..span.start).unwrap_or(text).matches('\n').count()),
            reason: error.message().to_owned(),
        })?;
        for (key, value) in &table {
            let found = Key::find(key, &origin)?;
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(value) => value.to_string(),
                // No setting accepts it; the error shows what it is.
                other => format!("({})", other.type_str()),
            };
            self.apply(found, &value, Some(home), origin.clone())?;
        }
        Ok(())
    }
}

fn read_config(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_CONFIG + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_CONFIG {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than 1 MiB"));
    }
    Ok(text)
}

/// Memory that this process can use: that of the machine, or less in a container with a limit. `None` where the system
/// does not say so in a file.
pub fn physical_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").as_deref().and_then(memory_of_machine);
    // The limit of a container's own control group, under version 2 and version 1.
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    limits.iter().filter_map(|path| read(path)?.trim().parse().ok()).chain(machine).min()
}

fn memory_of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_this_machine() {
        assert_eq!(memory_of_machine("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16 * 1024));
        assert_eq!(memory_of_machine("nothing"), None);
        #[cfg(target_os = "linux")]
        assert!(physical_memory().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[cfg(unix)]
    #[test]
    fn usual_places_of_each_system() {
        let env = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let place = |system: System, purpose| system.user_dir(purpose, &env).unwrap().display().to_string();
        assert_eq!(place(System::Unix, Purpose::Config), "/home/me/.config/datafolio");
        assert_eq!(place(System::Unix, Purpose::Cache), "/home/me/.cache/datafolio");
        assert_eq!(place(System::MacOs, Purpose::Config), "/home/me/Library/Application Support/datafolio");
        assert_eq!(place(System::MacOs, Purpose::Cache), "/home/me/Library/Caches/datafolio");
        let env = |name: &str| match name {
            "LOCALAPPDATA" => Some("/local".to_owned()),
            "XDG_CACHE_HOME" => Some("relative".to_owned()),
            "HOME" => Some("/h".to_owned()),
            _ => None,
        };
        assert_eq!(System::Windows.user_dir(Purpose::Cache, &env), Some("/local/datafolio/cache".into()));
        assert_eq!(System::Windows.user_dir(Purpose::Config, &env), None);
        assert_eq!(System::Unix.user_dir(Purpose::Cache, &env), Some("/h/.cache/datafolio".into()));
    }
}

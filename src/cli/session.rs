//! One run of the program: which bundle is meant, and the user's settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::history::{CommitRef, HISTORY_DIR};
use datafolio_core::{CoreError, ErrorCategory};
use datafolio_handlers::HandlerError;

use super::args::Global;
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::progress::Progress;
use super::user_list::{UserList, expand_home};
use super::watched::{Traffic, Watched};
use super::words::size_of;
use crate::bundle::{DataFolio, OpenOptions, Place};
use crate::error::Error;
use crate::settings::Settings;
use crate::text::{printable, shell_word};

/// How many neighbours of a path that is not there are looked at.
const MOST_LOOKED_AT: usize = 10_000;
/// What names the bundle where no option does.
const VARIABLE: &str = "DATAFOLIO_PATH";

/// One run of the program.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) out: Output,
    /// Options as they were given.
    pub(super) global: Global,
    settings: Option<Settings>,
    view: View,
    /// What goes through the files of the bundle.
    pub(super) traffic: Arc<Traffic>,
    /// The bundle that was used, for the list of recent ones.
    used: Option<String>,
    warned: bool,
}

/// Which state of the bundle commands see.
#[derive(Debug, Clone, Default)]
pub(super) enum View {
    /// The current one.
    #[default]
    Head,
    /// An earlier revision.
    Revision(u64),
    /// A snapshot.
    Snapshot(String),
}

impl Session {
    pub(super) fn new(global: Global) -> Self {
        let out = Output::new(global.json, global.quiet, global.color);
        let (view, traffic) = (View::Head, Arc::default());
        let mut session = Self { out, global, settings: None, view, traffic, used: None, warned: false };
        // Settings that cannot be read are an error of the command that needs them.
        if let Ok(settings) = session.settings() {
            session.out.prefer(settings.color);
        }
        session
    }

    /// The user's settings, with what the options say.
    ///
    /// # Errors
    /// When they are not acceptable.
    pub(super) fn settings(&mut self) -> Outcome<Settings> {
        if let Some(settings) = &self.settings {
            return Ok(settings.clone());
        }
        let mut settings = Settings::load()?;
        for (key, value) in &self.global.setting {
            settings.set(key, value)?;
        }
        settings.storage_options = self.global.storage_option.iter().cloned().collect();
        Ok(self.settings.insert(settings).clone())
    }

    /// Refuses a second name for the bundle beside an argument that names it.
    ///
    /// # Errors
    /// When -f or -a was given.
    pub(super) fn refuse_other_bundles(&self, argument: &str) -> Outcome {
        let other = match (&self.global.folio, &self.global.alias) {
            (None, None) => return Ok(()),
            (Some(_), _) => "-f/--folio",
            (None, Some(_)) => "-a/--alias",
        };
        Err(Failure::usage(format!("{argument} and {other} both name a bundle: pass one of them")))
    }

    /// Where the bundle is that the command means.
    ///
    /// # Errors
    /// An alias that is not known.
    pub(super) fn place(&self) -> Outcome<PathBuf> {
        if let Some(path) = &self.global.folio {
            return Ok(expand_home(path));
        }
        if let Some(alias) = &self.global.alias {
            return UserList::of_user()?.alias(alias);
        }
        match self.of_the_variable() {
            Some(path) => Ok(path),
            None => std::env::current_dir().map_err(|source| {
                let error = Error::File { action: "find the current directory", path: PathBuf::from("."), source };
                Failure::from(error).hint("change to a directory that is there, or name the bundle with -f")
            }),
        }
    }

    /// Where the bundle is that the environment names, and no option.
    fn of_the_variable(&self) -> Option<PathBuf> {
        let variable = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
        (self.global.folio.is_none() && self.global.alias.is_none()).then(|| expand_home(Path::new(&variable)))
    }

    /// How bundles are opened.
    ///
    /// # Errors
    /// As [`Session::settings`].
    pub(super) fn options(&mut self) -> Outcome<OpenOptions> {
        Ok(OpenOptions::new().settings(self.settings()?))
    }

    /// Shows how much was read of the payloads; `total` is how many bytes that will be.
    pub(super) fn reading(&self, what: impl Into<String>, total: Option<u64>) -> Progress {
        let traffic = Arc::clone(&self.traffic);
        Progress::of_bytes(&self.out, what, total, move || traffic.read())
    }

    /// Shows how much was written of new payloads.
    pub(super) fn writing(&self, what: impl Into<String>, total: Option<u64>) -> Progress {
        let traffic = Arc::clone(&self.traffic);
        Progress::of_bytes(&self.out, what, total, move || traffic.written())
    }

    /// Shows that something goes on of which nobody can tell how much is done.
    pub(super) fn waiting<T>(&self, what: impl Into<String>, work: impl FnOnce() -> T) -> T {
        let _progress = Progress::start(&self.out, what);
        work()
    }

    /// Shows how much was read of an item.
    pub(super) fn reading_item(&self, what: &str, folio: &DataFolio, item: &str) -> Progress {
        let size = folio.item_info(item).ok().and_then(|info| size_of(folio, &info));
        self.reading(format!("{what} {}", printable(item)), size)
    }

    /// Opens the bundle for writing. Below `at`, that is the state it names, which refuses to be changed.
    ///
    /// # Errors
    /// No bundle, a damaged one.
    pub(super) fn writer(&mut self) -> Outcome<DataFolio> {
        self.open(false)
    }

    /// Opens the bundle for reading.
    ///
    /// # Errors
    /// As [`Session::writer`].
    pub(super) fn reader(&mut self) -> Outcome<DataFolio> {
        self.open(true)
    }

    fn open(&mut self, read_only: bool) -> Outcome<DataFolio> {
        let place = self.place()?;
        let options = self.options()?.read_only(read_only);
        let storage = Place::of(&place).existing(&self.settings()?)?;
        let storage = Watched::new(storage, Arc::clone(&self.traffic));
        let folio = self.waiting("opening the bundle", || options.open_storage(Arc::new(storage)))?;
        self.uses(&folio);
        Ok(match &self.view {
            View::Head => folio,
            View::Revision(revision) => {
                self.waiting(format!("going back to revision {revision}"), || folio.at_revision(*revision))?
            }
            View::Snapshot(name) => folio.load_snapshot(name)?,
        })
    }

    /// Notes that a bundle is used, and shows once what is wrong with it.
    pub(super) fn uses(&mut self, folio: &DataFolio) {
        // A path that is no Unicode text is shown with a replacement, and would lead nowhere.
        self.used = Some(folio.location()).filter(|location| !location.contains('\u{fffd}'));
        if !self.warned {
            self.warned = true;
            for warning in folio.warnings() {
                self.out.warn(warning);
            }
        }
    }

    /// Lets the commands that follow see another state.
    pub(super) fn look_at(&mut self, view: View) {
        self.view = view;
    }

    /// Keeps the bundle among the user's recent ones. That is a convenience: what goes wrong with it is nobody's concern.
    pub(super) fn remember(&self) {
        if let Some(used) = &self.used
            && let Ok(list) = UserList::of_user()
        {
            list.note_recent(used);
        }
    }

    /// Adds what only a look into the bundle can tell: the name that was probably meant.
    pub(super) fn advise(&mut self, failure: Failure) -> Failure {
        let Failure::Library { error, hint: None, .. } = &failure else { return failure };
        let error = &**error;
        match error {
            Error::NotABundle { location } => {
                let place = PathBuf::from(location);
                let is_named = self.of_the_variable().is_some_and(|named| whole(&named) == whole(&place));
                let failure = near_bundle(&place, failure);
                return if is_named { named_by_the_variable(&place, failure) } else { failure };
            }
            Error::ReadOnly { .. } => {
                let hint = "an earlier state cannot be changed: run the command without `at`";
                return failure.hint(hint);
            }
            Error::WrongType { item, .. } => {
                let hint = format!("`datafolio info {}` tells its type", shell_word(item));
                return failure.hint(hint);
            }
            _ => {}
        }
        if error.category() == ErrorCategory::Internal {
            return failure;
        }
        if let Error::Core(CoreError::VersionNotFound { name, version }) = error {
            let (name, version) = (name.clone(), version.clone());
            let known = self.reader().map_or_else(|_| Vec::new(), |folio| version_ids(&folio, &name));
            let failure = failure.hint(format!("`datafolio log {} --versions` lists them", shell_word(&name)));
            return failure.meant(&version, known.iter().map(String::as_str));
        }
        let (word, of_snapshots) = match error {
            Error::Core(CoreError::ItemNotFound { name }) => (name.clone(), false),
            Error::Core(CoreError::SnapshotNotFound { name }) => (name.clone(), true),
            Error::Handler(HandlerError::FileNotFound { path }) => return near_file(path.clone(), failure),
            _ => return failure,
        };
        if of_snapshots {
            // The state that was asked for may be the one that is not there.
            self.view = View::Head;
        }
        let Ok(folio) = self.reader() else { return failure };
        let catalogue = folio.catalogue();
        match of_snapshots {
            true => failure.meant(&word, catalogue.snapshots.keys().map(String::as_str)),
            false => failure.meant(&word, catalogue.current.keys()),
        }
    }
}

/// The ids of an item's versions: those in the catalogue, and those that the log tells, which costs less than to rebuild the
/// states that had them.
fn version_ids(folio: &DataFolio, name: &str) -> Vec<String> {
    let mut ids: Vec<String> = folio.catalogue().versions_of(name).map(|entry| entry.token()).collect();
    let log = folio.log(usize::MAX).unwrap_or_default().of_item(name);
    let changes = log.into_iter().flat_map(|entry| entry.changes.items);
    ids.extend(changes.filter(|change| change.name == name).filter_map(|change| change.to));
    ids
}

/// A bundle beside the place where there is none, with a similar name.
fn near_bundle(place: &Path, failure: Failure) -> Failure {
    if matches!(Place::of(place), Place::Remote(_)) {
        return failure;
    }
    let place = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let is_of_history = |name: &str| CommitRef::from_file_name(name).is_some_and(|(commit, _)| commit.revision > 1);
    let has_history = std::fs::read_dir(place.join(HISTORY_DIR))
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_of_history)));
    if has_history {
        return failure.hint("its history is there, and items.json is gone: `datafolio repair` brings it back");
    }
    let (Some(wanted), Some(parent)) = (place.file_name().and_then(|name| name.to_str()), place.parent()) else {
        return failure;
    };
    let Ok(entries) = std::fs::read_dir(parent) else { return failure };
    let names: Vec<String> = entries
        .take(MOST_LOOKED_AT)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let is_bundle = ["items.json", "metadata.json"].iter().any(|file| entry.path().join(file).is_file());
            is_bundle.then(|| entry.file_name().into_string().ok())?
        })
        .collect();
    failure.meant(wanted, names.iter().map(String::as_str))
}

/// Nothing on the command line tells where the place comes from that holds no bundle.
fn named_by_the_variable(place: &Path, failure: Failure) -> Failure {
    let hint = match &failure {
        Failure::Library { hint: Some(hint), .. } => format!("{VARIABLE} names this place; {hint}"),
        _ => format!(
            "{VARIABLE} names this place: correct it, name another with -f, or make a bundle there: `datafolio init {}`",
            shell_word(&place.display().to_string())
        ),
    };
    failure.hint(hint)
}

/// A path to be compared with others.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// A file beside the one that is not there, with a similar name.
fn near_file(path: PathBuf, failure: Failure) -> Failure {
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else { return failure };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(parent) else { return failure };
    let names: Vec<String> =
        entries.take(MOST_LOOKED_AT).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    failure.meant(wanted, names.iter().map(String::as_str))
}

//! One run of the program: which bundle is meant, and the user's settings.

use std::path::{Path, PathBuf};

use datafolio_core::{CoreError, ErrorCategory};
use datafolio_handlers::HandlerError;

use super::args::Global;
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::user_list::{UserList, expand_home};
use crate::bundle::{DataFolio, OpenOptions};
use crate::error::Error;
use crate::settings::Settings;
use crate::text::printable;

/// One run of the program.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) out: Output,
    /// Options as they were given.
    pub(super) global: Global,
    settings: Option<Settings>,
    view: View,
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
        let mut session = Self { out, global, settings: None, view: View::Head, used: None, warned: false };
        // Settings that cannot be read are an error of the command that needs them.
        if let Ok(settings) = session.settings() {
            session.out.prefer(settings.color);
        }
        session
    }

    /// The user's settings.
    ///
    /// # Errors
    /// When they are not acceptable.
    pub(super) fn settings(&mut self) -> Outcome<Settings> {
        match &self.settings {
            Some(settings) => Ok(settings.clone()),
            None => Ok(self.settings.insert(Settings::load()?).clone()),
        }
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
        match std::env::var_os("DATAFOLIO_PATH").filter(|path| !path.is_empty()) {
            Some(path) => Ok(expand_home(Path::new(&path))),
            None => std::env::current_dir().map_err(|source| {
                Error::File { action: "find the current directory, or", path: PathBuf::from("."), source }.into()
            }),
        }
    }

    /// How bundles are opened.
    ///
    /// # Errors
    /// As [`Session::settings`].
    pub(super) fn options(&mut self) -> Outcome<OpenOptions> {
        Ok(OpenOptions::new().settings(self.settings()?))
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
        let folio = self.options()?.read_only(read_only).open(&place)?;
        self.uses(&folio);
        Ok(match &self.view {
            View::Head => folio,
            View::Revision(revision) => folio.at_revision(*revision)?,
            View::Snapshot(name) => folio.load_snapshot(name)?,
        })
    }

    /// Notes that a bundle is used, and shows once what is wrong with it.
    pub(super) fn uses(&mut self, folio: &DataFolio) {
        self.used = Some(folio.location());
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
        if error.category() == ErrorCategory::Internal {
            return failure;
        }
        if let Error::Core(CoreError::VersionNotFound { name, version }) = error {
            let (name, version) = (name.clone(), version.clone());
            let known = self.reader().ok().and_then(|folio| folio.versions(&name).ok()).unwrap_or_default();
            let failure = failure.hint(format!("`datafolio log {} --versions` lists them", printable(&name)));
            return failure.meant(&version, known.iter().map(|known| known.version.as_str()));
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
        let (failure, list) = if of_snapshots {
            let names = catalogue.snapshots.keys().map(String::as_str);
            (failure.meant(&word, names), "`datafolio snapshot list` shows what there is")
        } else {
            let names = catalogue.current.keys().map(|name| &**name);
            (failure.meant(&word, names), "`datafolio ls` shows what there is")
        };
        match failure.words() {
            Some((_, None)) => failure.hint(list),
            _ => failure,
        }
    }
}

/// A file beside the one that is not there, with a similar name.
fn near_file(path: PathBuf, failure: Failure) -> Failure {
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else { return failure };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(parent) else { return failure };
    let names: Vec<String> =
        entries.take(10_000).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    failure.meant(wanted, names.iter().map(String::as_str))
}

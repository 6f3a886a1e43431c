//! Files under a name of their own until they are whole: the way in which every file of a bundle comes to be.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use datafolio_core::RelPath;

use super::directory::{Directory, Kind};
use super::place::{Place, is_absent};
use crate::error::StorageResult;
use crate::observe::{IoOp, IoStep};
use crate::random;

/// Longest name that file systems take, in bytes.
const MAX_NAME: usize = 255;

/// A new file beside the name that it will get; removed again unless it is kept.
#[derive(Debug)]
pub(super) struct Temporary {
    place: Arc<Place>,
    pub(super) dir: Arc<dyn Directory>,
    target: RelPath,
    /// The name that it has now; `None` once it is kept.
    name: Option<String>,
    /// The path that it was created under.
    pub(super) path: String,
    pub(super) file: Arc<File>,
}

impl Temporary {
    /// Creates `.<name>.<random>.tmp`, empty.
    pub(super) fn create(place: &Arc<Place>, target: &RelPath, action: &'static str) -> StorageResult<Self> {
        let error = |error| place.error(action, target.as_str(), error);
        let dir = place.parent_of(target)?;
        let name = temporary_name(target.file_name()).map_err(error)?;
        let path = beside(target, &name);
        let created = place.step(IoOp::Create, &path, || dir.create_file(&name));
        if created.as_ref().is_err_and(|error| error.kind() != ErrorKind::AlreadyExists) {
            // A network file system may have made it and lost the answer. The name is nobody else's.
            remove(place, dir.as_ref(), &path, &name);
        }
        let file = Arc::new(created.map_err(error)?);
        Ok(Self { place: Arc::clone(place), dir, target: target.clone(), name: Some(name), path, file })
    }

    /// Gives it the name of the target, replacing what has that name.
    pub(super) fn replace_target(&mut self) -> io::Result<()> {
        self.rename(|dir, from, to| dir.rename(from, to))?;
        self.keep();
        Ok(())
    }

    /// Gives it the name of the target if that is free, and [`ErrorKind::AlreadyExists`] if not. Afterwards it is removed
    /// under that name unless it is [kept](Self::keep).
    pub(super) fn become_target(&mut self) -> io::Result<()> {
        self.rename(|dir, from, to| dir.rename_new(from, to))?;
        self.name = Some(self.target.file_name().to_owned());
        Ok(())
    }

    /// Leaves it where it is.
    pub(super) fn keep(&mut self) {
        self.name = None;
    }

    fn rename(&self, call: impl Fn(&dyn Directory, &str, &str) -> io::Result<()>) -> io::Result<()> {
        let (from, to) = (self.name.as_deref().unwrap_or_default(), self.target.file_name());
        let step = IoStep { to: Some(self.target.as_str()), ..IoStep::new(IoOp::Rename, &self.path) };
        let renamed = self.place.watch.step(step, || call(self.dir.as_ref(), from, to));
        match renamed {
            // A network file system may have done it and lost the answer.
            Err(_) if self.is_target() => Ok(()),
            other => other,
        }
    }

    /// Whether the target is this very file.
    fn is_target(&self) -> bool {
        let found = self.place.step(IoOp::Stat, self.target.as_str(), || self.dir.open_file(self.target.file_name()));
        match (found, self.dir.facts_of(&self.file)) {
            (Ok((_, target)), Ok(own)) => own.inode.is_some() && own.same_file(&target),
            _ => false,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let path = beside(&self.target, &name);
            remove(&self.place, self.dir.as_ref(), &path, &name);
        }
    }
}

/// Removes a file that nobody knows of. What stays because that fails is removed later: by [`sweep`] in the bundle's own
/// directory, elsewhere by collecting garbage.
fn remove(place: &Place, dir: &dyn Directory, path: &str, name: &str) {
    match place.step(IoOp::Unlink, path, || dir.remove_file(name)) {
        Err(error) if !is_absent(&error) => {
            tracing::warn!(path, %error, "an unfinished file could not be removed; it will be later");
        }
        _ => {}
    }
}

fn beside(target: &RelPath, name: &str) -> String {
    match target.parent() {
        None => name.to_owned(),
        Some(parent) => format!("{parent}/{name}"),
    }
}

/// A name that says what it will be, as far as there is room for that.
fn temporary_name(target: &str) -> io::Result<String> {
    let random = random::name()?;
    let room = MAX_NAME - "...tmp".len() - random.len();
    let stem = &target[..target.floor_char_boundary(room)];
    Ok(format!(".{stem}.{random}.tmp"))
}

/// Removes the temporary files that processes left in the bundle's directory when they died. The caller holds the lock,
/// and so does everyone who writes one there.
pub(super) fn sweep(place: &Place) {
    let attempt = || -> io::Result<()> {
        for (name, kind) in place.step(IoOp::List, "", || place.dir.entries())? {
            if kind == Kind::File && is_temporary(&name) {
                place.step(IoOp::Unlink, &name, || place.dir.remove_file(&name))?;
                tracing::debug!(path = name, "removed a temporary file that was left behind");
            }
        }
        Ok(())
    };
    match attempt() {
        Err(error) if !is_absent(&error) => tracing::debug!(%error, "could not look for temporary files left behind"),
        _ => {}
    }
}

/// Whether a name is one that [`Temporary::create`] gives. Only those are removed: neither a user's `.notes.tmp` nor the
/// `tmp....tmp` of Python DataFolio is ours.
fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    inner
        .and_then(|inner| inner.rsplit_once('.'))
        .is_some_and(|(stem, random)| !stem.is_empty() && random::is_name(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_are_recognised() {
        for target in ["items.json", "a", &"x".repeat(255), &"ä".repeat(127), &"漢".repeat(85)] {
            let name = temporary_name(target).unwrap();
            assert!(name.len() <= MAX_NAME && is_temporary(&name), "{name}");
            assert_ne!(name, temporary_name(target).unwrap());
        }
    }
}

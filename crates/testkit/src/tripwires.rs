//! Telling which files are opened, by whomever.
//!
//! ```
//! use datafolio_testkit::tripwires::Tripwires;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let file = dir.path().join("secret");
//! std::fs::write(&file, "secret")?;
//! let tripwires = Tripwires::across([file.clone()])?;
//! assert!(tripwires.tripped()?.is_empty());
//! std::fs::read(&file)?;
//! if cfg!(target_os = "linux") {
//!     assert_eq!(tripwires.tripped()?.into_iter().collect::<Vec<_>>(), [file]);
//!     assert!(tripwires.tripped()?.is_empty());
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// Tripwires across files that are there. Systems other than Linux do not tell, and none is ever tripped.
#[derive(Debug)]
pub struct Tripwires {
    #[cfg(target_os = "linux")]
    events: std::os::fd::OwnedFd,
    #[cfg(target_os = "linux")]
    files: std::collections::HashMap<i32, PathBuf>,
}

#[cfg(target_os = "linux")]
impl Tripwires {
    /// Watches these files.
    ///
    /// # Errors
    /// When one is not there, or the system has no watches left.
    pub fn across(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let watch = |path: PathBuf| -> io::Result<(i32, PathBuf)> {
            Ok((add_watch(&events, path.as_path(), WatchFlags::OPEN | WatchFlags::ACCESS)?, path))
        };
        let files = files.into_iter().map(watch).collect::<io::Result<_>>()?;
        Ok(Self { events, files })
    }

    /// The files that were opened or read since this was asked before.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn tripped(&self) -> io::Result<BTreeSet<PathBuf>> {
        use std::mem::MaybeUninit;

        use rustix::fs::inotify::Reader;
        use rustix::io::Errno;

        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.events, &mut buffer);
        let mut tripped = BTreeSet::new();
        loop {
            match events.next() {
                Ok(event) => tripped.extend(self.files.get(&event.wd()).cloned()),
                Err(Errno::AGAIN) => return Ok(tripped),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Tripwires {
    /// Watches nothing.
    ///
    /// # Errors
    /// None.
    pub fn across(_files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        Ok(Self {})
    }

    /// None.
    ///
    /// # Errors
    /// None.
    pub fn tripped(&self) -> io::Result<BTreeSet<PathBuf>> {
        Ok(BTreeSet::new())
    }
}

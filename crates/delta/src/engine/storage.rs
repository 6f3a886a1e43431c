//! Files as bytes: listings, and deletion vectors.

use std::sync::Arc;

use bytes::Bytes;
use delta_kernel::{FileMeta, FileSlice, KernelError, KernelResult, KernelResultIteratorStatic, StorageHandler};
use url::Url;

use crate::error::DeltaError;
use crate::place::{Place, TableFile, below_root, url_of};

pub(super) struct Storage(pub(super) Arc<dyn Place>);

fn read_only<T>() -> KernelResult<T> {
    Err(KernelError::unsupported("writing"))
}

impl StorageHandler for Storage {
    fn list_from(&self, path: &Url) -> KernelResult<KernelResultIteratorStatic<FileMeta>> {
        let from = below_root(path)?;
        let directory = from.rsplit_once('/').map_or("", |(directory, _)| directory);
        let listed = self.0.list(directory).map_err(|error| DeltaError::listing(directory, &error))?;
        let mut files = Vec::with_capacity(listed.len());
        for file in listed.into_iter().filter(|file| file.path > from) {
            // Names that no address can tell are none of the log's.
            if let Ok(url) = url_of(&file.path) {
                files.push(FileMeta::new(url, file.modified, file.size));
            }
        }
        files.sort();
        Ok(Box::new(files.into_iter().map(Ok)))
    }

    fn read_files(&self, files: Vec<FileSlice>) -> KernelResult<KernelResultIteratorStatic<Bytes>> {
        let place = Arc::clone(&self.0);
        Ok(Box::new(files.into_iter().map(move |(url, range)| {
            let file = TableFile::open(place.as_ref(), &below_root(&url)?, None)?;
            match range {
                None => Ok(file.read_all()?),
                Some(range) => {
                    let length = usize::try_from(range.end.saturating_sub(range.start))
                        .map_err(|_| DeltaError::damaged(&file.name, "it is too long"))?;
                    Ok(file.read(range.start, length)?)
                }
            }
        })))
    }

    fn copy_atomic(&self, _from: &Url, _to: &Url) -> KernelResult<()> {
        read_only()
    }

    fn put(&self, _path: &Url, _data: Bytes, _overwrite: bool) -> KernelResult<()> {
        read_only()
    }

    fn head(&self, path: &Url) -> KernelResult<FileMeta> {
        let name = below_root(path)?;
        let file = TableFile::open(self.0.as_ref(), &name, None)?;
        let listed = self.0.list(name.rsplit_once('/').map_or("", |(directory, _)| directory)).unwrap_or_default();
        let modified = listed.into_iter().find(|listed| listed.path == name).map_or(0, |listed| listed.modified);
        Ok(FileMeta::new(path.clone(), modified, file.size()))
    }

    fn delete(&self, _path: &Url) -> KernelResult<()> {
        read_only()
    }
}

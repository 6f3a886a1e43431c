//! Reading bytes of an object, whatever happens on the way.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore};

/// What a store says of an object, with its bytes.
pub(crate) struct Fetched {
    pub(crate) bytes: Bytes,
    pub(crate) meta: ObjectMeta,
}

/// Why there are no bytes.
#[derive(Debug)]
pub(crate) enum FetchError {
    Store(Error),
    /// The object has more bytes than are wanted at once.
    TooLarge(u64),
    /// The object has another number of bytes than was known.
    OtherSize(u64),
}

/// How often a body that ends too early is asked for again.
const TRIES: u32 = 5;

/// Fetches a whole object of at most `limit` bytes, if it is not in the state that is known.
pub(crate) async fn whole(
    store: &dyn ObjectStore,
    key: &Path,
    limit: u64,
    known: Option<String>,
) -> Result<Fetched, FetchError> {
    let mut attempt = 0;
    loop {
        let options = GetOptions { if_none_match: known.clone(), ..GetOptions::default() };
        let result = store.get_opts(key, options).await.map_err(FetchError::Store)?;
        let meta = result.meta.clone();
        if meta.size > limit {
            return Err(FetchError::TooLarge(meta.size));
        }
        match result.bytes().await {
            Ok(bytes) if bytes.len() as u64 == meta.size => return Ok(Fetched { bytes, meta }),
            Ok(bytes) if attempt + 1 >= TRIES => return Err(cut_short(bytes.len() as u64, meta.size)),
            Err(error) if attempt + 1 >= TRIES => return Err(FetchError::Store(error)),
            _ => {}
        }
        pause(&mut attempt).await;
    }
}

/// Fetches a stretch of an object that is known to have `size` bytes.
pub(crate) async fn range(
    store: &dyn ObjectStore,
    key: &Path,
    range: Range<u64>,
    size: u64,
) -> Result<Fetched, FetchError> {
    let wanted = range.end - range.start;
    let mut attempt = 0;
    loop {
        let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        let result = match store.get_opts(key, options).await {
            Ok(result) => result,
            // A store refuses a stretch that lies beyond the end; what it has tells why.
            Err(error) => match store.get_opts(key, GetOptions { head: true, ..GetOptions::default() }).await {
                Ok(found) if found.meta.size != size => return Err(FetchError::OtherSize(found.meta.size)),
                Err(missing @ Error::NotFound { .. }) => return Err(FetchError::Store(missing)),
                _ => return Err(FetchError::Store(error)),
            },
        };
        let meta = result.meta.clone();
        if meta.size != size {
            return Err(FetchError::OtherSize(meta.size));
        }
        match result.bytes().await {
            Ok(bytes) if bytes.len() as u64 == wanted => return Ok(Fetched { bytes, meta }),
            Ok(bytes) if attempt + 1 >= TRIES => return Err(cut_short(bytes.len() as u64, wanted)),
            Err(error) if attempt + 1 >= TRIES => return Err(FetchError::Store(error)),
            _ => {}
        }
        pause(&mut attempt).await;
    }
}

fn cut_short(found: u64, wanted: u64) -> FetchError {
    FetchError::Store(Error::Generic {
        store: "store",
        source: format!("the answers end after {found} of {wanted} bytes, {TRIES} times in a row").into(),
    })
}

async fn pause(attempt: &mut u32) {
    *attempt += 1;
    tokio::time::sleep(Duration::from_millis(50 << (*attempt).min(5))).await;
}

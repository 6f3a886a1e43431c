//! Databases in memory that know more casts than DuckDB alone.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use duckdb::{Connection, ffi};

use super::casts::register_casts;
use crate::error::{SqlError, SqlResult};

/// What connections to a database are made from; it must outlive all that are.
#[derive(Debug)]
pub(crate) struct RawDatabase(ffi::duckdb_database);

// SAFETY: DuckDB's databases may be used and closed by any thread.
unsafe impl Send for RawDatabase {}

impl Drop for RawDatabase {
    fn drop(&mut self) {
        // SAFETY: it was opened by `open`, and nobody else closes it.
        unsafe { ffi::duckdb_close(&raw mut self.0) };
    }
}

/// Settings that a database is opened with.
struct RawConfig(ffi::duckdb_config);

impl RawConfig {
    fn new(settings: &[(&str, String)]) -> SqlResult<Self> {
        let mut config = ptr::null_mut();
        // SAFETY: it is written to.
        if unsafe { ffi::duckdb_create_config(&raw mut config) } != ffi::DuckDBSuccess {
            return Err(failed("no memory for the settings of a database".to_owned()));
        }
        let config = Self(config);
        for (name, value) in settings {
            let text = |text: &str| CString::new(text).map_err(|_| failed(format!("{text:?} has a null byte")));
            let (c_name, c_value) = (text(name)?, text(value)?);
            // SAFETY: it was created above, and both texts end with null.
            if unsafe { ffi::duckdb_set_config(config.0, c_name.as_ptr(), c_value.as_ptr()) } != ffi::DuckDBSuccess {
                return Err(failed(format!("{value:?} is no value of the setting {name}")));
            }
        }
        Ok(config)
    }
}

impl Drop for RawConfig {
    fn drop(&mut self) {
        // SAFETY: it was created by `new`, and nobody else destroys it.
        unsafe { ffi::duckdb_destroy_config(&raw mut self.0) };
    }
}

/// Has the C library keep the memory that is freed for the next one who asks, up to 32 MB a thread.
///
/// DuckDB reads each column of a row group into memory of its own. At first glibc gives that back to the system at once, and each page
/// of it that is got anew costs as much as the bytes in it; a sum over two columns took half as long again. The largest block that a
/// program has freed settles from which size on glibc asks the system for each (`M_MMAP_THRESHOLD` of mallopt(3)), and twice as much is
/// what it keeps. A program that has settled these itself is not changed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(16 << 20))));
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

/// Opens a database in memory with these settings.
pub(crate) fn open(settings: &[(&str, String)]) -> SqlResult<(Connection, RawDatabase)> {
    keep_freed_memory();
    let config = RawConfig::new(settings)?;
    let (mut database, mut error): (_, *mut c_char) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the settings are those that were made above, and the others are written to.
    let state = unsafe { ffi::duckdb_open_ext(c":memory:".as_ptr(), &raw mut database, config.0, &raw mut error) };
    if state != ffi::DuckDBSuccess {
        let message = match error.is_null() {
            true => "no reason is given".to_owned(),
            // SAFETY: DuckDB gives a text that ends with null.
            false => unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned(),
        };
        // SAFETY: the text is for the caller to free.
        unsafe { ffi::duckdb_free(error.cast()) };
        return Err(failed(format!("a database cannot be opened: {message}")));
    }
    let database = RawDatabase(database);
    let mut connection = ptr::null_mut();
    // SAFETY: the database was opened above, and the connection is written to.
    let state = unsafe { ffi::duckdb_connect(database.0, &raw mut connection) };
    // SAFETY: the connection was made above, unless there is none.
    let known = state == ffi::DuckDBSuccess && unsafe { register_casts(connection) };
    // SAFETY: as above; nothing is left that uses it.
    unsafe { ffi::duckdb_disconnect(&raw mut connection) };
    if !known {
        return Err(failed("a database does not take its casts".to_owned()));
    }
    // SAFETY: the database was opened above, and is kept beside the connection.
    let connection = unsafe { Connection::open_from_raw(database.0) }.map_err(|error| SqlError::of_duckdb(&error))?;
    Ok((connection, database))
}

fn failed(message: String) -> SqlError {
    SqlError::Failed { message }
}

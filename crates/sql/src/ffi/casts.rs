//! Casts between times within a zone in nanoseconds, as pandas writes them, and other times. DuckDB has them in an extension for time
//! zones; here, as for all times within zones, a date or a time of day is that of UTC.

use duckdb::ffi;

const NANOS: i64 = 1_000;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// One value of a type that DuckDB keeps in a flat vector, made of one of another.
trait Cast {
    type From: Copy;
    type To: Copy;
    const FROM: ffi::DUCKDB_TYPE;
    const TO: ffi::DUCKDB_TYPE;

    /// `None` where the other type has no such value.
    fn cast(value: Self::From) -> Option<Self::To>;
}

/// Nanoseconds since 1970 are rounded to the nearest microsecond; the ends of the range stand for infinity in both.
fn to_micros(nanos: i64) -> i64 {
    match is_infinite(nanos) {
        true => nanos,
        false => (i128::from(nanos) + i128::from(NANOS / 2)).div_euclid(i128::from(NANOS)) as i64,
    }
}

fn to_nanos(micros: i64) -> Option<i64> {
    if is_infinite(micros) { Some(micros) } else { micros.checked_mul(NANOS) }
}

fn is_infinite(value: i64) -> bool {
    value == i64::MAX || value == -i64::MAX
}

macro_rules! casts {
    ($($name:ident: $from:ident ($from_type:ty) => $to:ident ($to_type:ty), $cast:expr;)*) => {
        $(
            struct $name;

            impl Cast for $name {
                type From = $from_type;
                type To = $to_type;
                const FROM: ffi::DUCKDB_TYPE = ffi::$from;
                const TO: ffi::DUCKDB_TYPE = ffi::$to;

                fn cast(value: $from_type) -> Option<$to_type> {
                    let cast: fn($from_type) -> Option<$to_type> = $cast;
                    cast(value)
                }
            }
        )*

        /// Makes the casts known to the database of a connection; `false` where it does not take one.
        ///
        /// # Safety
        /// The connection must be open.
        pub(super) unsafe fn register_casts(connection: ffi::duckdb_connection) -> bool {
            // SAFETY: as the caller says.
            [$(unsafe { register::<$name>(connection) }),*].into_iter().all(|is_known| is_known)
        }
    };
}

casts! {
    NanosToTimestamp: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP (i64),
        |nanos| Some(to_micros(nanos));
    NanosToInstant: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ (i64),
        |nanos| Some(to_micros(nanos));
    NanosToLocal: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS (i64),
        Some;
    NanosToDate: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64) => DUCKDB_TYPE_DUCKDB_TYPE_DATE (i32),
        |nanos| match is_infinite(nanos) {
            true => Some(if nanos > 0 { i32::MAX } else { -i32::MAX }),
            false => i32::try_from(nanos.div_euclid(NANOS * MICROS_OF_DAY)).ok(),
        };
    TimestampToNanos: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64),
        to_nanos;
    InstantToNanos: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64),
        to_nanos;
    InstantToLocal: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS (i64),
        to_nanos;
    LocalToNanos: DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS (i64) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64),
        Some;
    DateToNanos: DUCKDB_TYPE_DUCKDB_TYPE_DATE (i32) => DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS (i64),
        |days| match days == i32::MAX || days == -i32::MAX {
            true => Some(if days > 0 { i64::MAX } else { -i64::MAX }),
            false => i64::from(days).checked_mul(MICROS_OF_DAY).and_then(|micros| micros.checked_mul(NANOS)),
        };
}

/// More than any cast of DuckDB's own costs, so that none of those is passed by.
const COST: i64 = 1_000;

/// # Safety
/// As [`register_casts`].
unsafe fn register<C: Cast>(connection: ffi::duckdb_connection) -> bool {
    // SAFETY: what is made here is destroyed here, and the function matches the types that it is registered with.
    unsafe {
        let (mut from, mut to) = (ffi::duckdb_create_logical_type(C::FROM), ffi::duckdb_create_logical_type(C::TO));
        let mut function = ffi::duckdb_create_cast_function();
        ffi::duckdb_cast_function_set_source_type(function, from);
        ffi::duckdb_cast_function_set_target_type(function, to);
        ffi::duckdb_cast_function_set_function(function, Some(cast_all::<C>));
        // Comparisons are made in nanoseconds, which no value loses anything in.
        if [ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS, ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS].contains(&C::TO)
            && C::FROM != ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS
        {
            ffi::duckdb_cast_function_set_implicit_cast_cost(function, COST);
        }
        let state = ffi::duckdb_register_cast_function(connection, function);
        ffi::duckdb_destroy_cast_function(&raw mut function);
        ffi::duckdb_destroy_logical_type(&raw mut from);
        ffi::duckdb_destroy_logical_type(&raw mut to);
        state == ffi::DuckDBSuccess
    }
}

/// Casts so many values.
unsafe extern "C" fn cast_all<C: Cast>(
    info: ffi::duckdb_function_info,
    count: ffi::idx_t,
    input: ffi::duckdb_vector,
    output: ffi::duckdb_vector,
) -> bool {
    let mut fits = true;
    // SAFETY: DuckDB gives flat vectors of these types, each with so many values.
    unsafe {
        let values: *const C::From = ffi::duckdb_vector_get_data(input).cast();
        let casts: *mut C::To = ffi::duckdb_vector_get_data(output).cast();
        let valid = ffi::duckdb_vector_get_validity(input);
        for row in 0..count {
            let place = row as usize;
            if !valid.is_null() && !ffi::duckdb_validity_row_is_valid(valid, row) {
                ffi::duckdb_vector_ensure_validity_writable(output);
                ffi::duckdb_validity_set_row_invalid(ffi::duckdb_vector_get_validity(output), row);
                continue;
            }
            match C::cast(*values.add(place)) {
                Some(cast) => *casts.add(place) = cast,
                None => {
                    let reason = c"a time lies outside of those that nanoseconds can tell: 1677 to 2262";
                    ffi::duckdb_cast_function_set_row_error(info, reason.as_ptr(), row, output);
                    fits = false;
                }
            }
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_rounded_and_infinity_stays() {
        for (nanos, micros) in [
            (0, 0),
            (499, 0),
            (500, 1),
            (-500, 0),
            (-501, -1),
            (-1_500, -1),
            (1_700_000_000_123_456_789, 1_700_000_000_123_457),
        ] {
            assert_eq!(to_micros(nanos), micros, "{nanos}");
        }
        for end in [i64::MAX, -i64::MAX] {
            assert_eq!((to_micros(end), to_nanos(end)), (end, Some(end)));
        }
        assert_eq!(to_micros(i64::MAX - 1), 9_223_372_036_854_776);
        assert_eq!((to_nanos(5), to_nanos(i64::MAX / 2)), (Some(5_000), None));
    }
}

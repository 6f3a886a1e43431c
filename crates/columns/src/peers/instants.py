"""Functions of instants and durations, by Polars and whole numbers, and of vectors, by NumPy."""
import numpy as np
import polars as pl
import pyarrow as pa

from asked import *

I32 = pl.Int32
PARTS = {
    "year": (lambda t: t.dt.year(), I32), "quarter": (lambda t: t.dt.quarter(), I32), "month": (lambda t: t.dt.month(), I32),
    "halfyear": (lambda t: (t.dt.month() + 5) // 6, I32), "day": (lambda t: t.dt.day(), I32),
    "dayofyear": (lambda t: t.dt.ordinal_day(), I32), "dayofweek": (lambda t: t.dt.weekday() - 1, I32),
    "weekday": (lambda t: t.dt.weekday() - 1, I32), "weekofyear": (lambda t: t.dt.week(), pl.UInt32),
    "isoyear": (lambda t: t.dt.iso_year(), I32), "is_leap_year": (lambda t: t.dt.is_leap_year(), pl.Boolean),
    "days_in_month": (lambda t: t.dt.days_in_month(), I32), "is_month_start": (lambda t: t.dt.day() == 1, pl.Boolean),
    "is_month_end": (lambda t: t.dt.day() == t.dt.days_in_month(), pl.Boolean),
    "is_quarter_start": (lambda t: (t.dt.day() == 1) & (t.dt.month() % 3 == 1), pl.Boolean),
    "is_quarter_end": (lambda t: (t.dt.day() == t.dt.days_in_month()) & (t.dt.month() % 3 == 0), pl.Boolean),
    "is_year_start": (lambda t: t.dt.ordinal_day() == 1, pl.Boolean),
    "is_year_end": (lambda t: (t.dt.month() == 12) & (t.dt.day() == 31), pl.Boolean),
    "month_name": (lambda t: t.dt.strftime("%B"), pl.String), "day_name": (lambda t: t.dt.strftime("%A"), pl.String),
    "date": (lambda t: t.dt.date(), pl.Date),
    "strftime('%Y-%m-%d|%j|%b %a')": (lambda t: t.dt.strftime("%Y-%m-%d|%j|%b %a"), pl.String),
}
TIME_PARTS = {
    "hour": (lambda t: t.dt.hour(), I32), "minute": (lambda t: t.dt.minute(), I32), "second": (lambda t: t.dt.second(), I32),
    "millisecond": (lambda t: t.dt.millisecond(), I32), "microsecond": (lambda t: t.dt.microsecond(), I32),
    "nanosecond": (lambda t: t.dt.nanosecond() % 1000, I32),
    "strftime('%H:%M:%S.%f %p %I')": (lambda t: t.dt.strftime("%H:%M:%S.%6f %p %I"), pl.String),
}
BINS = {"D": "1d", "W": "1w", "M": "1mo", "Q": "1q", "Y": "1y", "15min": "15m", "2h": "2h"}


def polars(name):
    return pl.from_arrow(TABLE[name])


def put_polars(name, expr, series, type=None):
    array = series.to_arrow().cast(type) if type else series.to_arrow()
    array = array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array
    put(name, expr, array)


def months_later(t, n):
    """Where a zone's clock leaves the time out, the first instant after."""
    zone = getattr(t.dtype, "time_zone", None)
    if zone is None:
        return t.dt.offset_by(f"{n}mo")
    local = t.dt.replace_time_zone(None).dt.offset_by(f"{n}mo")
    there = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    same = local.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    # Of two instants with that time the one with the offset that the clock had before.
    there = pl.select(pl.when(offset(same) == offset(t)).then(same).otherwise(there)).to_series()
    after = local.dt.offset_by("1h").dt.truncate("1h")
    return there.fill_null(after.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"))


def offset(t):
    return t.dt.base_utc_offset() + t.dt.dst_offset()


for column in TIMES + ["local", "zoned", "day"]:
    t = polars(column)
    type_ = TABLE.schema.field(column).type
    for part, (function, dtype) in (PARTS if column == "day" else PARTS | TIME_PARTS).items():
        call = part if part.endswith(")") else f"{part}()"
        put_polars("dt_" + part.split("(")[0], f"{column}.dt.{call}", function(t).cast(dtype))
    for freq, every in BINS.items():
        if column != "day" or every[-1] not in "mh":
            put_polars("dt_floor", f"{column}.dt.floor('{freq}')", t.dt.truncate(every), type_)
    for n in [1, -13, 24]:
        put_polars("dt_add_months", f"{column}.dt.add_months({n})", months_later(t, n), type_)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
for column in TIMES:
    per_second = PER_SECOND[column[2:]]
    for freq, width in [("15min", 900), ("D", 86400)]:
        width *= per_second

        def to_bins(t, more):
            ticks = t.view("i8")
            return ((ticks + more) // width * width).view(t.dtype)

        def nearest(t):
            ticks = t.view("i8")
            bin, rest = ticks // width, ticks % width
            return ((bin + ((2 * rest > width) | ((2 * rest == width) & (bin % 2 == 1)))) * width).view(t.dtype)

        put_numpy("dt_ceil", f"{column}.dt.ceil('{freq}')", lambda t: to_bins(t, width - 1), column)
        put_numpy("dt_round", f"{column}.dt.round('{freq}')", nearest, column)
    put_numpy("dt_timestamp", f"{column}.dt.timestamp()", lambda t: t.view("i8") / per_second, column, ulps=1)
    put_numpy("dt_timestamp", f"{column}.dt.timestamp('s')", lambda t: t.view("i8") // per_second, column)
for zone in ["Europe/Vienna", "America/New_York", "Asia/Kolkata", "UTC"]:
    t = polars("local").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    put_polars("dt_tz_localize", f"local.dt.tz_localize('{zone}', ambiguous='earliest', nonexistent='NaT')", t)
    t = polars("local").dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    put_polars("dt_tz_localize", f"local.dt.tz_localize('{zone}', ambiguous='latest', nonexistent='NaT')", t)
    put_polars("dt_tz_convert", f"zoned.dt.tz_convert('{zone}')", polars("zoned").dt.convert_time_zone(zone))
    put_polars("dt_tz_convert", f"zoned.dt.tz_convert('{zone}').dt.hour()", polars("zoned").dt.convert_time_zone(zone).dt.hour().cast(I32))
put_polars("dt_tz_localize", "zoned.dt.tz_localize(None)", polars("zoned").dt.replace_time_zone(None))

# Durations as Python's timedelta has them: days are rounded down.
for column in DURATIONS:
    tick = 10**9 // PER_SECOND[column[2:]]
    nanoseconds = lambda d: [int(ticks) * tick for ticks in d.view("i8")]
    day, second = 86400 * 10**9, 10**9
    for name, function, dtype in [
        ("days", lambda n: n // day, "i8"), ("seconds", lambda n: n % day // second, "i4"),
        ("microseconds", lambda n: n % second // 1000, "i4"), ("nanoseconds", lambda n: n % 1000, "i4"),
    ]:
        put_numpy(f"td_{name}", f"{column}.td.{name}()", lambda d: np.array([function(n) for n in nanoseconds(d)], dtype), column)
    for name, length in [("days", day), ("hours", day // 24), ("minutes", day // 1440), ("seconds", second), ("milliseconds", 10**6),
                         ("microseconds", 1000), ("nanoseconds", 1)]:
        put_numpy(f"td_total_{name}", f"{column}.td.total_{name}()", lambda d: np.array([n / length for n in nanoseconds(d)]), column, ulps=2)

# Vectors. What is added up in single width is added up in doubles, and rounded at the end.
for column in ["v32", "v64"]:
    for name in ["sum", "mean", "std"]:
        put_numpy(name, f"{name}({column}, axis=1)", lambda v: rounded(getattr(np, name)(real(v), axis=1), v), column, ulps=16)
    for name in ["min", "max"]:
        put_numpy(name, f"{name}({column}, axis=1)", lambda v: getattr(np, name)(v, axis=1), column)
    put_numpy("std", f"std({column}, axis=1, ddof=1)", lambda v: rounded(np.std(real(v), axis=1, ddof=1), v), column, ulps=16)
    put_numpy("array_sum", f"array_sum({column})", lambda v: rounded(np.sum(real(v), axis=1), v), column, ulps=16)
    put_numpy("getitem", f"getitem({column}, -1)", lambda v: v[:, -1], column)
    put_numpy("getitem", f"{column}[:, 0:2]", lambda v: v[:, 0:2], column)
    for order in ["1", "2", "inf"]:
        put_numpy("norm", f"norm({column}, {order})", lambda v: np.linalg.norm(real(v), float(order), axis=1), column, ulps=4)
    put_numpy("log", f"log({column})", lambda v: rounded(np.log(real(v)), v), column, ulps=4)
products = lambda v, w: np.sum(real(v) * real(w), axis=1)
length = lambda v: np.sqrt(products(v, v))
for name in ["dot", "dotp", "dot_product"]:
    put_numpy(name, f"{name}(v64, w64)", products, "v64", "w64", ulps=4)
    fields[-1] = fields[-1].with_metadata({**fields[-1].metadata, b"relative": b"1e-10"})
put_numpy("cosine", "cosine(v64, w64)", lambda v, w: products(v, w) / (length(v) * length(w)), "v64", "w64", ulps=4)
fields[-1] = fields[-1].with_metadata({**fields[-1].metadata, b"relative": b"1e-10"})
put_numpy("l2", "l2(v64, w64)", lambda v, w: length(v - w), "v64", "w64", ulps=4)
put_numpy("l2", "l2(v32, w64)", lambda v, w: length(real(v) - w), "v32", "w64", ulps=4)
put_numpy("stack", "stack([f64, i32, small])", lambda *xs: np.stack([real(x) for x in xs], axis=1), "f64", "i32", "small")

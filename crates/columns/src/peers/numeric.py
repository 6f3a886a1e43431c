"""Functions of numbers, of missing values, choices, look-ups and casts: by NumPy, and by rules over single values."""
import math

import numpy as np
import pyarrow as pa

from asked import *


def beyond_single(x):
    """What is finite, and would become infinite."""
    return np.isfinite(real(x)) & np.isinf(x.astype("f4"))


def single(x):
    """The shortest digits that a number of single width has, as Python lays those of doubles out."""
    x = np.float32(x)
    if not np.isfinite(x):
        return str(float(x))
    if x == 0 or 1e-4 <= abs(x) < 1e16:
        return np.format_float_positional(x, unique=True, trim="0")
    return np.format_float_scientific(x, unique=True, trim="-", exp_digits=2)


MATH = {name: getattr(np, name) for name in """sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh
arcsinh arccosh arctanh deg2rad rad2deg sinc""".split()}
for name, function in MATH.items():
    for column in NUMBERS + ["b", "small"]:
        put_numpy(name, f"{name}({column})", lambda x: rounded(function(real(x)), x), column, ulps=4)
for name in ["arctan2", "hypot"]:
    for a, b in [("f64", "g64"), ("f32", "g32"), ("f64", "i32"), ("i8", "u16"), ("f32", "g64")]:
        function = getattr(np, name)
        put_numpy(name, f"{name}({a}, {b})", lambda x, y: rounded(function(real(x), real(y)), x, y), a, b, ulps=4)
for name in ["isfinite", "isinf"]:
    for column in NUMBERS + ["b"]:
        put_numpy(name, f"{name}({column})", getattr(np, name), column)


def least(x):
    return x == np.iinfo(x.dtype).min if x.dtype.kind == "i" else np.zeros(len(x), bool)


for column in NUMBERS + DURATIONS:
    put_numpy("abs", f"abs({column})", np.abs, column, fault=None if column in DURATIONS else least)
for column in NUMBERS:
    put_numpy("sign", f"sign({column})", np.sign, column)
    for name in ["floor", "ceil", "trunc", "rint"]:
        function = getattr(np, name)
        put_numpy(name, f"{name}({column})", lambda x: x if x.dtype.kind in "iu" else function(x), column)


def places(value, type_):
    """Rounded to tens as Python does it, which knows no widths."""
    result = round(int(value), -1)
    return result if np.iinfo(type_).min <= result <= np.iinfo(type_).max else NO_RESULT


for column in WHOLE:
    type_ = numpy(column)[0].dtype
    put_rows("round", f"round({column}, -1)", lambda x: places(x, type_), column, type=pa.from_numpy_dtype(type_))
put_numpy("round", "round(f64)", np.rint, "f64")
put_numpy("round", "round(f32)", np.rint, "f32")
put_numpy("round", "round(small, 2)", lambda x: np.round(x, 2), "small", ulps=1)
for name in ["minimum", "maximum", "fmin", "fmax"]:
    for a, b in [("f64", "g64"), ("f32", "g32"), ("i8", "i64"), ("u8", "u32"), ("i16", "u16"), ("i32", "f32"), ("u64", "u8")]:
        put_numpy(name, f"{name}({a}, {b})", getattr(np, name), a, b)
for column in NUMBERS:
    put_numpy("clip", f"clip({column}, 2, 90)", lambda x: np.clip(x, x.dtype.type(2), x.dtype.type(90)), column)
for column in NUMBERS:
    for right in [False, True]:
        put_numpy("digitize", f"digitize({column}, [0, 5, 100], right={right})",
                  lambda x: np.digitize(x, [0, 5, 100], right).astype("i8"), column)
    for side in ["left", "right"]:
        put_numpy("searchsorted", f"searchsorted({column}, [0, 5, 100], side='{side}')",
                  lambda x: np.searchsorted([0, 5, 100], x, side).astype("i8"), column)

# Missing values, choices, look-ups.

for column in NUMBERS + ["b", "s", "l", "t_us", "d_ns", "day", "zoned", "v64"]:
    there = np.asarray(TABLE[column].chunk(0).is_valid())
    nan = np.isnan(numpy(column)[0]) & there if column in REAL else np.zeros(len(there), bool)
    if column == "v64":
        # A vector is NaN where one of its components is.
        nan = np.isnan(numpy(column)[0]).any(axis=1) & there
    for name, rows in [("ismissing", ~there), ("notmissing", there), ("isna", ~there | nan), ("notna", there & ~nan)]:
        put(name, f"{name}({column})", pa.array(rows))
    if column != "v64":
        put("isnan", f"isnan({column})", pa.array(nan))
        put("notnan", f"notnan({column})", pa.array(~nan))
for column in NUMBERS:
    type_, one = TABLE.schema.field(column).type, {"missing": False, "type": TABLE.schema.field(column).type}
    put_rows("fillna", f"fillna({column}, 3)", lambda x: 3 if x is None or isnan(x) else x, column, **one)
    put_rows("fillmissing", f"fillmissing({column}, 3)", lambda x: 3 if x is None else x, column, **one)
    put_rows("fillnan", f"fillnan({column}, 3)", lambda x: 3 if isnan(x) else x, column, **one)
    put_rows("where", f"where(b, {column}, 7)", lambda b, x: x if b else 7, "b", column, **one)
    put_rows("isin", f"isin({column}, [0, 1, 5, None])", lambda x: x is None or x in (0, 1, 5), column, missing=False, type=pa.bool_())
    put_rows("map", f"map({column}, {{0: 'zero', 1: 'one'}}, default_value='many')",
             lambda x: {0: "zero", 1: "one"}.get(x, "many"), column)
put_rows("isin", "isin(f64, [nan, 0.5])", lambda x: x is not None and (isnan(x) or x == 0.5), "f64", missing=False, type=pa.bool_())
put_rows("isin", "isin(s, ['a', '', '日本語'])", lambda x: x in ("a", "", "日本語"), "s", missing=False, type=pa.bool_())
put_rows("map", "map(s, {'a': 1, '日本語': 2}, default_value=-1, missing_value=9)",
         lambda x: 9 if x is None else {"a": 1, "日本語": 2}.get(x, -1), "s", missing=False, type=pa.int64())
put_rows("map", "map(i8, {0: 10, 1: 11})", lambda x: {0: 10, 1: 11}.get(x, NO_RESULT), "i8", type=pa.int64())
put_rows("coalesce", "coalesce(f64, g64, 1)", lambda x, y: 1 if x is None and y is None else y if x is None else x, "f64", "g64",
         missing=False, type=pa.float64())
put_rows("coalesce", "coalesce(s, l, 'none')", lambda x, y: "none" if x is None and y is None else y if x is None else x, "s", "l",
         missing=False)
put_rows("case", "case(b, s, c, l)", lambda b, c, s, l: s if b else l if c else None, "b", "c", "s", "l", missing=False)
put_rows("case", "case(b, 1, c, f64, 0)", lambda b, c, x: 1 if b else x if c else 0, "b", "c", "f64", missing=False, type=pa.float64())


def both(a, b):
    """And, of three values."""
    return False if a is False or b is False else None if a is None or b is None else True


order = lambda a, b: None if a is None or b is None else a <= b
for x, low, high in [("f64", "g64", "small"), ("i8", "u8", "i64"), ("i64", "u64", "f64"), ("s", "l", "l")]:
    put_rows("between", f"between({x}, {low}, {high})", lambda x, low, high: both(order(low, x), order(x, high)), x, low, high,
             missing=False, type=pa.bool_())




# Types and texts of values.

for column in NUMBERS + ["b"]:
    for target in WHOLE:
        info = np.iinfo({"i": "int", "u": "uint"}[target[0]] + target[1:])
        dtype = str(info.dtype)

        def fitted(x, other):
            if isnan(x):
                return other(x)
            cut = x if isinstance(x, float) and math.isinf(x) else int(x)
            return cut if info.min <= cut <= info.max else other(x)

        arrow = pa.from_numpy_dtype(info.dtype)
        put_rows("astype", f"astype({column}, '{dtype}')", lambda x: fitted(x, lambda _: NO_RESULT), column, type=arrow)
        put_rows("astype", f"astype({column}, '{dtype}', errors='null')", lambda x: fitted(x, lambda _: None), column, type=arrow)
        if column != "b":
            nearest = lambda x: None if isnan(x) else info.max if x > 0 else info.min
            put_rows("astype", f"astype({column}, '{dtype}', errors='saturate')", lambda x: fitted(x, nearest), column, type=arrow)
    put_numpy("astype", f"astype({column}, 'float32')", lambda x: x.astype("f4"), column, fault=beyond_single)
    put_numpy("astype", f"astype({column}, 'float64')", lambda x: x.astype("f8"), column)
    text = single if column == "f32" else str
    put_rows("to_string", f"to_string({column})", text, column)
    put_rows("astype", f"astype({column}, 'str')", text, column)
for column in WHOLE:
    for form in ["%05d", "%+d", "%x", "%8.3f", "%e"]:
        if form != "%x" or column[0] == "u":
            put_rows("format", f"format({column}, '{form}')", lambda x: form % x, column)
for form in ["%.2f", "%e", "%10.3g", "%+.1f"]:
    put_rows("format", f"format(f64, '{form}')", lambda x: form % x, "f64")
put_rows("format", "format(s, '<%5s>')", lambda x: "<%5s>" % x, "s")

"""Aggregations of slices, by NumPy: over what is neither missing nor NaN, whole numbers exactly."""
import collections
import math

import numpy as np
import pyarrow as pa

WHOLE = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
REAL = ["f32", "f64"]


def stretch(rows):
    start, end = map(int, rows.split(":"))
    return start, end - start


class Answers:
    def __init__(self, table):
        self.table, self.fields, self.arrays = table, [], []

    def put(self, name, expr, value, type, ulps=0, relative=0, absolute=0):
        metadata = {"name": name, "ulps": str(ulps), "relative": str(relative), "absolute": str(absolute)}
        self.fields.append(pa.field(expr, type, metadata=metadata))
        ticks = pa.int32() if pa.types.is_date32(type) else pa.int64()
        self.arrays.append(pa.array([value], ticks).cast(type) if pa.types.is_temporal(type) else pa.array([value], type))

    def rows(self, column):
        """All values; instants and durations as ticks, single floats as doubles."""
        array = self.table[column]
        if pa.types.is_temporal(array.type):
            array = array.cast(pa.int32() if pa.types.is_date32(array.type) else pa.int64())
        return array.to_pylist()

    def values(self, column):
        return [value for value in self.rows(column) if value is not None and value == value]


def finite(values):
    return np.array([value for value in values if math.isfinite(value)], dtype="f8")


def exact_mean(values):
    """Correctly rounded, of whole numbers too; NaN of none."""
    if not values:
        return math.nan
    if isinstance(values[0], int):
        return float(np.longdouble(sum(values)) / np.longdouble(len(values)))
    with np.errstate(all="ignore"):
        return float(np.sum(np.array(values, np.longdouble)) / len(values))


def moments(answers, column, values):
    """Of the column `small`, and of whole numbers, whose moments do not overflow."""
    x = np.array([float(value) for value in values], np.longdouble)
    count = len(x)
    with np.errstate(all="ignore"):
        central = x - x.mean() if count else x
        second, third, fourth = (float(np.mean(central**power)) if count else math.nan for power in (2, 3, 4))
    close = {"relative": 1e-9}
    answers.put("var", f"var({column})", second, pa.float64(), **close)
    answers.put("std", f"std({column})", math.sqrt(second), pa.float64(), **close)
    for ddof in [1, 2]:
        sample = second * count / (count - ddof) if count > ddof else math.nan
        answers.put("var", f"var({column}, ddof={ddof})", sample, pa.float64(), **close)
        answers.put("std", f"std({column}, ddof={ddof})", math.sqrt(sample), pa.float64(), **close)
    skew = third / second**1.5 if count and second > 0 else math.nan
    kurtosis = fourth / second**2 - 3 if count and second > 0 else math.nan
    answers.put("skew", f"skew({column})", skew, pa.float64(), relative=1e-7)
    answers.put("kurtosis", f"kurtosis({column})", kurtosis, pa.float64(), relative=1e-7)


def covariance(answers, x, y, ddof):
    """The covariance and the correlation over the rows in which both have a value."""
    rows = [(a, b) for a, b in zip(answers.rows(x), answers.rows(y)) if None not in (a, b) and a == a and b == b]
    a, b = (np.array([row[at] for row in rows], np.longdouble) for at in (0, 1))
    count = len(rows)
    da, db = (a - a.mean(), b - b.mean()) if count else (a, b)
    product = float((da * db).sum())
    sizes = float(np.sqrt((da**2).sum() * (db**2).sum()))
    return product / (count - ddof) if count > ddof else math.nan, product / sizes if sizes else math.nan


def pairs(answers, x, y):
    for ddof in [0, 1]:
        answers.put("covar", f"covar({x}, {y}, ddof={ddof})", covariance(answers, x, y, ddof)[0], pa.float64(), relative=1e-9)
    answers.put("correlation", f"correlation({x}, {y})", covariance(answers, x, y, 0)[1], pa.float64(), relative=1e-9)
    for at, name in enumerate(["covariance", "correlation"]):
        matrix = [[covariance(answers, a, b, 1)[at] for b in (x, y)] for a in (x, y)]
        answers.put(f"{name}_matrix", f"{name}_matrix({x}, {y})", matrix, pa.list_(pa.list_(pa.float64())), relative=1e-9)


def distinct(answers, column, type):
    rows, values = answers.rows(column), answers.values(column)
    nan = any(value is not None and value != value for value in rows)
    missing = any(value is None for value in rows)
    different = sorted(set(values))
    answers.put("nunique", f"nunique({column})", len(different) + nan + missing, pa.int64())
    answers.put("nunique", f"nunique({column}, dropna=True)", len(different), pa.int64())
    answers.put("nunique", f"nunique({column}, dropmissing=True)", len(different) + nan, pa.int64())
    answers.put("approx_nunique", f"approx_nunique({column})", len(different), pa.int64(), relative=0.03)
    answers.put("unique", f"unique({column}, dropna=True)", different, pa.list_(type))
    everything = different + [math.nan] * nan + [None] * missing
    answers.put("unique", f"unique({column})", everything, pa.list_(type))
    answers.put("list", f"list({column})", rows, pa.list_(type))
    answers.put("list", f"list({column}, dropna=True)", values, pa.list_(type))
    counts = collections.Counter(values)
    most = max(counts.values(), default=0)
    answers.put("mode", f"mode({column})", min((value for value in counts if counts[value] == most), default=None), type)


def numbers(answers, column, type):
    rows, values = answers.rows(column), answers.values(column)
    whole = column in WHOLE
    finite_values = [value for value in values if math.isfinite(value)]
    answers.put("count", f"count({column})", len(values), pa.int64())
    if whole:
        total = sum(values)
        if -2**63 <= total < (2**64 if column[0] == "u" else 2**63):
            answers.put("sum", f"sum({column})", total, pa.uint64() if column[0] == "u" else pa.int64())
    else:
        with np.errstate(all="ignore"):
            answers.put("sum", f"sum({column})", float(np.sum(np.array(values, np.longdouble))), pa.float64(), ulps=4)
        some = [value for value in values if abs(value) < 1e6]
        answers.put("sum", f"sum({column}, where=abs({column}) < 1e6)", math.fsum(some), pa.float64(), ulps=4)
    answers.put("mean", f"mean({column})", exact_mean(values), pa.float64(), ulps=4)
    answers.put("min", f"min({column})", min(values, default=None), type)
    answers.put("max", f"max({column})", max(values, default=None), type)
    ends = [min(values, default=None), max(values, default=None)]
    answers.put("minmax", f"minmax({column})", ends, pa.list_(type))
    for share in [0.25, 0.9, 0.0, 1.0]:
        answers.put("quantile", f"quantile({column}, {share})", quantile(values, share), pa.float64(), ulps=4)
    answers.put("median", f"median({column})", quantile(values, 0.5), pa.float64(), ulps=4)
    distinct(answers, column, type)


def quantile(values, share):
    """Between two values by linear interpolation, in more digits than doubles have, as are differences of 64 bits."""
    if not values:
        return math.nan
    values = sorted(values)
    place = (len(values) - 1) * share
    low = math.floor(place)
    with np.errstate(all="ignore"):
        a, b = np.longdouble(values[low]), np.longdouble(values[min(low + 1, len(values) - 1)])
        return float(a) if a == b or place == low else float(a + (b - a) * np.longdouble(place - low))


def vectors(answers, column, table):
    """One answer for each component, over what is no NaN."""
    rows = [row for row in table[column].to_pylist() if row is not None]
    components = [[row[at] for row in rows if row[at] == row[at]] for at in range(3)]
    of_all = lambda function: [function(values) for values in components]
    answers.put("count", f"count({column})", of_all(len), pa.list_(pa.int64()))
    answers.put("min", f"min({column})", of_all(lambda values: min(values, default=None)), pa.list_(pa.float64()))
    answers.put("max", f"max({column})", of_all(lambda values: max(values, default=None)), pa.list_(pa.float64()))
    answers.put("sum", f"sum({column})", of_all(sum), pa.list_(pa.float64()), relative=1e-12)
    answers.put("mean", f"mean({column})", of_all(exact_mean), pa.list_(pa.float64()), relative=1e-12)


def write(path, table):
    answers = Answers(table)
    answers.put("count", "count()", len(table), pa.int64())
    for column in WHOLE + REAL + ["small"]:
        numbers(answers, column, table.schema.field(column).type)
    for column in ["i8", "i16", "i32", "i64", "u64", "small"]:
        moments(answers, column, answers.values(column))
    pairs(answers, "small", "i16")
    for column in ["t_s", "t_ms", "t_us", "t_ns", "zoned", "day", "d_s", "d_ms", "d_us", "d_ns"]:
        type, values = table.schema.field(column).type, answers.values(column)
        answers.put("count", f"count({column})", len(values), pa.int64())
        answers.put("min", f"min({column})", min(values, default=None), type)
        answers.put("max", f"max({column})", max(values, default=None), type)
        answers.put("nunique", f"nunique({column}, dropna=True)", len(set(values)), pa.int64())
        rows = answers.rows(column)
        answers.put("first", f"first({column})", rows[0] if rows else None, type)
        if column[0] == "d" and column != "day":
            answers.put("sum", f"sum({column})", sum(values), type)
    for column in ["s", "l"]:
        values = answers.values(column)
        answers.put("min", f"min({column})", min(values, default=None), pa.string())
        answers.put("max", f"max({column})", max(values, default=None), pa.string())
        distinct(answers, column, pa.string())
    vectors(answers, "v64", table)
    truths = answers.values("b")
    answers.put("sum", "sum(b)", sum(truths), pa.int64())
    answers.put("any", "any(b)", any(truths), pa.bool_())
    answers.put("all", "all(b)", all(truths), pa.bool_())
    answers.put("any", "any(small > 1e9)", False, pa.bool_())
    answers.put("all", "all(small < 1e9)", True, pa.bool_())
    for column in ["i8", "f64", "s", "b"]:
        type, rows = table.schema.field(column).type, answers.rows(column)
        answers.put("first", f"first({column})", rows[0] if rows else None, type)
        answers.put("last", f"last({column})", rows[-1] if rows else None, type)
        ordered = [(order, at) for at, order in enumerate(answers.rows("g64")) if order is not None and order == order]
        answers.put("first", f"first({column}, g64)", rows[min(ordered)[1]] if ordered else None, type)
        answers.put("last", f"last({column}, g64)", rows[max(ordered)[1]] if ordered else None, type)
    values = answers.values("small")
    # They are off by a share of the rows, not of the values; there are some hundred small ones between -127 and 127.
    close = {"relative": 0.02, "absolute": 1.0}
    answers.put("approx_median", "approx_median(small)", quantile(values, 0.5), pa.float64(), **close)
    answers.put("approx_quantile", "approx_quantile(small, 0.9)", quantile(values, 0.9), pa.float64(), **close)
    counts = collections.Counter(value & 1 for value in answers.values("i8")).most_common()
    answers.put("top_values", "top_values(i8 & 1)", [list(pair) for pair in counts], pa.list_(pa.list_(pa.int64())))
    shares = [quantile(values, share) for share in (0.25, 0.9)]
    answers.put("quantiles", "quantiles(small)", shares, pa.list_(pa.float64()), ulps=4)
    answers.put("approx_quantiles", "approx_quantiles(small)", shares, pa.list_(pa.float64()), **close)
    schema = pa.schema(answers.fields)
    with pa.ipc.new_file(path, schema) as file:
        file.write_batch(pa.record_batch(answers.arrays, schema=schema))

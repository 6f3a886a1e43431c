"""The columns that functions are asked about, and what is to come out, gathered for expected.py.

A column that comes out is called as its expression. Its metadata has the name of the function, how many units in the last place a result
may be off, and the rows that have no result on purpose.
"""
import sys

import numpy as np
import pyarrow as pa

DIR = sys.argv[1]
TABLE = pa.ipc.open_file(f"{DIR}/data.arrow").read_all().combine_chunks()
WHOLE = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
REAL = ["f32", "f64"]
NUMBERS = WHOLE + REAL
TIMES = ["t_s", "t_ms", "t_us", "t_ns"]
DURATIONS = ["d_s", "d_ms", "d_us", "d_ns"]
NO_RESULT = object()

fields, arrays = [], []


def put(name, expr, array, ulps=0, faults=(), relative=0):
    metadata = {"name": name, "ulps": str(ulps), "relative": str(relative)}
    if len(faults):
        metadata["faults"] = " ".join(map(str, faults))
    fields.append(pa.field(expr, array.type, metadata=metadata))
    arrays.append(array)


def numpy(name):
    """The values of a column, whatever they are where they are missing, and where they are there."""
    array = TABLE[name].chunk(0)
    valid = np.asarray(array.is_valid())
    if pa.types.is_boolean(array.type):
        return np.asarray(array.fill_null(False)), valid
    if pa.types.is_fixed_size_list(array.type):
        return np.asarray(array.values).reshape(len(array), -1), valid
    if pa.types.is_temporal(array.type):
        kind = "m8" if pa.types.is_duration(array.type) else "M8"
        unit = "D" if pa.types.is_date32(array.type) else array.type.unit
        ticks = array.view(pa.int32()).cast(pa.int64()) if unit == "D" else array.view(pa.int64())
        return np.asarray(ticks.fill_null(0)).view(f"{kind}[{unit}]"), valid
    return np.asarray(array.fill_null(0)), valid


def put_numpy(name, expr, function, *columns, ulps=0, fault=None, type=None):
    """A function of whole columns. Missing in, missing out; `fault` says which rows have no result."""
    given = [numpy(column) for column in columns]
    valid = np.logical_and.reduce([valid for _, valid in given])
    values = [values for values, _ in given]
    with np.errstate(all="ignore"):
        result = np.asarray(function(*values))
        faults = np.flatnonzero(valid & fault(*values)) if fault else ()
    if result.ndim == 2:
        inner = pa.array(result.ravel())
        result = pa.FixedSizeListArray.from_arrays(inner, result.shape[1], mask=pa.array(~valid))
    else:
        result = pa.array(result, mask=~valid, type=type)
    put(name, expr, result, ulps, faults)


def put_rows(name, expr, function, *columns, type=pa.string(), missing=True, ulps=0):
    """A function of single values. Missing in, missing out, unless `missing` is False and the function says."""
    rows, faults = [], []
    for row, given in enumerate(zip(*[TABLE[column].to_pylist() for column in columns])):
        value = None if missing and any(item is None for item in given) else function(*given)
        if value is NO_RESULT:
            faults.append(row)
            value = None
        rows.append(value)
    put(name, expr, pa.array(rows, type=type, from_pandas=False), ulps, faults)


def isnan(x):
    return isinstance(x, float) and x != x


def real(values):
    """As doubles; what is of single width is computed in doubles and rounded at the end."""
    return values.astype("f8")


def rounded(values, *of):
    return values.astype("f4") if all(values.dtype == "f4" for values in of) else values

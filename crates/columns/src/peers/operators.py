"""Operators, at every width: whole numbers by Python, which knows no overflow, so that what does not fit has no result."""
import numpy as np
import pyarrow as pa

from asked import *


def fitting(value, info):
    return value if info.min <= value <= info.max else NO_RESULT


for a, b in [(name, name) for name in WHOLE] + [("i8", "u8"), ("i16", "u32"), ("i32", "i64"), ("u16", "u8")]:
    info = np.iinfo(np.promote_types(numpy(a)[0].dtype, numpy(b)[0].dtype))
    arrow = pa.from_numpy_dtype(info.dtype)
    for sign, function in [
        ("+", lambda x, y: x + y), ("-", lambda x, y: x - y), ("*", lambda x, y: x * y), ("//", lambda x, y: x // y if y else NO_RESULT),
        ("%", lambda x, y: x % y if y else NO_RESULT), ("&", lambda x, y: x & y), ("|", lambda x, y: x | y), ("^", lambda x, y: x ^ y),
    ]:
        checked = lambda x, y: fitting(function(x, y), info) if function(x, y) is not NO_RESULT else NO_RESULT
        right = b if a != b else f"({b} // 3)"
        # A column beside its third, so that not all products overflow and not all quotients are 1.
        other = (lambda x, y: checked(x, y)) if a != b else (lambda x, y: checked(x, y // 3))
        put_rows("operator", f"{a} {sign} {right}", other, a, b, type=arrow)
    for sign, function in [("<", lambda x, y: x < y), ("<=", lambda x, y: x <= y), ("==", lambda x, y: x == y), ("!=", lambda x, y: x != y)]:
        put_rows("operator", f"{a} {sign} {b}", function, a, b, type=pa.bool_())
for column in WHOLE:
    info = np.iinfo(numpy(column)[0].dtype)
    put_rows("operator", f"-{column}", lambda x: fitting(-x, info), column, type=pa.from_numpy_dtype(info.dtype))
    put_rows("operator", f"{column} + 1", lambda x: fitting(x + 1, info), column, type=pa.from_numpy_dtype(info.dtype))
    put_rows("operator", f"~{column}", lambda x: fitting(-1 - x if info.min else info.max - x, info), column, type=pa.from_numpy_dtype(info.dtype))
for a, b in [("f64", "g64"), ("f32", "g32"), ("f64", "i32"), ("u8", "f32")]:
    for sign, function in [("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide), ("//", np.floor_divide), ("%", np.mod)]:
        put_numpy("operator", f"{a} {sign} {b}", function, a, b)
    for sign, function in [("<", np.less), (">=", np.greater_equal), ("==", np.equal), ("!=", np.not_equal)]:
        put_numpy("operator", f"{a} {sign} {b}", function, a, b)
for a, b in [("i8", "i8"), ("i64", "u32"), ("u64", "u64")]:
    put_numpy("operator", f"{a} / ({b} + 0.5)", lambda x, y: real(x) / (real(y) + 0.5), a, b)
put_numpy("operator", "f64 ** 2", lambda x: x**2, "f64", ulps=1)
put_numpy("operator", "small ** 0.5", lambda x: x**0.5, "small", ulps=1)


def either(a, b):
    """Or, of three values."""
    return True if a or b else None if a is None or b is None else False


def both(a, b):
    """And, of three values."""
    return False if a is False or b is False else None if a is None or b is None else True


put_rows("operator", "b & c", both, "b", "c", missing=False, type=pa.bool_())
put_rows("operator", "b | c", either, "b", "c", missing=False, type=pa.bool_())
put_rows("operator", "b ^ c", lambda b, c: b != c, "b", "c", type=pa.bool_())
put_rows("operator", "~b", lambda b: not b, "b", type=pa.bool_())
for sign, function in [("<", lambda x, y: x < y), ("==", lambda x, y: x == y), (">=", lambda x, y: x >= y)]:
    put_rows("operator", f"s {sign} l", function, "s", "l", type=pa.bool_())
put_rows("operator", "s + l", lambda x, y: x + y, "s", "l")
put_numpy("operator", "t_us - local", lambda x, y: x - y, "t_us", "local")
put_numpy("operator", "t_us + d_us", lambda x, y: x + y, "t_us", "d_us")
put_numpy("operator", "t_ms < t_us", lambda x, y: x < y, "t_ms", "t_us")
put_numpy("operator", "d_s + d_ms", lambda x, y: x + y, "d_s", "d_ms")

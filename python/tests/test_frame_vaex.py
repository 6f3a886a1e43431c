"""The questions that Vaex was asked, in the words in which it was asked, with its answers where they are right."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

from datafolio.exceptions import DataFolioError  # noqa: E402
from datafolio.frame import (  # noqa: E402
    BinnerTime,
    Expression,
    Frame,
    aggregate,
    concat,
    from_arrays,
    open as open_frame,
    register_function,
)

DATA = Path(__file__).parents[2] / "crates" / "columns" / "tests-data" / "vaex"
QUERIES = json.loads((DATA / "expected.json").read_text())["queries"]

VAEX = SimpleNamespace(
    agg=aggregate, BinnerTime=BinnerTime, concat=concat, from_arrays=from_arrays, register_function=register_function
)

# Joins are SQL's, and so are windows. Lists and structures of texts are not handed out: a part of them is, see below.
NOT_HERE = (".join(", ".shift(", ".diff(", ".str.split(", "(?P<rest>")

STATE = {
    "virtual_columns": {
        "r": "(((x ** 2) + (y ** 2)) ** 0.5)",
        "ratio": "(vx / (r + 1))",
        "up": "str_upper(skey)",
        "scaled": "(x * alpha)",
    },
    "column_names": "x y z vx ident cat flag fn ms ai key skey ts r ratio up scaled".split(),
    "renamed_columns": [["id", "ident"]],
    "variables": {"alpha": 2.5},
    "functions": {},
    "selections": {
        "__filter__": {
            "type": "expression",
            "boolean_expression": "(r > 2)",
            "mode": "and",
            "previous_selection": None,
        },
        "c3": {"type": "expression", "boolean_expression": "cat==3", "mode": "replace", "previous_selection": None},
        "r": None,
    },
    "active_range": [0, 5000],
}

# What is right where Vaex is not; computed by numpy and pandas from the columns of the file.
RIGHT = {
    'len(df[df.skey!="banana"])': lambda data: int(((data["skey"] != "banana") & data["skey"].notna()).sum()),
    "df.count(binby=\"u1\",limits=[0,200],shape=40)": lambda data: np.histogram(
        data["u1"][data["u1"] < 200], 40, (0, 200)
    )[0],
    'df.count(binby="cat",limits=[0,7],shape=7)': lambda data: np.bincount(data["cat"][data["cat"] < 7], minlength=7),
    'df.count(binby="u1",limits="minmax",shape=10)': lambda data: np.histogram(data["u1"].astype("float64"), 10)[0],
    # Vaex counts rows with one value into parts of these.
    'df.covar("x","fn")': lambda data: pairs(data, "x", "fn", np.cov, ddof=0)[0, 1],
    'df.correlation(["x","y","fn"])': lambda data: np.array(
        [[pairs(data, a, b, np.corrcoef)[0, 1] for b in ("x", "y", "fn")] for a in ("x", "y", "fn")]
    ),
}
# Of nunique(dropna=True) in groups, Vaex takes off the number of missing rows.
NEGATIVE = "vaex.agg.nunique(\"skey\",dropna=True)"


def pairs(data, a, b, of, **options):
    both = data[a].notna() & data[b].notna()
    return of(data[a][both].astype("float64"), data[b][both].astype("float64"), **options)


def plain(value):
    """A value of an answer as the file of answers has it."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, np.ma.MaskedArray):
        return [plain(one) for one in value.tolist()] if value.dtype.kind not in "mM" else plain(np.asarray(value))
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value] if value.dtype.kind in "mMO" or value.ndim > 1 else plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return None if np.isnat(value) else int(value.astype("int64"))
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def assert_near(found, wanted, dtype=""):
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_near(one, other, dtype)
    elif isinstance(wanted, dict):
        assert set(found) == set(wanted)
        for name in wanted:
            assert_near(found[name], wanted[name], dtype)
    elif isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        assert found == wanted, (found, wanted)
    else:
        assert found is not None, wanted
        # Vaex adds up in another order, and float32 has seven digits.
        relative, absolute = (1e-6, 2e-6) if "float32" in dtype else (1e-9, 1e-9)
        assert math.isclose(found, wanted, rel_tol=relative, abs_tol=absolute), (found, wanted)


def shown(answer, dtype):
    """What an answer of ours is in the words of the file."""
    if isinstance(answer, Expression):
        answer = answer.to_numpy()
    if isinstance(answer, np.ndarray) and dtype.startswith("datetime64["):
        answer = answer.astype(dtype)
    return plain(answer)


def checked_table(answer, result, tables):
    answer = answer.to_dict() if isinstance(answer, Frame) else answer.to_pydict()
    columns = result["columns"]
    # Vaex puts parentheses around all expressions.
    assert list(answer) == [column["name"].strip("()") for column in columns]
    wanted = [column["values"] for column in columns]
    found = []
    for values, column in zip(answer.values(), columns, strict=True):
        unit = column["dtype"]
        if unit.startswith("datetime64"):
            values = [None if value is None else np.datetime64(value, "us").astype(unit) for value in values]
        found.append(plain(values))
    rows = [list(row) for row in zip(*found, strict=True)]
    others = [list(row) for row in zip(*wanted, strict=True)]
    if result.get("row_order") != "as given":
        rows, others = (sorted(one, key=lambda row: str(row[0])) for one in (rows, others))
    assert_near(rows, others)


def exact_of(query):
    exact = query["exact"]
    return exact.get("values", exact.get("value")) if isinstance(exact, dict) else exact


def checked_sketch(code, names, answer, query):
    """A sketch is near, and what is exact is."""
    # np.nanquantile of the column, or each bin's.
    exact_code = code.replace("median_approx", "median").replace(",percentile_shape=1024", "")
    exact_code = exact_code.replace("percentile_approx", "quantile").replace("[5,25,75,95]", "[0.05, 0.25, 0.75, 0.95]")
    exact = plain(eval(exact_code, names))
    if "exact" in query:
        assert_near(exact, exact_of(query))
    spread = 40.0 if "ms" in code else 400.0 if "vx" in code else 6.0
    np.testing.assert_allclose(plain(answer), exact, atol=0.03 * spread)


def checked_quirk(code, answer):
    """What Vaex refuses, wraps around or calls otherwise."""
    data = right_data()
    if "groupby" in code:
        found = answer.to_pydict()
        groups = data["vx"].groupby(data["cat"])
        assert list(found) == ["cat", "vx_mean", "vx_std", "vx_count", "x_sum"]
        np.testing.assert_allclose(found["vx_mean"], groups.mean())
        np.testing.assert_allclose(found["vx_std"], groups.std(ddof=0))
        assert found["vx_count"] == groups.count().tolist()
        np.testing.assert_allclose(found["x_sum"], data["x"].astype("float64").groupby(data["cat"]).sum())
    elif code == "d.u1+100":
        with pytest.raises(DataFolioError, match=r"overflow|does not fit|uint8"):
            answer.tolist()
    elif code == "df.f4x24.mean()":
        assert math.isclose(answer, float(open_frame(DATA / "vectors.hdf5").f4x24.values.mean(dtype="float64")))
    else:
        raise AssertionError(f"nothing is known of {code}")


def test_parts_of_texts_that_were_cut():
    df = open_frame(DATA / "table.hdf5")[:40]
    texts = df.skey.tolist()
    found = df.skey.str.split_part(" ", 0).tolist()
    assert found == [None if text is None else text.split(" ")[0] for text in texts]
    first = df.skey.str.extract_regex("(?P<first>\\w+) (?P<rest>.*)", "rest").tolist()
    assert first == [None if text is None or " " not in text else text.split(" ", 1)[1] for text in texts]


def right_data():
    table = pa.ipc.open_file(DATA / "table.arrow").read_all() if (DATA / "table.arrow").exists() else None
    return {name: table.column(name).to_pandas() for name in table.column_names}


@pytest.mark.parametrize("query", QUERIES, ids=[f"{query['id']}-{query['code'][:60]}" for query in QUERIES])
def test_answers_are_those_of_vaex_where_it_is_right(query):
    code, setup, result = query["code"], query.get("setup", ""), query["result"]
    if any(word in code for word in NOT_HERE):
        pytest.skip("SQL does that")
    df = open_frame(DATA / query["file"])
    names = {"df": df, "np": np, "pa": pa, "vaex": VAEX, "dt": dt}
    if "state_set" in setup:
        df.state_set(STATE)
    else:
        exec(setup, names)
    answer = eval(code, names)
    if code in RIGHT:
        assert_near(shown(answer, ""), plain(RIGHT[code](right_data())))
        return
    if query["compat"] == "approx":
        checked_sketch(code, names, answer, query)
        return
    if query["compat"] == "quirk":
        if "exact" in query:
            assert_near(shown(answer, ""), exact_of(query))
        else:
            checked_quirk(code, answer)
        return
    if NEGATIVE in code:
        data = right_data()
        found = answer.to_pydict()
        skey = data["skey"].groupby(data["cat"])
        assert found["nn"] == skey.nunique().tolist()
        assert found["n"] == data["key"].groupby(data["cat"]).nunique().tolist()
        return
    dtype = str(result.get("dtype", ""))
    if query["file"] == "vectors.hdf5" and ".sum()" in code:
        dtype = "float32"
    if result["kind"] == "table":
        checked_table(answer, result, names)
    elif result["kind"] == "series":
        counts = answer.to_pydict()
        found = {"missing" if value is None else value: count for value, count in zip(*counts.values(), strict=True)}
        assert found == dict(zip(result["index"], result["values"], strict=True))
        assert counts["count"] == sorted(counts["count"], reverse="ascending" not in code)
    elif result["kind"] == "scalar":
        assert_near(shown(answer, dtype), result["value"], dtype)
    else:
        found, wanted = shown(answer, dtype), result["values"]
        if result.get("row_order") == "unspecified":
            found, wanted = (sorted(values, key=str) for values in (found, wanted))
        assert_near(found, wanted, dtype)

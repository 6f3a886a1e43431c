"""Frames: expressions, filters, what is asked of them; against numpy and pandas."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
import threading
import time

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

from datafolio.exceptions import DataFolioError, InvalidInputError, NotFoundError  # noqa: E402
from datafolio.frame import (  # noqa: E402
    BinnerTime,
    aggregate as agg,
    concat,
    from_arrays,
    from_arrow,
    from_dict,
    from_pandas,
    open as open_frame,
    register_function,
)


@pytest.fixture
def data():
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "x": random.normal(size=5000),
            "y": random.normal(size=5000).astype("float32"),
            "n": random.integers(-50, 50, 5000),
            "k": random.choice(["a", "b", "c"], 5000),
            "t": np.datetime64("2020-01-01", "ns") + random.integers(0, 10**16, 5000),
        }
    )


@pytest.fixture
def df(data):
    return from_pandas(data)


# -- expressions -------------------------------------------------------------------------------------------------------


def test_operators_are_those_of_numpy(df, data):
    x, y, n = data["x"].to_numpy(), data["y"].to_numpy(), data["n"].to_numpy()
    cases = [
        (-(df.x**2) + 3, -(x**2) + 3),
        ((-df.x) ** 2, (-x) ** 2),
        (2**-df.n.astype("float64"), 2.0**-n),
        ((-2) ** (df.n % 3), (-2) ** (n % 3)),
        ((-2.0) ** (df.n % 3), (-2.0) ** (n % 3)),
        (1 - (df.x - df.y), 1 - (x - y)),
        (1 / (df.x / df.y), 1 / (x / y)),
        (df.n // 3 * 3 + df.n % 3, n),
        (-7 // (df.n + 100), -7 // (n + 100)),
        (df.n & 6 | df.n ^ 3, n & 6 | n ^ 3),
        ((df.n + 50) << 1 >> 2, (n + 50) << 1 >> 2),
        (abs(df.n), abs(n)),
        ((df.x > 0) & ~(df.y > 0) | (df.n == 3), (x > 0) & ~(y > 0) | (n == 3)),
        ((df.x > 0) == (df.y > 0), (x > 0) == (y > 0)),
        (3 < df.n, 3 < n),
        (np.log(df.x**2 + 1), np.log(x**2 + 1)),
        (np.sqrt(abs(df.y)), np.sqrt(abs(y))),
        (np.maximum(df.x, df.y), np.maximum(x, y)),
        (np.where(df.x > 0, df.x, -1.0), np.where(x > 0, x, -1.0)),
        (np.float64(2) * df.y, np.float64(2) * y),
        (np.int64(3) - df.n, 3 - n),
        (np.clip(df.x, -1, 1), np.clip(x, -1, 1)),
        (np.arctan2(df.y, df.x), np.arctan2(y, x)),
        (np.floor(df.x), np.floor(x)),
        (np.isnan(df.x / 1), np.isnan(x)),
    ]
    for expression, wanted in cases:
        found = expression.to_numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=expression.expression)
        assert not isinstance(found, np.ma.MaskedArray)
    assert (df.y * 2).dtype == "float32" and (df.x > 0).dtype == "bool" and (df.n / 2).dtype == "float64"


def sources():
    """Expressions in Python's words, which mean the same of columns and of arrays."""
    st = pytest.importorskip("hypothesis.strategies")
    leaves = st.sampled_from(["x", "y", "2.5", "-1.5", "3", "(-2)"])
    numbers = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
            inner.map(lambda text: f"-({text})"),
            inner.map(lambda text: f"abs({text})"),
            inner.map(lambda text: f"({text}) ** 2"),
            inner.map(lambda text: f"np.sqrt(abs({text}))"),
        ),
        max_leaves=8,
    )
    compared = st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">="]), numbers).map(lambda t: f"((x + {t[0]}) {t[1]} ({t[2]}))")
    conditions = st.recursive(
        compared,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&", "|", "^", "==", "!="]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
            inner.map(lambda text: f"~({text})"),
        ),
        max_leaves=4,
    )
    return st.one_of(numbers.map(lambda text: f"x * 0 + ({text})"), conditions)


def test_any_expression_is_that_of_numpy():
    hypothesis = pytest.importorskip("hypothesis")
    random = np.random.default_rng(8)
    x, y = random.normal(size=50) * 3, np.round(random.normal(size=50) * 3)
    df = from_arrays(x=x, y=y)

    @hypothesis.settings(max_examples=150, deadline=None)
    @hypothesis.given(sources())
    def check(source):
        with np.errstate(all="ignore"):
            try:
                wanted = eval(source, {"x": x, "y": y, "np": np, "abs": abs})
            except (ZeroDivisionError, OverflowError):
                hypothesis.reject()
        try:
            found = eval(source, {"x": df.x, "y": df.y, "np": np, "abs": abs})
        except ZeroDivisionError:
            hypothesis.reject()
        if source.count("%") or source.count("//"):
            # A tiny difference before these becomes a whole one.
            assert np.isclose(found.to_numpy(), wanted, rtol=1e-9, equal_nan=True).mean() >= 0.9
        else:
            np.testing.assert_allclose(found.to_numpy(), wanted, rtol=1e-9, atol=1e-12)

    check()


def test_sums_of_numpy_ask_the_engine(df, data):
    assert np.isclose(np.sum(df.x), data.x.sum())
    assert np.isclose(np.mean(df.x), data.x.mean())
    assert np.isclose(np.std(df.x), data.x.std(ddof=0))
    assert np.max(df.n) == data.n.max()
    assert np.median(df.x) == data.x.median()


def test_values_are_written_so_that_they_are_read_again():
    df = from_dict({"s": ['a"b', "c\\d", "e\nf", "g`h", "", "é"], "x": [1.5, -0.0, 2.0, float("nan"), 1e300, 3.0]})
    for value in df.s.tolist():
        assert df[df.s == value].s.tolist() == [value]
    assert df[df.s.isin(['a"b', "é"])].s.tolist() == ['a"b', "é"]
    assert (df.x * -1e-7).tolist()[0] == -1.5e-7
    assert df.x.isin([float("nan")]).tolist() == [False, False, False, True, False, False]
    days = from_dict({"d": [dt.date(2020, 1, 31), None], "t": [dt.datetime(2020, 1, 31, 1, 2, 3, 456), None]})
    assert (days.d == dt.date(2020, 1, 31)).tolist() == [True, None]
    assert (days.t == dt.datetime(2020, 1, 31, 1, 2, 3, 456)).tolist() == [True, None]
    assert (days.t - dt.timedelta(days=1, microseconds=5)).tolist() == [dt.datetime(2020, 1, 30, 1, 2, 3, 451), None]
    assert (days.t > np.datetime64("2020-01-31T01:02:03.000455")).tolist() == [True, None]
    assert (days.t > pd.Timestamp("2020-01-31T01:02:04")).tolist() == [False, None]


def test_any_name_is_a_column():
    names = ["odd name", "a`b", "if", "df", "nan", "np", "count", "mean", "größe", "a,b", "a/b", "1", "x.y", 'q"', "lambda", "match"]
    df = from_dict({name: [float(at)] for at, name in enumerate(names)})
    for at, name in enumerate(names):
        assert df[name].tolist() == [float(at)], name
        assert (df[name] + 1).tolist() == [at + 1.0], name
        assert df.sum(name) == at, name
        assert df.groupby(name).agg({"n": "count"}).column_names == [name, "n"]
    df["new one"] = df["odd name"] + df["if"]
    assert df["new one"].tolist() == [2.0]
    assert df.col.count.tolist() == [6.0] and df.count() == 1


def test_columns_are_added_in_place_and_copies_are_apart(df, data):
    df["r"] = (df.x**2 + df.y**2) ** 0.5
    np.testing.assert_allclose(df.r.values, np.sqrt(data.x**2 + data.y.astype("float32") ** 2), rtol=1e-6)
    other = df.copy()
    other["r"] = other.r * 2
    other["s"] = "r + 1"
    assert np.isclose(other.mean("r"), 2 * df.mean("r")) and "s" not in df
    assert np.isclose(other.mean("s"), 2 * df.mean("r") + 1)
    del other["s"]
    assert "s" not in other.column_names
    df["one"] = 1
    assert df.one.sum() == 5000
    df["array"] = np.arange(5000)
    df["texts"] = [f"row {at}" for at in range(5000)]
    assert df.array.sum() == 12497500 and df[df.texts == "row 77"].array.tolist() == [77]
    df["array"] = df.array + 1
    assert df.array.sum() == 12502500
    high = df[df.x > 0]
    high["place"] = np.arange(len(high))
    assert high.place.max() == (data.x > 0).sum() - 1
    assert np.isclose(high.sum("x"), data.x[data.x > 0].sum())
    with pytest.raises(DataFolioError, match="3 values"):
        df["short"] = [1, 2, 3]
    with pytest.raises(AttributeError, match="write df"):
        df.z = df.x


def test_variables_and_functions_outlive_a_column_of_values():
    df = from_dict({"x": [1.0, 2.0]})
    df.add_variable("alpha", 2.5)
    df.add_function("half", lambda x: x / 2, returns="float64")
    df.select("x > 1", name="high")
    df["y"] = np.array([10, 20])
    assert df["alpha * half(x) + y"].tolist() == [11.25, 22.5]
    assert df.count(selection="high") == 1


def test_mistakes_name_what_is_wrong(df):
    with pytest.raises(NotFoundError, match=r"(?s)xx.*did you mean"):
        df["xx + 1"]
    with pytest.raises(AttributeError, match="did you mean x"):
        df.xx  # noqa: B018
    with pytest.raises(DataFolioError, match="at character 5"):
        df.mean("x + * 2")
    with pytest.raises(TypeError, match="parentheses"):
        bool(df.x > 0)
    with pytest.raises(TypeError):
        df[0 < df.x < 1]
    with pytest.raises(DataFolioError, match=r"(?s)k.*string|string.*k"):
        df.mean("k")
    with pytest.raises(TypeError, match="bytes"):
        df.x + b"1"
    with pytest.raises(DataFolioError, match=r"ismissing|is None"):
        df[df.x == None]  # noqa: E711
    with pytest.raises(AttributeError, match="lower"):
        df.k.str.lowr()
    big = from_dict({"n": np.array([2**62, 2**62, 5])})
    with pytest.raises(DataFolioError, match="row 0"):
        (big.n * 4).tolist()
    assert big.sum("n") == 2**63 + 5


def test_types_by_their_names_of_others():
    df = from_dict({"x": [1.7, 2.2]})
    assert df.x.astype("int32").dtype == "int32" and df.x.astype(np.int8).dtype == "int8"
    assert df.x.astype(str).dtype == "string" and df.x.astype(np.dtype("float32")).dtype == "float32"
    assert df.x.astype(int).tolist() == [1, 2]


def test_vectors(tmp_path):
    values = np.random.default_rng(1).normal(size=(100, 8)).astype("float32")
    df = from_arrays(v=values, i=np.arange(100))
    assert df.v.dtype == "float32[8]" and df.v.shape == (100, 8)
    np.testing.assert_array_equal(df.v.values, values)
    np.testing.assert_array_equal(df.v[:, 3].values, values[:, 3])
    np.testing.assert_array_equal(df.v[:, 2:5].values, values[:, 2:5])
    np.testing.assert_allclose(df.v.sum(axis=1).values, values.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(df.v.sum(), values.sum(), rtol=1e-5)
    np.testing.assert_allclose(df.v.mean(), values.mean(dtype="float64"), rtol=1e-6)
    np.testing.assert_allclose(df.v.std(), values.std(dtype="float64"), rtol=1e-6)
    np.testing.assert_allclose(df.mean("v", axis=0), values.mean(axis=0, dtype="float64"), rtol=1e-6)
    assert df.v.min() == values.min() and df.v.max() == values.max()
    target = values[17] + 0.01
    nearest = df.nearest("v", target, 5, metric="l2").to_pydict()
    wanted = np.argsort(np.linalg.norm(values.astype("float64") - target, axis=1), kind="stable")[:5]
    assert nearest["i"] == wanted.tolist()
    df.export(tmp_path / "v.arrow")
    np.testing.assert_array_equal(open_frame(tmp_path / "v.arrow").v.values, values)


def test_missing_values_are_masked():
    df = from_dict({"n": [1, None, 3], "x": [None, float("nan"), 2.0], "s": ["a", None, "b"], "b": [True, None, False]})
    n = df.n.values
    assert n.dtype == "int64" and n.mask.tolist() == [False, True, False] and n.tolist() == [1, None, 3]
    x = df.x.values
    assert x.mask.tolist() == [True, False, False] and np.isnan(x[1])
    assert df.s.values.tolist() == ["a", None, "b"] and df.b.tolist() == [True, None, False]
    assert df.count("x") == 1 and df.count("n") == 2
    assert len(df.dropna()) == 1 and len(df.dropmissing(["n"])) == 2 and len(df.dropnan()) == 2
    assert df.fillna(0).x.tolist() == [0, 0, 2.0] and df.fillna("?").s.tolist() == ["a", "?", "b"]
    assert df.n.fillna(7).tolist() == [1, 7, 3]


# -- rows --------------------------------------------------------------------------------------------------------------


def test_filters_and_places(df, data):
    high = df[df.x > 0]
    kept = data[data.x > 0].reset_index(drop=True)
    assert len(high) == len(kept) and len(df) == 5000
    assert high[df.n > 10].n.tolist() == kept[kept.n > 10].n.tolist()
    assert high[5:9].n.tolist() == kept.n[5:9].tolist()
    assert high[-3:].n.tolist() == kept.n[-3:].tolist() == high.tail(3).n.tolist()
    assert high[[4, 1, 1]].n.tolist() == kept.n[[4, 1, 1]].tolist()
    assert high[np.array(kept.n == 7)].x.tolist() == kept.x[kept.n == 7].tolist()
    assert high[2]["n"] == kept.n[2] and high[-1]["n"] == kept.n.iloc[-1]
    assert df.filter("x > 0").filter("n > 10", mode="or").n.tolist() == data[(data.x > 0) | (data.n > 10)].n.tolist()
    assert high.filter("n > 10", mode="subtract").n.tolist() == kept[~(kept.n > 10)].n.tolist()
    assert len(high.drop_filter()) == 5000 and high.extract().filtered is False
    assert sorted(df.shuffle(3).n.tolist()) == sorted(data.n)
    assert len(df.sample(frac=0.1, random_state=1)) == 500
    first, rest = df.split(0.8)
    assert (len(first), len(rest)) == (4000, 1000) and rest.n.tolist() == data.n[4000:].tolist()
    with pytest.raises(InvalidInputError, match="step"):
        df[::2]


def test_a_sort_is_that_of_pandas(df, data):
    wanted = data.sort_values(["k", "n"], ascending=[True, False], kind="stable")
    assert df.sort(["k", "n"], ascending=[True, False]).x.tolist() == wanted.x.tolist()
    assert df.sort("t").t.tolist() == sorted(df.t.tolist())
    missing = from_dict({"x": [2.0, None, float("nan"), 1.0]}).sort("x", ascending=False).x.tolist()
    assert missing[:2] == [2.0, 1.0] and np.isnan(missing[2]) and missing[3] is None


def test_frames_below_each_other(df, data):
    both = concat([df[df.x > 0], df[:10]])
    assert len(both) == (data.x > 0).sum() + 10
    assert np.isclose(both.sum("x"), data.x[data.x > 0].sum() + data.x[:10].sum())
    with pytest.raises(InvalidInputError):
        concat([df, df[["x"]]], resolver="strict")


# -- aggregations ------------------------------------------------------------------------------------------------------


def test_aggregations_are_those_of_pandas(df, data):
    close = lambda found, wanted: np.testing.assert_allclose(found, wanted, rtol=1e-9)  # noqa: E731
    close(df.mean("x * n"), (data.x * data.n).mean())
    close(df.std("x", ddof=1), data.x.std())
    close(df.var("x"), data.x.var(ddof=0))
    close(df.skew("x"), data.x.skew() * (4998 / np.sqrt(5000 * 4999)))
    close(df.median("x"), data.x.median())
    close(df.quantile("x", 0.9), data.x.quantile(0.9))
    close(df.quantile("x", [0.1, 0.5]), data.x.quantile([0.1, 0.5]))
    close(df.mean(["x", "n"]), [data.x.mean(), data.n.mean()])
    close(df.sum("x", selection="n > 0"), data.x[data.n > 0].sum())
    close(df.sum("x", selection=[None, "n > 0"]), [data.x.sum(), data.x[data.n > 0].sum()])
    close(df.minmax("x"), [data.x.min(), data.x.max()])
    close(df.minmax(["x", "n"]), [[data.x.min(), data.x.max()], [data.n.min(), data.n.max()]])
    close(df.correlation("x", "n"), data.x.corr(data.n))
    close(df.cov(["x", "n"]), np.cov(data.x, data.n, ddof=0))
    close(df.limits("x", "90%"), data.x.quantile([0.05, 0.95]))
    assert abs(df.percentile_approx("x", 90) - data.x.quantile(0.9)) < 0.05
    assert df.nunique("n") == data.n.nunique() and df.mode("k") == data.k.mode()[0]
    assert df.min("k") == "a" and df.unique("k") == ["a", "b", "c"]
    assert df.first("n") == data.n[0] and df.first("n", "x") == data.n[data.x.idxmin()]
    assert df.max("t") == data.t.max().to_datetime64() and isinstance(df.count(), int)
    assert df.any("x > 3.5") == bool((data.x > 3.5).any()) and df.all("n < 50") is True
    counts = df.value_counts("k").to_pydict()
    assert dict(zip(counts["value"], counts["count"], strict=True)) == data.k.value_counts().to_dict()
    assert df.top_values("k", 1) == [next(iter(data.k.value_counts().items()))]
    top = df.top_k("x", 3, columns=["n"]).to_pydict()
    assert top["n"] == data.nlargest(3, "x").n.tolist() and top["row"] == data.nlargest(3, "x").index.tolist()
    assert df.x.mean() == df.mean("x") and df.x.quantile(0.9) == df.quantile("x", 0.9)
    close(df.compute("sum(x) / count()"), data.x.mean())


def test_instants_come_as_what_holds_them():
    df = from_dict({"d": [dt.date(2020, 1, 1), dt.date(2021, 5, 6)], "t": [dt.datetime(2020, 1, 1, 5), None]})
    assert df.max("d") == dt.date(2021, 5, 6) and df.min("t") == dt.datetime(2020, 1, 1, 5)
    assert df.max("d - datetime64('2020-01-01')") == dt.timedelta(days=491)


def test_groups_are_those_of_pandas(df, data):
    found = df.groupby("k", sort=True).agg({"x": ["mean", "std", "count"], "n": "sum"}).to_pandas()
    wanted = data.groupby("k").agg(
        x_mean=("x", "mean"), x_std=("x", lambda x: x.std(ddof=0)), x_count=("x", "count"), n_sum=("n", "sum")
    )
    pd.testing.assert_frame_equal(found.set_index("k"), wanted, check_dtype=False, check_index_type=False)
    two = df.groupby({"k": "k", "even": df.n % 2 == 0}, agg={"rows": "count", "m": agg.median("x")}, sort=True).to_pydict()
    same = data.assign(even=data.n % 2 == 0).groupby(["k", "even"]).x
    assert two["rows"] == same.size().tolist() and two["k"] == ["a", "a", "b", "b", "c", "c"]
    np.testing.assert_allclose(two["m"], same.median())
    ratio = df.groupby("k", agg={"r": agg.sum("x") / agg.count() + 1}, sort=True).to_pydict()["r"]
    np.testing.assert_allclose(ratio, data.groupby("k").x.mean() + 1)
    years = df.groupby(BinnerTime.per_month(df.t), agg="count", sort=True).to_pydict()
    assert years["count"] == data.groupby(data.t.dt.to_period("M")).size().tolist()
    assert len(df.groupby("k").get_group("a")) == (data.k == "a").sum()
    assert {key: len(rows) for key, rows in df.groupby("k")} == data.k.value_counts().to_dict()
    means = df.groupby("k", sort=True).mean().to_pydict()
    assert list(means) == ["k", "x_mean", "y_mean", "n_mean"]
    missing = from_dict({"k": ["a", None, "a"]}).groupby("k").count().to_pydict()
    assert missing == {"k": ["a", None], "count": [2, 1]}


def test_grids_are_those_of_numpy(df, data):
    x, n = data.x.to_numpy(), data.n.to_numpy()
    np.testing.assert_array_equal(df.count(binby="x", limits=[-2, 2], shape=8), np.histogram(x[x < 2], 8, (-2, 2))[0])
    np.testing.assert_array_equal(df.count(binby="x", shape=8), np.histogram(x, 8)[0])
    both = df.count(binby=["x", "n"], limits=[[-2, 2], [-50, 50]], shape=(4, 5))
    np.testing.assert_array_equal(both, np.histogram2d(x, n, (4, 5), ((-2, 2), (-50, 50)))[0])
    means = df.mean("x", binby="k")
    np.testing.assert_allclose(means, data.groupby("k").x.mean())
    grid = df.binby(df.t, {"n": agg.count(), "m": agg.mean("x")}, shape=5)
    assert grid["n"].sum() == 5000 and grid.axes[0].edges.dtype == "datetime64[ns]"
    limits = [np.datetime64("2020-01-10"), dt.datetime(2020, 2, 1)]
    inside = ((data.t >= limits[0]) & (data.t < limits[1])).sum()
    assert df.count(binby=df.t, limits=limits, shape=3).sum() == inside
    stacked = df.count(binby="x", limits=[-2, 2], shape=4, selection=["n > 0", "k == 'a'"])
    assert stacked.shape == (2, 4) and stacked[1].sum() == ((data.k == "a") & (x >= -2) & (x < 2)).sum()
    assert np.isnan(df.mean("x", binby="n", limits=[1000, 2000], shape=2)).all()
    assert df.minmax("x", binby="k").shape == (3, 2)
    df.categorize("n", -50, 49)
    np.testing.assert_array_equal(df.count(binby="n"), np.bincount(n + 50, minlength=100))
    quantiles = df.quantile("x", [0.25, 0.75], binby="k")
    np.testing.assert_allclose(quantiles, [data.groupby("k").x.quantile(q) for q in (0.25, 0.75)])


def test_questions_may_wait(df, data):
    passes = []
    mean, low = df.mean("x", delay=True), df.min("n", delay=True, selection="x > 0")
    grid = df.count(binby="k", delay=True)
    seen = []
    low.then(seen.append)
    df.execute(progress=lambda fraction: passes.append(fraction))
    assert np.isclose(mean.get(), data.x.mean()) and seen == [data.n[data.x > 0].min()]
    assert grid.get().sum() == 5000
    assert df.max("n", delay=True).get() == data.n.max()


def test_selections_have_a_history(df, data):
    df.select(df.x > 0)
    df.select("n > 10", mode="and")
    assert df.count(selection=True) == ((data.x > 0) & (data.n > 10)).sum()
    df.selection_undo()
    assert df.count(selection=True) == (data.x > 0).sum()
    df.selection_redo()
    assert df.selected_length() == ((data.x > 0) & (data.n > 10)).sum()
    df.select_inverse()
    assert df.selected_length() == (~((data.x > 0) & (data.n > 10))).sum()
    df.select_nothing()
    with pytest.raises(InvalidInputError, match="selected"):
        df.count(selection=True)
    df.select_circle("x", "y", 0, 0, 1, name="near")
    near = data.x**2 + data.y.astype("float64") ** 2 <= 1
    assert df.count(selection="near") == near.sum()
    np.testing.assert_array_equal(df.evaluate_selection_mask("near"), near)
    assert len(df.to_dict(["x"], selection="near")["x"]) == near.sum()


def test_a_description(df, data):
    told = df.describe()
    assert told["x"]["count"] == 5000 and np.isclose(told["x"]["mean"], data.x.mean())
    assert told["k"]["min"] == "a" and told.to_pandas().loc["missing", "n"] == 0
    assert "float32" in repr(told) and "<table" in told._repr_html_()


# -- rows out ----------------------------------------------------------------------------------------------------------


def test_rows_come_out_in_every_form(df, data):
    pd.testing.assert_frame_equal(df.to_pandas_df(), data, check_dtype=False)
    assert df.to_arrow_table().num_rows == 5000
    assert df.to_polars()["n"].to_list() == data.n.tolist()
    assert df.to_dict(["n"]) == {"n": data.n.tolist()}
    assert [name for name, _ in df.to_items()] == list(data)
    assert len(df.to_arrays()) == 5 and df.to_records(["n"])[3] == {"n": data.n[3]}
    assert df.to_table(["k", df.n + 1]).column_names == ["k", "n + 1"]
    chunks = list(df[df.x > 0].to_pandas_df(["n"], chunk_size=1000))
    assert [end - first for first, end, _ in chunks] == [len(chunk) for _, _, chunk in chunks]
    assert [end - first for first, end, _ in chunks][:-1] == [1000] * (len(chunks) - 1)
    assert pd.concat([chunk for *_, chunk in chunks]).n.tolist() == data.n[data.x > 0].tolist()
    assert from_arrow(df).n.tolist() == data.n.tolist()
    values = df.evaluate(["x", "n + 1"], i1=10, i2=20)
    np.testing.assert_array_equal(values[1], data.n[10:20] + 1)


def test_files_of_every_format(df, data, tmp_path):
    for ending in ("arrow", "arrows", "feather", "parquet", "hdf5", "csv", "jsonl"):
        path = tmp_path / f"out.{ending}"
        assert df[df.n > 0].export(path) == (data.n > 0).sum()
        again = open_frame(path)
        assert again.n.tolist() == data.n[data.n > 0].tolist() and np.isclose(again.sum("x"), data.x[data.n > 0].sum())
    files = df.export_partitioned(tmp_path / "by", by="k")
    assert len(files) == 3 and open_frame(tmp_path / "by" / "k=a" / "*.parquet").count() == (data.k == "a").sum()
    parts = df.export_many(str(tmp_path / "part-{i:02}.arrow"), chunk_size=2000)
    assert [len(open_frame(part)) for part in parts] == [2000, 2000, 1000]
    whole = open_frame(tmp_path / "part-*.arrow")
    assert whole.n.tolist() == data.n.tolist()
    path = tmp_path / "out.parquet"
    same = open_frame(path)
    same["twice"] = same.n * 2
    same.export(path)
    assert open_frame(path).sum("twice") == 2 * data.n[data.n > 0].sum()
    with pytest.raises(DataFolioError, match="ending"):
        df.export(tmp_path / "out.docx")
    with pytest.raises(FileNotFoundError):
        open_frame(tmp_path / "none.hdf5")


# -- functions of one's own --------------------------------------------------------------------------------------------


def test_functions_over_blocks(df, data):
    sizes = []

    @register_function(name="shifted", chunk_size=1000)
    def shifted(x, by):
        sizes.append(len(x))
        return x + by

    np.testing.assert_allclose(df.x.shifted(2.0).values, data.x + 2)
    assert max(sizes) <= 1000
    np.testing.assert_allclose(df.sum(df.x.shifted(1.0)), data.x.sum() + 5000)
    df.add_function("plus", lambda a, b: a + b, returns="float64")
    np.testing.assert_allclose(df["plus(x, n)"].values, data.x + data.n)
    np.testing.assert_allclose(df.func.plus(df.x, df.n).values, data.x + data.n)
    df.add_function("shout", lambda texts: np.array([text.upper() + "!" for text in texts], dtype=object))
    assert set(df.k.shout().unique()) == {"A!", "B!", "C!"}
    rows = df[:20].apply(lambda x, k: f"{k}{x:.1f}", [df.x, "k"])
    assert rows.tolist() == [f"{k}{x:.1f}" for x, k in zip(data.x[:20], data.k[:20], strict=True)]
    other = df[df.x > 0]
    assert np.isclose(other.mean(df.x.shifted(3.0)), data.x[data.x > 0].mean() + 3)

    def broken(x):
        raise ValueError("on purpose")

    df.add_function("broken", broken, returns="float64")
    with pytest.raises(DataFolioError, match=r"(?s)broken.*on purpose"):
        df["broken(x)"].tolist()


def test_a_function_has_a_type_for_each_use():
    df = from_dict({"x": [1.5, 2.5], "n": [1, 2]})
    df.add_function("plus", lambda a, b: a + b)
    of_floats, of_ints = df.x.plus(df.n), df.n.plus(df.n)
    assert (of_floats.dtype, of_ints.dtype) == ("float64", "int64")
    assert of_floats.tolist() == [2.5, 4.5] and of_ints.tolist() == [2, 4]
    assert [df.x.plus(at).sum() for at in (1, 2)] == [6.0, 8.0]
    df.add_function("halved", lambda n: n / 2, returns="int64")
    with pytest.raises(DataFolioError, match=r"(?s)halved.*[Cc]annot cast"):
        df["halved(n)"].tolist()
    later = df.copy()
    df["more"] = 1
    assert "more" not in later


def test_dot_products_of_wide_vectors():
    random = np.random.default_rng(3)
    vectors = random.normal(size=(10_000, 1000)).astype("float32")
    target = random.normal(size=1000).astype("float32")
    df = from_arrays(v=vectors)
    df.add_function("dotted", lambda v, w: v @ w, chunk_size=512)
    wanted = vectors @ target
    np.testing.assert_allclose(df.v.dotted(target).values, wanted, rtol=1e-3, atol=1e-3)
    top = df.top_k(df.v.dotted(target), 5, columns=[]).to_pydict()
    assert top["row"] == np.argsort(-wanted, kind="stable")[:5].tolist()


def test_functions_do_not_wait_for_each_other(df):
    polars = pytest.importorskip("polars")
    # Readers that hold the interpreter while they ask for rows, of which a function of Python's has a part.
    df.add_function("slowly", lambda x: x + 1, returns="float64")
    df["z"] = "slowly(x)"
    assert len(polars.DataFrame(df)) == 5000
    iterator = df.evaluate_iterator("z", chunk_size=100)
    next(iterator)
    del iterator


# -- states, processes and threads -------------------------------------------------------------------------------------


def test_a_state_is_applied_to_other_rows(df, data, tmp_path):
    df["r"] = df.x * df.n
    df.add_variable("alpha", 2)
    df.select("r > 0", name="positive")
    high = df[df.n > 0]
    high.state_write(tmp_path / "state.json")
    other = from_pandas(data[:100])
    other.state_load(tmp_path / "state.json")
    part = data[:100][data.n[:100] > 0]
    np.testing.assert_allclose(other.r.values, part.x * part.n)
    assert other.count(selection="positive") == (part.x * part.n > 0).sum()
    assert other["alpha + 0 * n"].tolist()[0] == 2
    with pytest.raises(DataFolioError):
        from_dict({"q": [1]}).state_set(high.state_get())


def test_frames_are_pickled_by_path_and_state(df, data, tmp_path):
    df.export(tmp_path / "data.arrow")
    frame = open_frame(tmp_path / "data.arrow")
    frame["r"] = frame.x * 2
    high = frame[frame.n > 0]
    assert pickle.loads(pickle.dumps(frame.r + 1)).sum() == (frame.r + 1).sum()
    kept = pickle.dumps(high)
    assert len(kept) < 4000
    again = pickle.loads(kept)
    assert np.isclose(again.sum("r"), 2 * data.x[data.n > 0].sum())
    assert np.isclose(pickle.loads(pickle.dumps(df)).sum("x"), data.x.sum())
    # Path and state say nothing of an order of their own.
    for other in (frame.sort("x"), frame.take([7, 3]), frame.shuffle(1), frame.sample(10), high.extract()):
        assert pickle.loads(pickle.dumps(other)).x.tolist() == other.x.tolist()
    df["a"] = np.arange(5000)
    assert pickle.loads(pickle.dumps(df[df.n > 0])).a.tolist() == np.flatnonzero(data.n > 0).tolist()


def test_threads_use_one_frame(df, data):
    wanted = data.x.sum()
    failed = []

    def work(at):
        for step in range(20):
            df[f"column {at} {step}"] = df.x + at
            if not np.isclose(df.sum(f"`column {at} {step}`"), wanted + 5000 * at):
                failed.append(at)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(df.column_names) == 5 + 8 * 20


def test_the_interpreter_is_free_during_a_pass():
    df = from_arrays(x=np.random.default_rng(0).normal(size=3_000_000))
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    for _ in range(5):
        df.mean("log(x ** 2 + 1) * sin(x) + cos(x * 3)")
    taken = time.monotonic() - start
    done.set()
    thread.join()
    assert len(ticks) > taken / 0.05, "another thread ran meanwhile"


def test_progress_is_told_and_stops(df):
    big = from_arrays(x=np.arange(4_000_000, dtype="float64"))
    told = []
    big.sum("x", progress=told.append)
    assert told[-1] == 1.0 and told == sorted(told)
    with pytest.raises(DataFolioError, match="stopped"):
        big.sum("sin(x)", progress=lambda fraction: False)

    def broken(fraction):
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        big.sum("cos(x)", progress=broken)


@pytest.mark.parametrize("bar", ["plain", "tqdm", True])
def test_a_bar(df, capsys, bar):
    if bar == "tqdm":
        pytest.importorskip("tqdm")
    assert isinstance(df.sum("x", progress=bar), float)
    assert "100" in capsys.readouterr().err
    with pytest.raises(TypeError, match="progress"):
        df.sum("x", progress="fancy")


def test_answers_are_kept_unless_one_measures(df, tmp_path, monkeypatch):
    big = from_arrays(x=np.random.default_rng(0).normal(size=2_000_000))
    big.export(tmp_path / "big.arrow")
    frame = open_frame(tmp_path / "big.arrow")

    def passes():
        told = []
        frame.median("x * 3 + 1", progress=told.append)
        return len(told)

    assert passes() > 0
    assert passes() == 0, "the same question about the same rows takes no pass"
    monkeypatch.setenv("DATAFOLIO_RESULT_CACHE", "off")
    assert passes() > 0
    monkeypatch.delenv("DATAFOLIO_RESULT_CACHE")
    from_arrays(x=np.zeros(5)).export(tmp_path / "big.arrow")
    assert open_frame(tmp_path / "big.arrow").median("x * 3 + 1") == 1.0


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_notebooks_show_both_ends(df, data):
    html = df._repr_html_()
    assert "5,000 rows × 5 columns" in html and "float32" in html
    assert f"{data.x[0]:.6g}" in html and f"{data.x.iloc[-1]:.6g}" in html
    text = repr(df[df.x > 0])
    assert "of 5,000 rows" in text and "x > 0" in text
    assert "<script>" not in from_dict({"<script>": ["<script>"]})._repr_html_()
    assert "0 rows" in repr(df[:0]) and from_dict({})._repr_html_()


def test_a_frame_is_shown_without_a_look_at_all_rows(tmp_path):
    from_arrays(x=np.arange(2_000_000)).export(tmp_path / "big.arrow")
    frame = open_frame(tmp_path / "big.arrow")
    seen = []

    def look(x):
        seen.append(len(x))
        return x % 100_003 == 5

    frame.add_function("look", look, returns="bool")
    shown = repr(frame[frame["look(x)"]])
    assert sum(seen) < 1_000_000 and "some of 2,000,000 rows" in shown


def test_names_are_completed(df):
    assert {"x", "k", "mean", "groupby"} <= set(dir(df))
    assert df._ipython_key_completions_() == ["x", "y", "n", "k", "t"]
    assert {"lower", "contains"} <= set(dir(df.k.str)) and {"year", "floor"} <= set(dir(df.t.dt))
    assert {"log1p", "clip", "mean", "str"} <= set(dir(df.x))
    assert "log1p" in df.x.log1p.__doc__


def test_nothing_but_the_standard_library_is_needed(tmp_path):
    code = """
import sys
for name in ("numpy", "pandas", "pyarrow", "polars", "matplotlib"):
    sys.modules[name] = None
from datafolio.frame import from_dict, open as open_frame
import os
os.chdir(sys.argv[1])
df = from_dict({"k": ["a", "b", None, "a"]})
df["n"] = df.k.str.len()
assert df.sum("n") == 3 and df[df.k == "a"].count() == 2
assert df.groupby("k").agg({"n": "sum"}).to_pydict() == {"k": ["a", "b", None], "n_sum": [2, 1, 0]}
df.export("x.parquet")
assert open_frame("x.parquet").to_dict() == {"k": ["a", "b", None, "a"], "n": [1, 1, None, 1]}
print(repr(df), df._repr_html_()[:10], df.describe())
try:
    df.n.values
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "needs the package numpy" in done.stdout


def test_what_people_write_that_is_not_there():
    df = from_arrays(k=np.array([1, 1, 2]), x=np.array([1.0, 2.0, 4.0]))
    with pytest.raises(ValueError, match="there is no aggregation 'avg': did you mean 'mean'"):
        df.groupby("k").agg({"x": "avg"})
    with pytest.raises(ValueError, match=r"there is no aggregation 'zzz': there are .*nunique"):
        df.groupby("k").agg({"x": ["mean", "zzz"]})
    with pytest.raises(AttributeError, match="'nothing_like'; its columns are k, x"):
        df.nothing_like  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean groupby"):
        df.groupbye  # noqa: B018

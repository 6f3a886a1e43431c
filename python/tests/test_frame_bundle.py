"""Frames of bundles: versions, pickles, tables and views that are made of frames."""

from __future__ import annotations

import pickle

import pytest

np = pytest.importorskip("numpy")

from datafolio import _native  # noqa: E402
from datafolio.frame import from_arrays  # noqa: E402
from datafolio.frame.of_bundle import frame_of  # noqa: E402


@pytest.fixture
def bundle(tmp_path):
    bundle = _native.Bundle(str(tmp_path / "study"), "create")
    bundle.add_table("t", from_arrays(x=np.arange(1000.0), n=np.arange(1000)))
    return bundle


def test_a_table_is_a_frame(bundle):
    df = frame_of(bundle, "t")
    df["y"] = df.x * 2
    assert df.sum("y") == 999000.0 and df[df.n < 10].x.tolist() == list(range(10))
    assert [name for name, _ in df.origins] == ["t"]
    assert frame_of(bundle, "t", mapped=True).sum("x") == 499500.0


def test_a_frame_keeps_its_version_also_in_another_process(bundle):
    df = frame_of(bundle, "t")
    high = df[df.n >= 990]
    high["y"] = high.x * 2
    kept = pickle.dumps(high)
    bundle.add_table("t", from_arrays(x=np.zeros(5), n=np.zeros(5, dtype="int64")), {"overwrite": True})
    assert len(kept) < 3000
    assert pickle.loads(kept).y.tolist() == high.y.tolist() == [2.0 * row for row in range(990, 1000)]
    assert frame_of(bundle, "t").count() == 5
    [(_, version)] = df.origins
    assert frame_of(bundle, "t", version).count() == 1000


def test_rows_and_states_are_kept(bundle):
    df = frame_of(bundle, "t")
    df["y"] = df.x + 1
    high = df[df.n > 500]
    bundle.add_frame("high", high._native, {"description": "the upper half"})
    assert frame_of(bundle, "high").sum("y") == high.sum("y")
    bundle.add_frame_view("upper", "t", high.state_get())
    view = frame_of(bundle, "upper")
    assert view.count() == 499 and pickle.loads(pickle.dumps(view)).sum("y") == high.sum("y")


def test_functions_of_python_in_rows_that_are_stored(bundle):
    df = frame_of(bundle, "t")
    df.add_function("twice", lambda x: x * 2, returns="float64")
    df["y"] = "twice(x)"
    bundle.add_frame("doubled", df._native)
    assert frame_of(bundle, "doubled").sum("y") == 999000.0

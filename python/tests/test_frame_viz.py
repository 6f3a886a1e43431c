"""Plots, whose bins are compared with numpy's."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from datafolio.frame import aggregate as agg, from_arrays  # noqa: E402


@pytest.fixture
def data():
    random = np.random.default_rng(2)
    return {"x": random.normal(size=10_000), "y": random.normal(size=10_000), "k": random.choice(["a", "b"], 10_000).tolist()}


@pytest.fixture
def df(data):
    matplotlib.pyplot.close("all")
    return from_arrays(**data)


import matplotlib.pyplot  # noqa: E402


def test_a_histogram(df, data):
    axes = df.viz.histogram("x", shape=20)
    (patch,) = axes.patches
    heights, edges, _ = patch.get_data()
    counts, wanted = np.histogram(data["x"], 20)
    np.testing.assert_array_equal(heights, counts)
    np.testing.assert_allclose(edges, wanted)
    assert axes.get_xlabel() == "x" and axes.get_ylabel() == "count"


def test_a_histogram_of_several_selections(df):
    axes = df.viz.histogram(df.x, what=agg.mean("y"), selection=["k == 'a'", "k == 'b'"], limits=[-1, 1], shape=4)
    assert len(axes.patches) == 2 and len(axes.get_legend().get_texts()) == 2


def test_bars_of_values(df, data):
    axes = df.viz.histogram("k")
    assert [bar.get_height() for bar in axes.patches] == [data["k"].count("a"), data["k"].count("b")]


def test_a_heatmap(df, data, tmp_path):
    axes = df.viz.heatmap("x", "y", limits=[[-2, 2], [-3, 3]], shape=(8, 6))
    (mesh,) = axes.collections
    wanted = np.histogram2d(data["x"], data["y"], (8, 6), ((-2, 2), (-3, 3)))[0]
    np.testing.assert_array_equal(mesh.get_array().reshape(6, 8), wanted.T)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    axes.figure.savefig(tmp_path / "heatmap.png")
    assert (tmp_path / "heatmap.png").stat().st_size > 1000


def test_a_heatmap_of_something_else(df):
    axes = df.viz.heatmap("x", "k", what="mean(y)", f="log1p", colorbar=False, ax=matplotlib.pyplot.figure().gca(), shape=5)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]

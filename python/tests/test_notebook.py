"""What notebooks show: pictures of lineage, differences in colours, tables, bars, completion."""

from __future__ import annotations

import json
import pickle
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pandas as pd
import pytest

import datafolio
from datafolio._layers import layered
from datafolio._lineage import LineageGraph

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('x')</script>&\""


class Page(HTMLParser):
    """The tags, the texts by class, and the cells of a piece of HTML, all of whose tags must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.by_class: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        classes = (dict(attrs).get("class") or "").split()
        self.tags.append(tag)
        for name in classes:
            self.by_class.setdefault(name, []).append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "br":
            self._open.append((tag, classes))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        if any(tag == "style" for tag, _ in self._open):
            return
        self.text += data
        for tag, classes in self._open:
            for name in classes:
                self.by_class[name][-1] += data
            if tag in ("td", "th"):
                self.rows[-1][-1] += data


def items_of(svg: str) -> dict[str, ET.Element]:
    """The boxes of a picture by the name of the item."""
    groups = [group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("class") == "item"]
    return {group.find(f"{SVG}title").text.split("\n")[0]: group for group in groups}


def arrows_of(svg: str) -> list[str]:
    groups = [group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("class") == "input"]
    return [group.find(f"{SVG}title").text for group in groups]


def rectangle(group: ET.Element) -> tuple[float, float, float, float]:
    found = group.find(f"{SVG}rect")
    return tuple(float(found.get(key)) for key in ("x", "y", "width", "height"))


@pytest.fixture
def study(folio):
    """A bundle with something of each kind."""
    folio.add_table("raw", pd.DataFrame({"k": [1, 2], "x": [1.0, 2.0]}), description="as <measured>")
    folio.add_json("gone", 1)
    folio.metadata["owner"] = "before & after"
    folio.create_snapshot("v1", "first", ["paper"])
    folio.add_table("raw", pd.DataFrame({"k": [1, 2, 3], "x": [1.0, 5.0, 2.0], "z": ["a", "b", "c"]}), overwrite=True)
    folio.derive("mean", "SELECT avg(x) AS x FROM raw")
    folio.add_json("report", 1, inputs=["mean", "nowhere"], code="report = make(mean)")
    folio.metadata["owner"] = "somebody"
    folio.create_snapshot("v2")
    folio.delete("gone")
    return folio


# -- lineage


def test_lineage_stays_a_dict(study):
    graph = study.get_lineage_graph()
    plain = {"raw": [], "mean": ["raw"], "report": ["mean", "nowhere"]}
    assert isinstance(graph, dict) and graph == plain and plain == graph
    assert json.loads(json.dumps(graph)) == plain and repr(graph) == repr(dict(graph))
    again = pickle.loads(pickle.dumps(graph))
    assert again == plain and again.to_svg() == graph.to_svg()


def test_lineage_as_a_picture(study):
    svg = study.get_lineage_graph().to_svg()
    items = items_of(svg)
    assert set(items) == {"raw", "mean", "report", "nowhere"}
    assert arrows_of(svg) == ["raw → mean", "mean → report", "nowhere → report"]
    assert [text.text for text in items["mean"].iter(f"{SVG}text")] == ["mean", "included table · query"]
    assert [text.text for text in items["report"].iter(f"{SVG}text")][1] == "json data · code"
    assert "SELECT avg(x)" in items["mean"].find(f"{SVG}title").text
    dashed = [name for name, group in items.items() if group.find(f"{SVG}rect").get("stroke-dasharray")]
    assert dashed == ["nowhere"]
    x = {name: rectangle(group)[0] for name, group in items.items()}
    assert x["raw"] < x["mean"] < x["report"] and x["nowhere"] < x["report"]
    colours = {value for node in ET.fromstring(svg).iter() for key, value in node.items() if key in ("fill", "stroke")}
    assert colours <= {"currentColor", "none"}, "the page decides what is light and dark"


def test_lineage_of_one_item(study):
    study.add_json("aside", 1, inputs=["raw"])
    graph = study.get_lineage_graph("mean")
    assert graph == {"raw": [], "mean": ["raw"], "report": ["mean"]}
    widths = {name: group.find(f"{SVG}rect").get("stroke-width") for name, group in items_of(graph.to_svg()).items()}
    assert widths == {"raw": "1", "mean": "2", "report": "1"}
    with pytest.raises(KeyError):
        study.get_lineage_graph("nothing")


def test_cycles_and_hostile_names_are_drawn():
    graph = LineageGraph({"a": ["c"], "b": ["a"], "c": ["b"], "self": ["self"], HOSTILE: ["a", "\x00"], "\ud800": []})
    svg = graph.to_svg()
    assert set(items_of(svg)) == {"a", "b", "c", "self", HOSTILE, "\ufffd"}
    assert sorted(arrows_of(svg)) == sorted(
        ["c → a", "a → b", "b → c", "made from itself", f"a → {HOSTILE}", f"\ufffd → {HOSTILE}"]
    )
    page = Page(graph._repr_html_())
    assert "script" not in page.tags and HOSTILE in page.text


@pytest.mark.parametrize("count", [0, 1, 10, 100])
def test_no_boxes_overlap_or_stick_out(count):
    # Each item is made from some before it; every seventh from nothing, and has no dependents.
    inputs = {f"i{at}": [] if at % 7 == 0 else [f"i{at // 2}", f"i{at - 1}"] for at in range(count)}
    svg = LineageGraph(inputs).to_svg()
    root = ET.fromstring(svg)
    boxes = [rectangle(group) for group in items_of(svg).values()]
    assert len(boxes) == count
    for at, (x, y, width, height) in enumerate(boxes):
        assert x >= 0 and y >= 0
        assert x + width <= float(root.get("width")) and y + height <= float(root.get("height"))
        for other_x, other_y, other_width, other_height in boxes[:at]:
            apart = x + width <= other_x or other_x + other_width <= x or y + height <= other_y or other_y + other_height <= y
            assert apart


def test_layers_cross_little():
    # Two pairs that cross when they are drawn as they come.
    layout = layered(4, [(0, 3), (1, 2)], 10, 5)
    left, right = layout.layers
    assert [left.index(0), left.index(1)] == [right.index(3), right.index(2)]
    # A long edge bends once in each layer that it passes.
    layout = layered(4, [(0, 1), (1, 2), (2, 3), (0, 3)], 10, 5)
    assert layout.paths[0, 3] == [0, 4, 5, 3] and [len(layer) for layer in layout.layers] == [1, 2, 2, 1]


def test_many_items_are_drawn_on_request():
    graph = LineageGraph({f"i{at}": [] for at in range(400)})
    page = Page(graph._repr_html_())
    assert "svg" not in page.tags and "400 items" in page.text and "get_lineage_graph(item)" in page.text
    assert len(items_of(graph.to_svg())) == 400


# -- differences and lists


def test_a_comparison(study):
    comparison = study.compare_snapshots("v1", "v2")
    assert comparison["added_items"] == ["mean", "report"] and comparison["metadata_changes"]["owner"] == ("before & after", "somebody")
    assert comparison == dict(comparison) and pickle.loads(pickle.dumps(comparison)) == comparison
    page = Page(comparison._repr_html_())
    assert page.text.startswith("v1 → v2") and page.text.endswith("1 item unchanged")
    assert page.rows[1:3] == [["+ added", "2", "mean, report"], ["~ modified", "1", "raw"]]
    assert ["owner", "before & after", "somebody"] in page.rows
    assert "updated_at" not in page.text
    assert set(page.by_class["add"]) == {"+ added", "mean", "report", "somebody"}


def test_what_has_changed_since(study):
    page = Page(study.diff_from_snapshot("v1")._repr_html_())
    assert page.text.startswith("v1 → now")
    assert ["− removed", "1", "gone"] in page.rows and "gone" in page.by_class["cut"]
    study.restore_snapshot("v2", confirm=True)
    page = Page(study.diff_from_snapshot("v2")._repr_html_())
    assert "Nothing has changed." in page.text and not page.rows


def test_a_difference_of_tables(study):
    difference = study.diff_table("raw", "v1", "v2", key=["k"])
    assert difference == dict(difference) and pickle.loads(pickle.dumps(difference)) == difference
    page = Page(difference._repr_html_())
    assert ["+ added", "1"] in page.rows and ["~ changed", "1"] in page.rows
    assert ["+ added", "z", "large_string", ""] in page.rows and ["~ changed", "x", "values", "1"] in page.rows
    assert "told apart by k" in page.text
    assert "Nothing has changed." in Page(study.diff_table("raw", "v2", "v2")._repr_html_()).text


def test_lists(study):
    log = study.log()
    assert log == list(log) and isinstance(log, list) and pickle.loads(pickle.dumps(log)) == log
    rows = Page(log._repr_html_()).rows
    assert len(rows) == len(log) + 1 and rows[1][0] == str(study.revision) and rows[1][3:] == ["delete gone", "− gone"]
    assert Page(study.list_snapshots()._repr_html_()).rows[2][2:] == ["2", "paper", "first"]
    versions = Page(study.versions("raw")._repr_html_()).rows
    assert [(row[3], row[5], row[6]) for row in versions[1:]] == [("3", "v2", "current"), ("2", "v1", "")]


def test_a_bundle(study):
    study.metadata[HOSTILE] = {"nested": [HOSTILE]}
    study.add_json("old", 1)
    study.archive("old")
    html = study._repr_html_()
    page = Page(html)
    assert ["raw", "included table", "3 × 3"] == page.rows[1][:3]
    assert "3 items, 1 archived" in page.text and "2 fields of metadata" in page.text and "2 snapshots" in page.text
    assert ["owner", "somebody"] in page.rows and [HOSTILE, json.dumps({"nested": [HOSTILE]})] in page.rows
    assert page.tags.count("details") == 2 and "<details open" not in html and "script" not in page.tags
    assert "no items" in Page(datafolio.DataFolio(study.path + "-empty")._repr_html_()).text


def test_an_item(study):
    page = Page(study.data.report._repr_html_())
    assert ["made from", "mean, nowhere"] in page.rows and "report = make(mean)" in page.text
    page = Page(study.data.raw._repr_html_())
    assert ["shape", "3 × 3"] in page.rows and ["z", "large_string"] in page.rows


# -- how far it is


@pytest.fixture
def long_table(folio):
    folio.add_table("long", pd.DataFrame({"x": range(100_000)}))
    return folio


def test_progress_of_an_iterator(long_table):
    told: list[float] = []
    chunks = long_table.iter_table("long", 20_000, start_row=10_000, end_row=90_000, progress=told.append)
    assert sum(map(len, chunks)) == 80_000 and told == [0.25, 0.5, 0.75, 1.0]
    told.clear()
    assert sum(map(len, long_table.iter_table("long", where="x < 5", progress=told.append))) == 5
    assert told == [1.0], "how many rows there will be is not known"
    long_table.create_snapshot("before", capture_git=False)
    long_table.add_table("long", pd.DataFrame({"x": [1]}), overwrite=True)
    for version in ("before", long_table.versions("long")[1]["version"]):
        told.clear()
        assert sum(map(len, long_table.iter_table("long", 50_000, version=version, progress=told.append))) == 100_000
        assert told == [0.5, 1.0]
    with pytest.raises(datafolio.DataFolioError, match="stopped"):
        list(long_table.iter_table("long", version="before", progress=lambda fraction: False))


@pytest.mark.parametrize("options", [{}, {"limit": 70_000, "offset": 10}, {"where": "x > 3"}, {"columns": ["x"], "limit": 0}])
@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_progress_of_a_whole_table(long_table, options, kind):
    told: list[float] = []
    found = long_table.get_table("long", kind, progress=told.append, **options)
    wanted = long_table.get_table("long", kind, **options)
    assert found == wanted if kind == "arrow" else found.equals(wanted)
    assert told[-1] == 1.0 and told == sorted(told)


def test_a_bar(long_table, capsys):
    long_table.get_table("long", progress="plain")
    assert "100 %" in capsys.readouterr().err
    with pytest.raises(TypeError, match="progress"):
        long_table.get_table("long", progress="fancy")


# -- completion


def test_completion(study):
    study.add_json("part/of", 1)
    assert {"raw", "mean", "report"} <= set(dir(study.data)) and "part/of" not in dir(study.data)
    assert set(study.data._ipython_key_completions_()) == {"raw", "mean", "report", "part/of"}
    assert study.snapshots._ipython_key_completions_() == ["v1", "v2"]
    # Completion looks into attributes, and calls no property.
    assert study.__dict__["data"].raw.type == "included_table" and study.__dict__["snapshots"]["v1"].name == "v1"
    again = pickle.loads(pickle.dumps(study))
    assert "raw" in dir(again.data) and list(again.snapshots) == ["v1", "v2"]
    df = study.frame("raw")
    assert {"k", "x", "z"} <= set(dir(df)) and df._ipython_key_completions_() == ["k", "x", "z"]
    assert dir(df.col) == ["k", "x", "z"]


# -- plots


def test_plots_are_labelled():
    np = pytest.importorskip("numpy")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    df = datafolio.from_arrays(x=np.arange(20_000.0) % 4, name=[f"a long name {at % 9}" for at in range(20_000)])
    axes = df.viz.histogram("x", shape=4, ax=plt.figure().gca())
    assert "5,000" in axes.yaxis.get_major_formatter()(5000)
    assert df.viz.histogram("x", shape=4, log=True, ax=plt.figure().gca()).get_yscale() == "log"
    axes = df.viz.histogram("name", ax=plt.figure().gca())
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {90.0}
    pyarrow = pytest.importorskip("pyarrow")
    field = pyarrow.field("d", pyarrow.float64(), metadata={"unit": "km"})
    away = datafolio.from_arrow(pyarrow.table([pyarrow.array([1.0, 2.0])], schema=pyarrow.schema([field])))
    assert away.viz.histogram("d", shape=2, ax=plt.figure().gca()).get_xlabel() == "d [km]"
    many = datafolio.from_arrays(name=[f"n{at:03d}" for at in range(200)])
    axes = many.viz.histogram("name", ax=plt.figure().gca())
    assert len(axes.patches) == 200 and [label.get_text() for label in axes.get_xticklabels()][:2] == ["n000", "n005"]
    axes = df.viz.heatmap("x", "name", shape=4, f="log10", ax=plt.figure().gca())
    assert axes.figure.axes[1].get_ylabel() == "log10(count)"
    axes = df.viz.heatmap("x", "x", shape=4, what="mean(x)", ax=plt.figure().gca())
    values = axes.collections[0].get_array()
    assert np.ma.count_masked(np.ma.masked_invalid(values)) == 12, "cells without rows are blank"
    plt.close("all")

"""Reading items and what is known of them, as PyPI's releases do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import frame, raised

cases = Cases()


@cases.like("1.3")
def names_and_types_that_do_not_fit(df: Any, path: str) -> Any:
    import pandas

    open(path + ".txt", "w").close()
    folio = df.DataFolio(path).add_json("j", 1).add_table("t", pandas.DataFrame({"a": [1]})).add_artifact("f", path + ".txt")
    folio.add_model("m", {"a": 1})
    getters = ["get_table", "get_numpy", "get_json", "get_timestamp", "get_model", "get_sklearn", "get_artifact_path", "get_data",
               "get_data_path", "get_item_path", "get_table_path", "get_table_info", "get_model_info", "get_artifact_info",
               "get_inputs", "get_dependents", "get_numpy_path", "get_json_path", "get_timestamp_path", "get_model_path"]
    return [
        {getter: raised(lambda: getattr(folio, getter)("none"), "not found") for getter in getters},
        raised(lambda: folio.get_table("j"), "is not a table"),
        raised(lambda: folio.get_numpy("j"), "not a numpy array"),
        raised(lambda: folio.get_json("t"), "not JSON data"),
        raised(lambda: folio.get_timestamp("j"), "is not a timestamp"),
        raised(lambda: folio.get_model("j")),
        raised(lambda: folio.get_sklearn("j")),
        raised(lambda: folio.get_artifact_path("j")),
        raised(lambda: folio.get_data("m"), "not a data item"),
        raised(lambda: folio.get_data("f"), "not a data item"),
        raised(lambda: folio.get_table_path("j")),
        raised(lambda: folio.get_table_info("j")),
        raised(lambda: folio.get_model_info("j")),
        raised(lambda: folio.get_artifact_info("j")),
        raised(lambda: folio.get_numpy_path("j")),
        raised(lambda: folio.get_json_path("t")),
        raised(lambda: folio.get_timestamp_path("j")),
        raised(lambda: folio.get_model_path("j")),
    ]


@cases.like("2.3")
def names_that_are_not_there(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("x", 1)
    calls = [
        lambda: folio.get("none"),
        lambda: folio.get_model("none"),
        lambda: folio.item_path("none"),
        lambda: folio.item_info("none"),
        lambda: folio.inspect_table("none"),
        lambda: folio.scan_table("none"),
        lambda: folio.get_inputs("none"),
        lambda: folio.get_dependents("none"),
        lambda: folio.get_many(["x", "none"]),
    ]
    return [
        *(raised(call, "none") for call in calls),
        raised(lambda: folio.get_model("x")),
        raised(lambda: folio.scan_table("x")),
        raised(lambda: folio.get("x", nothing=1)),
        ["x" in folio, "none" in folio, 3 in folio, None in folio],
    ]


@cases.like("1.3")
def parts_of_a_table(df: Any, path: str) -> Any:
    import pandas

    rows = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, None, 1.5]})
    folio = df.DataFolio(path).add_table("t", rows)
    return [
        frame(folio.get_table("t", columns=["c", "a"])),
        frame(folio.get_table("t", filters=[("a", ">", 1)])),
        frame(folio.get_table("t", columns=["b"], filters=[("a", ">", 2)], engine="pyarrow")),
        frame(folio.get_table("t", engine="pyarrow")),
        raised(lambda: folio.get_table("t", nonsense=1)),
    ]


@cases.like("1.3", "2.3")
def types_of_pandas(df: Any, path: str) -> Any:
    import pandas

    rows = pandas.DataFrame(
        {
            "category": pandas.Categorical(["a", "b", "a"]),
            "zone": pandas.to_datetime(["2024-01-15", None, "2024-01-16"], utc=True).tz_convert("Europe/Berlin"),
            "whole": pandas.array([1, None, 3], dtype="Int64"),
            "flag": pandas.array([True, None, False], dtype="boolean"),
            "text": pandas.array(["x", None, "z"], dtype="string"),
            "small": pandas.Series([1, 2, 3], dtype="int8"),
            "list": [[1, 2], [], [3]],
            "span": pandas.to_timedelta(["1h", None, "3D"]),
        }
    )
    folio = df.DataFolio(path)
    getter = folio.add_table("t", rows).get_table if hasattr(df.DataFolio, "add_table") else folio.add("t", rows).get
    return frame(getter("t"))


@cases.like("1.3", "2.3")
def paths(df: Any, path: str) -> Any:
    import os

    import numpy
    import pandas

    folio = df.DataFolio(path)
    rows = pandas.DataFrame({"a": [1]})
    if hasattr(folio, "add_table"):
        folio.add_table("t", rows).add_numpy("n", numpy.arange(2)).add_json("j", 1)
    else:
        folio.add("t", rows).add("n", numpy.arange(2)).add("j", 1)
    path_of = folio.get_item_path if hasattr(folio, "get_item_path") else folio.item_path
    return [
        [os.path.relpath(os.path.dirname(path_of(name)), path) for name in ("t", "n", "j")],
        [os.path.splitext(path_of(name))[1] for name in ("t", "n", "j")],
        [os.path.isfile(path_of(name)) for name in ("t", "n", "j")],
        pandas.read_parquet(path_of("t")).a.tolist(),
    ]


@cases.like("1.3")
def the_name_of_a_table_is_in_its_path(df: Any, path: str) -> Any:
    import os

    import pandas

    folio = df.DataFolio(path).add_table("scores", pandas.DataFrame({"a": [1]}))
    return [
        os.path.basename(folio.get_data_path("scores")).startswith("scores"),
        folio.get_data_path("scores").endswith(".parquet"),
        folio.get_table_path("scores") == folio.get_data_path("scores"),
    ]


@cases.like("1.3", "2.3")
def lists(df: Any, path: str) -> Any:
    import datetime

    import numpy
    import pandas

    open(path + ".txt", "w").close()
    folio = df.DataFolio(path)
    empty = folio.list_contents()
    rows = pandas.DataFrame({"a": [1]})
    moment = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    if hasattr(folio, "add_table"):
        folio.add_table("t2", rows).add_table("t1", rows).add_numpy("n", numpy.arange(2)).add_json("j", 1).add_timestamp("w", moment)
        folio.add_artifact("f", path + ".txt")
    else:
        folio.add("t2", rows).add("t1", rows).add("n", numpy.arange(2)).add("j", 1).add("w", moment).add_file(path + ".txt", "f")
    folio.add_model("m", {"a": 1}).reference_table("r", "s3://bucket/x.parquet")
    folio.archive("t2")
    return [empty, folio.list_contents(), folio.list_contents(include_archived=True), folio.tables, folio.models, folio.artifacts,
            list(folio._items), repr(folio)[-30:]]


@cases.like("1.3", "2.3")
def the_accessor(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    empty = repr(folio.data)
    if hasattr(folio, "add_json"):
        folio.add_json("raw", [1], description="all of it").add_json("clean", {"a": 1}, inputs=["raw"]).add_json("not-a-name", 1)
    else:
        folio.add("raw", [1], description="all of it").add("clean", {"a": 1}, inputs=["raw"]).add("not-a-name", 1)
    raw = folio.data.raw
    return [
        empty,
        repr(raw),
        repr(folio.data["clean"]),
        [raw.content, raw.description, raw.type, raw.inputs, raw.dependents],
        [folio.data["clean"].inputs, folio.data.clean.description, folio.data.clean.content],
        [raw.metadata["name"], raw.metadata["item_type"], raw.metadata["data_type"]],
        raised(lambda: folio.data.nothing, "not found"),
        raised(lambda: folio.data["nothing"]),
        [name in dir(folio.data) for name in ("raw", "clean")],
        sorted(folio.data._ipython_key_completions_()),
        "raw" in repr(folio.data),
    ]


@cases.like("2.3")
def the_accessor_of_the_newer_release(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path).add("x", 1).add("t", pandas.DataFrame({"a": [1, 2]}))
    return [
        "x" in folio.data,
        "y" in folio.data,
        list(folio.data),
        type(folio.data.t.lazy).__name__,
        frame(folio.data.t.content),
        folio.data.t.path == folio.item_path("t"),
        repr(folio.data),
        raised(lambda: folio.data.x.lazy),
    ]


@cases.unlike("1.3", theirs=None, ours=True)
def the_path_of_a_table_by_the_accessor(df: Any, path: str) -> Any:
    import os

    import pandas

    found = df.DataFolio(path).add_table("t", pandas.DataFrame({"a": [1]})).data.t.path
    return None if found is None else os.path.isfile(found)


@cases.like("1.3")
def facts(df: Any, path: str) -> Any:
    import pandas

    open(path + ".txt", "w").write("hello")
    rows = pandas.DataFrame({"a": [1], "b": ["x"], "c": [0.5]})
    folio = df.DataFolio(path).add_table("t", rows, description="d").add_artifact("f", path + ".txt", category="docs")
    info = folio.get_table_info("t")
    return [
        {key: info[key] for key in ("name", "item_type", "num_rows", "num_cols", "columns", "table_format", "description", "is_directory", "is_current")},
        info["dtypes"],
        [len(info["checksum"]), info["created_at"][-6:]],
        folio.get_artifact_info("f")["category"],
    ]


@cases.like("2.3")
def facts_are_copies(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("x", {"a": 1}, description="d")
    info = folio.item_info("x")
    info["description"] = "changed"
    return [folio.item_info("x")["description"], {key: info[key] for key in ("name", "item_type", "data_type")}]


@cases.like("2.3")
def many_at_once(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("a", 1).add("b", [2]).add("c", "3")
    with folio.pinned():
        pinned = folio.get("a")
    return [folio.get_many(["c", "a"]), list(folio.get_many(["c", "a"], threads=2)), folio.get_many([]), pinned]


@cases.like("2.3")
def reading_lazily(df: Any, path: str) -> Any:
    import pandas

    rows = pandas.DataFrame({"a": [1, 2, 3]})
    rows.to_parquet(path + ".parquet")
    folio = df.DataFolio(path).add("t", rows).reference_table("r", path + ".parquet")
    return [frame(folio.scan_table(name).filter(df_a > 1).collect()) for name, df_a in
            ((name, __import__("polars").col("a")) for name in ("t", "r"))]


@cases.like("2.3")
def large_tables(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path, max_eager_bytes=100).add("t", pandas.DataFrame({"a": range(1000)}))
    return [raised(lambda: folio.get("t")), folio.get("t", allow_full_load=True).shape[0], folio.scan_table("t").collect().height]


@cases.like("2.3")
def inspecting_a_reference(df: Any, path: str) -> Any:
    import pandas

    pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_parquet(path + ".parquet")
    folio = df.DataFolio(path).reference_table("r", path + ".parquet")
    folio.inspect_table("r")
    info = folio.item_info("r")
    folio.reference_table("gone", path + "-gone.parquet")
    return [info["num_rows"], info["columns"], info["num_cols"], info["source_identity"]["size"] > 0, sorted(info["dtypes"]),
            raised(lambda: folio.inspect_table("gone"))]


@cases.like("1.3", "2.3")
def checking(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("kept", 1), add("deleted", 2), add("altered", 3)
    path_of = folio.get_item_path if hasattr(folio, "get_item_path") else folio.item_path
    folio.reference_table("r", path + "-none.parquet")
    before = [folio.validate(), folio.is_valid()]
    os.remove(path_of("deleted"))
    os.chmod(path_of("altered"), 0o644)
    open(path_of("altered"), "w").write("4")
    return [before, folio.validate(), folio.is_valid()]


@cases.like("2.3")
def a_file_that_is_gone(df: Any, path: str) -> Any:
    import os

    open(path + ".txt", "w").close()
    folio = df.DataFolio(path).add_file(path + ".txt", "f").add("j", 1)
    os.remove(folio.item_path("f"))
    os.remove(folio.item_path("j"))
    return [raised(lambda: folio.get("f")), raised(lambda: folio.get("j"))]


@cases.like("1.3", "2.3")
def what_another_handle_writes_is_seen(df: Any, path: str) -> Any:
    first = df.DataFolio(path, metadata={"a": 1})
    second = df.DataFolio(path)
    add = second.add_json if hasattr(second, "add_json") else second.add
    get = first.get_json if hasattr(first, "get_json") else first.get
    seen = [first.list_contents()["json_data"]]
    add("x", 1, inputs=["raw"])
    seen += [first.list_contents()["json_data"], get("x"), first.get_inputs("x"), first.get_lineage_graph()]
    add("x", 2, overwrite=True)
    second.metadata["a"] = 2
    seen += [get("x"), first.data.x.content, first.metadata["a"], "JSON" in first.describe(return_string=True), first.refresh() is first]
    return seen


@pytest.mark.parametrize("release, case", cases.parameters())
def test_reading(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

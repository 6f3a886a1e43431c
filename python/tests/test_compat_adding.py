"""Adding items, as PyPI's releases do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import array, frame, raised, warned

cases = Cases()


@cases.like("1.3")
def tables(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path)
    rows = pandas.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("inf")]}, index=[7, 8])
    back = folio.add_table("t", rows, "of rows", False, ["raw"], ["clf"], "build()") is folio
    info = folio.get_table_info("t")
    return [
        back,
        frame(folio.get_table("t")),
        {key: info[key] for key in ("num_rows", "num_cols", "table_format", "description", "inputs", "models", "code", "columns", "item_type")},
        raised(lambda: folio.add_table("t", rows), "already exists"),
        raised(lambda: folio.add_table("u", [1, 2]), "Expected a pandas or Polars DataFrame"),
        raised(lambda: folio.add_table("u", {"a": [1]}), "Expected a pandas or Polars DataFrame"),
        raised(lambda: folio.add_table("a@b", rows), "cannot contain '@' symbol"),
        raised(lambda: folio.add_table("", rows)),
        folio.add_table("t", rows.head(1), overwrite=True).get_table("t").shape[0],
        folio.get_table_info("t").get("num_rows"),
    ]


@cases.like("2.3")
def frames(df: Any, path: str) -> Any:
    import pandas
    import polars

    folio = df.DataFolio(path)
    rows = pandas.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("inf")]})
    back = folio.add("t", rows, description="of rows", inputs=["raw"]) is folio
    info = folio.item_info("t")
    folio.add("polars", polars.DataFrame({"a": [1, 2], "b": ["x", None]}))
    folio.add("lazy", polars.LazyFrame({"a": [1, 2]}).filter(polars.col("a") > 1))
    folio.add("series", pandas.Series([1.5, 2.5], name="s"))
    folio.add("unnamed", pandas.Series([1, 2]))
    folio.add("labels", pandas.DataFrame({0: [1], 1: [2]}))
    folio.add("empty", pandas.DataFrame({"a": pandas.Series([], dtype="float64")}))
    indexed = pandas.DataFrame({"v": [1, 2]}, index=pandas.Index(["x", "y"], name="k"))
    warnings = warned(lambda: folio.add("dropped", indexed))
    folio.add("kept", indexed, preserve_index=True)
    return [
        back,
        {key: info[key] for key in ("num_rows", "num_cols", "table_format", "description", "inputs", "columns", "item_type")},
        {name: frame(folio.get(name)) for name in ("t", "lazy", "polars", "series", "unnamed", "labels", "empty", "dropped", "kept")},
        frame(folio.get("polars", frame="polars")),
        frame(folio.get("t", frame="polars")),
        warnings,
        [str(name) for name in folio.get("kept").index.names],
        type(folio.get("series")).__name__,
        str(folio.get("unnamed").name),
    ]


@cases.like("2.3")
def what_add_refuses(df: Any, path: str) -> Any:
    import datetime

    import numpy
    import pandas

    folio = df.DataFolio(path).add("taken", 1)
    calls = [
        lambda: folio.add("taken", 2),
        lambda: folio.add("a@b", 1),
        lambda: folio.add("", 1),
        lambda: folio.add("../x", 1),
        lambda: folio.add("a b", 1),
        lambda: folio.add("_x", 1),
        lambda: folio.add("x" * 300, 1),
        lambda: folio.add("x", object()),
        lambda: folio.add("x", {"a": object()}),
        lambda: folio.add("x", 1, nothing=True),
        lambda: folio.add("x", datetime.datetime(2024, 1, 1)),
        lambda: folio.add("x", numpy.array([object()])),
        lambda: folio.add("x", numpy.ma.masked_array([1, 2], [True, False])),
        lambda: folio.add("x", {1: "a", "1": "b"}),
        lambda: folio.add("x", pandas.DataFrame([[1, 2]], columns=["a", "a"])),
        lambda: folio.add("x", b"bytes"),
        lambda: folio.add("x", 1j),
        lambda: folio.add_file(path + "-none"),
        lambda: folio.import_table("x", path + "-none.csv"),
    ]
    return [*map(raised, calls), list(folio.list_contents()["json_data"])]


@cases.like("2.3")
def plain_values(df: Any, path: str) -> Any:
    import dataclasses
    import datetime

    import numpy

    @dataclasses.dataclass
    class Point:
        x: int
        tags: tuple

    folio = df.DataFolio(path)
    given = {
        "dict": {"a": [1, 2.5, None, True, "é"], "n": {"d": {}}},
        "list": [],
        "text": "a/b.txt",
        "int": 7,
        "big": 2**53 + 1,
        "float": -0.25,
        "none": None,
        "bool": True,
        "tuple": (1, (2, 3)),
        "range": range(3),
        "set": {3, 1, 2},
        "keys": {1: "a", None: "b", True: "c", 2.5: "d"},
        "point": Point(1, ("a", "b")),
        "scalar": numpy.float64(0.5),
        "nested": {"array": numpy.arange(3), "int": numpy.int8(3), "bool": numpy.bool_(True)},
        "nan": [float("nan"), float("inf")],
        "date": {"d": datetime.date(2024, 1, 15), "t": datetime.datetime(2024, 1, 15, 10, 30)},
    }
    warnings = {name: warned(lambda: folio.add(name, value)) for name, value in given.items()}
    # An instance of a dataclass is recorded by its class there, and as the dict that it becomes here.
    kinds = {name: folio.item_info(name)["data_type"] for name in given if name != "point"}
    return [warnings, {name: folio.get(name) for name in given}, kinds]


@cases.like("1.3")
def json(df: Any, path: str) -> Any:
    import numpy

    folio = df.DataFolio(path)
    back = folio.add_json("x", {"a": [1, None]}, "config", False, ["raw"], "load()") is folio
    folio.add_json("list", [1, "é"]).add_json("scalar", 3.5).add_json("none", None)
    info = folio._items["x"]
    return [
        back,
        [folio.get_json(name) for name in ("x", "list", "scalar", "none")],
        [folio._items[name]["data_type"] for name in ("x", "list", "scalar", "none")],
        [info["description"], info["inputs"], info["code"], info["item_type"]],
        raised(lambda: folio.add_json("x", 1), "already exists"),
        raised(lambda: folio.add_json("y", numpy.arange(3)), "not JSON-serializable"),
        raised(lambda: folio.add_json("y", object()), "not JSON-serializable"),
        folio.add_json("x", 5, overwrite=True).get_json("x"),
    ]


@cases.like("1.3")
def arrays(df: Any, path: str) -> Any:
    import numpy

    folio = df.DataFolio(path)
    back = folio.add_numpy("x", numpy.arange(6, dtype="float32").reshape(2, 3), "vectors", False, ["raw"], "embed()") is folio
    folio.add_numpy("scalar", numpy.array(3)).add_numpy("text", numpy.array(["a", "bcd"]))
    info = folio._items["x"]
    return [
        back,
        [array(folio.get_numpy(name)) for name in ("x", "scalar", "text")],
        [[folio._items[name]["shape"], folio._items[name]["dtype"]] for name in ("x", "scalar", "text")],
        [info["description"], info["inputs"], info["code"], info["item_type"]],
        raised(lambda: folio.add_numpy("x", numpy.arange(2)), "already exists"),
        raised(lambda: folio.add_numpy("y", [1, 2]), "Expected numpy array"),
        array(folio.add_numpy("x", numpy.arange(2), overwrite=True).get_numpy("x")),
    ]


@cases.like("2.3")
def arrays_of_many_types(df: Any, path: str) -> Any:
    import numpy

    folio = df.DataFolio(path)
    given = {
        "floats": numpy.arange(6.0).reshape(2, 3),
        "fortran": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
        "days": numpy.array(["2024-01-15", "NaT"], dtype="datetime64[D]"),
        "records": numpy.array([(1, 2.5)], dtype=[("a", "<i2"), ("b", "<f8")]),
        "big-endian": numpy.arange(3, dtype=">i4"),
        "complex": numpy.array([1 + 2j]),
        "empty": numpy.zeros((0, 3), dtype="uint8"),
        "bytes": numpy.array([b"ab", b"c"]),
        "zero": numpy.array(1.5),
    }
    for name, value in given.items():
        folio.add(name, value)
    return {name: [array(folio.get(name)), folio.item_info(name)["dtype"], folio.item_info(name)["shape"]] for name in given}


@cases.like("1.3")
def instants(df: Any, path: str) -> Any:
    import datetime

    zone = datetime.timezone(datetime.timedelta(hours=-5))
    folio = df.DataFolio(path)
    back = folio.add_timestamp("t", datetime.datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=zone), "start", False, ["raw"], "now()")
    folio.add_timestamp("unix", 1705314600).add_timestamp("float", 1705314600.25)
    info = folio._items["t"]
    return [
        back is folio,
        [str(folio.get_timestamp(name)) for name in ("t", "unix", "float")],
        [folio.get_timestamp(name, as_unix=True) for name in ("t", "unix", "float")],
        [info[key] for key in ("iso_string", "unix_timestamp", "description", "inputs", "code", "item_type")],
        raised(lambda: folio.add_timestamp("n", datetime.datetime(2024, 1, 1)), "Naive datetime objects are not allowed"),
        raised(lambda: folio.add_timestamp("n", "2024-01-01"), "Expected datetime or Unix timestamp"),
        raised(lambda: folio.add_timestamp("n", None), "Expected datetime or Unix timestamp"),
        raised(lambda: folio.add_timestamp("t", 0), "already exists"),
        str(folio.add_timestamp("t", 0, overwrite=True).get_timestamp("t")),
    ]


@cases.like("2.3")
def instants_by_add(df: Any, path: str) -> Any:
    import datetime

    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    folio = df.DataFolio(path).add("t", datetime.datetime(1969, 7, 20, 20, 17, 40, 7, tzinfo=zone)).add("n", 1705314600)
    return [str(folio.get("t")), folio.get("t", as_unix=True), folio.get("n"), folio.list_contents()]


@cases.like("1.3")
def models(df: Any, path: str) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    folio = df.DataFolio(path)
    back = folio.add_sklearn("a", model, "line", False, ["raw"], {"alpha": 1}, "fit()") is folio
    folio.add_model("b", model, "other").add_model("c", {"any": "object"}).add_sklearn("d", model, custom=True)
    info = folio.get_model_info("a")
    return [
        back,
        [round(float(getter(name).predict([[2.0]])[0]), 6) for getter in (folio.get_model, folio.get_sklearn) for name in ("a", "b")],
        folio.get_model("c"),
        [info[key] for key in ("model_type", "serialization_format", "description", "inputs", "hyperparameters", "code", "item_type")],
        folio.get_model_info("d")["serialization_format"],
        folio.models,
        raised(lambda: folio.add_model("a", model), "already exists"),
        raised(lambda: folio.add_sklearn("a", model), "already exists"),
        [folio.get_model_path(name).rpartition(".")[2] for name in ("a", "d")],
    ]


@cases.like("2.3")
def models_by_add(df: Any, path: str) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    folio = df.DataFolio(path).add("a", model).add_model("b", {"any": "object"}, description="x", inputs=["a"]).add("c", model, custom=True)
    return [
        round(float(folio.get("a").predict([[2.0]])[0]), 6),
        folio.get_model("b"),
        folio.get("b"),
        round(float(folio.get_model("c", trusted=True).predict([[2.0]])[0]), 6),
        [folio.item_info(name)["serialization_format"] for name in "abc"],
        folio.get_inputs("b"),
        raised(lambda: folio.add_model("a", model), "already exists"),
    ]


@cases.like("1.3")
def files(df: Any, path: str) -> Any:
    import os

    source = path + ".notes.tar.gz"
    open(source, "w").write("hello")
    folio = df.DataFolio(path)
    back = folio.add_artifact("notes", source, "docs", "of today") is folio
    folio.add_file(source).add_file(source, "named", "docs", "text", True)
    info = folio.get_artifact_info("notes")
    return [
        back,
        open(folio.get_artifact_path("notes")).read(),
        os.path.splitext(folio.get_artifact_path("notes"))[1],
        [info["category"], info["description"], info["original_path"] == source, info["item_type"]],
        folio.artifacts == ["notes", os.path.basename(source)[:-3], "named"],
        raised(lambda: folio.add_artifact("none", path + "-none"), "not found"),
        raised(lambda: folio.add_artifact("notes", source), "already exists"),
        "file_size" in info,
    ]


@cases.like("2.3")
def files_by_name(df: Any, path: str) -> Any:
    source = path + ".v1.txt"
    open(source, "w").write("hello")
    folio = df.DataFolio(path)
    back = folio.add_file(source).add_file(source, "named", category="docs", description="x") is folio
    return [back, folio.artifacts, folio.item_info("named")["category"], open(folio.get("named")).read(), folio.item_info("named")["file_size"]]


@cases.like("1.3")
def references(df: Any, path: str) -> Any:
    import pandas

    pandas.DataFrame({"a": [1, 2]}).to_parquet(path + ".parquet")
    folio = df.DataFolio(path)
    back = folio.reference_table("r", path + ".parquet", "parquet", 2, 4, "outside", ["raw"], "fetch()") is folio
    folio.reference_table("cloud", "s3://bucket/x.parquet").reference_table("delta", "s3://bucket/d", table_format="delta")
    info = folio.get_table_info("r")
    return [
        back,
        frame(folio.get_table("r")),
        {key: info[key] for key in ("num_rows", "version", "description", "inputs", "code", "item_type", "table_format", "is_directory")},
        folio.list_contents(),
        folio.get_table_info("cloud")["path"],
        folio.get_data_path("cloud"),
        info["path"] == "file://" + path + ".parquet",
        raised(lambda: folio.reference_table("r", path + ".parquet"), "already exists"),
        raised(lambda: folio.reference_table("x", path + ".parquet", table_format="excel"), "Unsupported table format"),
    ]


@cases.like("2.3")
def references_and_imports(df: Any, path: str) -> Any:
    import pandas

    rows = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    rows.to_parquet(path + ".parquet")
    rows.to_csv(path + ".csv", index=False)
    rows.to_feather(path + ".arrow", compression="uncompressed")
    folio = df.DataFolio(path).reference_table("r", path + ".parquet", description="outside", num_rows=2)
    folio.reference_table("c", path + ".csv", table_format="csv").reference_table("cloud", "s3://bucket/x.parquet")
    folio.reference_table("r", path + ".parquet", overwrite=True)
    folio.import_table("p", path + ".parquet", description="in").import_table("i", path + ".csv").import_table("f", path + ".arrow")
    return [
        {name: frame(folio.get(name)) for name in ("r", "c", "p", "f")},
        frame(folio.get("i"))["values"],
        folio.list_contents(),
        folio.mutable_references(),
        folio.item_info("cloud")["path"],
        folio.item_info("r")["mutable"],
        folio.item_path("cloud"),
        raised(lambda: folio.reference_table("c", path + ".csv"), "already exists"),
        raised(lambda: folio.reference_table("x", path + ".csv", table_format="excel"), "Unsupported table format"),
        raised(lambda: folio.import_table("x", path + ".parquet", table_format="excel")),
        raised(lambda: folio.import_table("p", path + ".parquet"), "already exists"),
    ]


@cases.like("1.3")
def add_data(df: Any, path: str) -> Any:
    import datetime

    import numpy
    import pandas

    folio = df.DataFolio(path)
    rows = pandas.DataFrame({"a": [1]})
    folio.add_data("frame", rows, description="d").add_data("array", numpy.arange(2)).add_data("dict", {"a": 1})
    folio.add_data("list", [1]).add_data("instant", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc))
    folio.add_data("ref", reference="s3://bucket/x.parquet", num_rows=3).add_data("text", "x").add_data("flag", True)
    return [
        folio.list_contents(),
        [folio.get_data("dict"), folio.get_data("list"), str(folio.get_data("instant")), folio.get_data("text")],
        frame(folio.get_data("frame")),
        raised(lambda: folio.add_data("x"), "Must provide either"),
        raised(lambda: folio.add_data("x", rows, reference="s3://b/x.parquet"), "Cannot provide both"),
        raised(lambda: folio.add_data("x", object()), "Unsupported data type"),
        raised(lambda: folio.add_data("x", {1, 2}), "Unsupported data type"),
    ]


@cases.like("1.3")
def a_number_given_to_add_data(df: Any, path: str) -> Any:
    return df.DataFolio(path).add_data("n", 1705314600)._items["n"]["item_type"]


@cases.unlike("1.3", theirs={"returned": "DataFolio"}, ours={"raises": ["ValueError"]})
def a_table_that_a_snapshot_holds(df: Any, path: str) -> Any:
    import pandas

    rows = pandas.DataFrame({"a": [1]})
    folio = df.DataFolio(path).add_table("t", rows).create_snapshot("v1", capture_git=False)
    return raised(lambda: folio.add_table("t", rows))


@cases.like("2.3")
def overwriting(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("x", 1, description="first", inputs=["a"]).add("y", 2)
    folio.archive("x").add("x", 2, overwrite=True)
    first = [folio.item_info("x").get("description"), folio.get_inputs("x"), folio.list_contents()["json_data"]]
    folio.add("x", 3, overwrite=True, description="")
    return [first, folio.item_info("x").get("description"), folio.get("x"), folio.list_contents()["json_data"]]


@pytest.mark.parametrize("release, case", cases.parameters())
def test_adding(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

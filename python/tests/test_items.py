"""Adding and reading items of every type."""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import datafolio
from datafolio.exceptions import (
    ExistsError,
    InvalidInputError,
    InvalidTypeError,
    NotFoundError,
    PayloadMissingError,
    ReadOnlyError,
)


def test_import_needs_nothing() -> None:
    import subprocess
    import sys

    script = (
        "import sys, datafolio; datafolio.DataFolio; datafolio.exceptions;"
        "print([name for name in ('pandas', 'numpy', 'pyarrow', 'polars') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_adding_returns_the_handle_and_names_stay_in_order(folio: datafolio.DataFolio) -> None:
    assert folio.add_json("b", 1).add_json("a", [2]) is folio
    assert list(folio) == ["b", "a"]
    assert "a" in folio and "c" not in folio and 3 not in folio
    assert len(folio) == 2


@pytest.mark.parametrize(
    "value",
    [{"a": [1, 2.5, None, True, "é"]}, [], {}, "text", 7, -0.25, None, True, 2**63, {"deep": {"er": [{"x": 1}]}}],
)
def test_json_values_come_back(folio: datafolio.DataFolio, value: object) -> None:
    folio.add("v", value)
    assert folio.get("v") == value
    assert type(folio.get("v")) is type(value)
    assert folio.get_json("v") == value


def test_what_json_has_no_form_of_is_made_plain_or_refused(folio: datafolio.DataFolio) -> None:
    folio.add("tuple", (1, (2,)))
    assert folio.get("tuple") == [1, [2]]
    folio.add("numpy", {"scalar": np.float32(0.5), "array": np.arange(3), "whole": np.int64(4)})
    assert folio.get("numpy") == {"scalar": 0.5, "array": [0, 1, 2], "whole": 4}
    with pytest.warns(UserWarning, match="set is stored as a list"):
        folio.add("set", {3, 1})
    assert folio.get("set") == [1, 3]
    with pytest.warns(UserWarning, match="stored as strings"):
        folio.add("keys", {1: "a"})
    assert folio.get("keys") == {"1": "a"}
    with pytest.raises(ValueError, match="two keys become '1'"):
        folio.add("collide", {1: "a", "1": "b"})
    with pytest.raises(TypeError, match=r"not JSON-serializable at a\.b"):
        folio.add_json("object", {"a": {"b": object()}})
    with pytest.raises(TypeError, match="not JSON-serializable"):
        folio.add_json("top", np.arange(3))
    folio.add("nan", [float("nan"), float("inf")])
    assert folio.get("nan") == [None, None]
    itself: list[object] = []
    itself.append(itself)
    with pytest.raises(ValueError, match="deep"):
        folio.add("itself", itself)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="int16").reshape(3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.array([], dtype="float32"),
        np.array(["a", "bcd"]),
        np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
        np.array([(1, 2.5)], dtype=[("a", "<i2"), ("b", "<f8")]),
        np.arange(3, dtype=">i4"),
        np.arange(10)[::2],
        np.array([True, False]),
        np.array([1 + 2j]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_back(folio: datafolio.DataFolio, array: np.ndarray) -> None:
    folio.add_numpy("x", array)
    back = folio.get_numpy("x")
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    mapped = folio.get_numpy("x", mmap=True)
    np.testing.assert_array_equal(mapped, array)
    if array.size and array.ndim:
        assert isinstance(mapped, np.memmap)


def test_a_large_array_goes_through_a_file(folio: datafolio.DataFolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datafolio._storing.LARGE_ARRAY", 100)
    folio.add("x", np.arange(1000.0))
    np.testing.assert_array_equal(folio.get("x"), np.arange(1000.0))


def test_arrays_that_cannot_be_stored(folio: datafolio.DataFolio) -> None:
    with pytest.raises(TypeError, match="Expected numpy array"):
        folio.add_numpy("x", [1, 2])
    with pytest.raises(ValueError, match="Python objects"):
        folio.add("x", np.array([object()]))
    with pytest.raises(ValueError, match="masked"):
        folio.add("x", np.ma.masked_array([1, 2], mask=[True, False]))
    assert "x" not in folio


def test_instants(folio: datafolio.DataFolio) -> None:
    berlin = datetime.timezone(datetime.timedelta(hours=1))
    moment = datetime.datetime(2026, 1, 15, 10, 30, 0, 123456, tzinfo=berlin)
    folio.add("t", moment)
    assert folio.get("t") == moment
    assert folio.get("t").utcoffset() == datetime.timedelta(0)
    assert folio.get_timestamp("t", as_unix=True) == pytest.approx(moment.timestamp(), abs=1e-6)
    folio.add_timestamp("u", 1_700_000_000)
    assert folio.get_timestamp("u") == datetime.datetime.fromtimestamp(1_700_000_000, datetime.timezone.utc)
    with pytest.raises(ValueError, match="Naive datetime objects are not allowed"):
        folio.add_timestamp("n", datetime.datetime(2026, 1, 1))
    with pytest.raises(TypeError, match="Expected datetime or Unix timestamp"):
        folio.add_timestamp("n", "2026-01-01")  # type: ignore[arg-type]


def test_files(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    source = tmp_path / "plot.v1.png"
    source.write_bytes(b"\x89PNG")
    folio.add_artifact("plot", source, category="figures", description="of the run")
    assert Path(folio.get("plot")).read_bytes() == b"\x89PNG"
    assert folio.get_artifact_path("plot").endswith(".png")
    info = folio.item_info("plot")
    assert (info["category"], info["description"], info["original_path"]) == ("figures", "of the run", str(source))
    assert folio.add_file(source).get("plot.v1").endswith(".png")
    with pytest.raises(FileNotFoundError, match="not found"):
        folio.add_artifact("none", tmp_path / "none.txt")


def test_models(folio: datafolio.DataFolio) -> None:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    folio.add("line", model)
    assert folio.get("line").predict([[2.0]]) == pytest.approx([5.0])
    assert folio.item_info("line")["model_type"] == "LinearRegression"
    folio.add_sklearn("skops", model, custom=True, hyperparameters={"fit_intercept": True})
    assert folio.item_info("skops")["hyperparameters"] == {"fit_intercept": True}
    assert folio.get_model("skops").predict([[2.0]]) == pytest.approx([5.0])
    assert folio.models == ["line", "skops"]
    with pytest.raises(ValueError, match="cannot be stored"):
        folio.add_model("lambda", lambda x: x)
    with pytest.raises(ValueError, match="not a data item"):
        folio.get_data("line")


def test_names_types_and_states_that_are_refused(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    folio.add("x", 1)
    with pytest.raises(ValueError, match="already exists") as taken:
        folio.add("x", 2)
    assert isinstance(taken.value, ExistsError) and taken.value.code == "item-exists"
    with pytest.raises(ValueError, match="cannot contain '@' symbol"):
        folio.add("a@b", 1)
    for name in ("", "../x", "a b", "x" * 300):
        with pytest.raises(ValueError):
            folio.add(name, 1)
    with pytest.raises(KeyError, match="'nothing' not found") as missing:
        folio.get("nothing")
    assert isinstance(missing.value, NotFoundError) and missing.value.code == "item-not-found"
    for method, text in [
        ("get_table", "is not a table"),
        ("get_numpy", "not a numpy array"),
        ("get_timestamp", "is not a timestamp"),
        ("get_model", "is not a model"),
    ]:
        with pytest.raises(ValueError, match=text):
            getattr(folio, method)("x")
    with pytest.raises(TypeError, match="does not take: custom"):
        folio.add("y", 1, custom=True)
    reader = datafolio.DataFolio(tmp_path / "study", read_only=True)
    with pytest.raises(RuntimeError, match="read-only") as refused:
        reader.add("y", 1)
    assert isinstance(refused.value, ReadOnlyError)
    Path(folio.item_path("x")).unlink()
    with pytest.raises(FileNotFoundError) as gone:
        folio.get("x")
    assert isinstance(gone.value, PayloadMissingError)


def test_names_that_were_perhaps_meant(folio: datafolio.DataFolio) -> None:
    folio.add("results", [1]).add_table("scores", pd.DataFrame({"a": [1]})).add("other", 2)
    folio.create_snapshot("submitted", capture_git=False)
    calls = [
        lambda: folio.get("reslts"),
        lambda: folio.get_json("Result"),
        lambda: folio.get_table("reslts"),
        lambda: folio.query_table("reslts", "SELECT * FROM table"),
        lambda: folio.data["reslts"],
        lambda: folio.item_info("reslts"),
        lambda: folio.versions("resultz"),
        lambda: folio.delete("reslts"),
        lambda: folio.rename("reslts", "x"),
        lambda: folio.update_item("reslts", description="x"),
        lambda: folio.snapshots["submitted"].get("reslts"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError, match=r"(?s)not found.*did you mean 'results'\?") as missing:
            call()
        assert (missing.value.code, missing.value.hint) == ("item-not-found", "did you mean 'results'?")
    with pytest.raises(AttributeError, match="did you mean 'results'"):
        assert folio.data.reslts
    for call in (
        lambda: folio.snapshots["submited"],
        lambda: folio.get_snapshot("submited"),
        lambda: folio.delete_snapshot("submited"),
        lambda: folio.restore_snapshot("submited", confirm=True),
        lambda: folio.compare_snapshots("submitted", "submited"),
        lambda: datafolio.DataFolio.load_snapshot(folio.path, "submited"),
    ):
        with pytest.raises(NotFoundError, match="did you mean 'submitted'"):
            call()
    with folio.batch():
        folio.add("fresh", 1)
        with pytest.raises(NotFoundError, match="did you mean 'fresh'"):
            folio.get("frsh")
    # What resembles nothing is told where to look.
    with pytest.raises(NotFoundError, match=r"list_contents\(\) shows"):
        folio.get("nothing")


def test_damage_is_noticed(folio: datafolio.DataFolio) -> None:
    folio.add("x", np.arange(100))
    path = Path(folio.item_path("x"))
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(datafolio.exceptions.CorruptError, match="'x'"):
        folio.get("x")
    assert folio.validate() == {"x": False}


def test_overwriting_keeps_the_description(folio: datafolio.DataFolio) -> None:
    folio.add("x", 1, description="first", inputs=["a"])
    folio.add("x", 2, overwrite=True)
    assert folio.item_info("x")["description"] == "first"
    assert folio.get_inputs("x") == []
    folio.add("x", 3, overwrite=True, description="")
    assert "description" not in folio.item_info("x")


def test_errors_survive_pickling(folio: datafolio.DataFolio) -> None:
    with pytest.raises(NotFoundError) as raised:
        folio.get("nothing")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again), again.code) == (NotFoundError, str(raised.value), "item-not-found")


def test_handles_pickle_by_path(folio: datafolio.DataFolio) -> None:
    folio.add("x", 1).create_snapshot("v1").add("x", 2, overwrite=True)
    assert pickle.loads(pickle.dumps(folio)).get("x") == 2
    assert pickle.loads(pickle.dumps(folio.get_snapshot("v1"))).get("x") == 1
    assert pickle.loads(pickle.dumps(folio.at_revision(2))).get("x") == 1
    own = datafolio.DataFolio(folio.path, settings={"threads": 1})
    for handle in (own, own.get_snapshot("v1"), own.at_revision(2)):
        assert pickle.loads(pickle.dumps(handle)).settings["threads"] == "1"


def test_add_data_looks_at_what_it_gets(folio: datafolio.DataFolio) -> None:
    with pytest.raises(ValueError, match="Must provide either"):
        folio.add_data("x")
    with pytest.raises(ValueError, match="Cannot provide both"):
        folio.add_data("x", 1, reference="x.parquet")
    with pytest.raises(TypeError, match="Unsupported data type"):
        folio.add_data("x", object())
    folio.add_data("frame", pd.DataFrame({"a": [1]})).add_data("polars", pl.DataFrame({"a": [1]}))
    folio.add_data("arrow", pa.table({"a": [1]})).add_data("value", {"a": 1}).add_data("array", np.arange(2))
    assert folio.list_contents() == {
        "referenced_tables": [],
        "included_tables": ["frame", "polars", "arrow"],
        "numpy_arrays": ["array"],
        "json_data": ["value"],
        "timestamps": [],
        "models": [],
        "artifacts": [],
    }


def test_wrong_types_are_errors_and_not_crashes(folio: datafolio.DataFolio) -> None:
    with pytest.raises(InvalidTypeError, match="Expected a pandas or Polars DataFrame"):
        folio.add_table("x", 5)
    with pytest.raises(TypeError, match="Expected a pandas or Polars DataFrame"):
        folio.add_table("x", {"a": [1]})
    with pytest.raises(TypeError):
        folio.add(5, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        folio.get_json("x") if "x" in folio else folio.add("a/../b", 1)

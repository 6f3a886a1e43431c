"""Tables of every library, in part and in chunks."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datafolio


@pytest.fixture
def scores(folio: datafolio.DataFolio) -> datafolio.DataFolio:
    """A bundle with a table of 25,000 rows from pandas."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"id": np.arange(25_000), "score": rng.normal(size=25_000), "kind": rng.choice(["a", "b", "c"], 25_000)}
    )
    return folio.add_table("scores", frame, description="of the demo")


def frame_of_many_types() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "small": np.array([1, 2, 3], dtype="int8"),
            "real": [0.5, None, -2.0],
            "flag": [True, False, True],
            "text": ["a", None, "ü"],
            "kind": pd.Categorical(["x", "y", "x"]),
            "when": pd.to_datetime(["2026-01-01", None, "2026-01-03"], utc=True),
            "naive": pd.to_datetime(["2026-01-01", "2026-01-02", None]),
            "span": pd.to_timedelta(["1h", None, "3d"]),
            "list": [[1, 2], [], None],
        }
    )


def test_a_frame_of_pandas_comes_back_as_pandas_reads_the_file(folio: datafolio.DataFolio) -> None:
    frame = frame_of_many_types()
    folio.add_table("t", frame)
    back = folio.get_table("t")
    pd.testing.assert_frame_equal(back, pd.read_parquet(folio.get_table_path("t")))
    pd.testing.assert_frame_equal(back.drop(columns="list"), frame.drop(columns="list"))
    assert folio.item_info("t")["dataframe_library"] == "pandas"


def test_a_frame_of_polars_comes_back_as_polars(folio: datafolio.DataFolio) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], [2, 3]], "d": [datetime.date(2026, 1, 1), None]})
    folio.add_table("t", frame)
    assert folio.get_table("t").equals(frame)
    assert folio.get_table("t").schema == frame.schema
    assert isinstance(folio.get_table("t", return_type="pandas"), pd.DataFrame)
    assert isinstance(folio.get("t"), pd.DataFrame)
    assert folio.get("t", frame="polars").equals(frame)


@pytest.mark.parametrize("library", ["arrow", "batch reader", "duckdb", "narwhals", "lazy", "chunks", "batches", "table"])
def test_whatever_hands_over_rows_is_a_table(folio: datafolio.DataFolio, library: str) -> None:
    wanted = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    given = {
        "arrow": lambda: wanted,
        "batch reader": lambda: wanted.to_reader(),
        "duckdb": lambda: duckdb.from_arrow(wanted),
        "narwhals": lambda: narwhals.from_native(pl.from_arrow(wanted)),
        "lazy": lambda: pl.from_arrow(wanted).lazy(),
        "chunks": lambda: (wanted.slice(at, 1) for at in range(3)),
        "batches": lambda: wanted.to_batches(),
        "table": lambda: datafolio.Table(wanted),
    }[library]()
    folio.add_table("t", given)
    assert folio.get_table("t", "arrow").to_pydict() == wanted.to_pydict()


def test_chunks_are_written_one_by_one(folio: datafolio.DataFolio) -> None:
    alive = 0
    most = 0

    class Chunk:
        def __init__(self, at: int) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            self.table = pa.table({"a": np.arange(at * 1000, at * 1000 + 1000)})

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.table.__arrow_c_stream__(requested_schema)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    folio.add_table("t", (Chunk(at) for at in range(50)))
    assert folio.table_info("t")["rows"] == 50_000
    assert most <= 3


def test_an_iterator_that_fails_leaves_nothing(folio: datafolio.DataFolio) -> None:
    def chunks() -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"a": [1]})
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        folio.add_table("t", chunks())
    assert "t" not in folio
    with pytest.raises(ValueError, match="gives no chunk"):
        folio.add_table("t", iter([]))
    with pytest.raises(TypeError, match="item 1 of the iterator"):
        folio.add_table("t", [pd.DataFrame({"a": [1]}), 7])


def test_series_and_indexes(folio: datafolio.DataFolio) -> None:
    series = pd.Series([1.5, 2.5], name="x")
    folio.add("series", series)
    pd.testing.assert_series_equal(folio.get("series"), series)
    indexed = pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]))
    with pytest.warns(UserWarning, match="index of the frame is not stored"):
        folio.add("dropped", indexed)
    assert list(folio.get("dropped").columns) == ["v"]
    folio.add("kept", indexed, preserve_index=True)
    pd.testing.assert_frame_equal(folio.get("kept"), indexed)
    numbered = pd.DataFrame({0: [1], 1: [2]})
    folio.add("numbered", numbered)
    assert list(folio.get("numbered").columns) == ["0", "1"]


def test_frames_that_cannot_be_stored(folio: datafolio.DataFolio) -> None:
    with pytest.raises(ValueError, match=r"column 'm' holds values of several types: int, and str in row 2"):
        folio.add("mixed", pd.DataFrame({"ok": [1, 2, 3], "m": pd.Series([1, 2, "x"], dtype=object)}))
    with pytest.raises(ValueError, match="column 'o' holds values of type object"):
        folio.add("objects", pd.DataFrame({"o": [object()]}))
    with pytest.raises(ValueError, match="same label: a"):
        folio.add("twice", pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert list(folio) == []


def test_a_part_of_a_table(scores: datafolio.DataFolio) -> None:
    whole = pd.read_parquet(scores.get_table_path("scores"))
    part = scores.get_table("scores", columns=["score", "id"], offset=10_000, limit=5_000)
    pd.testing.assert_frame_equal(part, whole[["score", "id"]].iloc[10_000:15_000].reset_index(drop=True))
    some = scores.get_table("scores", where="kind = 'a' AND score > 1", limit=10)
    expected = whole[(whole.kind == "a") & (whole.score > 1)].head(10).reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected)
    assert scores.get_table("scores", "polars", limit=3).height == 3
    assert scores.get_table("scores", "arrow", offset=30_000).num_rows == 0
    filtered = scores.get_table("scores", columns=["id"], filters=[("id", "<", 3)])
    assert list(filtered["id"]) == [0, 1, 2]
    with pytest.raises(ValueError, match='no column "nothing"'):
        scores.get_table("scores", columns=["nothing"])
    with pytest.raises(ValueError, match="Invalid return_type"):
        scores.get_table("scores", return_type="frame")
    with pytest.raises(ValueError, match="offset must not be negative"):
        scores.get_table("scores", offset=-1)


def test_chunks(scores: datafolio.DataFolio) -> None:
    whole = pd.read_parquet(scores.get_table_path("scores"))
    chunks = list(scores.iter_table("scores"))
    assert [len(chunk) for chunk in chunks] == [10_000, 10_000, 5_000]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)
    low = pd.concat(scores.iter_table("scores", 1_000, columns=["id"], where="score < -1"), ignore_index=True)
    assert list(low["id"]) == list(whole[whole.score < -1]["id"])
    ranges = scores.split_table("scores", 3)
    rows = [pl.concat(scores.iter_table("scores", 999, return_type="polars", start_row=a, end_row=b)) for a, b in ranges]
    assert pl.concat(rows)["id"].to_list() == list(range(25_000))
    for size, says in ((0, "must be positive"), (-1, "must be positive"), (True, "is a whole number"), (2.5, "is a whole number")):
        with pytest.raises(ValueError, match=f"chunk_size {says}"):
            scores.iter_table("scores", chunk_size=size)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        scores.iter_table("none")
    with pytest.raises(ValueError, match="rows from 20 to 10"):
        scores.iter_table("scores", start_row=20, end_row=10)


def test_a_walk_tells_where_it_is(scores: datafolio.DataFolio) -> None:
    whole = scores.get_table("scores")
    chunks = scores.iter_table("scores", 4_000, start_row=1_000, progress=lambda part: True)
    assert chunks.position == 1_000
    assert (len(next(chunks)), chunks.position) == (4_000, 5_000)
    chunks.close()
    assert list(chunks) == []
    rest = pd.concat(scores.iter_table("scores", start_row=chunks.position), ignore_index=True)
    pd.testing.assert_frame_equal(rest, whole[5_000:].reset_index(drop=True))
    # With a condition it is a row of the table all the same.
    kept = scores.iter_table("scores", 10, where="kind = ?", params=["a"])
    assert next(kept)["id"].iloc[-1] == kept.position - 1


def test_values_of_a_condition_are_bound(scores: datafolio.DataFolio) -> None:
    whole = scores.get_table("scores")
    some = whole[(whole.kind == "a") & (whole.score > 1.5)].reset_index(drop=True)
    assert 0 < len(some) < len(whole)
    asked: list[tuple[str, Any]] = [
        ("kind = ? AND score > ?", ["a", 1.5]),
        ("kind = ? AND score > ?", ("a", decimal.Decimal("1.5"))),
        ("kind = $kind AND score > $least", {"least": np.float64(1.5), "kind": "a"}),
    ]
    for where, params in asked:
        pd.testing.assert_frame_equal(scores.get_table("scores", where=where, params=params), some)
        chunks = scores.iter_table("scores", 100, where=where, params=params)
        pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), some)
        assert scores.describe_table("scores", where=where, params=params)["rows"] == len(some)
    assert len(scores.get_table("scores", where="kind = ?", params=["x' OR kind = 'a"])) == 0
    for where, params, says in (
        ("kind = ?", None, "place 1 has no value"),
        ("kind = ?", ["a", "b"], "no place for value 2"),
        (None, ["a"], "`where`, which is not given"),
        ("kind = ?", [decimal.Decimal("1e99")], "38 digits"),
    ):
        with pytest.raises(ValueError, match=says):
            scores.get_table("scores", where=where, params=params)
    with pytest.raises(TypeError, match="a list for the"):
        scores.get_table("scores", where="kind = ?", params="a")


def test_instants_are_values_to_the_microsecond_or_not_at_all(folio: datafolio.DataFolio) -> None:
    times = pd.to_datetime(["2024-01-01T00:00:00.123456789", "2024-01-01T00:00:00.123456000"]).as_unit("ns")
    folio.add_table("t", pd.DataFrame({"i": [1, 2], "t": times}))
    for value in (times[1], times[1].to_pydatetime(), times[1].to_datetime64(), np.datetime64(times[1], "us")):
        assert folio.get_table("t", where="t = ?", params=[value])["i"].tolist() == [2]
    for value in (times[0], times[0].to_datetime64()):
        with pytest.raises(ValueError, match=r"has nanoseconds.*TIMESTAMP_NS"):
            folio.delete_rows("t", "t = ?", params=[value])
    exact = folio.get_table("t", where="t = CAST(? AS TIMESTAMP_NS)", params=[str(times[0])])
    assert exact["i"].tolist() == [1]
    for nothing in (pd.NaT, np.datetime64("NaT"), pd.NA, None):
        assert folio.query("SELECT ? IS NULL AS n", params=[nothing]).to_pydict() == {"n": [True]}


def test_changes_take_values_and_can_be_told(scores: datafolio.DataFolio) -> None:
    identity = uuid.uuid4()
    done = scores.update_table("scores", "id = ?", {"score": "? * 2", "kind": "?"}, params=[7, 21, identity], report=True)
    assert (done["rows"], done["num_rows"]) == (1, 25_000)
    changed = scores.get_table("scores", where="kind = ?", params=[identity])
    assert changed[["id", "score"]].to_numpy().tolist() == [[7, 42]]
    done = scores.delete_rows("scores", "id BETWEEN $least AND $most", params={"least": 0, "most": 9}, report=True)
    assert (done["rows"], done["num_rows"]) == (10, 24_990)
    done = scores.append_table("scores", changed, report=True)
    assert (done["rows"], done["num_rows"], done["created"]) == (1, 24_991, False)
    done = scores.compact("scores", report=True)
    assert (done["parts_after"], done["rows"]) == (1, 24_991)
    assert scores.delete_rows("scores", "false") is scores
    pieces = list(scores.iter_diff_table_rows("scores", before=2, key=["id"]))
    assert sum(len(piece) for piece in pieces) == len(scores.diff_table_rows("scores", before=2, key=["id"]))


def test_an_iterator_keeps_to_its_version(scores: datafolio.DataFolio) -> None:
    chunks = scores.iter_table("scores", 20_000, columns=["id"])
    first = next(chunks)
    scores.add_table("scores", pd.DataFrame({"id": [1]}), overwrite=True)
    assert len(first) + sum(len(chunk) for chunk in chunks) == 25_000


def test_facts(scores: datafolio.DataFolio) -> None:
    info = scores.table_info("scores")
    file = Path(scores.get_table_path("scores"))
    assert (info["rows"], info["columns"], info["column_names"]) == (25_000, 3, ["id", "score", "kind"])
    assert info["size_mb"] == pytest.approx(file.stat().st_size / 1e6)
    assert info["dtypes"]["score"] == "double"
    assert info["parquet_schema"].names == pq.read_schema(file).names
    assert info["parquet_schema"].types == pq.read_schema(file).types
    assert datetime.datetime.fromisoformat(info["created_at"]).tzinfo is not None
    described = scores.describe_table("scores", columns=["score"])
    column = described["columns"][0]
    whole = pd.read_parquet(file)
    assert column["mean"] == pytest.approx(whole.score.mean())
    assert scores.preview_table("scores", n=5)["id"].tolist() == [0, 1, 2, 3, 4]
    sample = scores.sample_table("scores", 100, seed=3)
    assert len(sample) == 100 and sample["id"].is_unique
    assert sample.equals(scores.sample_table("scores", 100, seed=3))


def test_paths_are_absolute_and_other_tools_read_them(scores: datafolio.DataFolio) -> None:
    scores.add_table("other", pl.DataFrame({"a": [1, 2]}))
    paths = scores.get_all_table_paths()
    assert set(paths) == {"scores", "other"}
    assert Path(scores.get_table_path("scores")).is_absolute()
    assert duckdb.sql(f"SELECT count(*) FROM '{paths['scores']}'").fetchall() == [(25_000,)]
    assert scores.scan_table("other").select(pl.col("a").sum()).collect().item() == 3
    with pytest.raises(ValueError, match="is not a table"):
        scores.add("j", 1).get_table_path("j")
    with pytest.raises(KeyError):
        scores.get_table_path("none")


def test_appending(folio: datafolio.DataFolio) -> None:
    folio.append_table("log", pd.DataFrame({"a": [1], "b": ["x"]}))
    folio.create_snapshot("v1")
    folio.append_table("log", pl.DataFrame({"b": ["y"], "a": [2]}))
    assert folio.get_table("log").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert folio.snapshots["v1"].get_table("log").to_dict("list") == {"a": [1], "b": ["x"]}
    with pytest.raises(ValueError, match=r'column "c": the table does not have it(?s:.*)evolve=True'):
        folio.append_table("log", pd.DataFrame({"a": [3], "b": ["z"], "c": [1.0]}))
    folio.append_table("log", pd.DataFrame({"a": [3], "b": ["z"], "c": [1.0]}), evolve=True)
    assert len(folio.get_table_paths("log")) == 3
    with pytest.raises(ValueError, match="get_table_paths"):
        folio.get_table_path("log")
    folio.compact("log")
    assert folio.get_table("log")["c"].isna().tolist() == [True, True, False]
    folio.delete_rows("log", "a = 1").update_table("log", "a = 2", {"b": "upper(b)"})
    assert folio.get_table("log").to_dict("list")["b"] == ["Y", "z"]
    difference = folio.diff_table("log", before="v1", key=["a"])
    assert (difference["added"], difference["removed"]) == (2, 1)


def test_versions(scores: datafolio.DataFolio) -> None:
    before = scores.revision
    first = scores.versions("scores")[0]
    scores.add_table("scores", pd.DataFrame({"id": [7]}), overwrite=True)
    assert len(scores.get_table("scores")) == 1
    assert len(scores.get_table("scores", version=first["version"])) == 25_000
    assert len(scores.get_table("scores", version=before)) == 25_000
    assert len(scores.get_table("scores", timestamp=first["created_at"])) == 25_000
    assert len(scores.get_table("scores", timestamp="2999-01-01")) == 1
    with pytest.raises(KeyError, match=r"there was no table .scores. at 1999"):
        scores.get_table("scores", timestamp="1999-01-01")
    with pytest.raises(ValueError, match="timestamp 'yesterday'"):
        scores.get_table("scores", timestamp="yesterday")


def test_references_and_imports(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(10), "b": list("abcdefghij")})
    frame.to_parquet(tmp_path / "x.parquet")
    frame.to_csv(tmp_path / "x.csv", index=False)
    folio.reference_table("ref", tmp_path / "x.parquet", description="outside")
    pd.testing.assert_frame_equal(folio.get_table("ref"), frame)
    assert folio.query_table("ref", "SELECT sum(a) AS s FROM table")["s"].tolist() == [45]
    assert folio.mutable_references() == ["ref"]
    assert folio.check_references()[0]["name"] == "ref"
    folio.import_table("csv", tmp_path / "x.csv").import_table(None, tmp_path / "x.parquet")
    assert folio.get_table("csv").a.tolist() == list(range(10))
    assert folio.get_table("x").equals(frame)
    with pytest.raises(ValueError, match="Unsupported table format"):
        folio.reference_table("bad", tmp_path / "x.parquet", table_format="excel")
    with pytest.raises(ValueError, match="Unsupported table format"):
        folio.import_table("bad", tmp_path / "x.csv", table_format="excel")
    with pytest.raises(FileNotFoundError):
        folio.import_table("none", tmp_path / "none.csv")


def test_a_large_table_is_not_loaded_by_accident(tmp_path: Path) -> None:
    folio = datafolio.DataFolio(tmp_path / "b", max_eager_bytes=100)
    folio.add("t", pd.DataFrame({"a": range(1000)}))
    with pytest.raises(ValueError, match="more than the 100 that are loaded"):
        folio.get("t")
    assert len(folio.get("t", allow_full_load=True)) == 1000
    assert len(folio.get_table("t")) == 1000


def test_rows_in_memory_are_shared_and_not_copied(folio: datafolio.DataFolio) -> None:
    folio.add_table("t", pa.table({"a": np.arange(1000.0)}))
    table = folio.get_table("t", "arrow")
    first, second = (pa.table(table)["a"].chunk(0).buffers()[1].address for _ in range(2))
    assert first == second
    assert pl.DataFrame(table)["a"].sum() == 499_500
    assert table.to_numpy()["a"].sum() == 499_500
    assert table.head(2).to_pylist() == [{"a": 0.0}, {"a": 1.0}]
    assert table.slice(998).to_pydict() == {"a": [998.0, 999.0]}
    assert "1,000 rows" in repr(table) and "<table>" in table._repr_html_()


def test_plain_values_are_those_of_pyarrow(folio: datafolio.DataFolio) -> None:
    table = pa.Table.from_pandas(frame_of_many_types())
    table = table.append_column("nested", pa.array([{"x": 1, "y": [b"a"]}, None, {"x": None, "y": []}]))
    table = table.append_column("money", pa.array(["1.50", None, "-2.25"]).cast(pa.decimal128(10, 2)))
    table = table.append_column("time", pa.array([datetime.time(1, 2, 3, 4), None, datetime.time(0)]))
    table = table.append_column("zone", pa.array([0, None, 1], pa.timestamp("us", "Europe/Berlin")))
    expected = table.cast(pa.schema([_micros(field) for field in table.schema])).to_pydict()
    assert datafolio.Table(table).to_pydict() == expected


def _micros(field: pa.Field) -> pa.Field:
    """pyarrow makes values of pandas from nanoseconds; plain ones have microseconds."""
    if pa.types.is_timestamp(field.type):
        return field.with_type(pa.timestamp("us", field.type.tz))
    if pa.types.is_duration(field.type):
        return field.with_type(pa.duration("us"))
    return field


def test_times_of_day_to_the_microsecond_or_not_at_all(folio: datafolio.DataFolio) -> None:
    rough = pa.table({"i": [1, 2, 3], "at": pa.array([1_000, None, 86_399_999_999_000], pa.time64("ns"))})
    folio.add_table("rough", rough)
    expected = rough.to_pandas()
    assert expected["at"].tolist()[0] == datetime.time(0, 0, 0, 1)
    pd.testing.assert_frame_equal(folio.get_table("rough", "pandas"), expected)
    fine = pa.table({"i": [1, 2], "at": pa.array([1_000, 1_001], pa.time64("ns"))})
    nested = pa.table({"i": [1], "of": pa.array([[1_001]], pa.list_(pa.int64())).cast(pa.list_(pa.time64("ns")))})
    folio.add_table("fine", fine).add_table("nested", nested)
    for name, column in (("fine", "at"), ("nested", "of")):
        for read in (
            lambda name=name: folio.get_table(name, "pandas"),
            lambda name=name: next(folio.iter_table(name, return_type="pandas")),
            lambda name=name: folio.get_table(name, "arrow").to_pandas(),
            lambda name=name: folio.get_table(name, "arrow").to_numpy(),
        ):
            with pytest.raises(datafolio.exceptions.InvalidInputError, match=f"(?s)column '{column}'.*nanoseconds.*polars") as told:
                read()
            assert isinstance(told.value.__cause__, pa.ArrowInvalid)
        assert folio.get_table(name, "pandas", columns=["i"])["i"].tolist() == folio.get_table(name, "polars")["i"].to_list()
    assert pa.table(folio.get_table("fine", "arrow"))["at"].cast(pa.int64()).to_pylist() == [1_000, 1_001]
    # What pyarrow refuses for another reason is not told as this.
    with pytest.raises(pa.ArrowInvalid, match="zero copy"):
        folio.get_table("fine", "arrow").slice(0, 1).to_pandas(zero_copy_only=True)


def test_the_version_of_a_time(folio: datafolio.DataFolio) -> None:
    folio.add("first", 1)
    for value in (1, 2):
        folio.add_table("t", pd.DataFrame({"x": [value]}), overwrite=True)
    folio.undo()
    times = [entry["timestamp"] for entry in folio.log()]
    # The newest first: the table of 1 came back.
    assert [folio.get_table("t", timestamp=time)["x"][0] for time in times[:3]] == [1, 2, 1]
    with pytest.raises(KeyError, match="there was no table 't' at"):
        folio.get_table("t", timestamp=times[3])
    with pytest.raises(KeyError, match="there was no table 't' at"):
        folio.get_table("t", timestamp="2001-02-03")
    for step in range(80):
        folio.metadata["step"] = step
    assert folio.get_table("t", timestamp=times[1])["x"][0] == 2
    assert folio.table_info("t").get("parquet_schema").names == ["x"] and folio.table_info("t").get("none", 3) == 3


def test_values_that_people_write(scores: datafolio.DataFolio) -> None:
    scores.create_snapshot("then", capture_git=False)
    columns = list(scores.table_info("scores")["column_names"])
    first = columns[0]
    scores.add_table("t", pd.DataFrame({"k": [1, 2], "x": [1.0, 2.0], "b": [True, True]}), inputs="scores")
    assert scores.get_inputs("t") == ["scores"]
    scores.update_table("t", "k = 1", {"x": 5, "b": None})
    assert scores.get_table("t", return_type="arrow").to_pydict() == {"k": [1, 2], "x": [5.0, 2.0], "b": [None, True]}
    with pytest.raises(TypeError, match="no SQL expression"):
        scores.update_table("t", "k = 1", {"x": [1]})  # type: ignore[dict-item]
    assert [len(chunk) for chunk in scores.iter_table("t", chunk_size=np.int64(1))] == [1, 1]
    scores.delete_rows("scores", "1 = 1")
    assert len(scores.get_table("scores")) == 0 and len(scores.get_table("scores", version="then")) > 0
    assert scores.frame("scores", version="then").count() == len(scores.get_table("scores", version="then"))
    with pytest.raises(KeyError, match='no column "none"') as unknown:
        scores.get_table("scores", columns=["none"], version="then")
    assert isinstance(unknown.value, ValueError) and first in str(unknown.value)
    with pytest.raises(TypeError, match="the name of an item is text"):
        scores.add(3, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("inside", ["a batch", "none"])
def test_rows_are_fetched_in_the_thread_that_calls(folio: datafolio.DataFolio, inside: str) -> None:
    # A connection to SQLite refuses every other thread.
    connection = sqlite3.connect(":memory:")
    connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3), (4), (5);")

    def batches() -> Iterator[pa.RecordBatch]:
        for (value,) in connection.execute("SELECT x FROM t"):
            yield pa.record_batch({"x": [value]})

    with folio.batch() if inside == "a batch" else contextlib.nullcontext():
        folio.add_table("chunks", pd.read_sql("SELECT * FROM t", connection, chunksize=2))
        folio.add_table("stream", pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), batches()))
        folio.append_table("chunks", pd.read_sql("SELECT * FROM t WHERE x > 3", connection, chunksize=1))
    assert folio.get_table("chunks")["x"].tolist() == [1, 2, 3, 4, 5, 4, 5]
    assert folio.get_table("stream")["x"].tolist() == [1, 2, 3, 4, 5]


def test_frames_of_an_iterator_are_looked_at_one_by_one(folio: datafolio.DataFolio) -> None:
    first = pd.DataFrame({"i": [1], "s": ["b"]})
    folio.append_table("t", first)
    folio.append_table("t", iter([first, pd.DataFrame({"s": ["c"], "i": [77]})]))
    assert folio.get_table("t", "arrow").to_pydict() == {"i": [1, 1, 77], "s": ["b", "b", "c"]}
    for other in (
        pd.DataFrame({"i": [2.9], "s": ["d"]}),
        pd.DataFrame({"i": [3], "s": ["e"], "lost": [1]}),
        pd.DataFrame({"i": [3]}),
        pl.DataFrame({"i": ["q"], "s": ["e"]}),
        pa.table({"i": [3], "t": ["e"]}),
    ):
        with pytest.raises(datafolio.exceptions.InvalidInputError) as raised:
            folio.append_table("t", iter([first, other]), evolve=True)
        assert raised.value.code == "schema-mismatch"
    assert folio.table_info("t")["rows"] == 3
    with pytest.raises(datafolio.exceptions.InvalidInputError, match='column "i" is double in a later batch, and int64'):
        folio.add_table("n", iter([first, pd.DataFrame({"i": [2.9], "s": ["d"]})]))
    assert "n" not in folio


@pytest.mark.parametrize("table_format", ["parquet", "arrow"])
def test_frames_that_make_a_table_go_by_the_names_of_their_columns(folio: datafolio.DataFolio, table_format: str) -> None:
    frames = (
        pd.DataFrame({"a": [1], "b": [2], "s": ["x"]}),
        pd.DataFrame({"b": [20], "s": ["y"], "a": [10]}),
        pl.DataFrame({"s": ["z"], "b": [200], "a": [100]}),
        # Without a value that tells its type.
        pd.DataFrame({"b": [4], "a": [3], "s": pd.Series([None], dtype=object)}),
    )
    wanted = {"a": [1, 10, 100, 3], "b": [2, 20, 200, 4], "s": ["x", "y", "z", None]}
    folio.add_table("added", iter(frames), table_format=table_format)
    folio.append_table("appended", iter(frames), table_format=table_format)
    for name in ("added", "appended"):
        assert folio.get_table(name, "arrow").to_pydict() == wanted
    # Sums of SQL too, whose types are marked.
    sums = [folio.query(f"SELECT {what} FROM added") for what in ("sum(a) AS a, sum(b) AS b", "sum(b) AS b, sum(a) AS a")]
    folio.add_table("sums", iter(sums), overwrite=True)
    assert folio.get_table("sums", "arrow").to_pydict() == {"a": [114, 114], "b": [226, 226]}


def test_chunks_of_a_walk_have_the_types_of_the_table(folio: datafolio.DataFolio) -> None:
    big = 2**53 + 1
    table = pa.table(
        {
            "few": pa.array([1, 2, None, 4, 5], pa.int32()),
            "big": pa.array([None, None, big, 1, 2], pa.int64()),
            "every": [1, 2, 3, 4, 5],
            "flag": pa.array([None, None, True, False, True], pa.bool_()),
            "sure": [True, False, True, False, True],
            "x": [0.5, None, 1.5, None, 2.5],
            "s": ["a", "b", None, "d", "e"],
        }
    )
    folio.add_table("t", table)
    whole = folio.get_table("t")

    def kinds(name: str, **options: Any) -> list[str]:
        """The types of the first six columns, which all chunks have."""
        (found,) = {tuple(map(str, chunk.dtypes)) for chunk in folio.iter_table(name, 2, return_type="pandas", **options)}
        return list(found[:6])

    of_table = ["float64", "Int64", "int64", "boolean", "bool", "float64"]
    for options in ({}, {"where": "every > 3"}, {"start_row": 3}, {"progress": lambda part: True}):
        assert kinds("t", **options) == of_table
    joined = pd.concat(folio.iter_table("t", 2), ignore_index=True)
    exact = ["few", "every", "sure", "x", "s"]
    pd.testing.assert_frame_equal(joined[exact], whole[exact])
    assert joined["big"].tolist()[2:] == [big, 1, 2] != whole["big"].tolist()[2:]
    assert pa.array(joined["flag"]).to_pylist() == table["flag"].to_pylist()

    # The first chunk has no value in some columns, and no missing one in others.
    folio.append_table("copy", folio.iter_table("t", 2))
    assert folio.get_table("copy", "arrow").to_pydict() == table.to_pydict()
    pd.testing.assert_frame_equal(folio.get_table("copy")[exact], whole[exact])
    folio.append_table("copy", folio.iter_table("t", 3, start_row=1))
    assert folio.table_info("copy")["rows"] == 9
    folio.append_table("t", folio.iter_table("t", 2, return_type="arrow"))
    assert folio.table_info("t")["rows"] == 10 and kinds("t") == of_table

    # Nobody tells whether values are missing there.
    folio.add_table("mapped", table, table_format="arrow").add_view("seen", "SELECT * FROM mapped")
    for name in ("mapped", "seen"):
        assert kinds(name) == ["Int32", "Int64", "Int64", "boolean", "boolean", "float64"]
        joined = pd.concat(folio.iter_table(name, 2, return_type="pandas"), ignore_index=True)
        assert pa.Table.from_pandas(joined, preserve_index=False).to_pydict() == table.to_pydict()

    first = folio.versions("t")[-1]["version"]
    folio.add_table("t", table.select(["few", "big"]).slice(3), overwrite=True)
    assert kinds("t") == ["int32", "int64"] and kinds("t", version=first) == of_table


def test_sums_of_sql_have_one_type_in_the_chunks_of_a_view(folio: datafolio.DataFolio) -> None:
    folio.add_table("t", pa.table({"k": [1, 2, 3], "n": [7, None, 2**53 + 1]}))
    folio.add_view("sums", "SELECT k, sum(n) AS n FROM t GROUP BY k ORDER BY k")
    chunks = list(folio.iter_table("sums", 1, return_type="pandas"))
    assert [str(chunk["n"].dtype) for chunk in chunks] == ["Int64"] * 3
    assert pa.array(pd.concat(chunks)["n"]).to_pylist() == [7, None, 2**53 + 1]


def test_versions_that_a_table_does_not_have(scores: datafolio.DataFolio) -> None:
    scores.create_snapshot("without", capture_git=False)
    before = scores.revision
    scores.add_table("later", pd.DataFrame({"a": [1]}))
    for version, says in ((before, f"no table 'later' at revision {before}"), ("without", "no table 'later' in snapshot 'without'")):
        for read in (scores.get_table, scores.iter_table, scores.frame):
            with pytest.raises(KeyError, match=f"(?s){says}.*versions\\('later'\\)") as told:
                read("later", version=version)
            assert told.value.code == "version-not-found"
    # What is not there at all is told first.
    for version in (before, "without", 2.5, -1):
        with pytest.raises(KeyError, match="Item 'none' not found"):
            scores.get_table("none", version=version)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [lambda frame: frame, lambda frame: frame.lazy(), lambda frame: iter([frame])])
def test_columns_of_nulls_alone_of_polars(folio: datafolio.DataFolio, form: Any) -> None:
    frame = pl.DataFrame({"a": [1, 2], "n": [None, None], "l": [[None], []]})
    folio.add_table("x", form(frame))
    assert folio.get_table("x", "arrow").to_pydict() == frame.to_dict(as_series=False)
    folio.append_table("y", form(frame.select("a", "n")))
    folio.append_table("y", form(pl.DataFrame({"a": [3], "n": [None]})))
    assert folio.get_table("y", "arrow").to_pydict() == {"a": [1, 2, 3], "n": [None] * 3}

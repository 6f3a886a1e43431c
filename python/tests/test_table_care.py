"""Tables that are damaged, have grown or have changed, as other libraries would read them; arguments that are none."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import datafolio
from datafolio.exceptions import (
    CorruptError,
    InvalidInputError,
    InvalidTypeError,
    PayloadMissingError,
    ReferenceChangedWarning,
)


@pytest.fixture
def grown(folio: datafolio.DataFolio) -> datafolio.DataFolio:
    """A table of three files, of which the last has a column more."""
    for start in (0, 10):
        folio.append_table("t", pd.DataFrame({"x": range(start, start + 10)}))
    return folio.append_table("t", pd.DataFrame({"y": [1.5, 2.5], "x": [20, 21]}), evolve=True)


def damaged(folio: datafolio.DataFolio, place: int) -> Path:
    path = Path(folio.get_table_paths("t")[place])
    whole = bytearray(path.read_bytes())
    # Among the values, which Parquet itself has no checksum of.
    whole[40] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(whole)
    return path


def test_columns_that_came_later_are_there_for_other_libraries(grown: datafolio.DataFolio) -> None:
    scanned = grown.scan_table("t").collect()
    assert scanned.columns == ["x", "y"]
    assert scanned.equals(grown.get_table("t", "polars"))
    assert grown.scan_table("t").filter(pl.col("x") > 18).select("y").collect()["y"].to_list() == [None, 1.5, 2.5]
    assert grown.scan_table("t", n_rows=12, row_index_name="at").collect()["at"].to_list() == list(range(12))
    read = grown.get_table("t", filters=[("x", ">", 18)])
    assert read["x"].tolist() == [19, 20, 21]
    assert read["y"].tolist()[1:] == [1.5, 2.5]
    assert grown.get_table("t", columns=["y"], engine="pyarrow")["y"].count() == 2


@pytest.mark.parametrize(
    "read",
    [
        lambda folio: folio.scan_table("t").collect(),
        lambda folio: folio.get_table("t", filters=[("x", ">", 1)]),
        lambda folio: list(folio.iter_table("t", 5)),
        lambda folio: folio.get_table("t"),
        lambda folio: folio.query("SELECT sum(x) FROM t"),
    ],
)
def test_damage_is_no_data_for_anyone(grown: datafolio.DataFolio, read: Callable[[datafolio.DataFolio], Any]) -> None:
    path = damaged(grown, 1)
    with pytest.raises(CorruptError, match="'t'") as refused:
        read(grown)
    assert refused.value.item == "t"
    path.unlink()
    with pytest.raises(PayloadMissingError, match="'t'"):
        read(grown)


def test_a_view_is_not_scanned(grown: datafolio.DataFolio) -> None:
    grown.add_view("v", "SELECT * FROM t")
    with pytest.raises(InvalidInputError, match=r"is a view.*iter_table"):
        grown.scan_table("v")


def test_reading_a_reference_that_has_changed_warns(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    pd.DataFrame({"x": range(10)}).to_parquet(path)
    folio.reference_table("r", path=str(path)).add_table("own", pd.DataFrame({"x": [1]})).add_view("v", "SELECT * FROM r")
    reads: list[Callable[[], Any]] = [
        lambda: folio.get_table("r"),
        lambda: list(folio.iter_table("r")),
        lambda: folio.sample_table("r", 2),
        lambda: folio.query("SELECT count(*) FROM r"),
        lambda: folio.query("SELECT count(*) FROM v"),
        lambda: folio.query_table("r", "SELECT count(*) FROM table"),
        lambda: list(folio.iter_query("SELECT * FROM r")),
        lambda: folio.frame("r").sum("x"),
        lambda: folio.describe_table("r"),
        lambda: folio.get_table("v"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ReferenceChangedWarning)
        for read in reads:
            read()
    pd.DataFrame({"x": range(30)}).to_parquet(path)
    for read in reads:
        with pytest.warns(ReferenceChangedWarning, match="'r' is a reference, and .*overwrite=True"):
            read()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ReferenceChangedWarning)
        folio.query("SELECT x AS r FROM own")
        folio.get_table("own")
        folio.reference_table("r", path=str(path), overwrite=True)
        for read in reads:
            read()


def test_arguments_that_are_none_say_so(grown: datafolio.DataFolio) -> None:
    for refused, says in (
        (lambda: grown.sample_table("t", -1), "n must not be negative"),
        (lambda: grown.sample_table("t", 1, seed=-1), "seed must not be negative"),
        (lambda: grown.get_table("t", offset=2**70), "offset is .*below 2"),
        (lambda: grown.iter_table("t", 2**70), "chunk_size is .*below 2"),
        (lambda: grown.query("SELECT 1", memory=0), "memory must be at least 1"),
        (lambda: grown.query("SELECT 1", memory=-1), "memory must be at least 1"),
        (lambda: grown.query("SELECT 1", threads=0), "threads must be at least 1"),
        (lambda: grown.rerun(threads=-1), "threads must be at least 1"),
        (lambda: grown.split_table("t", -1), "workers must be at least 1"),
        (lambda: grown.split_table("t", 0), "workers must be at least 1"),
        (lambda: grown.describe_table("t", top=-1), "top must not be negative"),
        (lambda: grown.log(-1), "limit must not be negative"),
        (lambda: grown.at_revision(-1), "revision must not be negative"),
        (lambda: grown.get_table("t", version=-1), "version must not be negative"),
        (lambda: grown.append_table("t", iter([])), "rows: the iterator gives no chunk.*give at least one"),
        (lambda: grown.append_table("u", iter([])), "rows: the iterator gives no chunk"),
        (lambda: grown.add_table("u", iter([])), "data: the iterator gives no chunk"),
    ):
        with pytest.raises(InvalidInputError, match=says):
            refused()
    assert "u" not in grown
    of_type: tuple[tuple[Any, str], ...] = (
        (lambda: grown.get_table("t", limit=1.5), "limit is a whole number"),
        (lambda: grown.query("SELECT 1", memory="2GB"), "memory is a whole number"),
        (lambda: grown.query(5), "sql is text, and 5 is none"),
        (lambda: grown.query_table("t", None), "query is text, and None is none"),
        (lambda: grown.get_table("t", where=5), "where is text, and 5 is none"),
        (lambda: grown.get_table("t", columns=[5]), "a name is text, and 5 is none"),
        (lambda: grown.get_table("t", version=2.5), "version is the id of a version.*2.5 is none"),
        (lambda: grown.split_table("t", "4"), "workers is a whole number"),
        (lambda: grown.describe_table("t", top="3"), "top is a whole number"),
        (lambda: grown.describe_table("t", quantiles=["half"]), "quantiles are numbers from 0 to 1"),
        (lambda: grown.iter_table("t", chunk_size=10.5), "chunk_size is a whole number of rows, and 10.5 is none"),
        (lambda: grown.rename("t", 5), "new_name is text"),
        (lambda: grown.append_table(5, pl.DataFrame({"x": [1]})), "the name of an item is text"),
    )
    for call, says in of_type:
        with pytest.raises(InvalidTypeError, match=says) as refused_type:
            call()
        assert isinstance(refused_type.value, TypeError) and isinstance(refused_type.value, ValueError)
    with pytest.raises(InvalidTypeError, match="frame 'f' is a DataFrame"):
        grown.query("SELECT * FROM f", frames={"f": pl.DataFrame({"x": [1]})})  # type: ignore[dict-item]
    # One name is a list of one.
    assert list(grown.get_table("t", columns="y").columns) == ["y"]  # type: ignore[arg-type]


def test_chunks_of_which_the_first_has_no_value_become_one_table(folio: datafolio.DataFolio) -> None:
    when = dt.datetime(2024, 5, 1, 12)
    for notes, times in [([None, None], [None, None]), ([None, "late"], [when, None]), ([None], [None])]:
        folio.append_table("t", pd.DataFrame({"note": notes, "at": times}, dtype=object))
    found = folio.get_table("t")
    assert found["note"].isna().tolist() == [True, True, True, False, True]
    assert found["note"][3] == "late"
    assert found["at"].notna().tolist() == [False, False, True, False, False]
    assert found["at"][2] == when

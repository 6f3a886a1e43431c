"""Tables that stay where they are: what format they have, and what is not there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest

import datafolio
from datafolio.exceptions import InvalidInputError, MissingFileError

ROWS = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


def _directory(place: Path) -> None:
    place.mkdir()
    ROWS[:2].to_parquet(place / "1.parquet")
    ROWS[2:].to_parquet(place / "2.parquet")


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "rows.parquet": ("parquet", ROWS.to_parquet),
    "rows.csv": ("csv", lambda place: ROWS.to_csv(place, index=False)),
    "ROWS.CSV.gz": ("csv", lambda place: ROWS.to_csv(place, index=False, compression="gzip")),
    "rows.feather": ("arrow", lambda place: pyarrow.feather.write_feather(pa.Table.from_pandas(ROWS), place, "uncompressed")),
    "rows.arrow": ("arrow", lambda place: pyarrow.feather.write_feather(pa.Table.from_pandas(ROWS), place, "uncompressed")),
    # What no name tells, DataFolio 1.x and 2.x take for Parquet.
    "rows": ("parquet", ROWS.to_parquet),
    "parts": ("parquet", _directory),
}


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_the_name_tells_the_format(folio: datafolio.DataFolio, tmp_path: Path, name: str, scheme: str) -> None:
    form, write = WRITERS[name]
    write(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folio.reference_table("r", f"{scheme}{tmp_path / name}")
    assert folio.item_info("r")["table_format"] == form
    assert folio.get_table("r").to_dict("list") == ROWS.to_dict("list")


def test_a_pattern_tells_it_too(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    ROWS[:1].to_csv(tmp_path / "1.csv", index=False)
    ROWS[1:].to_csv(tmp_path / "2.csv", index=False)
    folio.reference_table("r", tmp_path / "*.csv").add_data("s", reference=tmp_path / "1.csv")
    assert [folio.item_info(name)["table_format"] for name in ("r", "s")] == ["csv", "csv"]
    assert folio.get_table("r").to_dict("list") == ROWS.to_dict("list")


def test_who_says_the_format_is_believed(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.data", index=False)
    folio.reference_table("r", tmp_path / "rows.data", table_format="csv")
    assert folio.get_table("r").to_dict("list") == ROWS.to_dict("list")
    for refused in ("excel", "npy"):
        with pytest.raises(InvalidInputError, match="Unsupported table format"):
            folio.reference_table("bad", tmp_path / "rows.data", table_format=refused)
    assert "bad" not in folio


def test_a_version_without_a_name_that_tells(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "rows.parquet")
    # Version 4 of a Parquet file is what DataFolio 1.x notes, and reads nothing from.
    with pytest.warns(UserWarning, match="'noted': version=4 .*picks nothing.*parquet has no versions") as told:
        folio.reference_table("noted", tmp_path / "rows.parquet", version=4)
    assert [Path(warning.filename).name for warning in told] == ["test_references.py"]
    assert folio.item_info("noted")["version"] == 4
    with pytest.warns(UserWarning, match="'lake'"):
        folio.reference_table("lake", tmp_path / "lake", version=4)
    assert [folio.item_info(name)["table_format"] for name in ("noted", "lake")] == ["parquet", "delta"]


def test_what_is_not_there_yet_is_told(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    place = tmp_path / "later.csv"
    with pytest.warns(UserWarning, match=r"reference 'r': there is nothing at .*later\.csv yet") as told:
        folio.reference_table("r", place, description="to come")
    assert [Path(warning.filename).name for warning in told] == ["test_references.py"]
    with pytest.raises(MissingFileError, match=r"later\.csv"):
        folio.get_table("r")
    ROWS.to_csv(place, index=False)
    assert folio.get_table("r").to_dict("list") == ROWS.to_dict("list")
    with folio.batch(), pytest.warns(UserWarning, match="reference 's': there is nothing"):
        folio.reference_table("s", tmp_path / "none.parquet")
    assert folio.item_info("s")["table_format"] == "parquet"


def test_a_store_that_does_not_answer_is_told(folio: datafolio.DataFolio) -> None:
    with pytest.warns(UserWarning, match=r"nothing was seen at s3://bucket/x\.csv.*check_references"):
        folio.reference_table("r", "s3://bucket/x.csv")
    assert folio.item_info("r")["table_format"] == "csv"

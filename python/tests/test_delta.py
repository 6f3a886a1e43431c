"""References to Delta tables. The tables are those of `crates/delta/tests-data`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import datafolio
from datafolio.exceptions import InvalidInputError, NotFoundError

TABLES = Path(__file__).parents[2] / "crates" / "delta" / "tests-data" / "tables"


@pytest.fixture
def lake(folio: datafolio.DataFolio) -> Any:
    folio.reference_table("first", TABLES / "plain", table_format="delta", version=0)
    return folio


def test_a_version_is_read(lake: Any) -> None:
    lake.reference_table("newest", TABLES / "plain", table_format="delta")
    assert (len(lake.get_table("first")), len(lake.get_table("newest"))) == (5, 11)
    info = lake.get_table_info("first")
    assert (info["table_format"], info["version"], info["num_rows"]) == ("delta", 0, 5)


def test_its_log_tells_that_it_is_one(folio: datafolio.DataFolio) -> None:
    folio.reference_table("newest", TABLES / "plain").reference_table("first", f"file://{TABLES / 'plain'}", version=0)
    assert [folio.item_info(name)["table_format"] for name in ("newest", "first")] == ["delta", "delta"]
    # As Parquet it would have the rows of files that its log has removed.
    assert (len(folio.get_table("newest")), len(folio.get_table("first"))) == (11, 5)


def test_other_versions_are_read_on_request(lake: Any) -> None:
    lake.reference_table("newest", TABLES / "plain", table_format="delta")
    for version, rows in [(0, 5), (3, 11)]:
        assert len(lake.get_table("first", version=version)) == rows
        assert sum(len(chunk) for chunk in lake.iter_table("newest", 4, version=version)) == rows
    assert len(lake.get_table("newest", where="id > 0", version=0)) <= 5
    assert len(lake.get_table("first", timestamp=datetime.datetime.now(datetime.timezone.utc))) == 11
    with pytest.raises(NotFoundError, match="no version 9"):
        lake.get_table("newest", version=9)
    with pytest.raises(NotFoundError, match="1999"):
        lake.get_table("newest", timestamp="1999-12-31")
    # The ids of the item's own versions go on meaning those.
    own = lake.versions("first")[0]["version"]
    assert len(lake.get_table("first", version=own)) == 5


def test_a_time_that_no_version_has(lake: Any) -> None:
    early = datetime.datetime(1999, 12, 31, tzinfo=datetime.timezone.utc)
    with pytest.raises(NotFoundError, match="no version of 1999-12-31"):
        lake.reference_table("x", TABLES / "plain", table_format="delta", timestamp=early)
    with pytest.raises(InvalidInputError, match="time zone"):
        lake.reference_table("x", TABLES / "plain", table_format="delta", timestamp=early.replace(tzinfo=None))

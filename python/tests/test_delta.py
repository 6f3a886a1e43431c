"""References to Delta tables, where the module is built for them. The tables are those of `crates/delta/tests-data`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import datafolio

TABLES = Path(__file__).parents[2] / "crates" / "delta" / "tests-data" / "tables"


@pytest.fixture
def lake(folio: datafolio.DataFolio) -> Any:
    folio.reference_table("first", TABLES / "plain", table_format="delta", version=0)
    try:
        folio.get_table("first")
    except datafolio.UnsupportedError as error:
        pytest.skip(str(error))
    return folio


def test_a_version_is_read(lake: Any) -> None:
    lake.reference_table("newest", TABLES / "plain", table_format="delta")
    assert (len(lake.get_table("first")), len(lake.get_table("newest"))) == (5, 11)
    info = lake.get_table_info("first")
    assert (info["table_format"], info["version"], info["num_rows"]) == ("delta", 0, 5)


def test_a_time_that_no_version_has(lake: Any) -> None:
    early = datetime.datetime(1999, 12, 31, tzinfo=datetime.timezone.utc)
    with pytest.raises(datafolio.NotFoundError, match="no version of 1999-12-31"):
        lake.reference_table("x", TABLES / "plain", table_format="delta", timestamp=early)
    with pytest.raises(datafolio.InvalidInputError, match="time zone"):
        lake.reference_table("x", TABLES / "plain", table_format="delta", timestamp=early.replace(tzinfo=None))

"""What the tests of engines share. They run in an environment of their own, which has Dask and Spark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import datafolio

ROWS = 30_000


@pytest.fixture
def rows() -> pd.DataFrame:
    """Reads of some genes."""
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": range(ROWS),
            "gene": rng.choice(["abl1", "brca1", "cftr"], ROWS),
            "value": rng.normal(size=ROWS),
        }
    )


@pytest.fixture
def folio(tmp_path: Path, rows: pd.DataFrame) -> datafolio.DataFolio:
    """A bundle with a table of three parts, one of which lacks a column."""
    folio = datafolio.DataFolio(tmp_path / "study")
    folio.append_table("reads", rows[:10_000], compact=False)
    folio.append_table("reads", rows[10_000:20_000], compact=False)
    folio.append_table("reads", rows[20_000:].assign(batch=2), evolve=True, compact=False)
    assert len(folio.get_table_paths("reads")) == 3
    return folio

"""Dask distributed: several worker processes read a table, and write a new one back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datafolio
from datafolio.exceptions import ConflictError, WrongStateError

dask_dataframe = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    """A cluster of processes on this machine."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def score(part: pd.DataFrame, marker: str | None = None) -> pd.DataFrame:
    """The work on a share of the rows; the first worker that comes to a certain one dies over it."""
    if marker is not None and len(part) and (part["id"] == 15_000).any():
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return part.assign(score=part["value"] * 2)[["id", "gene", "score"]]


def test_a_table_goes_out_and_a_derived_one_comes_back(
    client: object, folio: datafolio.DataFolio, rows: pd.DataFrame, tmp_path: Path
) -> None:
    later = folio.to_dask("reads", columns=["id", "batch"]).compute()
    assert later["id"].tolist() == rows["id"].tolist()
    assert later["batch"].isna().sum() == 20_000
    reads = folio.to_dask("reads", columns=["id", "gene", "value"])
    assert reads.npartitions == 3
    means = reads.groupby("gene")["value"].mean().compute()
    pd.testing.assert_series_equal(means.sort_index(), rows.groupby("gene")["value"].mean(), check_dtype=False, check_index_type=False)

    marker = tmp_path / "killed"
    version = folio.item_info("reads")["version_id"]
    with folio.stage_table("scores", inputs=["reads"], description="twice the value") as stage:
        reads.map_partitions(score, str(marker)).to_parquet(stage.path, write_index=False)
        assert "scores" not in folio.list_contents()["included_tables"]
    assert marker.exists()  # a worker was killed
    found = folio.get_table("scores")
    assert set(folio.to_dask("reads").columns) == {"id", "gene", "value", "batch"}
    pd.testing.assert_frame_equal(
        found.astype({"gene": object}), score(rows).astype({"gene": object}), check_dtype=False
    )
    assert folio.item_info("scores")["input_versions"] == {"reads": version}
    assert folio.stages() == []
    assert folio.is_valid()


def test_workers_that_are_told_a_path_write_files_of_their_own(
    client: object, folio: datafolio.DataFolio, rows: pd.DataFrame
) -> None:
    stage = folio.stage_table("scores", inputs=["reads"])
    ranges = folio.split_table("reads", 5)
    done = client.map(write_share, [folio.path] * 5, [stage.path] * 5, ranges)  # type: ignore[attr-defined]
    assert sum(client.gather(done)) == len(rows)  # type: ignore[attr-defined]
    committed = folio.commit_stage(stage.id, rows=len(rows))
    assert committed["files"] == 5
    assert folio.get_table("scores")["id"].tolist() == rows["id"].tolist()


def write_share(path: str, target: str, share: tuple[int, int]) -> int:
    """A worker that opens only what it needs."""
    start, end = share
    part = datafolio.DataFolio(path, read_only=True).get_table("reads", offset=start, limit=end - start)
    scored = score(part)
    # A file that is not whole never has its name.
    hidden = f"{target}/.{start}.tmp"
    pq.write_table(pa.Table.from_pandas(scored, preserve_index=False), hidden)
    os.replace(hidden, f"{target}/rows-{start}.parquet")
    return len(scored)


def test_an_engine_that_empties_the_place_first_does_no_harm(client: object, folio: datafolio.DataFolio) -> None:
    reads = folio.to_dask("reads", columns=["id", "value"])
    stage = folio.stage_table("copy")
    reads.to_parquet(stage.path, overwrite=True, write_index=False)
    assert folio.commit_stage(stage)["rows"] == len(reads)


def test_what_does_not_fit_is_refused_and_can_be_put_right(folio: datafolio.DataFolio, rows: pd.DataFrame) -> None:
    with pytest.raises(WrongStateError, match="no Parquet file"), folio.stage_table("empty"):
        pass
    assert [stage.name for stage in folio.stages()] == ["empty"]
    folio.abort_stage(folio.stages()[0])
    with pytest.raises(ZeroDivisionError), folio.stage_table("given_up") as stage:
        rows.to_parquet(f"{stage.path}/part.0.parquet")
        raise ZeroDivisionError
    assert folio.stages() == []
    stage = folio.stage_table("reads", overwrite=True)
    rows.to_parquet(f"{stage.path}/part.0.parquet")
    folio.append_table("reads", rows[:1].assign(batch=1), compact=False)
    with pytest.raises(ConflictError):
        stage.commit()
    stage.abort()


def test_partitions_of_a_frame_are_added_to_a_table(client: object, folio: datafolio.DataFolio, rows: pd.DataFrame) -> None:
    more = dask_dataframe.from_pandas(rows.assign(batch=3), npartitions=4)
    with folio.stage_table("reads", append=True) as stage:
        more.to_parquet(stage.path, write_index=False)
    assert folio.table_info("reads")["rows"] == 2 * len(rows)
    assert folio.query("SELECT count(*) AS n, sum(id) AS s FROM reads WHERE batch = 3").to_pydict() == {
        "n": [len(rows)],
        "s": [int(rows["id"].sum())],
    }

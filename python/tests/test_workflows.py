"""Ways of working that people have with large tables: other tools by path, chunks, several processes."""

from __future__ import annotations

import multiprocessing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from datafolio import DataFolio


def samples(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "subject_id": rng.integers(0, 20, rows),
            "value": rng.normal(size=rows),
            "p_value": rng.random(rows),
            "fold_change": rng.normal(scale=3, size=rows),
            "gene_id": rng.integers(0, 50, rows).astype(str),
            "expression": rng.random(rows),
        }
    )


@pytest.fixture
def analysis(tmp_path: Path) -> DataFolio:
    folio = DataFolio(tmp_path / "analysis")
    return folio.add_table("large_dataset", samples(20_000))


def test_ibis_over_the_path(analysis: DataFolio) -> None:
    import ibis

    table = ibis.duckdb.connect().read_parquet(analysis.get_table_path("large_dataset"))
    result = (
        table.filter(table.p_value < 0.05)
        .filter(table.fold_change.abs() > 2)
        .group_by("gene_id")
        .aggregate(mean_expr=table.expression.mean(), n_samples=table.subject_id.nunique())
        .order_by(ibis.desc("mean_expr"))
        .limit(10)
    )
    analysis.add_table("significant_genes", result.execute(), inputs=["large_dataset"]).create_snapshot("v1.0-filtered")
    frame = samples(20_000)
    kept = frame[(frame.p_value < 0.05) & (frame.fold_change.abs() > 2)]
    expected = kept.groupby("gene_id")["expression"].mean().sort_values(ascending=False).head(10)
    assert analysis.get_table("significant_genes")["gene_id"].tolist() == expected.index.tolist()


def test_duckdb_over_all_paths(tmp_path: Path) -> None:
    folio = DataFolio(tmp_path / "clinical_trial")
    folio.add_table("patients", pd.DataFrame({"patient_id": [1, 2], "age": [30, 60]}))
    folio.add_table("trials", pl.DataFrame({"patient_id": [1, 1, 2], "blood_pressure": [110.0, 130.0, 90.0]}))
    con = duckdb.connect()
    for name, path in folio.get_all_table_paths().items():
        # `con.register` takes tables, and a path is none: a view reads the file.
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
    joined = "SELECT p.age, avg(t.blood_pressure) AS bp FROM patients p JOIN trials t USING (patient_id) GROUP BY 1 ORDER BY 1"
    result = con.sql(joined).df()
    folio.add_table("patient_summary", result)
    assert folio.get_table("patient_summary").to_dict("list") == {"age": [30, 60], "bp": [120.0, 90.0]}
    assert folio.query(joined, "pandas").equals(result)


def test_a_pipeline_in_chunks(analysis: DataFolio) -> None:
    for chunk in analysis.iter_table("large_dataset", chunk_size=3_000):
        analysis.append_table("significant", chunk[chunk["p_value"] < 0.01])
    frame = samples(20_000)
    expected = frame[frame["p_value"] < 0.01].reset_index(drop=True)
    pd.testing.assert_frame_equal(analysis.get_table("significant"), expected)
    for at, chunk in enumerate(analysis.iter_table("large_dataset", chunk_size=8_000)):
        analysis.add_table(f"chunk_{at}", chunk.assign(score=chunk["value"] * 2))
    found = analysis.query_table("chunk_0", "SELECT * FROM table WHERE score > 0.8 LIMIT 100")
    assert len(found) == 100 and (found["score"] > 0.8).all()


# What runs in other processes has to be at the top of a module.


def statistics(chunk: pd.DataFrame) -> pd.DataFrame:
    # Named columns: `agg({"value": ["mean", ...]})` makes labels of two levels, which no table has.
    return chunk.groupby("subject_id", as_index=False).agg(total=("value", "sum"), count=("value", "count"))


def process_chunk(spec: tuple[int, str, str, int], factor: float = 1.0) -> pd.DataFrame:
    chunk_id, bundle, table, size = spec
    chunk = DataFolio(bundle).get_table(table, offset=chunk_id * size, limit=size)
    return statistics(chunk.assign(value=chunk["value"] * factor))


def process_with_handle(folio: DataFolio, rows: tuple[int, int]) -> int:
    return sum(len(chunk) for chunk in folio.iter_table("large_dataset", 999, start_row=rows[0], end_row=rows[1]))


def work(tasks: Any, results: Any) -> None:
    while (task := tasks.get()) is not None:
        results.put((task[0], statistics(task[1])))


def write(results: Any, bundle: str, chunks: int) -> None:
    folio = DataFolio(bundle)
    for _ in range(chunks):
        chunk_id, result = results.get()
        folio.add_table(f"result_chunk_{chunk_id}", result)


def append_many(bundle: str, worker: int) -> None:
    folio = DataFolio(bundle)
    for at in range(10):
        folio.append_table("log", pd.DataFrame({"worker": [worker], "at": [at]}))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes(analysis: DataFolio, method: str) -> None:
    context = multiprocessing.get_context(method)
    size = 4_000
    chunks = -(-analysis.table_info("large_dataset")["rows"] // size)
    specs = [(at, analysis._bundle_dir, "large_dataset", size) for at in range(chunks)]
    with context.Pool(4) as pool:
        results = pool.map(partial(process_chunk, factor=2.0), specs)
        rows = pool.map(partial(process_with_handle, analysis), analysis.split_table("large_dataset", 4))
    summary = pd.concat(results).groupby("subject_id", as_index=False).sum()
    expected = samples(20_000).groupby("subject_id")["value"].sum() * 2
    assert summary["total"].tolist() == pytest.approx(expected.tolist())
    assert sum(rows) == 20_000
    analysis.add_table("processed_results", summary).create_snapshot("v1.0-processed")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_queue_of_chunks(analysis: DataFolio, method: str) -> None:
    context = multiprocessing.get_context(method)
    tasks, results = context.Queue(maxsize=4), context.Queue()
    workers = [context.Process(target=work, args=(tasks, results)) for _ in range(3)]
    size = 5_000
    writer = context.Process(target=write, args=(results, analysis._bundle_dir, 4))
    for process in [*workers, writer]:
        process.start()
    for task in enumerate(analysis.iter_table("large_dataset", chunk_size=size)):
        tasks.put(task)
    for _ in workers:
        tasks.put(None)
    for process in [*workers, writer]:
        process.join(timeout=120)
        assert process.exitcode == 0
    assert sum(analysis.get_table(f"result_chunk_{at}")["count"].sum() for at in range(4)) == 20_000


def test_four_processes_append_to_one_table(tmp_path: Path) -> None:
    bundle = str(tmp_path / "b")
    DataFolio(bundle)
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.map(partial(append_many, bundle), range(4))
    log = DataFolio(bundle).get_table("log").sort_values(["worker", "at"])
    assert list(zip(log["worker"], log["at"], strict=True)) == [(worker, at) for worker in range(4) for at in range(10)]

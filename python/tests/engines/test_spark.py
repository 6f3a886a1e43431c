"""Spark with workers of its own: it reads a table, and writes a new one back."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import datafolio

pyspark_sql = pytest.importorskip("pyspark.sql")

if shutil.which("java") is None:
    pytest.skip("Spark needs Java, which is not there", allow_module_level=True)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two executors in processes of their own."""
    import pyspark

    place = tmp_path_factory.mktemp("spark")
    os.environ.setdefault("SPARK_HOME", os.path.dirname(pyspark.__file__))
    os.environ["SPARK_WORKER_DIR"] = str(place / "workers")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = pyspark_sql.SparkSession.builder.master("local-cluster[2,1,1024]").appName("datafolio")
    builder = builder.config("spark.executor.memory", "512m").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.sql.warehouse.dir", str(place / "warehouse")).config("spark.local.dir", str(place))
    session = builder.config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", "")).getOrCreate()
    yield session
    session.stop()


def test_a_table_goes_out_and_a_derived_one_comes_back(
    spark: Any, folio: datafolio.DataFolio, rows: pd.DataFrame, tmp_path: Path
) -> None:
    reads = folio.to_spark("reads", spark)
    assert set(reads.columns) == {"id", "gene", "value", "batch"}
    assert reads.count() == len(rows)
    assert reads.filter("batch = 2").count() == 10_000
    counted = {row["gene"]: row["count"] for row in reads.groupBy("gene").count().collect()}
    assert counted == rows["gene"].value_counts().to_dict()

    marker = str(tmp_path / "killed")

    def score(part: Iterator[Any]) -> Iterator[tuple[int, str, float]]:
        """The work on a share of the rows; the first executor that comes to a certain one dies over it, with its Java."""
        for row in part:
            if row["id"] == 15_000 and not os.path.exists(marker):
                open(marker, "w").close()
                stat = f"/proc/{os.getppid()}/stat"
                if os.path.exists(stat):  # where the system tells whose child it is
                    with open(stat) as told:
                        os.kill(int(told.read().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            yield row["id"], row["gene"], row["value"] * 2

    version = folio.item_info("reads")["version_id"]
    with folio.stage_table("scores", inputs=["reads"]) as stage:
        scored = reads.rdd.mapPartitions(score).toDF("id long, gene string, score double")
        scored.write.mode("append").parquet(stage.hadoop_path)
        assert "scores" not in folio.list_contents()["included_tables"]
    assert os.path.exists(marker)  # an executor was killed
    found = folio.get_table("scores", return_type="pandas").sort_values("id", ignore_index=True)
    expected = rows.assign(score=rows["value"] * 2)[["id", "gene", "score"]]
    pd.testing.assert_frame_equal(found.astype({"gene": object}), expected.astype({"gene": object}), check_dtype=False)
    assert folio.item_info("scores")["input_versions"] == {"reads": version}
    assert folio.is_valid()
    assert folio.stages() == []


def test_what_spark_writes_is_added_to_a_table(spark: Any, folio: datafolio.DataFolio, rows: pd.DataFrame) -> None:
    more = spark.createDataFrame([(1, "abl1", 0.5, 9), (2, "cftr", 1.5, 9)], "id long, gene string, value double, batch long")
    with folio.stage_table("reads", append=True) as stage:
        more.write.mode("append").parquet(stage.hadoop_path)
    assert folio.query("SELECT sum(value) AS s, count(*) AS n FROM reads WHERE batch = 9").to_pydict() == {"s": [2.0], "n": [2]}
    assert folio.table_info("reads")["rows"] == len(rows) + 2

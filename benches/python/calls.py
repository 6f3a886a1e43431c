"""What a call costs by itself: `calls.py SIDE DIR ROWS MODE`, the smallest calls and those of others beside them."""

import json
import os
import sys

from asked import ask_many, told

SIDE, DIR, CHECK = sys.argv[1], sys.argv[2], sys.argv[4] == "check"
SMALL = os.path.join(DIR, "small.parquet")
JSON, TABLE, INFO, QUERY = "get_json", "get_table, 10 rows", "table_info", "query 'SELECT 1'"
MEAN, SEVERAL, GROUPS = "mean of one row", "five aggregates of one row", "groupby of one row"


def call(question, work):
    ask_many(question, work, check=CHECK)


def with_datafolio():
    import datafolio

    folio = datafolio.DataFolio(os.path.join(DIR, "data"))
    df = datafolio.from_dict({"x": [1.0], "k": [1]})
    told(version=f"datafolio {datafolio.__version__}")
    call("refresh", folio.refresh)
    call(JSON, lambda: folio.get_json("json"))
    call(TABLE, lambda: folio.get_table("small", "arrow"))
    call(INFO, lambda: folio.table_info("small"))
    call(QUERY, lambda: folio.query("SELECT 1"))
    call(MEAN, lambda: df.mean("x"))
    call(SEVERAL, lambda: df.compute("count(x)", "sum(x)", "mean(x)", "min(x)", "max(x)"))
    call(GROUPS, lambda: df.groupby("k", agg={"s": datafolio.agg.sum("x")}))


def with_files():
    import pyarrow
    import pyarrow.parquet as pq

    told(version=f"pyarrow {pyarrow.__version__}")

    def read():
        with open(os.path.join(DIR, "small.json")) as file:
            return json.load(file)

    call(JSON, read)
    call(TABLE, lambda: pq.read_table(SMALL))
    call(INFO, lambda: pq.ParquetFile(SMALL).metadata.num_rows)


def with_duckdb():
    import duckdb

    con = duckdb.connect()
    told(version=f"DuckDB {duckdb.__version__}")
    call(QUERY, lambda: con.execute("SELECT 1").fetchall())


def with_polars():
    import polars as pl

    told(version=f"Polars {pl.__version__}")
    df, c = pl.DataFrame({"x": [1.0], "k": [1]}).lazy(), pl.col("x")
    call(TABLE, lambda: pl.read_parquet(SMALL))
    call(MEAN, lambda: df.select(c.mean()).collect().item())
    five = [getattr(c, name)().alias(name) for name in ("count", "sum", "mean", "min", "max")]
    call(SEVERAL, lambda: df.select(five).collect())
    call(GROUPS, lambda: df.group_by("k").agg(c.sum()).collect())


{"datafolio": with_datafolio, "json, pyarrow": with_files, "DuckDB": with_duckdb, "Polars": with_polars}[SIDE]()

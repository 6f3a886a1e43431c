"""SQL, parts and chunks of a table: `tables.py SIDE DIR ROWS MODE`. All read the Parquet file of the bundle in DIR."""

import os
import sys

from asked import ask, told

SIDE, DIR = sys.argv[1], sys.argv[2]
PATH = os.path.join(DIR, "table.parquet")
COLUMNS = ["id", "x", "word"]
GROUPED = "SELECT k, sum(x) AS s, count(*) AS n FROM {} WHERE y > 0.5 GROUP BY k ORDER BY k"
QUERY, PART, WALK = "filter, sum by group", "columns where x > 2.3263 (1 %)", "chunks of 100,000, all columns"


def groups(rows):
    return [len(rows["k"]), sum(rows["s"]), sum(rows["n"])]


def with_datafolio():
    import datafolio

    folio = datafolio.DataFolio(os.path.join(DIR, "data"), read_only=True)
    told(version=f"datafolio {datafolio.__version__}")
    ask(QUERY, lambda: groups(folio.query(GROUPED.format("t")).to_pydict()))
    ask(PART, lambda: folio.get_table("t", "arrow", columns=COLUMNS, where="x > 2.3263").num_rows)
    ask(WALK, lambda: sum(chunk.num_rows for chunk in folio.iter_table("t", 100_000, return_type="arrow")))


def with_duckdb():
    import duckdb

    con = duckdb.connect()
    told(version=f"DuckDB {duckdb.__version__}")
    table = f"read_parquet('{PATH}')"
    ask(QUERY, lambda: groups(con.sql(GROUPED.format(table)).to_arrow_table().to_pydict()))
    part = f"SELECT {', '.join(COLUMNS)} FROM {table} WHERE x > 2.3263"
    ask(PART, lambda: con.sql(part).to_arrow_table().num_rows)
    ask(WALK, lambda: sum(batch.num_rows for batch in con.sql(f"FROM {table}").to_arrow_reader(100_000)))


def with_pyarrow():
    import pyarrow
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    told(version=f"pyarrow {pyarrow.__version__}")
    field = ds.field

    def grouped():
        rows = ds.dataset(PATH).to_table(columns=["k", "x"], filter=field("y") > 0.5)
        rows = rows.group_by("k").aggregate([("x", "sum"), ("x", "count")]).sort_by("k").to_pydict()
        return groups({"k": rows["k"], "s": rows["x_sum"], "n": rows["x_count"]})

    ask(QUERY, grouped)
    ask(PART, lambda: ds.dataset(PATH).to_table(columns=COLUMNS, filter=field("x") > 2.3263).num_rows)
    ask(WALK, lambda: sum(batch.num_rows for batch in pq.ParquetFile(PATH).iter_batches(100_000)))


def with_polars():
    import polars as pl

    told(version=f"Polars {pl.__version__}")
    c = pl.col

    def grouped():
        frame = pl.scan_parquet(PATH).filter(c("y") > 0.5).group_by("k")
        frame = frame.agg(c("x").sum().alias("s"), pl.len().alias("n"))
        return groups(frame.sort("k").collect(engine="streaming").to_dict(as_series=False))

    def walk():
        batches = pl.scan_parquet(PATH).collect_batches(chunk_size=100_000, maintain_order=True)
        return sum(batch.height for batch in batches)

    ask(QUERY, grouped)
    ask(PART, lambda: pl.scan_parquet(PATH).filter(c("x") > 2.3263).select(COLUMNS).collect(engine="streaming").height)
    ask(WALK, walk)


{"datafolio": with_datafolio, "DuckDB": with_duckdb, "pyarrow": with_pyarrow, "Polars": with_polars}[SIDE]()

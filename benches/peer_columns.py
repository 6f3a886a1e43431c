"""The questions of benches/columns.rs, asked of a peer: `peer_columns.py PEER DIR`, one line `question seconds megabytes answer` for each.

PEER is vaex, polars, duckdb or pyarrow. DIR holds table.hdf5, table.arrow, table.parquet and vectors.arrow, vectors.hdf5. Each question is asked
three times in one process, and the best time counts: the files are in the page cache by then.
"""

import os
import sys
import threading
import time

PEER, DIR = sys.argv[1], sys.argv[2]
TIMES = 3


def private_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))


def path(name):
    return os.path.join(DIR, name)


def ask(question, work):
    before, most, done = private_memory(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.005):
            most[0] = max(most[0], private_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    best, answer = float("inf"), None
    try:
        for _ in range(TIMES):
            started = time.perf_counter()
            answer = work()
            best = min(best, time.perf_counter() - started)
    except Exception as error:
        print(f"{question}\t-\t-\t{type(error).__name__}: {str(error)[:80]!r}", flush=True)
        return
    finally:
        done.set()
        watcher.join()
    print(f"{question}\t{best:.4f}\t{max(0.0, most[0] - before):.0f}\t{answer}", flush=True)


def with_vaex():
    import numpy as np
    import vaex

    df = vaex.open(path("table.hdf5"))
    ask("mean of expression", lambda: float(df.mean("(x*y)**2")))
    ask("filtered sum", lambda: float(df.sum("vx", selection="(x > 0) & (cat == 7)")))
    agg = vaex.agg
    ask("groupby 100 integers", lambda: len(df.groupby("cat", agg={"m": agg.mean("x"), "s": agg.std("x"), "c": agg.count()})))
    ask("groupby 1,000 texts", lambda: len(df.groupby("key", agg={"s": agg.sum("x"), "c": agg.count()})))
    ask("value counts of texts", lambda: len(df.key.value_counts()))
    ask("histogram 256 x 256", lambda: int(df.count(binby=["x", "y"], limits=[[-4, 4], [-4, 4]], shape=256).sum()))
    ask("median", lambda: float(df.median_approx("x")))
    ask("distinct integers", lambda: int(df.id.nunique()))
    ask("filter that keeps 1 %", lambda: float(df.mean("vx", selection="y > 2.3263")))
    ask("groupby a million", lambda: len(df.groupby("many", agg={"s": agg.sum("x"), "c": agg.count()})))
    ask("mean with nulls", lambda: float(df.mean("n")))
    ask("twenty aggregates", lambda: twenty(df))
    vectors = vaex.open(path("vectors.hdf5"))
    target = np.arange(vectors.v.shape[1], dtype="float32") / 768

    @vaex.register_function(name="dotp")
    def dotp(v):
        return v @ target

    vectors.add_function("dotp", dotp)
    ask("top ten by dot product", lambda: sorted(np.argpartition(-vectors.evaluate("dotp(v)"), 10)[:10].tolist()))


def twenty(df):
    promises = [
        getattr(df, name)(column, delay=True)
        for column in ("x", "y", "vx", "cat")
        for name in ("count", "sum", "mean", "std", "minmax")
    ]
    df.execute()
    return len([promise.get() for promise in promises])


def with_polars():
    import polars as pl

    df = pl.scan_ipc(path("table.arrow"))
    c = pl.col

    def run(frame):
        return frame.collect(engine="streaming")

    ask("mean of expression", lambda: run(df.select(((c("x") * c("y")) ** 2).cast(pl.Float64).mean())).item())
    ask("filtered sum", lambda: run(df.filter((c("x") > 0) & (c("cat") == 7)).select(c("vx").sum())).item())
    ask(
        "groupby 100 integers",
        lambda: len(run(df.group_by("cat").agg(c("x").mean().alias("m"), c("x").std(ddof=0).alias("s"), pl.len()))),
    )
    ask("groupby 1,000 texts", lambda: len(run(df.group_by("key").agg(c("x").sum(), pl.len()))))
    ask("value counts of texts", lambda: len(run(df.group_by("key").agg(pl.len()))))
    bins = [((c(name) + 4) * 32).floor().cast(pl.Int32).alias(name) for name in ("x", "y")]
    inside = c("x").is_between(-4, 4, closed="left") & c("y").is_between(-4, 4, closed="left")
    ask("histogram 256 x 256", lambda: run(df.filter(inside).select(bins).group_by("x", "y").agg(pl.len()))["len"].sum())
    ask("median", lambda: run(df.select(c("x").median())).item())
    ask("distinct integers", lambda: run(df.select(c("id").n_unique())).item())
    ask("filter that keeps 1 %", lambda: run(df.filter(c("y") > 2.3263).select(c("vx").mean())).item())
    ask("groupby a million", lambda: len(run(df.group_by("many").agg(c("x").sum(), pl.len()))))
    ask("mean with nulls", lambda: run(df.select(c("n").mean())).item())
    twenty = [
        getattr(c(name), what)().alias(f"{name}_{what}")
        for name in ("x", "y", "vx", "cat")
        for what in ("count", "sum", "mean", "std", "min", "max")
    ]
    ask("twenty aggregates", lambda: run(df.select(twenty)).width)


def with_duckdb():
    import duckdb

    con = duckdb.connect()
    table = f"read_parquet('{path('table.parquet')}')"

    def one(sql):
        return con.execute(sql).fetchone()[0]

    def rows(sql):
        return len(con.execute(sql).fetchall())

    ask("mean of expression", lambda: one(f"SELECT avg(((x*y)*(x*y))::DOUBLE) FROM {table}"))
    ask("filtered sum", lambda: one(f"SELECT sum(vx) FROM {table} WHERE x > 0 AND cat = 7"))
    ask("groupby 100 integers", lambda: rows(f"SELECT cat, avg(x), stddev_pop(x), count(*) FROM {table} GROUP BY cat"))
    ask("groupby 1,000 texts", lambda: rows(f"SELECT key, sum(x), count(*) FROM {table} GROUP BY key"))
    ask("value counts of texts", lambda: rows(f"SELECT key, count(*) FROM {table} GROUP BY key"))
    bins = ", ".join(f"floor(({name} + 4) * 32)::INTEGER AS b{name}" for name in ("x", "y"))
    inside = "x >= -4 AND x < 4 AND y >= -4 AND y < 4"
    ask("histogram 256 x 256", lambda: one(f"SELECT sum(n) FROM (SELECT {bins}, count(*) AS n FROM {table} WHERE {inside} GROUP BY 1, 2)"))
    ask("median", lambda: one(f"SELECT median(x) FROM {table}"))
    ask("distinct integers", lambda: one(f"SELECT count(DISTINCT id) FROM {table}"))
    ask("filter that keeps 1 %", lambda: one(f"SELECT avg(vx) FROM {table} WHERE y > 2.3263"))
    ask("groupby a million", lambda: one(f"SELECT count(*) FROM (SELECT many, sum(x), count(*) FROM {table} GROUP BY many)"))
    ask("mean with nulls", lambda: one(f"SELECT avg(n) FROM {table}"))
    twenty = ", ".join(
        f"{what}({name})"
        for name in ("x", "y", "vx", "cat")
        for what in ("count", "sum", "avg", "stddev_pop", "min", "max")
    )
    ask("twenty aggregates", lambda: len(con.execute(f"SELECT {twenty} FROM {table}").fetchone()))


def with_pyarrow():
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.ipc.open_file(pa.memory_map(path("table.arrow"))).read_all()

    def squares():
        product = pc.multiply(table["x"], table["y"])
        return pc.mean(pc.multiply(product, product)).as_py()

    def filtered():
        mask = pc.and_(pc.greater(table["x"], 0), pc.equal(table["cat"], 7))
        return pc.sum(pc.filter(table["vx"], mask)).as_py()

    def group(key, *aggregations):
        return table.group_by(key).aggregate([("x", name) for name in aggregations]).num_rows

    ask("mean of expression", squares)
    ask("filtered sum", filtered)
    ask("groupby 100 integers", lambda: group("cat", "mean", "stddev", "count"))
    ask("groupby 1,000 texts", lambda: group("key", "sum", "count"))
    ask("value counts of texts", lambda: len(pc.value_counts(table["key"])))
    ask("median", lambda: pc.quantile(table["x"], 0.5)[0].as_py())
    ask("distinct integers", lambda: pc.count_distinct(table["id"]).as_py())
    ask("filter that keeps 1 %", lambda: pc.mean(pc.filter(table["vx"], pc.greater(table["y"], 2.3263))).as_py())
    ask("groupby a million", lambda: group("many", "sum", "count"))
    ask("mean with nulls", lambda: pc.mean(table["n"]).as_py())


{"vaex": with_vaex, "polars": with_polars, "duckdb": with_duckdb, "pyarrow": with_pyarrow}[PEER]()

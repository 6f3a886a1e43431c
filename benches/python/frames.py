"""Aggregates out of core: `frames.py SIDE DIR ROWS MODE`. The rows are the same as HDF5 and as Arrow."""

import os
import sys

from asked import ask, told

SIDE, DIR = sys.argv[1], sys.argv[2]
ARROW, HDF5 = os.path.join(DIR, "table.arrow"), os.path.join(DIR, "table.hdf5")
MEAN, GROUPS, HISTOGRAM = "mean of (x * y) ** 2", "mean by 100 groups", "histogram of 256 cells"


def with_datafolio(path):
    import datafolio

    df = datafolio.open(path)
    told(version=f"datafolio {datafolio.__version__}")
    ask(MEAN, lambda: float(df.mean("(x * y) ** 2")))
    ask(GROUPS, lambda: sum(df.groupby("k", agg={"m": datafolio.agg.mean("x")}).to_pydict()["m"]))
    ask(HISTOGRAM, lambda: int(df.count(binby="x", limits=[-4, 4], shape=256).sum()))


def with_vaex():
    import vaex

    df = vaex.open(HDF5)
    told(version=f"Vaex {vaex.__version__['vaex-core']}")
    ask(MEAN, lambda: float(df.mean("(x * y) ** 2")))
    ask(GROUPS, lambda: float(df.groupby("k", agg={"m": vaex.agg.mean("x")})["m"].to_numpy().sum()))
    ask(HISTOGRAM, lambda: int(df.count(binby="x", limits=[-4, 4], shape=256).sum()))


def with_polars():
    import polars as pl

    told(version=f"Polars {pl.__version__}")
    df, c = pl.scan_ipc(ARROW), pl.col

    def run(frame):
        return frame.collect(engine="streaming")

    cell = ((c("x") + 4) * 32).floor().cast(pl.Int32).alias("cell")
    inside = c("x").is_between(-4, 4, closed="left")
    ask(MEAN, lambda: run(df.select(((c("x") * c("y")) ** 2).mean())).item())
    ask(GROUPS, lambda: run(df.group_by("k").agg(c("x").mean()))["x"].sum())
    ask(HISTOGRAM, lambda: run(df.filter(inside).group_by(cell).agg(pl.len()))["len"].sum())


def with_pyarrow():
    import pyarrow as pa
    import pyarrow.compute as pc

    told(version=f"pyarrow {pa.__version__}")
    table = pa.ipc.open_file(pa.memory_map(ARROW)).read_all()

    def mean():
        product = pc.multiply(table["x"], table["y"])
        return pc.mean(pc.multiply(product, product)).as_py()

    ask(MEAN, mean)
    ask(GROUPS, lambda: pc.sum(table.group_by("k").aggregate([("x", "mean")])["x_mean"]).as_py())


{
    "datafolio, Arrow": lambda: with_datafolio(ARROW),
    "datafolio, HDF5": lambda: with_datafolio(HDF5),
    "Vaex, HDF5": with_vaex,
    "Polars, Arrow": with_polars,
    "pyarrow, Arrow": with_pyarrow,
}[SIDE]()

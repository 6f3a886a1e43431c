"""Makes what is measured: `data.py DIR ROWS`. A bundle, and its table also as Arrow and HDF5, by what is measured."""

import json
import os
import sys

import numpy as np
import pyarrow as pa

import datafolio

place, rows = sys.argv[1], int(sys.argv[2])
folio = datafolio.DataFolio(os.path.join(place, "data"))


def chunks():
    numbers = np.random.default_rng(7)
    words = pa.array([f"word {at}" for at in range(1000)])
    for start in range(0, rows, 500_000):
        count = min(500_000, rows - start)
        yield pa.table(
            {
                "id": np.arange(start, start + count),
                "x": numbers.normal(size=count),
                "y": numbers.normal(size=count),
                "k": numbers.integers(0, 100, count, dtype="int32"),
                "word": words.take(pa.array(numbers.integers(0, 1000, count))),
                "flag": numbers.random(count) < 0.5,
            }
        )


if "t" not in folio:
    folio.add_table("t", chunks())
    folio.add_table("small", pa.table({"a": np.arange(10), "b": np.arange(10.0)}))
    folio.add_json("json", {"rate": 0.1, "steps": list(range(10))})
    for name in ("arrow", "hdf5"):
        folio.frame("t").export(os.path.join(place, f"table.{name}"))
    os.symlink(folio.get_table_path("t"), os.path.join(place, "table.parquet"))
    os.symlink(folio.get_table_path("small"), os.path.join(place, "small.parquet"))
    with open(os.path.join(place, "small.json"), "w") as file:
        json.dump(folio.get_json("json"), file)

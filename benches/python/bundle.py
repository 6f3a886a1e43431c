"""Opening, adding and getting: `bundle.py SIDE DIR ROWS MODE`. Both sides are a package `datafolio` with the same calls.

Python DataFolio does not fsync the files of items, as datafolio does.
"""

import os
import shutil
import sys

import numpy as np
import pandas as pd
from asked import ask

import datafolio

ITEMS = 100
place, large = os.path.join(sys.argv[2], f"bundle-{sys.argv[1]}"), min(int(sys.argv[3]), 1_000_000)


def rows(count):
    numbers = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "x": numbers.normal(size=count),
            "k": numbers.integers(0, 100, count, dtype="int32"),
            "word": numbers.integers(0, 1000, count).astype(str),
        }
    )


values = {
    "json": {"rate": 0.1, "steps": list(range(100))},
    "array": np.arange(10_000.0),
    "small": rows(10),
    "large": rows(large),
}
shutil.rmtree(place, ignore_errors=True)
folio = datafolio.DataFolio(place)
with folio.batch():
    for at in range(ITEMS - 4):
        folio.add(f"item{at}", {"at": at}, description=f"value {at} of a bundle")
    for name, value in values.items():
        folio.add(name, value)

shown = {
    "json": "a JSON value",
    "array": "an array of 10,000",
    "small": "a table of 10 rows",
    "large": f"a table of {large:,} rows",
}
sums = {
    "json": lambda value: sum(value["steps"]),
    "array": lambda value: float(value.sum()),
    "small": lambda value: float(value["x"].sum()),
    "large": lambda value: float(value["x"].sum()),
}

ask(f"open {ITEMS} items", lambda: len(datafolio.DataFolio(place).list_contents()["json_data"]), times=11)
for name, value in values.items():
    ask(f"add {shown[name]}", lambda: folio.add(name, value, overwrite=True) and None, times=5)
for name in values:
    ask(f"get {shown[name]}", lambda: sums[name](folio.get(name)), times=5)
ask("list_contents", lambda: sum(map(len, folio.list_contents().values())), times=11)
# What it says differs from one package to the other.
ask("describe", lambda: len(folio.describe(return_string=True)) > 0, times=11)

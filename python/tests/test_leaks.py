"""Memory, objects and open files stay the same, however often the same things are done.

`DATAFOLIO_LEAK_ITERATIONS=10000` runs the long form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ITERATIONS = int(os.environ.get("DATAFOLIO_LEAK_ITERATIONS", "100"))

# A bundle holds the history of all its commits, as files and as versions in its catalogue. A new one is begun now and
# then, so that what grows with a bundle, as it should, is the same before and after.
SCRIPT = """
import ctypes, gc, json, os, pickle, shutil, sys
import numpy as np, polars as pl
import datafolio
from datafolio import from_arrays

place, what, iterations, kept = sys.argv[1], sys.argv[2], int(sys.argv[3]), []
keep = kept.append if sys.argv[4] == "leaking" else lambda value: None
table = pl.DataFrame({"a": np.arange(1000), "b": np.arange(1000.0), "w": ["word"] * 1000})
array = np.arange(10_000)
path, folio = "", None

def begin(at):
    global path, folio
    folio = None
    shutil.rmtree(path, ignore_errors=True)
    path = os.path.join(place, f"b{at}")
    folio = datafolio.DataFolio(path).add_table("t", table).add("x", {"at": 1}).add("array", array)

def refused(work):
    try:
        work()
    except (datafolio.DataFolioError, TypeError):
        return
    raise AssertionError("this is an error")

def raising():
    yield table
    raise LookupError("on purpose")

def add(at):
    folio.add("x", {"at": at}, overwrite=True).add_table("t", table, overwrite=True)
    folio.add("array", array, overwrite=True)
    with folio.batch():
        folio.add("x", at, overwrite=True)

def get(at):
    keep([folio.get("x"), folio.get("array"), folio.get_table("t", "arrow"), folio.get_table("t", "polars")])
    folio.get("array", mmap=True)
    folio.get_table("t", "pandas", where="a > 500")
    folio.table_info("t"), folio.item_info("t"), folio.describe(return_string=True), folio._repr_html_()

def walk(at):
    keep([chunk for chunk in folio.iter_table("t", 100, return_type="arrow")])
    # One that is left in the middle.
    next(folio.iter_table("t", 100, return_type="arrow"))
    for _ in folio.frame("t").to_dict(chunk_size=100):
        break

def query(at):
    keep(folio.query("SELECT a, b FROM t"))
    folio.query("SELECT sum(a) FROM t WHERE a > ?", "pandas", params=[at])
    next(folio.iter_query("SELECT * FROM t"))

def frame(at):
    df = folio.frame("t")
    df["c"] = df.a * at
    df.add_function("twice", lambda x: x * 2, returns="float64")
    keep((df.evaluate("c"), df.sum("twice(b)"), df.groupby("w", agg={"s": datafolio.agg.sum("c")})))
    df.mean("c", delay=True), df.max("a", delay=True)
    df.execute()
    # Never answered.
    df.sum("c", delay=True)
    other = from_arrays(x=array)
    other.count(binby="x", limits=[0, 100], shape=10)

def handles(at):
    other = datafolio.DataFolio(path, read_only=True)
    keep((other, pickle.dumps(other), np.ones(50_000)))
    assert pickle.loads(pickle.dumps(folio)).get("x") == {"at": 1}
    pickle.loads(pickle.dumps(folio.frame("t"))).sum("a")
    other.at_revision(1), list(other), other.log()

def errors(at):
    for work in (
        lambda: folio.get("nothing"),
        lambda: folio.add("x", 1),
        lambda: folio.add("object", object()),
        lambda: folio.add("../no", 1),
        lambda: folio.query("SELEC 1"),
        lambda: folio.query("SELECT nothing FROM t"),
        lambda: folio.get_table("t", where="nothing > 1"),
        lambda: folio.frame("t").sum("a +"),
        lambda: folio.frame("t").sum("nothing"),
        lambda: datafolio.DataFolio(path + "-none", create=False),
    ):
        refused(work)
    try:
        folio.add_table("g", raising())
    except LookupError:
        pass

work = globals()[what]
# Threads of DuckDB come and go with their own heaps, and what they free stays with the allocator, up to 100 MB of it at
# one look and none at the next: glibc gives it back when it is told to.
give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda padding: None)

def state():
    gc.collect()
    give_back(0)
    with open("/proc/self/status") as status:
        memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
    return {"memory": memory, "objects": len(gc.get_objects()), "files": len(os.listdir("/proc/self/fd"))}

def many(count, first):
    for at in range(first, first + count):
        if at % 50 == 0 or folio is None:
            begin(at)
        work(at)
    begin(first + count + 1)

# Allocators and caches fill up first.
warming = max(50, iterations // 5)
many(warming, 0)
before = state()
many(iterations, warming)
print(json.dumps({name: after - before[name] for name, after in state().items()}))
"""


def growth(place: Path, work: str, how: str = "flat", iterations: int = ITERATIONS) -> dict[str, int]:
    """By how much bytes of private memory, Python's objects and open files grew."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not tell how much private memory and how many open files a process has")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place), work, str(iterations), how],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DATAFOLIO_RESULT_CACHE": "off"},
    )
    assert done.returncode == 0, done.stderr
    grown: dict[str, int] = json.loads(done.stdout)
    return grown


def is_flat(grown: dict[str, int], iterations: int = ITERATIONS) -> bool:
    """What allocators keep goes up and down by some megabytes, and does not grow with the number of iterations."""
    return grown["memory"] < 8_000_000 + 500 * iterations and grown["objects"] < 200 and grown["files"] <= 2


@pytest.mark.parametrize("work", ["add", "get", "walk", "query", "frame", "handles", "errors"])
def test_nothing_grows(tmp_path: Path, work: str) -> None:
    grown = growth(tmp_path, work)
    assert is_flat(grown), grown


@pytest.mark.parametrize("work", ["get", "handles"])
def test_what_is_kept_is_noticed(tmp_path: Path, work: str) -> None:
    assert not is_flat(growth(tmp_path, work, "leaking"))

"""Python's own checks (`-X dev`, warnings as errors), the end of the interpreter, fork, and Ctrl-C.

Each test runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from datafolio import DataFolio

# Python 3.12 and later warn of every fork in a process that has threads. That it works is what is shown here.
DEVELOPMENT = ["-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning"]

# What the scripts begin with: a bundle with a table, and work that does not end by itself.
BEGIN = """
import os, signal, sys, threading, time
import numpy as np, polars as pl
import datafolio
from datafolio import Expression, from_arrays

# Whoever starts tests in the background has them ignore Ctrl-C, which a new process takes over.
signal.signal(signal.SIGINT, signal.default_int_handler)
place = sys.argv[1]
folio = datafolio.DataFolio(place)

def rows(count, at=0):
    numbers = np.arange(at, at + count)
    return pl.DataFrame({"a": numbers, "b": np.sqrt(numbers), "w": (numbers % 1000).astype(str)})

def endless(wait=0.0):
    at = 0
    while True:
        time.sleep(wait)
        yield rows(10_000, at)
        at += 10_000

ENDLESS = "SELECT count(*) FROM range(100000000000) a"
LONG = "x"
for _ in range(60):
    LONG = f"sin({LONG} + 1)"

def numbers(count=8_000_000):
    df = from_arrays(x=np.arange(count, dtype="float64"), k=np.arange(count) % 1000)
    df["long"] = Expression(df, LONG)
    # Python code, which gives the interpreter away and wants it back.
    df.add_function("slow", lambda x: (time.sleep(0.01), x)[1], returns="float64")
    return df
"""


def run(
    script: str, place: Path, *arguments: str, options: list[str] = DEVELOPMENT, seconds: int = 60, forks: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script. Where one hangs is shown, unless it forks: the child would wait for the thread that shows it."""
    watched = "" if forks else f"import faulthandler; faulthandler.dump_traceback_later({seconds - 10}, exit=True)\n"
    return subprocess.run(
        [sys.executable, *options, "-c", watched + BEGIN + script, str(place), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def ended(done: subprocess.CompletedProcess[str]) -> str:
    """What a script has printed, when it has ended well and without a word of complaint."""
    assert (done.returncode, done.stderr) == (0, ""), (done.returncode, done.stderr, done.stdout)
    return done.stdout.strip()


# ---- the end of the interpreter

EVERYTHING = """
import datetime
from sklearn.linear_model import LinearRegression

folio.add_table("t", rows(100_000)).add("json", {"a": [1]}).add("array", np.arange(10))
folio.add("moment", datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc))
folio.add("model", LinearRegression().fit([[0], [1]], [0, 1]))
folio.add_artifact("file", __import__("datafolio").__file__).reference_table("r", folio.get_table_path("t"))
folio.add_view("v", "SELECT a FROM t").create_snapshot("v1")
for name in folio:
    folio.get(name)

chunks = folio.iter_table("t", 1000, return_type="arrow")
next(chunks)
stream = folio._native.read_table("t")
next(stream)
pieces = folio.iter_query("SELECT * FROM t, range(100)")
next(pieces)
df = folio.frame("t")
parts = df.to_dict(chunk_size=1000)
next(parts)
waiting = [df.mean("a * b", delay=True), df.sum("a", delay=True)]
snapshot, view = folio.get_snapshot("v1"), folio.snapshots["v1"].folio
mapped = folio.get("array", mmap=True)
other = datafolio.DataFolio(place + "-other")
batch = other.batch()
batch.__enter__()
other.add("a", 1)
failed = None
try:
    folio.get("nothing")
except KeyError as error:
    failed = error  # With the frames of its traceback.

def ask():
    assert folio.query("SELECT sum(a) AS s FROM t").num_rows == 1
    assert df.mean("sin(a)") is not None

for _ in range(4):
    # Not waited for here: the interpreter does, when it ends.
    threading.Thread(target=lambda: [ask() for _ in range(5)]).start()
print("done")
"""


@pytest.mark.parametrize("options", [[], DEVELOPMENT], ids=["plain", "dev"])
def test_whatever_is_open_at_the_end_of_the_interpreter(tmp_path: Path, options: list[str]) -> None:
    assert ended(run(EVERYTHING, tmp_path / "b", options=options)) == "done"
    assert DataFolio(tmp_path / "b").is_valid()
    assert len(DataFolio(tmp_path / "b-other")) == 0, "a batch that is not ended commits nothing"


DAEMONS = """
folio.add_table("t", rows(200_000))
df = numbers(4_000_000)
work = {
    "query": lambda: folio.query(ENDLESS),
    "iter_query": lambda: list(folio.iter_query(ENDLESS)),
    "iter_table": lambda: [len(c) for _ in range(10**6) for c in folio.iter_table("t", 1000, return_type="arrow")],
    # Not as pandas: pyarrow's conversion may hang by itself when the interpreter ends under it.
    # A search that takes long before its first row, and finds none.
    "get_table where": lambda: folio.get_table("t", "arrow", where=f"a < -({ENDLESS})"),
    "iter_table, long search": lambda: list(folio.iter_table("t", 10, return_type="arrow", where=f"a < -({ENDLESS})")),
    "describe_table where": lambda: folio.describe_table("t", where=f"a < -({ENDLESS})"),
    "get_table": lambda: [folio.get_table("t", "arrow") for _ in range(10**6)],
    # Each thread has a table of its own: two that replace one are in each other's way.
    "add_table": lambda: [
        folio.add_table(threading.current_thread().name[:8], rows(10_000), overwrite=True) for _ in range(10**6)
    ],
    "aggregate": lambda: [df.sum(LONG) for _ in range(10**6)],
    "rows": lambda: [len(c) for c in df.to_dict(chunk_size=100)],
    "progress": lambda: [df.sum(LONG, progress=lambda done: time.sleep(0.01)) for _ in range(10**6)],
    "function": lambda: df.sum("slow(x)"),
    "generator": lambda: folio.add_table("g", endless(0.01)),
}[sys.argv[2]]
threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
time.sleep(0.5)
assert all(thread.is_alive() for thread in threads)
print("done", flush=True)
"""


@pytest.mark.parametrize(
    "work",
    [
        "query",
        "iter_query",
        "iter_table",
        "get_table",
        "add_table",
        "aggregate",
        "rows",
        "progress",
        "function",
        "generator",
    ],
)
def test_daemon_threads_that_work_at_the_end_of_the_interpreter(
    tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Answers that are kept would take no pass.
    monkeypatch.setenv("DATAFOLIO_RESULT_CACHE", "off")
    assert ended(run(DAEMONS, tmp_path / "b", work)) == "done"
    assert DataFolio(tmp_path / "b").is_valid()


# ---- fork

FORKED = """
folio.add_table("t", rows(100_000)).add("x", 1)
df = folio.frame("t")
df.sum("a")
folio.query("SELECT count(*) FROM t")
chunks = folio.iter_table("t", 1000, return_type="arrow")
parts = df.to_dict(chunk_size=1000)
pieces = folio.iter_query("SELECT * FROM t")
for open_one in (chunks, parts, pieces):
    next(open_one)
child = os.fork()
if child == 0:
    # What its parent has open is refused here, and let go; the handle and the frame that it has from it work.
    for open_one in (chunks, parts, pieces):
        try:
            next(open_one)
            sys.exit(7)
        except RuntimeError as refused:
            assert "before this process was forked" in str(refused), refused
    del chunks, parts, pieces, open_one
    assert folio.get("x") == 1 and folio.get_table("t", "arrow").num_rows == 100_000
    assert sum(len(chunk) for chunk in folio.iter_table("t", 1000, return_type="arrow")) == 100_000
    assert df.sum("a") == 4999950000 and folio.frame("t").mean("sin(a)") is not None
    folio.add("of_child", 1)
    sys.exit(0)
assert sum(len(chunk) for chunk in chunks) == 99_000
assert sum(len(part["a"]) for *_, part in parts) == 99_000
assert 0 < sum(len(piece) for piece in pieces) < 100_000
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert folio.get("of_child") == 1
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_with_open_iterators(tmp_path: Path) -> None:
    assert ended(run(FORKED, tmp_path / "b", forks=True)) == "done"
    assert DataFolio(tmp_path / "b").is_valid()


FORKED_INSIDE = """
df = numbers(200_000)
df.add_function("slower", lambda x: (time.sleep(0.3), x)[1], returns="float64")
threading.Thread(target=lambda: df.sum("slower(x)"), daemon=True).start()
time.sleep(0.2)
began = time.monotonic()
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
print("done" if time.monotonic() - began < 5 else "the child waited for threads of its parent")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_while_a_thread_is_inside_a_function(tmp_path: Path) -> None:
    assert ended(run(FORKED_INSIDE, tmp_path / "b", forks=True)) == "done"


# ---- Ctrl-C

PRESSED = """
folio.add_table("t", (rows(500_000, at * 500_000) for at in range(4))).add("x", 1)
what = sys.argv[2]
df = numbers() if what.startswith("frame: ") else None

def in_a_batch(wait):
    with folio.batch():
        folio.add("y", 1)
        folio.add_table("g", endless(wait))

work = {
    "query": lambda: folio.query(ENDLESS),
    "iter_query": lambda: list(folio.iter_query(ENDLESS)),
    "derive": lambda: folio.derive("g", ENDLESS),
    "iter_table": lambda: [len(c) for _ in range(10**6) for c in folio.iter_table("t", 10_000, return_type="arrow")],
    # No row passes, so that the library walks through the table alone.
    "iter_table where": lambda: [
        list(folio.iter_table("t", 10_000, return_type="arrow", where="b * b < -1 AND w LIKE '%77%'"))
        for _ in range(10**6)
    ],
    # A search that takes long before its first row, and finds none.
    "get_table where": lambda: folio.get_table("t", "arrow", where=f"a < -({ENDLESS})"),
    "iter_table, long search": lambda: list(folio.iter_table("t", 10, return_type="arrow", where=f"a < -({ENDLESS})")),
    "describe_table where": lambda: folio.describe_table("t", where=f"a < -({ENDLESS})"),
    "get_table": lambda: [folio.get_table("t", "arrow") for _ in range(10**6)],
    "describe_table": lambda: [folio.describe_table("t", top=5) for _ in range(10**6)],
    "add_table": lambda: folio.add_table("g", endless()),
    "add_table, slow rows": lambda: folio.add_table("g", endless(0.05)),
    "append_table": lambda: folio.append_table("g", endless()),
    "batch": lambda: in_a_batch(0),
    "batch, slow rows": lambda: in_a_batch(0.05),
    "verify": lambda: [folio.verify() for _ in range(10**6)],
    "frame: aggregate": lambda: df.sum(LONG),
    "frame: several at once": lambda: (df.sum(LONG, delay=True), df.execute()),
    "frame: group": lambda: df.groupby("k", agg={"s": datafolio.agg.sum(LONG)}),
    "frame: grid": lambda: df.sum(LONG, binby="x", limits=[0, 8e6], shape=10),
    "frame: rows": lambda: df.evaluate(LONG),
    "frame: function": lambda: df.sum("slow(x)"),
    "frame: progress": lambda: df.sum(LONG, progress=lambda done: True),
    "frame: Parquet": lambda: df.export(place + ".parquet"),
    "frame: HDF5": lambda: df.export(place + ".hdf5"),
    "frame: item": lambda: folio.add_frame("g", df),
}[what]

pressed = []

def press():
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

pressing = threading.Timer(0.5, press)
pressing.start()
try:
    work()
except KeyboardInterrupt:
    print("stopped", time.monotonic() - pressed[0])
else:
    # It must not arrive among what follows.
    pressing.cancel()
    print("finished", -1)
assert folio.get("x") == 1 and folio.is_valid() and datafolio.DataFolio(place).is_valid()
assert "y" not in folio and "g" not in folio
folio.add("afterwards", 1)
assert folio.query("SELECT count(*) AS n FROM t").to_pydict() == {"n": [2_000_000]}
"""


@pytest.mark.parametrize(
    "work",
    [
        "query",
        "iter_query",
        "derive",
        "iter_table",
        "iter_table where",
        "iter_table, long search",
        "get_table",
        "get_table where",
        "describe_table",
        "describe_table where",
        "add_table",
        "add_table, slow rows",
        "append_table",
        "batch",
        "batch, slow rows",
        "verify",
        "frame: aggregate",
        "frame: several at once",
        "frame: group",
        "frame: grid",
        "frame: rows",
        "frame: function",
        "frame: progress",
        "frame: Parquet",
        "frame: HDF5",
        "frame: item",
    ],
)
def test_control_c(tmp_path: Path, work: str) -> None:
    word, seconds = ended(run(PRESSED, tmp_path / "b", work)).split()
    assert word == "stopped" and float(seconds) < 2, (word, seconds)
    left = [path.name for path in tmp_path.iterdir() if path.name not in ("b", ".b")]
    assert not left, "what was half written is gone"

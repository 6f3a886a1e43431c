"""Frames of bundles: versions, pickles, tables and views that are made of frames."""

from __future__ import annotations

import pickle
import signal
import threading
import time

import pytest

np = pytest.importorskip("numpy")

import datafolio  # noqa: E402
from datafolio import _native  # noqa: E402
from datafolio.frame import from_arrays  # noqa: E402
from datafolio.frame.of_bundle import frame_of  # noqa: E402


@pytest.fixture
def bundle(tmp_path):
    bundle = _native.Bundle(str(tmp_path / "study"), "create")
    bundle.add_table("t", from_arrays(x=np.arange(1000.0), n=np.arange(1000)))
    return bundle


def test_a_table_is_a_frame(bundle):
    df = frame_of(bundle, "t")
    df["y"] = df.x * 2
    assert df.sum("y") == 999000.0 and df[df.n < 10].x.tolist() == list(range(10))
    assert [name for name, _ in df.origins] == ["t"]
    assert frame_of(bundle, "t", mapped=True).sum("x") == 499500.0


def test_a_frame_keeps_its_version_also_in_another_process(bundle):
    df = frame_of(bundle, "t")
    high = df[df.n >= 990]
    high["y"] = high.x * 2
    kept = pickle.dumps(high)
    bundle.add_table("t", from_arrays(x=np.zeros(5), n=np.zeros(5, dtype="int64")), {"overwrite": True})
    assert len(kept) < 3000
    assert pickle.loads(kept).y.tolist() == high.y.tolist() == [2.0 * row for row in range(990, 1000)]
    assert frame_of(bundle, "t").count() == 5
    [(_, version)] = df.origins
    assert frame_of(bundle, "t", version).count() == 1000


def test_rows_and_states_are_kept(bundle):
    df = frame_of(bundle, "t")
    df["y"] = df.x + 1
    high = df[df.n > 500]
    bundle.add_frame("high", high._native, {"description": "the upper half"})
    assert frame_of(bundle, "high").sum("y") == high.sum("y")
    bundle.add_frame_view("upper", "t", high.state_get())
    view = frame_of(bundle, "upper")
    assert view.count() == 499 and pickle.loads(pickle.dumps(view)).sum("y") == high.sum("y")


def test_functions_of_python_in_rows_that_are_stored(bundle):
    df = frame_of(bundle, "t")
    df.add_function("twice", lambda x: x * 2, returns="float64")
    df["y"] = "twice(x)"
    bundle.add_frame("doubled", df._native)
    assert frame_of(bundle, "doubled").sum("y") == 999000.0


def test_frames_go_by_the_settings_of_their_bundle(tmp_path):
    folio = datafolio.DataFolio(tmp_path / "own", settings={"threads": 1, "spill_dir": str(tmp_path / "spill"), "memory": "64 MB"})
    folio.add_table("t", from_arrays(x=np.arange(10.0)))
    for df in (folio.frame("t"), folio.frame("t")[folio.frame("t").x > 3], folio.query_frame("SELECT * FROM t")):
        threads, memory, spill = df._native.limits()
        assert (threads, memory, spill) == (1, 64_000_000, str(tmp_path / "spill"))
    assert folio.frame("t").sum("x") == 45.0
    assert pickle.loads(pickle.dumps(folio.frame("t")))._native.limits()[0] == 1


def test_control_c_stops_rows_that_are_stored(tmp_path, request):
    # A shell that starts the tests in the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    folio = datafolio.DataFolio(tmp_path / "own")
    folio.add_table("t", from_arrays(x=np.arange(2_000_000.0)))
    df = folio.frame("t")
    waits = threading.Event()

    def slow(x):
        waits.set()
        time.sleep(0.02)
        return x

    df.add_function("slow", slow, returns="float64")
    df["y"] = "slow(x)"

    def press():
        waits.wait(20)
        time.sleep(0.2)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=press).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        folio.add_frame("copy", df)
    assert time.monotonic() - began < 5 and list(folio) == ["t"] and folio.is_valid()


def test_control_c_stops_rows_of_others_that_are_stored(tmp_path, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    folio, other = (datafolio.DataFolio(tmp_path / name) for name in ("own", "other"))
    # A stream of Arrow that runs no code of Python, in which Ctrl-C would be noticed.
    asked = dict.fromkeys(("params", "timeout", "memory", "threads", "frames", "progress"))
    rows = other._native.query("SELECT range AS x, sqrt(range) AS y FROM range(3000000000)", asked)
    main = threading.main_thread().ident
    threading.Timer(1.0, signal.pthread_kill, (main, signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        folio.add_table("endless", rows)
    assert time.monotonic() - began < 10 and list(folio) == [] and folio.is_valid()

"""The writer of HDF5 files, against h5py."""

from __future__ import annotations

import os

import pytest

np = pytest.importorskip("numpy")

from datafolio.exceptions import DataFolioError  # noqa: E402
from datafolio.frame import (  # noqa: E402
    from_arrays,
    from_dict,
    open as open_frame,
)
from datafolio.hdf5 import Writer  # noqa: E402


@pytest.fixture
def df():
    frame = from_arrays(
        x=np.arange(1000, dtype="float32") / 7,
        n=np.arange(1000, dtype="int16"),
        v=np.arange(3000, dtype="float64").reshape(1000, 3),
        name=[None if row % 7 == 0 else f"row {row}" for row in range(1000)],
    )
    frame["double"] = frame.x * 2
    return frame


def test_h5py_reads_what_is_written(df, tmp_path):
    h5py = pytest.importorskip("h5py")
    told = []
    with Writer(tmp_path / "out.hdf5", group="/data", byteorder=">") as writer:
        writer.layout(df, progress=told.append)
        writer.write(df, chunk_size=100, progress=told.append, column_count=2, export_threads=2)
        assert not os.path.exists(tmp_path / "out.hdf5"), "it appears when it is whole"
    assert told and told[-1] == 1.0 and all(0 <= fraction <= 1 for fraction in told)
    with h5py.File(tmp_path / "out.hdf5") as file:
        columns = file["data/columns"]
        assert columns["x/data"].dtype == np.dtype(">f4")
        np.testing.assert_array_equal(columns["x/data"][:], np.arange(1000, dtype="float32") / 7)
        np.testing.assert_array_equal(columns["double/data"][:], np.arange(1000, dtype="float32") / 7 * 2)
        np.testing.assert_array_equal(columns["v/data"][:], np.arange(3000.0).reshape(1000, 3))
    again = open_frame(tmp_path / "out.hdf5", group="/data")
    assert again.name.tolist() == df.name.tolist()


def test_a_filter_is_applied(df, tmp_path):
    high = df[df.n >= 990]
    with Writer(str(tmp_path / "high.hdf5")) as writer:
        writer.layout(high)
        writer.write(high, parallel=False)
    assert open_frame(tmp_path / "high.hdf5").n.tolist() == list(range(990, 1000))


def test_a_second_table_is_added(df, tmp_path):
    for group, mode in (("/one", "w"), ("/two", "a")):
        with Writer(tmp_path / "both.hdf5", group=group, mode=mode) as writer:
            writer.layout(df[["n"]])
            writer.write(df[["n"]])
    assert open_frame(tmp_path / "both.hdf5", group="/one").n.sum() == open_frame(tmp_path / "both.hdf5", group="/two").n.sum()


def test_calls_have_an_order(df, tmp_path):
    writer = Writer(tmp_path / "out.hdf5")
    with pytest.raises(AssertionError, match="layout must be called"):
        writer.write(df)
    writer.layout(df)
    with pytest.raises(AssertionError, match="before"):
        writer.layout(df)
    writer.close()
    assert os.listdir(tmp_path) == [], "nothing was written, and nothing is left"
    with pytest.raises(AssertionError, match="closed"):
        writer.write(df)


def test_an_empty_frame_is_refused(tmp_path):
    empty = from_dict({"x": [1.0]})
    with Writer(tmp_path / "out.hdf5") as writer, pytest.raises(ValueError, match="empty"):
        writer.layout(empty[empty.x > 1])
    assert os.listdir(tmp_path) == []


def test_what_fails_leaves_the_old_file(df, tmp_path):
    df.export_hdf5(tmp_path / "out.hdf5")
    before = (tmp_path / "out.hdf5").read_bytes()
    with pytest.raises(RuntimeError, match="on purpose"), Writer(tmp_path / "out.hdf5") as writer:
        writer.layout(df)
        writer.write(df)
        raise RuntimeError("on purpose")
    assert (tmp_path / "out.hdf5").read_bytes() == before
    assert os.listdir(tmp_path) == ["out.hdf5"]


def test_other_rows_than_those_of_layout_are_refused(df, tmp_path):
    with pytest.raises(DataFolioError, match="layout saw"), Writer(tmp_path / "out.hdf5") as writer:
        writer.layout(df)
        writer.write(df[:10])


def test_progress_stops_it(df, tmp_path):
    with pytest.raises(DataFolioError, match="stopped"), Writer(tmp_path / "out.hdf5") as writer:
        writer.layout(df)
        writer.write(df, progress=lambda fraction: False)
    assert os.listdir(tmp_path) == []


def test_wrong_words_are_told(tmp_path):
    with pytest.raises(ValueError, match="byteorder"):
        Writer(tmp_path / "x.hdf5", byteorder="big")
    with pytest.raises(ValueError, match="mode"):
        Writer(tmp_path / "x.hdf5", mode="r")

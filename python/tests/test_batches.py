"""Batches: what is committed together, and what is seen of it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import datafolio


def test_all_or_nothing(folio: datafolio.DataFolio) -> None:
    before = folio.revision
    with folio.batch():
        folio.add("a", 1).add_table("t", pd.DataFrame({"x": [1]}))
        folio.append_table("t", pd.DataFrame({"x": [2]}))
        folio.metadata["stage"] = "batch"
        assert "a" not in datafolio.DataFolio(folio.path)
    assert folio.revision == before + 1
    assert folio.get_table("t")["x"].tolist() == [1, 2]
    with pytest.raises(ZeroDivisionError), folio.batch():
        folio.add("b", 1)
        1 / 0  # noqa: B018
    assert "b" not in folio and folio.revision == before + 1
    with folio.batch(), pytest.raises(RuntimeError, match="batches do not lie in each other"), folio.batch():
        pass
    folio.add("c", 1)


def test_reads_see_what_the_batch_has_changed(folio: datafolio.DataFolio) -> None:
    folio.add("kept", 1).add("gone", 2)
    with pytest.raises(KeyError, match="mine"), folio.batch():
        folio.add("a", {"n": 1}).add_table("t", pd.DataFrame({"x": [1, 2]}), inputs=["a"])
        assert folio.get("a") == {"n": 1} and folio.get_table("t")["x"].tolist() == [1, 2]
        assert folio.get_inputs("t") == ["a"] and folio.table_info("t")["rows"] == 2
        folio.append_table("t", pd.DataFrame({"x": [3]}))
        assert [len(chunk) for chunk in folio.iter_table("t", chunk_size=2)] == [2, 1]
        assert folio.query_table("t", "SELECT sum(x) AS s FROM table", "arrow").to_pydict() == {"s": [6]}
        assert folio.frame("t").sum("x") == 6
        folio.add_frame("high", folio.frame("t")[folio.frame("t").x > 1])
        assert folio.get_table("high")["x"].tolist() == [2, 3]
        folio.delete("gone")
        folio.metadata["stage"] = "batch"
        assert folio.list_contents()["json_data"] == ["kept", "a"] and "gone" not in folio
        assert folio.metadata["stage"] == "batch" and "a:" in str(folio.describe(return_string=True))
        folio.add("a", {"n": 2}, overwrite=True)
        assert folio.get("a") == {"n": 2} == folio.data.a.content
        raise KeyError("mine")
    assert list(folio) == ["kept", "gone"] and "stage" not in folio.metadata
    left = folio.gc()
    assert folio.is_valid() and left["payloads"] == [] and left["too_young"] == 0


def test_files_become_tables_of_a_batch(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,a\n2,b\n")
    before = folio.revision
    with folio.batch():
        folio.import_table("rows", tmp_path / "rows.csv")
        assert folio.get_table("rows")["y"].tolist() == ["a", "b"]
        assert folio.revision == before
    assert folio.revision == before + 1 and folio.table_info("rows")["rows"] == 2


def test_what_makes_rows_may_read_meanwhile(folio: datafolio.DataFolio) -> None:
    folio.add("factor", 10)

    def chunks() -> Iterator[pd.DataFrame]:
        for row in range(3):
            # The change under which this runs is seen by nobody yet, what came before it is.
            assert "made" not in folio
            yield pd.DataFrame({"x": [row * folio.get("factor") + folio.get("offset")]})

    with folio.batch():
        folio.add("offset", 5)
        folio.add_table("made", chunks())
        assert folio.get_table("made")["x"].tolist() == [5, 15, 25]


def test_others_are_not_held_up_by_a_change_that_waits_for_its_rows(folio: datafolio.DataFolio) -> None:
    waits, goes_on = threading.Event(), threading.Event()

    def chunks() -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"x": [1]})
        waits.set()
        assert goes_on.wait(20)
        yield pd.DataFrame({"x": [2]})

    seen: list[object] = []

    def other() -> None:
        assert waits.wait(20)
        seen.append((folio._native.in_batch, list(folio)))
        goes_on.set()

    thread = threading.Thread(target=other)
    with folio.batch():
        folio.add("before", 1)
        thread.start()
        folio.add_table("slow", chunks())
        thread.join()
    assert seen == [(True, ["before"])] and list(folio) == ["before", "slow"]


@pytest.mark.parametrize("call", ["derive", "rerun", "compact", "undo", "gc", "create_snapshot", "cleanup_orphaned_versions"])
def test_what_is_a_commit_of_its_own_is_refused(folio: datafolio.DataFolio, call: str) -> None:
    arguments = {"derive": ("d", "SELECT 1 AS x"), "compact": ("t",), "gc": (True,), "create_snapshot": ("v1",)}
    folio.add_table("t", pd.DataFrame({"x": [1]}))
    with folio.batch():
        with pytest.raises(RuntimeError, match=rf"{call}\(\) is not possible inside batch"):
            getattr(folio, call)(*arguments.get(call, ()))
        folio.add("a", 1)
    assert list(folio) == ["t", "a"]

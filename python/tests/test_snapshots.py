"""Snapshots, metadata, lineage, copies and history."""

from __future__ import annotations

import datetime
import inspect
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import datafolio
import datafolio.snapshots
from datafolio.exceptions import BundleNotFoundError


def test_opening(tmp_path: Path) -> None:
    place = tmp_path / "b"
    folio = datafolio.DataFolio(place, metadata={"study": "é"})
    assert folio.metadata["study"] == "é"
    assert {"created_at", "updated_at", "_datafolio"} <= set(folio.metadata)
    again = datafolio.DataFolio(str(place), metadata={"study": "other"})
    assert again.metadata["study"] == "é"
    assert again.metadata["created_at"] == folio.metadata["created_at"]
    assert (folio.path, folio._bundle_dir) == (str(place), str(place))
    assert "folio.describe()" in (place / "README.md").read_text()
    for options in ({"read_only": True}, {"create": False}):
        with pytest.raises(FileNotFoundError) as missing:
            datafolio.DataFolio(tmp_path / "none", **options)  # type: ignore[arg-type]
        assert isinstance(missing.value, BundleNotFoundError)
        assert not (tmp_path / "none").exists()
    with pytest.raises(ValueError, match="path of a bundle, or an alias"):
        datafolio.DataFolio()
    (tmp_path / "empty").mkdir()
    datafolio.DataFolio(tmp_path / "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        datafolio.DataFolio(tmp_path / "full")
    datafolio.DataFolio(tmp_path / "full", allow_existing=True)
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"
    first, second = (datafolio.DataFolio(tmp_path / "run", random_suffix=True) for _ in range(2))
    assert first.path != second.path and Path(first.path).name.count("-") == 3


def test_snapshots(folio: datafolio.DataFolio) -> None:
    folio.add("x", 1).metadata["stage"] = "raw"
    assert folio.create_snapshot("v1", description="first", tags=["baseline"], capture_git=False) is folio
    folio.add("x", 2, overwrite=True).add("y", 3).metadata["stage"] = "clean"
    folio.create_snapshot("v2", capture_git=False)
    assert list(folio.snapshots) == ["v1", "v2"] and len(folio.snapshots) == 2 and "v1" in folio.snapshots
    assert [info["name"] for info in folio.list_snapshots()] == ["v2", "v1"]
    assert folio.list_snapshots()[1]["tags"] == ["baseline"] and folio.list_snapshots()[1]["num_items"] == 1
    view = folio.snapshots["v1"]
    assert (view.name, view.description, view.tags, view.metadata["stage"]) == ("v1", "first", ["baseline"], "raw")
    assert set(view.item_versions) == {"x"} and view.get("x") == 1
    comparison = folio.compare_snapshots("v1", "v2")
    assert comparison["added_items"] == ["y"] and comparison["modified_items"] == ["x"]
    assert comparison["metadata_changes"]["stage"] == ("raw", "clean")
    assert folio.diff_from_snapshot()["snapshot_name"] == "v2"
    difference = folio.diff_from_snapshot("v1")
    assert (difference["added_items"], difference["modified_items"]) == (["y"], ["x"])
    assert difference["metadata_changes"] == {"stage": ("raw", "clean")}
    loaded = datafolio.DataFolio.load_snapshot(folio.path, "v1")
    assert loaded.read_only and loaded.in_snapshot_mode and loaded.loaded_snapshot == "v1"
    assert loaded.get("x") == 1 and loaded.metadata["stage"] == "raw"
    assert repr(loaded).endswith("[READ-ONLY] [snapshot: v1]")
    with pytest.raises(RuntimeError, match=r"(?s)read-only.*snapshot|snapshot.*read-only"):
        loaded.add("z", 1)
    for call in (
        lambda: loaded.metadata.update(a=1),
        lambda: loaded.delete("x"),
        lambda: loaded.update_item("x", description="y"),
        lambda: loaded.create_snapshot("v3"),
        lambda: loaded.delete_snapshot("v1"),
        lambda: loaded.restore_snapshot("v1", confirm=True),
    ):
        with pytest.raises(RuntimeError, match="read-only"):
            call()
    with pytest.raises(ValueError, match="confirm"):
        folio.restore_snapshot("v1")
    folio.restore_snapshot("v1", confirm=True)
    assert folio.get("x") == 1 and "y" not in folio and folio.metadata["stage"] == "raw"
    exported = folio.export_snapshot("v2", Path(folio.path).parent / "out")
    assert exported.get("x") == 2 and list(exported.snapshots) == []
    assert exported.metadata["_source_snapshot"]["name"] == "v2"
    folio.delete_snapshot("v2", cleanup_orphans=True)
    assert list(folio.snapshots) == ["v1"]


def test_a_snapshot_that_came_back_has_its_place(folio: datafolio.DataFolio) -> None:
    for name in ("v1", "v2", "v3"):
        folio.add("x", name, overwrite=True).create_snapshot(name, capture_git=False)
    folio.delete_snapshot("v1").undo()
    assert list(folio.snapshots) == ["v1", "v2", "v3"] == list(folio.snapshots.keys())
    assert [view.get("x") for view in folio.snapshots.values()] == ["v1", "v2", "v3"]
    assert [info["name"] for info in folio.list_snapshots()] == ["v3", "v2", "v1"]


def test_what_a_name_is_read_with_reads_a_snapshot_too(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("first")
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    frame = pd.DataFrame({"id": [1, 2, 3], "score": [1.0, 2.0, 4.0]})
    folio.add_table("scores", frame).add_json("params", {"rate": 1}, inputs=["scores"]).add_numpy("array", np.arange(3))
    folio.add_timestamp("when", moment).add_model("model", {"a": 1}).add_artifact("notes", tmp_path / "notes.txt")
    folio.add_view("high", "SELECT * FROM scores WHERE score > 1").create_snapshot("v1", capture_git=False)
    first = folio.versions("scores")[0]["version"]
    folio.add_table("scores", frame[:1], overwrite=True).add_json("params", {"rate": 2}, overwrite=True)
    folio.delete(["array", "when", "model", "notes", "high"])

    v1 = folio.snapshots["v1"]
    assert v1.get_json("params") == v1.get("params") == v1.get_data("params") == {"rate": 1}
    assert v1.get_many(["params", "when"]) == {"params": {"rate": 1}, "when": moment}
    assert v1.get_numpy("array").tolist() == [0, 1, 2] and v1.get_timestamp("when") == moment
    assert v1.get_timestamp("when", as_unix=True) == moment.timestamp() and v1.get_model("model") == {"a": 1}
    assert Path(v1.get_artifact_path("notes")).read_text() == "first"
    pd.testing.assert_frame_equal(v1.get_table("scores"), frame)
    pd.testing.assert_frame_equal(pd.concat(v1.iter_table("scores", 2), ignore_index=True), frame)
    assert v1.query_table("scores", "SELECT sum(score) AS s FROM table")["s"].tolist() == [7.0]
    assert v1.get_table("high", "arrow").to_pydict() == {"id": [2, 3], "score": [2.0, 4.0]}
    assert v1.frame("scores").sum("score") == v1.frame("scores", version=first).sum("score") == 7.0
    assert v1.table_info("scores")["rows"] == v1.describe_table("scores")["rows"] == 3
    assert len(v1.sample_table("scores", 2)) == len(v1.preview_table("scores", 2)) == 2
    assert len(pd.read_parquet(v1.get_table_path("scores"))) == 3
    assert v1.get_inputs("params") == ["scores"] and v1.item_info("array")["shape"] == [3]
    with pytest.raises(KeyError, match="'none' not found"):
        v1.get_json("none")


# What changes something, or is about snapshots, states and commits and not about an item of one state.
NOT_OF_A_SNAPSHOT = """
    add add_artifact add_data add_frame add_frame_view add_json add_model add_numpy add_sklearn add_table add_timestamp add_view
    append_table archive compact delete delete_rows derive import_table reference_table rename rerun stage_table unarchive update_item
    update_table cache_status clear_cache invalidate_cache refresh_cache check_references diff_table diff_table_rows
    iter_diff_table_rows create_snapshot delete_snapshot diff_from_snapshot export_snapshot get_snapshot get_snapshot_info
    reproduce_instructions restore_snapshot
""".split()


def test_no_way_to_read_a_name_is_missing() -> None:
    for name, method in inspect.getmembers(datafolio.DataFolio, inspect.isfunction):
        first = list(inspect.signature(method).parameters)[1:2]
        if name.startswith("_") or name in NOT_OF_A_SNAPSHOT or first not in (["name"], ["names"], ["item_name"]):
            continue
        ours = getattr(datafolio.snapshots.SnapshotView, name, None)
        assert ours is not None, f"a snapshot has no {name}"
        assert inspect.signature(ours) == inspect.signature(method), name


def test_snapshot_names(folio: datafolio.DataFolio) -> None:
    folio.create_snapshot("v1", capture_git=False)
    with pytest.raises(ValueError, match="can only contain"):
        folio.create_snapshot("a b")
    with pytest.raises(ValueError, match="already exists"):
        folio.create_snapshot("v1")
    for call in (
        lambda: folio.snapshots["none"],
        lambda: folio.get_snapshot("none"),
        lambda: folio.get_snapshot_info("none"),
        lambda: folio.delete_snapshot("none"),
        lambda: folio.compare_snapshots("v1", "none"),
        lambda: folio.restore_snapshot("none", confirm=True),
    ):
        with pytest.raises(KeyError, match="not found"):
            call()


def test_metadata_is_stored_when_it_changes(folio: datafolio.DataFolio) -> None:
    metadata = folio.metadata
    metadata["a"] = 1
    metadata.update(b=[1, 2], c={"d": None})
    assert metadata.setdefault("a", 5) == 1 and metadata.setdefault("e", 6) == 6
    del metadata["a"]
    assert metadata.pop("b") == [1, 2] and metadata.pop("b", None) is None
    with pytest.raises(KeyError):
        metadata.pop("b")
    with pytest.raises(KeyError):
        del metadata["b"]
    metadata |= {"f": 7}
    again = datafolio.DataFolio(folio.path).metadata
    assert {key: again[key] for key in ("c", "e", "f")} == {"c": {"d": None}, "e": 6, "f": 7}
    assert "a" not in again and "b" not in again
    folio.metadata = {"only": True}
    assert {key for key in folio.metadata if not key.startswith("_") and not key.endswith("_at")} == {"only"}


def test_lineage_and_changes(folio: datafolio.DataFolio) -> None:
    folio.add("raw", 1).add("clean", 2, inputs=["raw"]).add("plot", 3, inputs=["clean", "elsewhere"])
    assert folio.get_inputs("plot") == ["clean", "elsewhere"]
    assert folio.get_dependents("raw") == ["clean"]
    assert folio.get_lineage_graph() == {"raw": [], "clean": ["raw"], "plot": ["clean", "elsewhere"]}
    folio.update_item("raw", description="read").update_item("plot", inputs=[])
    assert folio.item_info("raw")["description"] == "read" and folio.get_inputs("plot") == []
    with pytest.raises(KeyError, match="'none' not found"):
        folio.update_item("none", description="x")
    with pytest.warns(UserWarning, match="'raw' is an input of 'clean'"):
        folio.delete("raw")
    with pytest.raises(KeyError, match="none"):
        folio.delete(["clean", "none"])
    assert "clean" in folio
    folio.rename("clean", "cleaned").archive("cleaned")
    assert folio.list_contents()["json_data"] == ["plot"] and folio.get("cleaned") == 2
    folio.archive("nothing*").unarchive("clean*")
    assert folio.list_contents()["json_data"] == ["cleaned", "plot"]
    with pytest.raises(KeyError, match="not found"):
        folio.archive("none")


def test_the_accessor(folio: datafolio.DataFolio) -> None:
    folio.add("x", {"a": 1}, description="numbers").add_table("t", pd.DataFrame({"a": [1]}), inputs=["x"])
    item = folio.data.x
    assert (item.content, item.description, item.type) == ({"a": 1}, "numbers", "json_data")
    assert (item.dependents, folio.data["t"].inputs) == (["t"], ["x"])
    assert repr(item) == "ItemProxy('x', type='json_data': numbers)"
    assert "x" in folio.data and list(folio.data) == ["x", "t"] and {"x", "t"} <= set(dir(folio.data))
    assert folio.data.t.lazy.collect().height == 1
    with pytest.raises(AttributeError, match="not found"):
        folio.data.none  # noqa: B018
    with pytest.raises(KeyError):
        folio.data["none"]
    assert repr(datafolio.DataFolio(folio.path + "2").data) == "DataAccessor(no items)"


def test_reads_see_what_others_commit(folio: datafolio.DataFolio) -> None:
    other = datafolio.DataFolio(folio.path)
    other.add("x", 1)
    assert folio.get("x") == 1 and folio.list_contents()["json_data"] == ["x"]
    with folio.pinned():
        other.add("x", 2, overwrite=True)
        assert folio.get("x") == 1
    assert folio.get("x") == 2
    assert folio.get_many(["x"]) == {"x": 2}


def test_copies_and_history(folio: datafolio.DataFolio, tmp_path: Path) -> None:
    folio.add("raw", 1).add("clean", 2, inputs=["raw"]).add("other", 3)
    made = folio.copy(tmp_path / "copy", include_items=["clean"], follow_lineage=True, metadata_updates={"of": "study"})
    assert list(made) == ["raw", "clean"] and made.metadata["of"] == "study"
    assert Path(folio.copy(tmp_path, name="second", exclude_items=["raw"]).path) == tmp_path / "second"
    with pytest.raises(ValueError, match="Cannot specify both"):
        folio.copy(tmp_path / "third", include_items=["raw"], exclude_items=["other"])
    log = folio.log()
    assert [entry["revision"] for entry in log] == [4, 3, 2, 1]
    assert folio.at_revision(2).get("raw") == 1 and "clean" not in folio.at_revision(2)
    assert folio.undo() == 4 and "other" not in folio
    assert folio.is_valid() and folio.verify()["findings"] == []
    assert folio.disk_usage() and folio.gc()["applied"] is False


def test_describe(folio: datafolio.DataFolio, capsys: pytest.CaptureFixture[str]) -> None:
    folio.add("params", {"a": 1}, description="of the run").metadata["experiment"] = "café"
    assert folio.describe() is None
    printed = capsys.readouterr().out
    assert folio.describe(return_string=True) == printed.removesuffix("\n")
    for text in ("DataFolio:", "Created:", "Updated:", "Metadata (1 fields):", "experiment: café", "params: of the run"):
        assert text in printed
    folio.create_snapshot("v1", capture_git=False)
    assert "Snapshot: v1" in str(folio.describe(snapshot="v1", return_string=True))


def test_aliases_and_search(folio: datafolio.DataFolio) -> None:
    folio.add("scores_1", 1, description="best").add("other", 2)
    assert datafolio.set_alias("mine", folio.path) == os.path.realpath(folio.path)
    assert datafolio.DataFolio(alias="mine").get("other") == 2
    with pytest.raises(KeyError, match="No folio registered as 'none'"):
        datafolio.DataFolio(alias="none")
    with pytest.raises(ValueError, match="stands for"):
        datafolio.set_alias("mine", "/elsewhere")
    found = datafolio.find("scores*")
    assert found[["alias", "name", "item_type", "description"]].values.tolist() == [["mine", "scores_1", "json_data", "best"]]
    assert list(datafolio.find("best", descriptions=True)["name"]) == ["scores_1"]
    assert list(datafolio.find("^o.*r$", regex=True)["name"]) == ["other"]
    assert list(datafolio.list_folios()["alias"]) == ["mine"]
    with pytest.warns(UserWarning, match="cannot be opened"):
        assert datafolio.find(folios=["/nowhere"]).empty
    datafolio.remove_alias("mine")
    with pytest.raises(KeyError):
        datafolio.remove_alias("mine")


def test_what_notebooks_show(folio: datafolio.DataFolio) -> None:
    folio.add("x", {"a": 1}, description="<script>").create_snapshot("v1", capture_git=False)
    folio.add_table("t", pd.DataFrame({"a": [1.5, 2.5]}))
    html = folio._repr_html_()
    assert "&lt;script&gt;" in html and "<script>" not in html and "v1" in html
    assert "a" in folio.data.t._repr_html_() and "v1" in folio.snapshots["v1"]._repr_html_()
    assert "double" in folio.table_info("t")._repr_html_()  # type: ignore[attr-defined]


def test_handles_that_take_turns_do_not_conflict(folio: datafolio.DataFolio) -> None:
    other = datafolio.DataFolio(folio.path)
    for at in range(4):
        writer = (folio, other)[at % 2]
        writer.add("x", at, overwrite=True).metadata["at"] = at
        writer.update_item("x", description=str(at))
    assert (folio.get("x"), folio.metadata["at"], folio.item_info("x")["description"]) == (3, 3, "3")
    with folio.pinned():
        assert folio.get("x") == 3
        other.add("x", 4, overwrite=True)
        # What was read is not there any more: the change would undo one that nobody here has seen.
        with pytest.raises(datafolio.ConcurrentWriteError, match="'x'"):
            folio.add("x", 5, overwrite=True)

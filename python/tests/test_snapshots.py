"""Snapshots, metadata, lineage, copies and history."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import datafolio
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
    with pytest.raises(RuntimeError, match="(?s)read-only.*snapshot|snapshot.*read-only"):
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

"""Snapshots, as PyPI's releases do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import raised

cases = Cases()


@cases.like("1.3", "2.3")
def making_and_listing(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"stage": "raw"})
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("x", 1)
    back = folio.create_snapshot("v1.0", "first", ["baseline", "paper"], capture_git=False) is folio
    add("y", 1)
    folio.create_snapshot("v2_b-c", capture_git=False)
    info = folio.get_snapshot_info("v1.0")
    listed = folio.list_snapshots()
    return [
        back,
        [[entry[key] for key in ("name", "description", "tags", "num_items")] for entry in listed],
        [sorted(entry) for entry in listed],
        [info["name"], info["description"], info["tags"], sorted(info["item_versions"]), info["metadata_snapshot"]["stage"]],
        ["git" in info, "environment" in info, "execution" in info],
        folio.get_snapshot_info("v2_b-c").get("description"),
        list(folio._snapshots),
        repr(folio).endswith("items=2, snapshots=2)"),
        *(raised(lambda: folio.create_snapshot(name, capture_git=False), "can only contain") for name in ("a b", "a/b", "é", "a@b")),
        raised(lambda: folio.create_snapshot("")),
        raised(lambda: folio.create_snapshot("x" * 101)),
        raised(lambda: folio.create_snapshot("v1.0"), "already exists"),
        raised(lambda: folio.get_snapshot_info("none"), "not found"),
        df.DataFolio(path).list_snapshots() == listed,
    ]


@cases.like("1.3", "2.3")
def the_mapping(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path, metadata={"stage": "raw"})
    empty = [len(folio.snapshots), list(folio.snapshots)]
    add = folio.add_table if hasattr(folio, "add_table") else folio.add
    add("t", pandas.DataFrame({"a": [1]}))
    folio.create_snapshot("v1", description="first", tags=["b"], capture_git=False)
    add("t", pandas.DataFrame({"a": [1, 2]}), overwrite=True)
    folio.metadata["stage"] = "clean"
    folio.create_snapshot("v2", capture_git=False)
    view = folio.snapshots["v1"]
    read = view.get_table if hasattr(view, "get_table") else view.get
    return [
        empty,
        ["v1" in folio.snapshots, "none" in folio.snapshots, len(folio.snapshots), list(folio.snapshots)],
        [list(folio.snapshots.keys()), [v.name for v in folio.snapshots.values()], [name for name, _ in folio.snapshots.items()]],
        [view.name, view.description, view.tags, view.metadata["stage"], sorted(view.item_versions), type(view.timestamp).__name__],
        [folio.snapshots["v2"].description, folio.snapshots["v2"].tags],
        read("t").a.tolist(),
        raised(lambda: read("none"), "not found"),
        raised(lambda: folio.snapshots["none"], "not found"),
        sorted(folio.snapshots._ipython_key_completions_()) if hasattr(folio.snapshots, "_ipython_key_completions_") else ["v1", "v2"],
    ]


@cases.like("1.3", "2.3")
def comparing(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"stage": "raw", "gone": 1})
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("b", 1), add("a", 1), add("c", 1)
    folio.create_snapshot("v1", capture_git=False)
    add("b", 2, overwrite=True), add("z", 1), add("y", 1)
    folio.delete("c")
    folio.metadata["stage"] = "clean"
    folio.metadata["new"] = [1]
    del folio.metadata["gone"]
    folio.create_snapshot("v2", capture_git=False)
    comparison = folio.compare_snapshots("v1", "v2")
    changes = comparison.pop("metadata_changes")
    add("w", 1)
    difference = folio.diff_from_snapshot("v1")
    for key in ("added_items", "removed_items", "modified_items", "unchanged_items"):
        difference[key] = sorted(difference[key])
    return [
        comparison,
        {key: list(changes[key]) for key in ("stage", "new", "gone")},
        type(changes["stage"]).__name__,
        "updated_at" in changes,
        {**difference, "metadata_changes": {key: list(pair) for key, pair in difference["metadata_changes"].items()}},
        raised(lambda: folio.compare_snapshots("v1", "none"), "none"),
        raised(lambda: folio.compare_snapshots("none", "v1"), "none"),
        raised(lambda: folio.diff_from_snapshot("none"), "none"),
        raised(lambda: df.DataFolio(path + "2").diff_from_snapshot()),
    ]


@cases.like("2.3")
@cases.unlike("1.3", theirs="v1", ours="v2")
def the_snapshot_that_is_compared_with(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).create_snapshot("v1", capture_git=False).create_snapshot("v2", capture_git=False)
    return folio.diff_from_snapshot()["snapshot_name"]


@cases.like("1.3")
def loading_one(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"stage": "raw"}).add_json("x", 1).create_snapshot("v1", capture_git=False)
    folio.metadata["stage"] = "clean"
    folio.add_json("y", 2)
    first = df.DataFolio.load_snapshot(path, "v1")
    calls = [
        lambda: first.add_data("z", {"a": 1}),
        lambda: first.delete("x"),
        lambda: first.update_item("x", description="x"),
        lambda: first.metadata.__setitem__("a", 1),
        lambda: first.metadata.update(a=1),
        lambda: first.create_snapshot("v3"),
        lambda: first.delete_snapshot("v1"),
        lambda: first.restore_snapshot("v1", confirm=True),
    ]
    return [
        [first.read_only, first.in_snapshot_mode, first.loaded_snapshot, first.metadata["stage"], first.get_json("x")],
        [part in first.describe(return_string=True) for part in ("Snapshot: v1", "[READ-ONLY MODE]")],
        *(raised(call, "read-only", "snapshot") for call in calls),
        raised(lambda: df.DataFolio.load_snapshot(path, "none"), "not found"),
        raised(lambda: folio.get_snapshot("none"), "not found"),
    ]


@cases.like("2.3")
def loading(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path, metadata={"stage": "raw"})
    add = folio.add_table if hasattr(folio, "add_table") else folio.add
    add("t", pandas.DataFrame({"a": [1]}))
    folio.create_snapshot("v1", capture_git=False)
    add("t", pandas.DataFrame({"a": [1, 2]}), overwrite=True)
    folio.metadata["stage"] = "clean"
    folio.create_snapshot("v2", capture_git=False)
    add("u", pandas.DataFrame({"a": [1]}))
    first, second = df.DataFolio.load_snapshot(path, "v1"), folio.get_snapshot("v2")
    rows = lambda handle: (handle.get_table if hasattr(handle, "get_table") else handle.get)("t").a.tolist()
    adding = first.add_table if hasattr(first, "add_table") else first.add
    calls = [
        lambda: adding("z", pandas.DataFrame({"a": [1]})),
        lambda: first.delete("t"),
        lambda: first.update_item("t", description="x"),
        lambda: first.metadata.__setitem__("a", 1),
        lambda: first.metadata.update(a=1),
        lambda: first.create_snapshot("v3"),
        lambda: first.delete_snapshot("v1"),
        lambda: first.restore_snapshot("v1", confirm=True),
    ]
    return [
        [first.read_only, first.in_snapshot_mode, first.loaded_snapshot, first.metadata["stage"], rows(first), first.tables],
        [second.read_only, second.in_snapshot_mode, second.loaded_snapshot, second.metadata["stage"], rows(second), second.tables],
        [rows(folio), folio.tables, folio.in_snapshot_mode, folio.read_only],
        repr(first)[-26:],
        [line for line in first.describe(return_string=True).split("\n") if line.startswith("Snapshot:") or "READ-ONLY" in line],
        *(raised(call, "read-only", "snapshot") for call in calls),
        raised(lambda: df.DataFolio.load_snapshot(path, "none"), "not found"),
        raised(lambda: folio.get_snapshot("none"), "not found"),
    ]


@cases.like("1.3", "2.3")
def deleting(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    read = folio.get_json if hasattr(folio, "get_json") else folio.get
    add("x", 1)
    folio.create_snapshot("v1", capture_git=False).create_snapshot("v2", capture_git=False)
    seen = [folio.delete_snapshot("v1") is folio, list(folio.snapshots), read("x"), raised(lambda: folio.delete_snapshot("v1"), "v1")]
    folio.delete_snapshot("v2", cleanup_orphans=True)
    return [*seen, list(folio.snapshots), read("x"), folio.is_valid()]


@cases.unlike("1.3", theirs=[[], 1, True, [False], [], [1, 2]], ours=[[], 0, True, [], [], [1, 2]])
@cases.unlike("2.3", theirs=[[], 1, True, [False], [], [1, 2]], ours=[[], 0, True, [], [], [1, 2]])
def cleaning_up(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path)
    add = folio.add_table if hasattr(folio, "add_table") else folio.add
    add("t", pandas.DataFrame({"a": [1]}))
    folio.create_snapshot("v1", capture_git=False)
    add("t", pandas.DataFrame({"a": [1, 2]}), overwrite=True)
    nothing = folio.cleanup_orphaned_versions()
    folio.delete_snapshot("v1")
    found = folio.cleanup_orphaned_versions(dry_run=True)
    removed = folio.cleanup_orphaned_versions()
    return [nothing, len(found), found == removed, ["/" in name for name in found], folio.cleanup_orphaned_versions(),
            (folio.get_table if hasattr(folio, "get_table") else folio.get)("t").a.tolist()]


@cases.like("1.3", "2.3")
def restoring(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path, metadata={"stage": "raw"})
    add = folio.add_table if hasattr(folio, "add_table") else folio.add
    add("t", pandas.DataFrame({"a": [1]}))
    folio.create_snapshot("v1", capture_git=False)
    add("t", pandas.DataFrame({"a": [1, 2]}), overwrite=True)
    add("later", pandas.DataFrame({"a": [1]}))
    folio.metadata["stage"] = "clean"
    folio.metadata["more"] = 1
    refused = [raised(lambda: folio.restore_snapshot("v1"), "confirm"), raised(lambda: folio.restore_snapshot("none", confirm=True), "none")]
    folio.restore_snapshot("v1", confirm=True)
    again = df.DataFolio(path)
    return [*refused, (again.get_table if hasattr(again, "get_table") else again.get)("t").a.tolist(), again.tables,
            again.metadata["stage"], "more" in again.metadata, list(again.snapshots)]


@cases.like("1.3", "2.3")
def exporting(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path, metadata={"stage": "raw"})
    add = folio.add_table if hasattr(folio, "add_table") else folio.add
    add("t", pandas.DataFrame({"a": [1]}))
    folio.create_snapshot("v1", description="first", tags=["b"], capture_git=False)
    add("t", pandas.DataFrame({"a": [1, 2]}), overwrite=True)
    add("later", pandas.DataFrame({"a": [1]}))
    made = folio.export_snapshot("v1", path + "-out")
    plain = folio.export_snapshot("v1", path + "-plain", include_snapshot_metadata=False)
    source = made.metadata["_source_snapshot"]
    return [
        [type(made).__name__, made.tables, len(made.snapshots), made.metadata["stage"], made.read_only],
        (made.get_table if hasattr(made, "get_table") else made.get)("t").a.tolist(),
        [source["name"], source["description"], source["tags"], sorted(source)],
        "_source_snapshot" in plain.metadata,
        raised(lambda: folio.export_snapshot("none", path + "-x"), "none"),
        raised(lambda: folio.export_snapshot("v1", path + "-out"), "already exists"),
    ]


@cases.like("1.3", "2.3")
def what_is_captured(df: Any, path: str) -> Any:
    import os
    import subprocess

    os.mkdir("repository")
    os.chdir("repository")
    run = lambda *words: subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)
    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "x")
    run("remote", "add", "origin", "https://user:secret@example.com/r.git")
    folio = df.DataFolio("study")
    folio.create_snapshot("v1", capture_environment=True, capture_execution=True)
    info = folio.get_snapshot_info("v1")
    git = info["git"]
    return [
        [git["branch"], git["dirty"], git["remote"], len(git["commit"]), git["commit"].startswith(git["commit_short"]), len(git["commit_short"])],
        [type(info["environment"][key]).__name__ for key in ("python_version", "platform")],
        [os.path.basename(info["execution"]["working_dir"]), type(info["execution"]["entry_point"]).__name__],
    ]


@cases.like("1.3")
def reproducing(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    nothing = raised(lambda: folio.reproduce_instructions())
    folio.add_json("x", 1).create_snapshot("v1", capture_git=False, capture_environment=True, capture_execution=True)
    text = folio.reproduce_instructions("v1")
    return [nothing, "To reproduce snapshot 'v1':" in text, "1." in text, "v1" in folio.reproduce_instructions(),
            raised(lambda: folio.reproduce_instructions("none"), "none")]


@cases.like("2.3")
def references_in_a_snapshot(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("x", 1).reference_table("r", "s3://bucket/x.parquet").create_snapshot("v1", capture_git=False)
    info = folio.get_snapshot_info("v1")
    return [info["mutable_references"], type(info["mutable_reference_warning"]).__name__, sorted(info)]


@cases.like("2.3")
def views_of_the_newer_release(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path).add("x", 1).add("t", pandas.DataFrame({"a": [1]})).create_snapshot("v1", capture_git=False)
    folio.add("x", 2, overwrite=True).delete("t")
    view = folio.snapshots["v1"]
    return [view.get("x"), view.get("t").a.tolist(), view.scan_table("t").collect().height, view.get("t", frame="polars").height,
            raised(lambda: view.get("none"), "none"), folio.get("x")]


@pytest.mark.parametrize("release, case", cases.parameters())
def test_snapshots(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

"""Changing, deleting, archiving, copying, lineage and batches, as PyPI's releases do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import raised, warned

cases = Cases()


@cases.like("1.3", "2.3")
def update_item(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("x", 1, description="first", inputs=["a"])
    back = folio.update_item("x", description="second") is folio
    seen = [back, folio._items["x"]["description"], folio.get_inputs("x")]
    folio.update_item("x", inputs=["b", "c"])
    seen += [folio._items["x"]["description"], folio.get_inputs("x")]
    folio.update_item("x", description="", inputs=[])
    again = df.DataFolio(path)
    return [*seen, "description" in again._items["x"], again.get_inputs("x"), raised(lambda: folio.update_item("none", description="x"), "Item 'none' not found")]


@cases.like("1.3", "2.3")
def delete(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    for name in ("a", "b", "c", "d"):
        add(name, 1, inputs=["a"] if name == "b" else None)
    folio.reference_table("r", path + "-other.parquet")
    open(path + "-other.parquet", "w").close()
    seen = [raised(lambda: folio.delete(["c", "none"]), "none"), folio.list_contents()["json_data"]]
    seen += [warned(lambda: folio.delete("a")), folio.get_inputs("b")]
    seen += [warned(lambda: folio.delete("b", warn_dependents=False)), folio.delete(["c", "r"]) is folio, list(folio._items)]
    seen += [os.path.exists(path + "-other.parquet"), raised(lambda: folio.delete("a"), "'a'"), df.DataFolio(path).list_contents()["json_data"]]
    add("a", 5)
    return [*seen, list(folio._items)]


@cases.unlike("1.3", theirs=False, ours=True)
@cases.unlike("2.3", theirs=False, ours=True)
def the_file_of_a_deleted_item(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(path)
    (folio.add_json if hasattr(folio, "add_json") else folio.add)("a", 1)
    file = folio.get_item_path("a") if hasattr(folio, "get_item_path") else folio.item_path("a")
    folio.delete("a")
    return os.path.exists(file)


@cases.like("1.3", "2.3")
def deleting_both_sides_of_a_dependency(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("a", 1), add("b", 1, inputs=["a"]), add("c", 1, inputs=["b"])
    return [warned(lambda: folio.delete("a", False)), warned(lambda: folio.delete("c")), list(folio._items)]


@cases.like("1.3", "2.3")
def archive(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    get = folio.get_json if hasattr(folio, "get_json") else folio.get
    for name in ("run_1", "run_2", "old_1", "kept"):
        add(name, name)
    names = lambda **options: folio.list_contents(**options)["json_data"]
    seen = [folio.archive("run_1") is folio, names(), names(include_archived=True), get("run_1"), "run_1" in folio.describe(return_string=True)]
    seen += ["run_1" in folio.describe(return_string=True, include_archived=True)]
    folio.archive("run_*").archive("nothing_*").archive(["old_1"])
    seen += [names(), raised(lambda: folio.archive("none"), "not found"), raised(lambda: folio.unarchive("none"), "not found")]
    folio.create_snapshot("v1", capture_git=False)
    seen += [sorted(folio.get_snapshot_info("v1")["item_versions"])]
    folio.unarchive("run_*")
    return [*seen, names(), folio.unarchive("old_1") is folio, names(), df.DataFolio(path).list_contents()["json_data"],
            "archived" in folio._items["run_1"]]


@cases.like("1.3", "2.3")
def lineage(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("raw", 1, inputs=["outside"]), add("clean", 1, inputs=["raw"]), add("result", 1, inputs=["clean", "raw"]), add("alone", 1)
    return [
        [folio.get_inputs(name) for name in ("raw", "clean", "result", "alone")],
        [folio.get_dependents(name) for name in ("raw", "clean", "result")],
        folio.get_lineage_graph(),
        raised(lambda: folio.get_inputs("none"), "none"),
        raised(lambda: folio.get_dependents("none"), "none"),
    ]


@cases.like("1.3")
def models_count_as_inputs(df: Any, path: str) -> Any:
    import pandas

    folio = df.DataFolio(path).add_json("raw", 1).add_model("clf", {"a": 1})
    folio.add_table("t", pandas.DataFrame({"a": [1]}), inputs=["raw"], models=["clf"])
    return [folio.get_inputs("t"), folio.get_dependents("clf"), folio.get_lineage_graph()]


@cases.like("1.3", "2.3")
def copy(df: Any, path: str) -> Any:
    import os

    import pandas

    folio = df.DataFolio(path, metadata={"a": 1, "b": 2})
    if hasattr(folio, "add_table"):
        folio.add_table("raw", pandas.DataFrame({"a": [1]})).add_json("clean", 1, inputs=["raw", "gone"], description="d").add_json("other", 2)
    else:
        folio.add("raw", pandas.DataFrame({"a": [1]})).add("clean", 1, inputs=["raw", "gone"], description="d").add("other", 2)
    folio.reference_table("ref", "s3://bucket/x.parquet").create_snapshot("v1", capture_git=False).archive("other")
    copied = folio.copy(path + "-copy", metadata_updates={"b": 3, "c": 4})
    some = folio.copy(path + "-some", include_items=["clean"])
    rest = folio.copy(path + "-rest", exclude_items=["raw"])
    lineage = folio.copy(path + "-lineage", include_items=["clean"], follow_lineage=True)
    everything = folio.copy(path + "-everything", include_archived=True)
    read = copied.get_json if hasattr(copied, "get_json") else copied.get
    return [
        type(copied).__name__,
        sorted(copied._items),
        [copied.metadata[key] for key in "abc"],
        len(copied.snapshots),
        read("clean"),
        copied._items["clean"]["description"],
        copied.get_inputs("clean"),
        list(some._items),
        sorted(rest._items),
        sorted(lineage._items),
        sorted(everything._items),
        raised(lambda: folio.copy(path + "-x", include_items=["raw"], exclude_items=["clean"]), "Cannot specify both"),
        os.path.basename(folio.copy(path + "-random", random_suffix=True).path).count("-"),
        os.path.relpath(copied.path, os.path.dirname(path)),
    ]


@cases.like("1.3", "2.3")
def a_copy_with_a_name(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(path)
    answer = raised(lambda: folio.copy(path + "-dir", name="copied"))
    return [answer, os.path.exists(os.path.join(path + "-dir", "copied", "items.json"))]


@cases.like("2.3")
def copies_that_are_refused(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("x", 1)
    df.DataFolio(path + "-taken")
    return [raised(lambda: folio.copy(path + "-taken")), raised(lambda: folio.copy(path + "-x", include_items=["none"]), "none")]


@cases.like("1.3", "2.3")
def batch(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    with folio.batch():
        for name in ("a", "b"):
            (folio.add_json if hasattr(folio, "add_json") else folio.add)(name, name)
    read = folio.get_json if hasattr(folio, "get_json") else folio.get
    return [folio.list_contents()["json_data"], read("b"), df.DataFolio(path).list_contents()["json_data"]]


@cases.like("2.3")
def reads_inside_a_batch(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("kept", 1)
    seen = []
    with folio.batch():
        folio.add("a", {"n": 1}).add("b", 2, inputs=["a"])
        seen += [folio.get("a"), "a" in folio, folio.list_contents()["json_data"], folio.get_inputs("b")]
        folio.add("a", {"n": 2}, overwrite=True).delete("kept")
        folio.metadata["stage"] = "inside"
        seen += [folio.get("a"), "kept" in folio, folio.metadata["stage"], "b" in folio.describe(return_string=True)]
        seen += [list(df.DataFolio(path)._items)]
    return [*seen, list(folio._items)]


@cases.like("2.3")
def a_batch_that_fails(df: Any, path: str) -> Any:
    folio = df.DataFolio(path).add("kept", 1)

    def failing() -> None:
        with folio.batch():
            folio.add("a", 1)
            folio.delete("kept")
            raise KeyError("mine")

    def nested() -> None:
        with folio.batch(), folio.batch():
            pass

    def snapshot() -> None:
        with folio.batch():
            folio.create_snapshot("v1", capture_git=False)

    seen = [raised(failing, "mine"), list(folio._items), raised(nested), raised(snapshot)]
    with folio.batch(upload_threads=2) as inside:
        same = inside is folio or inside is None
        folio.add("b", 1).add("c", 2).delete("c")
        folio.metadata["a"] = 1
    return [*seen, same, list(folio._items), folio.metadata["a"], folio.add("d", 1) is folio]


@pytest.mark.parametrize("release, case", cases.parameters())
def test_changing(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

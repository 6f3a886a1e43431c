"""What `describe` says, as PyPI's releases do. Sizes and times of day differ, and are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import printed

cases = Cases()


@cases.like("1.3", "2.3")
def a_bundle_of_everything(df: Any, path: str) -> Any:
    import datetime
    import re

    import numpy
    import pandas

    open(path + ".txt", "w").write("hello")
    folio = df.DataFolio(path, metadata={"experiment": "café"})
    rows = pandas.DataFrame({"a": [1, 2]})
    moment = datetime.datetime(2024, 1, 15, 10, 30, tzinfo=datetime.timezone.utc)
    folio.reference_table("raw", "file:///data/raw.parquet")
    if hasattr(folio, "add_table"):
        folio.add_table("features", rows, description="One row per cell", inputs=["raw", "params"])
        folio.add_numpy("vectors", numpy.zeros((2, 3))).add_json("params", {"a": 1}).add_timestamp("start", moment)
        folio.add_artifact("notes", path + ".txt", "docs", "renamed").add_json("scalar", 3)
    else:
        folio.add("features", rows, description="One row per cell", inputs=["raw", "params"])
        folio.add("vectors", numpy.zeros((2, 3))).add("params", {"a": 1}).add("start", moment)
        folio.add_file(path + ".txt", "notes", category="docs", description="renamed").add("scalar", 3)
    folio.add_model("clf", {"a": 1}, description="of trees")
    folio.create_snapshot("v1", description="first", tags=["baseline", "paper"], capture_git=False).create_snapshot("v2", capture_git=False)
    text = folio.describe(return_string=True)
    text = text.replace(": None", ": (no description)")  # of a snapshot, in 1.3
    return {"lines": re.sub(r"size: .*", "size", re.sub(r"(Created|Updated|created): [^,\n]*", r"\1", text)).split("\n")[2:]}


@cases.like("1.3", "2.3")
def an_empty_bundle(df: Any, path: str) -> Any:
    import re

    folio = df.DataFolio(path)
    texts = [folio.describe(return_string=True), folio.describe(return_string=True, show_empty=True)]
    lines = [re.sub(r"(Created|Updated): .*", r"\1", text).strip().split("\n") for text in texts]
    return [lines[0][0] == f"DataFolio: {path}", lines[0][1] == "=" * len(lines[0][0]), lines[0][2:], {"lines": lines[1][2:]}]


@cases.like("1.3", "2.3")
def printing(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    text = printed(lambda: folio.describe())
    return [text == folio.describe(return_string=True) + "\n", printed(lambda: folio.describe(return_string=True)), folio.describe() is None]


@cases.like("1.3", "2.3")
def long_metadata(df: Any, path: str) -> Any:
    folio = df.DataFolio(
        path,
        metadata={"text": "x" * 300, "list": list(range(40)), "short": [1, 2], "dict": {f"k{n}": n for n in range(20)}, "small": {"a": 1}, "n": 3, "f": 0.5, "none": None, "flag": True},
    )
    whole = folio.describe(return_string=True)
    few = folio.describe(return_string=True, max_metadata_fields=2)
    return [
        [line for line in whole.split("\n") if line.startswith("Metadata") or line.startswith("  • ")],
        [line for line in few.split("\n") if line.startswith("Metadata") or line.startswith("  ")],
        ["_datafolio" in whole, "created_at" in whole],
    ]


@cases.like("1.3", "2.3")
def a_pattern(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    for name in ("run_1", "run_2", "other"):
        (folio.add_json if hasattr(folio, "add_json") else folio.add)(name, 1)
    folio.archive("run_2")
    lines = lambda **options: [line.replace(" [archived]", "") for line in folio.describe(return_string=True, **options).split("\n") if "(no description)" in line or line.endswith("):")]
    return [lines(), lines(pattern="run_*"), lines(pattern="run_*", include_archived=True), lines(pattern="nothing")]


@cases.like("1.3", "2.3")
def a_loaded_snapshot(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"a": 1})
    (folio.add_json if hasattr(folio, "add_json") else folio.add)("x", 1)
    folio.create_snapshot("v1.0", description="The first", capture_git=False)
    (folio.add_json if hasattr(folio, "add_json") else folio.add)("y", 1)
    text = folio.get_snapshot("v1.0").describe(return_string=True)
    named = folio.describe(return_string=True, snapshot="v1.0")
    return [
        text.split("\n")[0],
        [part in text for part in ("Snapshot: v1.0", "The first", "[READ-ONLY MODE]", "• x")],
        "• y" in text and hasattr(folio, "get_many"),
        ["x" in named.split("Items")[-1], "v1.0" in named, "The first" in named],
    ]


@cases.like("1.3", "2.3")
def five_snapshots(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    for number in range(7):
        folio.create_snapshot(f"v{number}", capture_git=False)
    text = folio.describe(return_string=True)
    text = text.replace(": None", ": (no description)")  # in 1.3
    return [line for line in text.split("\n") if ("v" in line.split("(")[0] and "•" in line) or line.startswith("Snapshots") or "more" in line]


@cases.like("1.3", "2.3")
def paths(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    (folio.add_json if hasattr(folio, "add_json") else folio.add)("x", 1)
    return ["path:" in folio.describe(return_string=True, show_paths=True), "path:" in folio.describe(return_string=True)]


@pytest.mark.parametrize("release, case", cases.parameters())
def test_describe(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

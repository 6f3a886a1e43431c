"""Bundles that one writes and the other reads, in both directions."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

import compat_values
import pytest
from compat import RELEASES
from conftest import peer

import datafolio


def write(df: Any, path: str) -> None:
    """Items of every type, an old version in a snapshot, metadata, lineage and an archived item."""
    import datetime

    import numpy
    import pandas
    from sklearn.linear_model import LinearRegression

    with open(path + ".txt", "w") as file:
        file.write("hello")
    rows = pandas.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", None],
            "c": pandas.Categorical(["u", "v"]),
            "d": pandas.to_datetime(["2024-01-15", None], utc=True),
            "e": pandas.array([1, None], dtype="Int64"),
        }
    )
    rows.to_parquet(path + "-outside.parquet")
    moment = datetime.datetime(2024, 1, 15, 10, 30, 0, 250000, tzinfo=datetime.timezone.utc)
    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    folio = df.DataFolio(path, metadata={"study": "é", "n": {"deep": [1, None]}})
    if hasattr(folio, "add_table"):
        folio.add_table("table", rows.head(1), description="rows").add_numpy("array", numpy.arange(6, dtype="int16").reshape(2, 3))
        folio.add_json("json", {"a": [1, 2.5, None, "é"]}, inputs=["table"]).add_timestamp("instant", moment)
        folio.add_artifact("file", path + ".txt", "docs").add_json("hidden", 1)
    else:
        folio.add("table", rows.head(1), description="rows").add("array", numpy.arange(6, dtype="int16").reshape(2, 3))
        folio.add("json", {"a": [1, 2.5, None, "é"]}, inputs=["table"]).add("instant", moment)
        folio.add_file(path + ".txt", "file", category="docs").add("hidden", 1)
    folio.add_model("model", model).add_model("skops", model, custom=True).reference_table("reference", path + "-outside.parquet")
    folio.archive("hidden").create_snapshot("v1", description="first", tags=["paper"], capture_git=False)
    (folio.add_table if hasattr(folio, "add_table") else folio.add)("table", rows, overwrite=True, description="rows")
    folio.metadata["study"] = "later"
    folio.create_snapshot("v2", capture_git=False)
    (folio.add_json if hasattr(folio, "add_json") else folio.add)("late", 1)


def read(df: Any, path: str) -> Any:
    """What a release sees of such a bundle."""
    folio = df.DataFolio(path)
    table = lambda handle, name: frame((handle.get_table if hasattr(handle, "get_table") else handle.get)(name))  # noqa: F821
    get = folio.get if hasattr(folio, "get") else folio.get_data
    file = folio.get_artifact_path if hasattr(folio, "get_artifact_path") else folio.get
    first = df.DataFolio.load_snapshot(path, "v1")
    difference = folio.compare_snapshots("v1", "v2")
    return {
        "contents": folio.list_contents(),
        "archived": folio.list_contents(include_archived=True)["json_data"],
        "table": table(folio, "table"),
        "reference": table(folio, "reference"),
        "array": array(get("array")),  # noqa: F821
        "json": get("json"),
        "instant": str(get("instant")),
        "file": open(file("file")).read(),
        "model": round(float(folio.get_model("model").predict([[2.0]])[0]), 6),
        "inputs": [folio.get_inputs("json"), folio.get_dependents("table")],
        "descriptions": [folio._items["table"].get("description"), folio._items["file"].get("category")],
        "metadata": [folio.metadata["study"], folio.metadata["n"]],
        "snapshots": [[entry[key] for key in ("name", "description", "tags", "num_items")] for entry in folio.list_snapshots()],
        "v1": [table(first, "table"), first.metadata["study"], first.loaded_snapshot, sorted(first._items)],
        "compared": [difference[key] for key in ("added_items", "removed_items", "modified_items")],
        "valid": folio.validate(),
        "facts": [folio._items["table"][key] for key in ("num_rows", "num_cols", "columns", "item_type", "table_format")],
    }


def go_on(df: Any, path: str) -> Any:
    """Work with a bundle of the other's."""
    folio = df.DataFolio(path)
    add = folio.add_json if hasattr(folio, "add_json") else folio.add
    add("json", {"a": 2}, overwrite=True)
    add("new", [1], inputs=["json"])
    folio.delete("late").metadata["more"] = 1
    folio.update_item("array", description="vectors").unarchive("hidden")
    folio.create_snapshot("v3", capture_git=False).delete_snapshot("v2")
    return None


def state(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    first = df.DataFolio.load_snapshot(path, "v1")
    get = folio.get if hasattr(folio, "get") else folio.get_data
    return {
        "contents": folio.list_contents(),
        "values": [get("json"), get("new"), folio.metadata["more"], folio._items["array"]["description"]],
        "snapshots": [entry["name"] for entry in folio.list_snapshots()],
        "first": (first.get if hasattr(first, "get") else first.get_data)("json"),
        "first rows": len((first.get if hasattr(first, "get") else first.get_data)("table")),
        "inputs": folio.get_inputs("new"),
        "valid": folio.is_valid() if hasattr(folio, "add") else True,
    }


def run(release: str, *steps: Any, path: str) -> Any:
    """Run steps under a release, and return what the last gives."""
    sources = "\n\n".join(inspect.getsource(step) for step in steps)
    calls = "\n".join(f"result = {step.__name__}(datafolio, {path!r})" for step in steps)
    script = f"import json, datafolio\nfrom typing import Any\n{sources}\n{calls}\nprint('@@' + json.dumps(result))"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    values = inspect.getsource(compat_values)
    done = subprocess.run(
        [peer(RELEASES[release]), "-W", "ignore", "-c", f"{values}\n{script}"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("@@")[2])


def ours(*steps: Any, path: str) -> Any:
    """Run steps with this package."""
    result = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in steps:
            scope = {"frame": compat_values.frame, "array": compat_values.array, "Any": Any}
            exec(inspect.getsource(step), scope)
            result = scope[step.__name__](datafolio, path)
    return json.loads(json.dumps(result))


@pytest.fixture(scope="module", params=list(RELEASES))
def release(request: pytest.FixtureRequest) -> str:
    return request.param


def test_their_bundle_is_read_here(release: str, tmp_path: Path) -> None:
    path = str(tmp_path / "study")
    theirs = run(release, write, read, path=path)
    here = ours(read, path=path)
    if release == "1.3":
        # A handle to a snapshot of 1.3 shows the current state after its first read; this one does not.
        assert here["v1"][1:3] == ["é", "v1"] and here["v1"][0]["values"]["a"] == [1]
        here["v1"] = theirs["v1"]
    assert here == theirs
    # Reading changes nothing that they see.
    assert run(release, read, path=path) == theirs


def test_our_bundle_is_read_there(release: str, tmp_path: Path) -> None:
    path = str(tmp_path / "study")
    here = ours(write, read, path=path)
    if release == "1.3":
        # It knows nothing of the newer layout, which this package writes as 2.x does.
        with pytest.raises(AssertionError):
            run(release, read, path=path)
    else:
        assert run(release, read, path=path) == here


def test_working_on_their_bundle(release: str, tmp_path: Path) -> None:
    path = str(tmp_path / "study")
    run(release, write, path=path)
    here = ours(go_on, state, path=path)
    assert here["valid"] and here["first"] == {"a": [1, 2.5, None, "é"]}
    if release == "2.3":
        assert run(release, state, path=path) == here


def test_they_work_on_our_bundle(tmp_path: Path) -> None:
    path = str(tmp_path / "study")
    ours(write, path=path)
    theirs = run("2.3", go_on, state, path=path)
    assert ours(state, path=path) == theirs


def test_both_write_in_turns(tmp_path: Path) -> None:
    path = str(tmp_path / "study")

    folio = datafolio.DataFolio(path)
    for number in range(3):
        folio.add(f"ours_{number}", number)
        run_code = f"import datafolio; datafolio.DataFolio({path!r}).add('theirs_{number}', {number})"
        subprocess.run([peer("df23"), "-W", "ignore", "-c", run_code], check=True, capture_output=True)
    names = [f"{who}_{number}" for number in range(3) for who in ("ours", "theirs")]
    assert list(folio) == names
    assert folio.is_valid()

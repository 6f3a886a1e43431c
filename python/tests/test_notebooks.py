"""The example notebooks: they are what Jupyter reads, hold no outputs, and run from top to bottom in an empty directory."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import datafolio

# Where the package is that is tested, for a process of its own.
PACKAGE = str(Path(datafolio.__file__).absolute().parents[1])
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

by_name = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)

# Runs cells as a notebook does: in one namespace, and with the value of the last line of a cell shown. The number of the cell that is
# running is written down, so that one that ends the process is known as well.
RUNNER = '''
import ast, json, sys, traceback

names = {"__name__": "__main__"}
with open(sys.argv[1], encoding="utf-8") as stream:
    cells = json.load(stream)["cells"]
for number, cell in enumerate(cells, start=1):
    if cell["cell_type"] != "code":
        continue
    with open(sys.argv[2], "w") as stream:
        stream.write(str(number))
    place = f"cell {number}"
    try:
        body = ast.parse("".join(cell["source"]), place)
        last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
        exec(compile(body, place, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), place, "eval"), names)
            if value is not None:
                to_html = getattr(type(value), "_repr_html_", None)
                shown = None if to_html is None else to_html(value)
                assert shown is None or isinstance(shown, str), f"_repr_html_ gave {type(shown).__name__}"
                print(repr(value))
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
'''


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == ["clinical", "genomics"]


@by_name
def test_a_notebook_is_well_formed(notebook: Path) -> None:
    # What the schema of nbformat 4.5 asks for, as far as it concerns what is used here.
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert set(content) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert content["metadata"]["language_info"]["name"] == "python"
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    for number, cell in enumerate(content["cells"], start=1):
        place = f"{notebook.name}, cell {number}"
        keys = {"cell_type", "id", "metadata", "source"}
        assert cell["cell_type"] in ("code", "markdown"), place
        if cell["cell_type"] == "code":
            keys |= {"execution_count", "outputs"}
            assert cell["outputs"] == [] and cell["execution_count"] is None, f"{place} holds an output"
            ast.parse(source(cell), place)
        assert set(cell) == keys, place
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell["id"]), place
        assert isinstance(cell["metadata"], dict) and isinstance(cell["source"], list), place
        lines = cell["source"]
        assert lines and all(isinstance(line, str) for line in lines), place
        assert all(line.endswith("\n") for line in lines[:-1]) and not lines[-1].endswith("\n"), place


@by_name
def test_a_notebook_explains_itself_and_checks_itself(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "markdown" and source(cells[0]).startswith("# ")
    assert cells[-1]["cell_type"] == "code" and "assert " in source(cells[-1])
    assert any(".viz." in source(cell) for cell in cells if cell["cell_type"] == "code")


@by_name
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    directory, home, at = tmp_path / "empty", tmp_path / "home", tmp_path / "at"
    directory.mkdir()
    places = {
        "DATAFOLIO_HOME": "datafolio",
        "MPLCONFIGDIR": "matplotlib",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
    }
    environment = {**os.environ, **{name: str(home / place) for name, place in places.items()}}
    environment |= {"MPLBACKEND": "Agg", "PYTHONPATH": PACKAGE, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(notebook), str(at)],
        cwd=directory,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        number = int(at.read_text())
        cell = json.loads(notebook.read_text(encoding="utf-8"))["cells"][number - 1]
        pytest.fail(f"{notebook.name}, cell {number} (exit code {done.returncode}):\n\n{source(cell)}\n\n{done.stderr}", pytrace=False)

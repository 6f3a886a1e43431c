"""The examples in the documentation: each page is run from top to bottom in an empty directory."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pandas as pd
import pytest

import datafolio
import datafolio.frame

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "python" / "README.md", *sorted((ROOT / "docs" / "python").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.name}")
@pytest.mark.filterwarnings("ignore")
def test_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python(?: ignore)?\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks, "a page without an example"
    names: dict[str, object] = {"__name__": "__main__"}
    for at, block in enumerate(blocks, start=1):
        exec(compile(block, f"{page.name}, example {at}", "exec"), names)


def _modules() -> list[str]:
    found = pkgutil.walk_packages(datafolio.__path__, "datafolio.")
    return [module.name for module in found if module.name not in ("datafolio._native", "datafolio.__main__")]


@pytest.mark.parametrize("module", ["datafolio", *_modules()])
def test_examples_of_docstrings(module: str, tmp_path: Path) -> None:
    # Each example has a bundle of its own, with a table.
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=flags)
    for at, test in enumerate(finder.find(importlib.import_module(module))):
        if test.examples:
            path = tmp_path / f"bundle{at}"
            if "scores" in test.docstring:
                datafolio.DataFolio(path).add_table("scores", pd.DataFrame({"score": [1.0, 3.0, 5.0]}))
            frames = {name: getattr(datafolio.frame, name) for name in datafolio.frame.__all__}
            test.globs.update({**frames, "datafolio": datafolio, "path": path})
            runner.run(test)
    assert runner.summarize(verbose=False).failed == 0

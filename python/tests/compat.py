"""Runs the same cases against PyPI's releases and against this package, and compares what they give.

A case is a function of the module `datafolio` and a path where nothing is; it returns a value that JSON has a form of. It
imports what it needs itself, and may use what `compat_values` has: its source is what the other interpreter gets. All cases of
a module run in one process of each release, since starting one takes seconds.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import compat_values
import pytest
from conftest import peer

import datafolio

Case = Callable[[Any, str], Any]

RELEASES = {"1.3": "df13", "2.3": "df23"}

_RUNNER = """
import json, os, sys, tempfile, traceback, warnings
import datafolio
warnings.simplefilter("ignore")
cases = json.loads(sys.stdin.read())
root = tempfile.mkdtemp()
results = {}
for name, source in cases["functions"].items():
    place = os.path.join(root, name)
    os.mkdir(place)
    os.chdir(place)
    scope = {}
    exec(cases["values"], scope)
    exec(source, scope)
    try:
        results[name] = {"value": scope[name](datafolio, os.path.join(place, "study"))}
    except Exception:
        results[name] = {"failed": traceback.format_exc()}
print("@@" + json.dumps(results))
"""


class Cases:
    """The cases of one module of tests."""

    def __init__(self) -> None:
        self._cases: dict[str, list[Case]] = {release: [] for release in RELEASES}
        self._differences: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def like(self, *releases: str) -> Callable[[Case], Case]:
        """The package gives what these releases give."""

        def register(case: Case) -> Case:
            for release in releases:
                self._cases[release].append(case)
            return case

        return register

    def unlike(self, release: str, *, theirs: Any, ours: Any) -> Callable[[Case], Case]:
        """The package differs from this release on purpose: docs/design/010-python.md says why."""

        def register(case: Case) -> Case:
            self._cases[release].append(case)
            self._differences[release, case.__name__] = (theirs, ours)
            return case

        return register

    def parameters(self) -> list[Any]:
        """Each case with each release, for `pytest.mark.parametrize("release, case", ...)`."""
        return [
            pytest.param(release, case, id=f"{case.__name__}-{release}")
            for release, cases in self._cases.items()
            for case in cases
        ]

    def check(self, release: str, case: Case, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run a case, and compare."""
        answer = self._answer(release, place)[case.__name__]
        assert "value" in answer, f"the case fails under {release}:\n{answer.get('failed')}"
        theirs = answer["value"]
        monkeypatch.chdir(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = json.loads(json.dumps(case(datafolio, str(place / "study"))))
        if (release, case.__name__) in self._differences:
            their_way, our_way = self._differences[release, case.__name__]
            assert not differences(their_way, theirs), f"{release} gives {theirs}"
            assert not differences(our_way, ours), f"this package gives {ours}"
        else:
            found = differences(theirs, ours)
            assert not found, f"unlike {release}:\n" + "\n".join(found)

    def _answer(self, release: str, place: Path) -> dict[str, Any]:
        if release not in self._answers:
            given = {
                "values": inspect.getsource(compat_values),
                "functions": {case.__name__: _source(case) for case in self._cases[release]},
            }
            home = place / "home-of-peer"
            home.mkdir()
            environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            environment |= {"HOME": str(home), "DATAFOLIO_HOME": str(home / "datafolio"), "TMPDIR": str(home)}
            done = subprocess.run(
                [peer(RELEASES[release]), "-c", _RUNNER],
                input=json.dumps(given),
                capture_output=True,
                text=True,
                env=environment,
                cwd=home,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            self._answers[release] = json.loads(done.stdout.rpartition("@@")[2])
        return self._answers[release]


def _source(case: Case) -> str:
    """The source of a case without its decorators."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(case))).body
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list = []
    return ast.unparse(function)


def differences(theirs: Any, ours: Any, place: str = "") -> list[str]:
    """Where two values differ.

    Of exceptions, ours has to be a case of theirs and to say what theirs says. Of lines of text, ours has to have theirs in their
    order, and may have more between them and more behind them.
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if "raises" in theirs and "raises" in ours:
            says = zip(theirs.get("says", []), ours.get("says", []), strict=False)
            same = theirs["raises"][0] in ours["raises"] and all(mine or not other for other, mine in says)
            return [] if same else [f"{place}: theirs {theirs}, ours {ours}"]
        if "lines" in theirs and "lines" in ours:
            return _missing_lines(theirs["lines"], ours["lines"], place)
        keys = dict.fromkeys([*theirs, *ours])
        absent = "nothing"
        return [line for key in keys for line in differences(theirs.get(key, absent), ours.get(key, absent), f"{place}.{key}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = enumerate(zip(theirs, ours, strict=True))
        return [line for at, (other, mine) in pairs for line in differences(other, mine, f"{place}[{at}]")]
    return [] if type(theirs) is type(ours) and theirs == ours else [f"{place}: theirs {theirs!r}, ours {ours!r}"]


def _missing_lines(theirs: list[str], ours: list[str], place: str) -> list[str]:
    rest = iter(ours)
    return [f"{place}: no line {line!r} in its place among {ours}" for line in theirs if not any(mine.startswith(line) for mine in rest)][:1]

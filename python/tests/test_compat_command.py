"""The command, as a process: exit codes and the words that scripts look for, beside those of PyPI's releases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from compat import RELEASES
from conftest import peer

import datafolio

# What the releases do otherwise, in one of them at least.
OTHERWISE: list[list[str]] = []

PACKAGE = str(Path(datafolio.__file__).parent.parent)

# Arguments, what is typed, the exit code, and words of the output; in this order, on one bundle.
STEPS = [
    (["init", "study"], "", 0, ["Initialized DataFolio bundle"]),
    (["init", "study"], "n\n", None, ["Bundle already exists", "Cancelled"]),
    (["validate", "study"], "", 0, ["Valid DataFolio bundle"]),
    (["validate", "."], "", 1, ["Not a DataFolio bundle"]),
    (["describe"], "", 1, ["Not a DataFolio bundle", "items.json"]),
    (["snapshot", "list"], "", 1, ["Not a DataFolio bundle"]),
    (["-f", "study", "describe"], "", 0, ["study"]),
    (["-f", "study", "describe", "--max-metadata", "3"], "", 0, []),
    (["-f", "study", "snapshot", "list"], "", 0, ["No snapshots found"]),
    (["-f", "study", "snapshot", "status"], "", 0, ["No snapshots yet"]),
    (["-f", "study", "snapshot", "create", "v1.0", "-d", "The first", "-t", "baseline", "--no-git"], "", 0, ["Created snapshot 'v1.0'"]),
    (["-f", "study", "snapshot", "create", "v1.0", "--no-git"], "", 1, ["Error"]),
    (["-f", "study", "snapshot", "create", "a b", "--no-git"], "", 1, ["Invalid snapshot name"]),
    (["-f", "study", "snapshot", "status"], "", 0, ["No changes since last snapshot"]),
    (["-f", "study", "snapshot", "diff"], "", 0, ["No changes"]),
    (["-f", "study", "snapshot", "create", "v2.0", "--no-git", "--env", "--exec", "-t", "x", "-t", "y"], "", 0, ["Created snapshot 'v2.0'"]),
    (["-f", "study", "snapshot", "list"], "", 0, ["v1.0", "v2.0"]),
    (["-f", "study", "snapshot", "list", "-t", "baseline"], "", 0, ["v1.0"]),
    (["-f", "study", "snapshot", "show", "v1.0"], "", 0, ["v1.0", "The first"]),
    (["-f", "study", "snapshot", "show", "none"], "", 1, ["not found"]),
    (["-f", "study", "snapshot", "compare", "v1.0", "v2.0"], "", 0, ["Comparing v1.0 → v2.0"]),
    (["-f", "study", "snapshot", "compare", "v1.0", "none"], "", 1, ["not found"]),
    (["-f", "study", "describe", "-s", "v1.0"], "", 0, ["v1.0"]),
    (["-f", "study", "snapshot", "diff", "v1.0"], "", 0, ["Comparing current state"]),
    (["-f", "study", "snapshot", "gc", "--dry-run"], "", 0, []),
    (["-f", "study", "snapshot", "gc"], "", 0, []),
    (["-f", "study", "snapshot", "delete", "v2.0"], "n\n", None, ["Cancelled"]),
    (["-f", "study", "snapshot", "delete", "v2.0", "-y"], "", 0, ["Deleted snapshot 'v2.0'"]),
    (["-f", "study", "snapshot", "delete", "v1.0", "--cleanup", "-y"], "", 0, ["Deleted snapshot 'v1.0'"]),
    (["-f", "study", "snapshot", "delete", "v1.0", "-y"], "", 1, ["not found"]),
    (["--version"], "", 0, ["DataFolio version"]),
    (["nonsense"], "", 2, []),
    (["snapshot", "create"], "", 2, []),
    (["-f", "study", "describe", "--nonsense"], "", 2, []),
]


def call(command: list[str], arguments: list[str], typed: str, place: Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DATAFOLIO_PATH")}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1", "HOME": str(place)}
    if command[0] == sys.executable:
        environment["PYTHONPATH"] = PACKAGE
    done = subprocess.run(
        [*command, *arguments], input=typed, capture_output=True, text=True, env=environment, cwd=place, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def told(command: list[str], place: Path) -> list[tuple[list[str], int, list[bool]]]:
    """For each step, its exit code and which of the words come."""
    found = []
    for arguments, typed, _, words in STEPS:
        code, output = call(command, arguments, typed, place)
        found.append((arguments, code, [word in output for word in words]))
    return found


def test_the_command_says_what_scripts_look_for(tmp_path: Path) -> None:
    found = told([sys.executable, "-m", "datafolio"], tmp_path)
    for (arguments, code, says), (_, _, expected, words) in zip(found, STEPS, strict=True):
        assert expected is None or code == expected, (arguments, code)
        assert all(says), (arguments, words, says)


# The releases run all steps in one process, since starting one takes seconds.
THEIRS = """
import json, sys
from click.testing import CliRunner
from datafolio.cli.main import cli
found = []
for arguments, typed, _, words in json.loads(sys.argv[1]):
    result = CliRunner().invoke(cli, arguments, input=typed)
    found.append([arguments, result.exit_code, [word in result.output for word in words]])
print("@@" + json.dumps(found))
"""


@pytest.mark.parametrize("release", list(RELEASES))
def test_the_releases_say_so_too(release: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DATAFOLIO_PATH")}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1", "HOME": str(tmp_path)}
    command = [peer(RELEASES[release]), "-W", "ignore", "-c", THEIRS, json.dumps(STEPS)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300, check=True)
    differences = [
        (arguments, code, expected, dict(zip(words, says, strict=True)))
        for (arguments, code, says), (_, _, expected, words) in zip(json.loads(done.stdout.rpartition("@@")[2]), STEPS, strict=True)
        if not all(says) or expected not in (None, code)
    ]
    assert [line for line in differences if line[0] not in OTHERWISE] == []


def test_changes_since_a_snapshot(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "datafolio", "-f", "study"]
    folio = datafolio.DataFolio(tmp_path / "study").add("x", 1).create_snapshot("v1", capture_git=False)
    folio.add("x", 2, overwrite=True).add("y", 1)
    code, output = call(command, ["snapshot", "status"], "", tmp_path)
    assert code == 0 and "Changes since last snapshot" in output and "Modified" in output
    folio.create_snapshot("v2", capture_git=False)
    code, output = call(command, ["snapshot", "compare", "v1", "v2"], "", tmp_path)
    assert code == 0 and "Comparing v1 → v2" in output and "x" in output and "y" in output
    assert call(command, ["validate"], "", tmp_path)[0] == 0
    Path(folio.item_path("x")).unlink()
    assert call(command, ["validate"], "", tmp_path)[0] == 1
    code, output = call([sys.executable, "-m", "datafolio"], ["snapshot", "reproduce", "v1"], "", tmp_path / "study")
    assert code == 0 and "reproduce" in output.lower()


def test_the_folio_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datafolio.DataFolio(tmp_path / "study").add("x", 1)
    environment = {**os.environ, "DATAFOLIO_PATH": str(tmp_path / "study"), "PYTHONPATH": PACKAGE}
    command = [sys.executable, "-m", "datafolio", "describe"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert "• x" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="bash completes")
def test_the_shell_is_answered(tmp_path: Path) -> None:
    folio = datafolio.DataFolio(tmp_path / "study").add("params", 1).add("results", 2)
    words = ["datafolio", "-f", folio.path, "get", "p"]
    environment = {**os.environ, "PYTHONPATH": PACKAGE, "DATAFOLIO_COMPLETE": "bash", "_CLAP_IFS": "\n", "_CLAP_COMPLETE_INDEX": "4"}
    command = [sys.executable, "-m", "datafolio", "--", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=60)
    assert done.stdout.split() == ["params"]

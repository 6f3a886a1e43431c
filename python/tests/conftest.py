"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import datafolio

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither aliases nor the cache of the person who runs the tests are touched, and no store that is not a test's own is asked."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DATAFOLIO_HOME", str(home / "datafolio"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")


@pytest.fixture
def folio(tmp_path: Path) -> datafolio.DataFolio:
    """A new bundle."""
    return datafolio.DataFolio(tmp_path / "study")


def peers() -> Path:
    """Where the environments with PyPI's releases are."""
    place = os.environ.get("DATAFOLIO_PEERS")
    if place is None:
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        place = f"{cache}/datafolio/peers"
    return Path(place)


# Taken before any test changes the environment.
PEERS = peers()


def peer(name: str) -> str:
    """The interpreter of a peer; the test says why it is left out where there is none."""
    python = PEERS / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is not there: scripts/peers.sh installs it")
    return str(python)


def run_peer(name: str, script: str, *arguments: str) -> str:
    """What a script prints under a peer's interpreter."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [peer(name), "-W", "ignore", "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


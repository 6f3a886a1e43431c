#!/usr/bin/env bash
# Installs a wheel into an environment that has nothing else, and tries it there as a user would.
#
#   scripts/check-wheel.sh WHEEL
set -euo pipefail

wheel=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
cd "$place"
export DATAFOLIO_HOME="$place/home" XDG_CACHE_HOME="$place/cache" XDG_CONFIG_HOME="$place/config"
"$place/venv/bin/python" -W error - <<'PYTHON'
import importlib.metadata
import sys

import datafolio

assert not importlib.metadata.distribution("datafolio-rs").requires or all(
    "extra ==" in wanted for wanted in importlib.metadata.distribution("datafolio-rs").requires
), "something is required"
assert not {"numpy", "pandas", "pyarrow", "polars"} & set(sys.modules)

folio = datafolio.DataFolio("study", metadata={"about": "the wheel"})
folio.add("params", {"rate": 0.1})
folio.add_table("scores", folio.query("SELECT range AS id, range / 2 AS score FROM range(1000)"))
assert folio.query_table("scores", "SELECT sum(score) AS s FROM table", "arrow").to_pydict() == {"s": [249750.0]}
assert sum(chunk.num_rows for chunk in folio.iter_table("scores", chunk_size=300, return_type="arrow")) == 1000
assert folio.frame("scores").mean("score * 2") == 499.5
folio.create_snapshot("v1", capture_git=False)
print(folio)
PYTHON
"$place/venv/bin/datafolio" -f study ls
"$place/venv/bin/datafolio" --version
# How long it takes to import, the best of five, without what the interpreter itself takes.
"$place/venv/bin/python" - <<'PYTHON'
import subprocess
import sys
import time


def seconds(code: str) -> float:
    took = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        took.append(time.perf_counter() - began)
    return min(took)


print(f"import datafolio: {(seconds('import datafolio') - seconds('pass')) * 1000:.0f} ms")
print(f"import and open a handle: {(seconds('import datafolio; datafolio.DataFolio(chr(120), create=True)') - seconds('pass')) * 1000:.0f} ms")
PYTHON

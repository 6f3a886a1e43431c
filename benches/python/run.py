"""How fast is the Python package, beside the packages that people would use instead?

    python benches/python/run.py [--rows N] [--only NAME] [--repetitions N] [--json] [--check]
                                 [--python PATH] [--dir DIR]

Each side of a measurement is asked in a process of its own, and the sides take turns, repetition after repetition.
Within a process a question is asked several times, and the best time counts; of the repetitions minimum and median are
told. All sides have to give the same answers. Results are Markdown for `docs/benchmarks.md`.

The package under test is that of the interpreter `--python`, or on PYTHONPATH; it needs numpy, pandas and pyarrow
beside it. The others are found through DATAFOLIO_PEERS, where scripts/peers.sh has put them.
"""

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTED = "the package under test"

# For each measurement its program, and the sides with the environments that they live in. Ratios are to the first side.
MEASUREMENTS = {
    "bundle": ("bundle.py", {"datafolio": TESTED, "DataFolio 2.3": "df23"}),
    "tables": ("tables.py", {"datafolio": TESTED, "DuckDB": "python", "pyarrow": "python", "Polars": "python"}),
    "frames": (
        "frames.py",
        {
            "datafolio, Arrow": TESTED,
            "datafolio, HDF5": TESTED,
            "Vaex, HDF5": "vaex",
            "Polars, Arrow": "python",
            "pyarrow, Arrow": "python",
        },
    ),
    "calls": ("calls.py", {"datafolio": TESTED, "json, pyarrow": "python", "DuckDB": "python", "Polars": "python"}),
}
TITLES = {
    "imports": "import, beyond the start of the interpreter",
    "bundle": "a bundle",
    "tables": "a table of {rows:,} rows",
    "frames": "aggregates of {rows:,} rows, out of core",
    "calls": "the smallest calls",
    "program": "the same in Python and in the command-line program, whole processes",
}
# Lazy packages import what they need with the first name: that of datafolio is asked for, as everybody would.
IMPORTS = {
    "datafolio": (TESTED, "from datafolio import DataFolio"),
    "datafolio, the package alone": (TESTED, "import datafolio"),
    "DataFolio 2.3": ("df23", "from datafolio import DataFolio"),
    "polars": ("python", "import polars"),
    "duckdb": ("python", "import duckdb"),
}


class Runner:
    """Runs the sides, and keeps what they say."""

    def __init__(self, asked: argparse.Namespace, place: Path) -> None:
        self.asked = asked
        self.place = place
        self.rows = asked.rows
        self.repetitions = 1 if asked.check else asked.repetitions
        self.times: dict[str, dict[str, dict[str, list[float]]]] = {}
        self.versions: set[str] = set()
        self.left_out: list[str] = []
        self.differences: list[str] = []
        self._answers: dict[tuple[str, str], tuple[str, object]] = {}

    def interpreter(self, environment: str) -> str | None:
        """The interpreter of an environment, where it is there."""
        if environment == TESTED:
            return self.asked.python
        python = peers() / environment / "bin" / "python"
        if python.exists():
            return str(python)
        missing = f"{environment}: {python} is not there (scripts/peers.sh installs it)"
        if missing not in self.left_out:
            self.left_out.append(missing)
        return None

    def environment(self, environment: str) -> dict[str, str]:
        """The variables of a process. Compiled modules are kept beside the data: no side compiles its own anew."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        if environment != TESTED:
            # The packages there have the same name.
            kept.pop("PYTHONPATH", None)
        home = str(self.place / "home")
        return {
            **kept,
            "PYTHONPYCACHEPREFIX": str(self.place / "pycache"),
            "PYTHONWARNINGS": "ignore",
            "DATAFOLIO_HOME": home,
            "XDG_CACHE_HOME": home,
            # Answers that are kept would be found again.
            "DATAFOLIO_RESULT_CACHE": "off",
        }

    def started(self, environment: str, python: str, *arguments: str) -> str:
        """What a process prints."""
        done = subprocess.run(
            [python, *arguments], capture_output=True, text=True, env=self.environment(environment), check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{python} {' '.join(arguments)[:200]} failed:\n{done.stderr}")
        return done.stdout

    def note(self, measurement: str, question: str, side: str, seconds: float) -> None:
        """Keep a time."""
        self.times.setdefault(measurement, {}).setdefault(question, {}).setdefault(side, []).append(seconds)

    def compare(self, measurement: str, question: str, side: str, answer: object) -> None:
        """Keep the first answer to a question, and hold all others against it."""
        first, expected = self._answers.setdefault((measurement, question), (side, answer))
        if not same(expected, answer):
            self.differences.append(f"{question}: {expected} ({first}) and {answer} ({side})")

    def measure(self, measurement: str) -> None:
        """Ask all sides of a measurement in turn."""
        program, sides = MEASUREMENTS[measurement]
        there = {side: python for side, environment in sides.items() if (python := self.interpreter(environment))}
        for _ in range(self.repetitions):
            for side, python in there.items():
                mode = "check" if self.asked.check else "measure"
                lines = self.started(
                    sides[side], python, str(HERE / program), side, str(self.place), str(self.rows), mode
                )
                for line in map(json.loads, lines.splitlines()):
                    if "version" in line:
                        self.versions.add(line["version"])
                        continue
                    self.note(measurement, line["question"], side, line["seconds"])
                    self.compare(measurement, line["question"], side, line["answer"])

    def imports(self) -> None:
        """Start interpreters that import a package, each after one that imports nothing."""
        # The first of each compiles modules and reads files from the disk.
        for repetition in range(-1, 1 if self.asked.check else 4 * self.repetitions):
            for side, (environment, line) in IMPORTS.items():
                python = self.interpreter(environment)
                if python is None:
                    continue
                times = []
                for text in ("pass", line):
                    begun = time.perf_counter()
                    self.started(environment, python, "-c", text)
                    times.append(time.perf_counter() - begun)
                if repetition >= 0:
                    self.note("imports", "import", side, times[1] - times[0])

    def program(self) -> None:
        """Ask the same by Python and by the command-line program, where it is built for speed."""
        target = os.environ.get("CARGO_TARGET_DIR")
        program = Path(target) / "release" / "datafolio" if target else None
        if program is None or not program.exists():
            self.left_out.append("the command-line program: $CARGO_TARGET_DIR/release/datafolio is not there")
            return
        sql = "SELECT k, sum(x) AS s, count(*) AS n FROM t WHERE y > 0.5 GROUP BY k ORDER BY k"
        bundle = str(self.place / "data")
        script = f"import datafolio; print(datafolio.DataFolio({bundle!r}).query({sql!r}).num_rows)"
        ways = {"datafolio": (self.asked.python, "-c", script), "program": (str(program), "-f", bundle, "sql", sql)}
        for _ in range(self.repetitions):
            for side, (command, *arguments) in ways.items():
                begun = time.perf_counter()
                self.started(TESTED, command, *arguments)
                self.note("program", "filter, sum by group", side, time.perf_counter() - begun)


def peers() -> Path:
    """Where the environments of the others are."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("DATAFOLIO_PEERS") or f"{cache}/datafolio/peers")


def same(one: object, other: object) -> bool:
    """Whether two answers are equal; sums of floats depend on the order in which numbers are added."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)  # type: ignore[arg-type]
    return one == other


def shown(seconds: float) -> str:
    """A time in a unit that suits it."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def table(title: str, questions: dict[str, dict[str, list[float]]]) -> str:
    """Minimum and median of each side, and how many times as long as the first one the others take, by the medians."""
    sides = list(dict.fromkeys(side for by_side in questions.values() for side in by_side))
    lines = [f"| {title} | {' | '.join(sides)} |", "| --- |" + " ---: |" * len(sides)]
    for question, by_side in questions.items():
        first = statistics.median(by_side[sides[0]]) if sides[0] in by_side else None
        cells = []
        for side in sides:
            times = by_side.get(side)
            if times is None:
                cells.append("-")
                continue
            median = statistics.median(times)
            ratio = f", {median / first:.2f} of ours" if first and side != sides[0] else ""
            cells.append(f"{shown(min(times))} / {shown(median)}{ratio}")
        lines.append(f"| {question} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """What this was measured on."""
    model, memory = platform.processor() or platform.machine(), ""
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / (1 << 30):.0f} GB"
    return f"{model}, {os.cpu_count()} processors{memory}, {platform.system()} {platform.release()}"


def main() -> None:
    """Measure what is asked for."""
    names = ["imports", *MEASUREMENTS, "program"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="rows of the tables: 10,000,000, or 20,000 with --check")
    parser.add_argument("--only", choices=names, action="append", help="this alone; can be given several times")
    parser.add_argument("--repetitions", type=int, default=5, help="processes for each side (5)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the package under test")
    parser.add_argument("--dir", help="where the data are made; kept, and used again")
    parser.add_argument("--json", action="store_true", help="print all times as JSON")
    parser.add_argument("--check", action="store_true", help="small, and once: whether all sides give equal answers")
    asked = parser.parse_args()
    asked.rows = asked.rows or (20_000 if asked.check else 10_000_000)
    place = Path(asked.dir or tempfile.mkdtemp(prefix="datafolio-bench-")) / f"python-{asked.rows}"
    place.mkdir(parents=True, exist_ok=True)
    runner = Runner(asked, place)
    try:
        runner.started(TESTED, asked.python, str(HERE / "data.py"), str(place), str(asked.rows))
        for name in asked.only or names:
            # What runs takes minutes: somebody may look at it.
            print(f"measuring {name}", file=sys.stderr)
            runner.measure(name) if name in MEASUREMENTS else getattr(runner, name)()
    finally:
        if asked.dir is None:
            shutil.rmtree(place.parent)
    if asked.json:
        facts = {"machine": machine(), "rows": asked.rows, "versions": sorted(runner.versions)}
        print(json.dumps({**facts, "seconds": runner.times, "left_out": runner.left_out}, indent=1))
    else:
        versions = ", ".join(sorted(runner.versions))
        print(f"{machine()}; {versions}; {runner.repetitions} processes each, minimum / median.")
        for name, questions in runner.times.items():
            print(f"\n{table(TITLES[name].format(rows=asked.rows), questions)}")
        for missing in runner.left_out:
            print(f"\nLeft out: {missing}.")
    if runner.differences:
        raise SystemExit("answers differ:\n" + "\n".join(runner.differences))


if __name__ == "__main__":
    main()

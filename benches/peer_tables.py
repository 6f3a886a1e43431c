"""What pyarrow, Polars and DuckDB take for what benches/tables.rs does, on the same file."""

import os
import sys
import tempfile
import threading
import time

PATH = sys.argv[1]
PARTS = [part for part in sys.argv[2].split(",") if part]


def has(part):
    return not PARTS or part in PARTS


def private_memory():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def measured(what, work):
    before = peak = private_memory()
    done = False

    def watch():
        nonlocal peak
        while not done:
            peak = max(peak, private_memory())
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    work()
    spent = time.perf_counter() - begun
    done = True
    watcher.join()
    print(f"| {what} | {spent:.3f} s | {(peak - before) >> 20} MB |", flush=True)


def median(what, work):
    times = []
    for _ in range(11):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    print(f"| {what}, median of 11 | {sorted(times)[5] * 1e3:.2f} ms | |", flush=True)


def with_pyarrow():
    import pyarrow
    import pyarrow.parquet as pq

    print(f"pyarrow {pyarrow.__version__}")
    for what, columns in [("all columns", None), ("two columns", ["id", "f1"])] if has("walks") else []:
        for size in [10_000, 100_000]:

            def walk():
                for batch in pq.ParquetFile(PATH).iter_batches(size, columns=columns):
                    batch.num_rows

            measured(f"pyarrow iter_batches, {what}, chunks of {size}", walk)
    if not has("parts"):
        return
    median("pyarrow, first 10 rows", lambda: next(pq.ParquetFile(PATH).iter_batches(10)))
    median("pyarrow, footer", lambda: pq.ParquetFile(PATH).metadata.num_rows)


def with_polars():
    import polars

    print(f"Polars {polars.__version__}")
    for what, columns in [("all columns", None), ("two columns", ["id", "f1"])] if has("walks") else []:
        for size in [10_000, 100_000]:

            def walk():
                frame = polars.scan_parquet(PATH)
                if columns:
                    frame = frame.select(columns)
                for batch in frame.collect_batches(chunk_size=size, maintain_order=True):
                    batch.height

            measured(f"Polars collect_batches, {what}, chunks of {size}", walk)
    if has("writes"):
        frame = polars.read_parquet(PATH, n_rows=10_000_000)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(PATH)) as target:
            file = os.path.join(target, "written.parquet")
            for _ in range(3):
                # The level that datafolio writes with.
                measured(
                    f"Polars write_parquet, {frame.height} rows",
                    lambda: frame.write_parquet(file, compression="zstd", compression_level=1),
                )
                print(f"{os.path.getsize(file)} bytes")
    if not has("parts"):
        return
    rows = polars.scan_parquet(PATH).select(polars.len()).collect().item()
    median(
        "Polars, 5,000 rows at 80 %",
        lambda: polars.scan_parquet(PATH).slice(rows // 5 * 4, 5_000).collect(),
    )
    median("Polars, first 10 rows", lambda: polars.scan_parquet(PATH).head(10).collect())


def with_duckdb():
    import duckdb

    print(f"DuckDB {duckdb.__version__}")
    for what, sql in [
        ("1 % of rows", "SELECT * FROM read_parquet(?) WHERE k < 10"),
        (
            "1 % of rows by a text, two columns",
            "SELECT id, f1 FROM read_parquet(?) WHERE s BETWEEN 'name10' AND 'name109999'",
        ),
        ("rows of a class, counted", "SELECT count(*) FROM read_parquet(?) WHERE c = 'alpha'"),
        (
            "a list of 10 numbers",
            "SELECT id, f1 FROM read_parquet(?) WHERE k IN (0, 9, 99, 101, 202, 303, 404, 505, 606, 999)",
        ),
        ("sum of groups", "SELECT c, sum(f1), count(*) FROM read_parquet(?) GROUP BY c"),
        ("one row", "SELECT max(id) FROM read_parquet(?)"),
    ] if has("queries") else []:

        def ask():
            connection = duckdb.connect()
            connection.execute("SET threads = 2")
            for _ in connection.sql(sql, params=[PATH]).to_arrow_reader(16_384):
                pass

        measured(f"DuckDB, {what}", ask)
        median(f"DuckDB, {what}", ask)


for peer in [with_pyarrow, with_polars, with_duckdb]:
    try:
        peer()
    except ImportError as error:
        print(f"left out: {error}")

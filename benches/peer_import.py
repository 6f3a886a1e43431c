"""The measurements of import.rs with other programs. Prints a name, a tab and seconds on each line.

    peer_import.py import FILE.csv DIRECTORY RUNS
    peer_import.py hash BYTES

Each program writes Parquet with zstd, as `datafolio import` does, and fsyncs it. None of them looks at all rows before it gives
a column its type, as `datafolio import` does: pyarrow looks at the first block, Polars at the first 10,000 rows, pandas at
pieces.
"""

import hashlib
import os
import shutil
import sys
import time


def median(work, runs):
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def fsync(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def measure_import(source, place, runs):
    import datafolio
    import pandas
    import polars
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    os.makedirs(place)
    target = os.path.join(place, "t.parquet")

    def by_pyarrow():
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(source), target, compression="zstd")
        fsync(target)

    def by_polars():
        table = polars.read_csv(source, null_values=["NA"], infer_schema_length=10_000, try_parse_dates=True)
        table.write_parquet(target, compression="zstd")
        fsync(target)

    def by_pandas():
        pandas.read_csv(source).to_parquet(target, compression="zstd")
        fsync(target)

    folio = datafolio.DataFolio(os.path.join(place, "bundle"))

    def by_datafolio():
        folio.add("t", pandas.read_csv(source), overwrite=True)

    for name, work, times in [
        (f"pyarrow {pyarrow.__version__}", by_pyarrow, runs),
        (f"Polars {polars.__version__}", by_polars, runs),
        # The slow ones once: they take as long as everything else together.
        (f"pandas {pandas.__version__}", by_pandas, 1),
        (f"Python DataFolio {datafolio.__version__}, with pandas", by_datafolio, 1),
    ]:
        print(f"{name}\t{median(work, times)}")
    shutil.rmtree(place)


def measure_hash(size):
    chunk = os.urandom(1 << 20)

    def work(*kinds):
        hashes = [hashlib.new(kind) for kind in kinds]
        for _ in range(size // len(chunk)):
            for hash in hashes:
                hash.update(chunk)
        for hash in hashes:
            hash.hexdigest()

    print(f"Python's hashlib: SHA-256 and MD5, in memory\t{median(lambda: work('sha256', 'md5'), 3)}")
    print(f"Python's hashlib: MD5, in memory\t{median(lambda: work('md5'), 3)}")


if sys.argv[1] == "import":
    measure_import(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    measure_hash(int(sys.argv[2]))

"""Writes differences-pyarrow.parquet and differences-duckdb.parquet beside this: whole numbers as differences, in the blocks of two writers.

Needs pyarrow and duckdb.
"""

import pathlib
import random

import duckdb
import pyarrow
import pyarrow.parquet

ROWS = 700
random.seed(3)
directory = pathlib.Path(__file__).parent
anything = [random.randrange(-(2**63), 2**63) for _ in range(ROWS)]
steps = [0]
for _ in range(ROWS - 1):
    steps.append(steps[-1] + random.randrange(0, 1000))
small = [random.randrange(-(2**31), 2**31) for _ in range(ROWS)]
moments = [1_700_000_000_000_000 + (row * row * 977) % 86_400_000_000 for row in range(ROWS)]
table = pyarrow.table(
    {
        "ids": pyarrow.array(range(ROWS), pyarrow.int64()),
        "any": pyarrow.array(anything, pyarrow.int64()),
        "steps": pyarrow.array(steps, pyarrow.int32()),
        "small": pyarrow.array(small, pyarrow.int32()),
        "moment": pyarrow.array(moments, pyarrow.timestamp("us")),
    }
)
pyarrow.parquet.write_table(
    table,
    directory / "differences-pyarrow.parquet",
    use_dictionary=False,
    column_encoding={name: "DELTA_BINARY_PACKED" for name in table.column_names},
    compression="zstd",
    write_page_checksum=True,
    data_page_size=1500,
)
connection = duckdb.connect()
connection.execute("SET threads = 1")
connection.register("numbers", table)
path = directory / "differences-duckdb.parquet"
connection.execute(
    f"COPY (FROM numbers) TO '{path}' "
    "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1)"
)

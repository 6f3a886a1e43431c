"""Writes written_by_2_1.parquet: one column of each type of Python Polars 2.1, and a null in each."""

import datetime as dt
import decimal
import sys

import polars as pl

frame = pl.DataFrame(
    {
        "flag": [True, None,False],
        "i8": pl.Series([1, None,-128],dtype=pl.Int8),
        "u64": pl.Series([0, None,2**64-1],dtype=pl.UInt64),
        "f16": pl.Series([0.5, None,-2.0],dtype=pl.Float16),
        "f64": [0.1, None,float("inf")],
        "text": ["short", None,"a text that is longer than twelve bytes"],
        "bytes": [b"\x00\xff", None,b"a run of bytes longer than twelve"],
        "date": [dt.date(2020,2,29), None,dt.date(1969,12,31)],
        "time": [dt.time(23,59,59,999999), None,dt.time(0,0)],
        "ms": pl.Series([dt.datetime(2020,1,1), None,dt.datetime(1960,1,1)],dtype=pl.Datetime("ms")),
        "zoned": pl.Series([dt.datetime(2020,7,1), None,dt.datetime(2020,1,1)],dtype=pl.Datetime("us")).dt.replace_time_zone("Europe/Berlin"),
        "duration": pl.Series([dt.timedelta(seconds=1), None,dt.timedelta(days=-1)],dtype=pl.Duration("us")),
        "decimal": pl.Series([decimal.Decimal("1.50"), None,decimal.Decimal("-99999999.99")],dtype=pl.Decimal(10,2)),
        "category": pl.Series(["b", None,"a"],dtype=pl.Categorical),
        "level": pl.Series(["high", None,"low"],dtype=pl.Enum(["low","middle","high"])),
        "list": [[1, None], None,[]],
        "words": [["one","a word that is longer than twelve bytes"], None,[None]],
        "pair": pl.Series([[1.0,2.0], None,[3.0,4.0]],dtype=pl.Array(pl.Float64,2)),
        "point": [{"x":1,"name":"p"}, None,{"x":None,"name":None}],
    }
)
frame.write_parquet(sys.argv[1])

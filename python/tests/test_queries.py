"""SQL over the tables of a bundle."""

from __future__ import annotations

import datetime
import decimal
import threading
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datafolio


@pytest.fixture
def shop(folio: datafolio.DataFolio) -> datafolio.DataFolio:
    """A bundle with two tables."""
    folio.add_table("orders", pd.DataFrame({"id": [1, 2, 3], "who": ["a", "b", "a"], "sum": [10.0, 20.0, 30.0]}))
    folio.add_table("people", pd.DataFrame({"who": ["a", "b"], "born": [1990, 2000]}))
    return folio


def test_one_table_goes_by_table(shop: datafolio.DataFolio) -> None:
    for name in ("table", "$table", "orders", '"table"'):
        frame = shop.query_table("orders", f"SELECT who, sum(sum) AS total FROM {name} GROUP BY who ORDER BY who")
        assert frame.to_dict("list") == {"who": ["a", "b"], "total": [40.0, 20.0]}
    assert shop.query_table("orders", "SELECT * FROM table", return_type="polars").height == 3
    with pytest.raises(KeyError, match="'none' not found"):
        shop.query_table("none", "SELECT * FROM table")


def test_values_are_bound(shop: datafolio.DataFolio) -> None:
    assert shop.query_table("orders", "SELECT id FROM table WHERE sum > ?", "arrow", params=[15]).to_pydict() == {"id": [2, 3]}
    nasty = "a'; DROP TABLE orders; --"
    found = shop.query("SELECT $text AS t, $n AS n", params={"text": nasty, "n": np.int64(3)}).to_pylist()
    assert found == [{"t": nasty, "n": 3}]
    values = [None, True, 2.5, b"x", datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3), [1, 2]]
    answer = shop.query("SELECT " + ", ".join(f"? AS v{at}" for at in range(len(values))), params=values)
    assert list(answer.to_pylist()[0].values()) == values
    with pytest.raises(TypeError, match="params"):
        shop.query("SELECT ?", params="x")  # type: ignore[arg-type]


def test_sums_of_whole_numbers_are_whole_numbers(folio: datafolio.DataFolio) -> None:
    frame = pd.DataFrame({"k": ["a", "b", "a"], "n": [1, 2, 3]})
    folio.add_table("t", frame)
    expected = frame.groupby("k", as_index=False)["n"].sum()
    sql = "SELECT k, sum(n) AS n FROM t GROUP BY k ORDER BY k"
    pd.testing.assert_frame_equal(folio.query(sql, "pandas"), expected, check_dtype=False)
    assert folio.query(sql, "pandas")["n"].dtype == np.int64
    assert next(folio.iter_query(sql, "pandas"))["n"].dtype == folio.query(sql).to_numpy()["n"].dtype == np.int64
    # One that does not fit leaves all as they are, to the last digit.
    wide = folio.query("SELECT sum(x) AS s FROM (VALUES (9223372036854775807), (1)) AS v(x) UNION ALL SELECT 5::HUGEINT ORDER BY s", "pandas")
    assert wide["s"].tolist() == [5, 2**63] and isinstance(wide["s"][1], decimal.Decimal)
    nothing = folio.query("SELECT sum(n) AS s FROM t WHERE n > 5", "pandas")["s"]
    assert nothing.dtype == np.float64 and nothing.isna().all()
    # What is stored has the type that it is stored with, however it is read.
    folio.derive("sums", "SELECT k, sum(n) AS n FROM t GROUP BY k")
    folio.add_table("kept", folio.query(sql))
    for name in ("sums", "kept"):
        assert not pa.table(folio.get_table(name, "arrow")).schema.field("n").metadata
        for read in (folio.get_table(name, "pandas"), folio.query(f"SELECT n FROM {name}", "pandas")):
            assert all(isinstance(value, decimal.Decimal) for value in read["n"])
    # Decimals of a table are decimals, and so are their sums.
    money = pa.table({"d": pa.array([1, 2], pa.decimal128(38, 0))})
    folio.add_table("money", money)
    for read in (
        folio.get_table("money"),
        folio.query("SELECT d FROM money", "pandas"),
        folio.get_table("money", where="d > 0"),
    ):
        assert read["d"].tolist() == money["d"].to_pylist() and isinstance(read["d"][0], decimal.Decimal)


def test_all_tables_views_and_snapshots(shop: datafolio.DataFolio) -> None:
    joined = shop.query("SELECT o.id, p.born FROM orders o JOIN people p USING (who) ORDER BY id", "pandas")
    assert joined["born"].tolist() == [1990, 2000, 1990]
    shop.create_snapshot("v1", capture_git=False)
    shop.delete_rows("orders", "id = 3")
    gone = shop.query('SELECT id FROM "v1"."orders" EXCEPT SELECT id FROM orders').to_pydict()
    assert gone == {"id": [3]}
    shop.add_view("young", "SELECT * FROM people WHERE born > 1995", description="of this century, nearly")
    assert shop.get_table("young")["who"].tolist() == ["b"]
    assert shop.view("young")["text"] == "SELECT * FROM people WHERE born > 1995"
    shop.derive("totals", "SELECT who, sum(sum) AS total FROM orders GROUP BY who")
    assert shop.get_inputs("totals") == ["orders"] and shop.stale() == []
    shop.append_table("orders", pd.DataFrame({"id": [9], "who": ["b"], "sum": [5.0]}))
    assert [stale["name"] for stale in shop.stale()] == ["totals"]
    shop.rerun()
    assert shop.query("SELECT total FROM totals WHERE who = 'b'").to_pydict() == {"total": [25.0]}
    assert "orders" in str(shop.explain("totals"))
    pieces = list(shop.iter_query("SELECT * FROM range(100000) t(i)"))
    assert sum(piece.num_rows for piece in pieces) == 100_000


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELEC 1", "(?i)syntax"),
        ("SELECT nothing FROM orders", "nothing"),
        ("SELECT * FROM oders", "orders"),
        ("DROP TABLE orders", "(?i)only|not allowed|SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "(?i)read_csv"),
        ("COPY orders TO 'x.csv'", "(?i)only|not allowed|SELECT"),
    ],
)
def test_what_is_refused(shop: datafolio.DataFolio, sql: str, text: str) -> None:
    with pytest.raises((ValueError, KeyError), match=text) as refused:
        shop.query(sql)
    assert isinstance(refused.value, datafolio.DataFolioError)


def test_time_is_up(shop: datafolio.DataFolio) -> None:
    with pytest.raises(datafolio.DataFolioError) as late:
        shop.query("SELECT count(*) FROM range(100000000000) a", timeout=0.2)
    assert "time" in str(late.value).lower()


def test_what_a_rerun_may_take(shop: datafolio.DataFolio) -> None:
    shop.derive("slow", "SELECT count(*) AS n FROM orders a, orders b, orders c, orders d, orders e WHERE a.id + b.id + c.id + d.id + e.id = 8")
    before = shop.get_table("slow", "arrow").to_pydict()
    shop.append_table("orders", pd.DataFrame({"id": range(3_000), "who": "b", "sum": 1.0}))
    done = shop.rerun("slow", timeout=0.3, threads=1, memory=256 << 20)
    assert (done["done"], [failed["name"] for failed in done["failed"]]) == ([], ["slow"])
    assert done["failed"][0]["code"] == "sql-timed-out"
    assert "0.3 s" in done["failed"][0]["message"]
    assert shop.get_table("slow", "arrow").to_pydict() == before
    with pytest.raises(ValueError, match="timeout is a number of seconds between 0"):
        shop.rerun(timeout=0)


def test_progress_of_a_query(shop: datafolio.DataFolio) -> None:
    told: list[float] = []
    slow = "SELECT sum(sqrt(range)) AS s FROM range(60000000)"
    shop.query(slow, progress=told.append)
    assert told[-1] == 1.0 and told == sorted(told) and all(0 <= fraction <= 1 for fraction in told)
    pieces = shop.iter_query("SELECT * FROM range(10000) t(i)", progress=(ended := []).append)
    assert sum(piece.num_rows for piece in pieces) == 10_000 and ended[-1] == 1.0
    began = time.monotonic()
    with pytest.raises(datafolio.DataFolioError, match="cancelled"):
        shop.query("SELECT sum(sqrt(a.range)) AS s FROM range(100000) a, range(10000000) b", progress=lambda _: False)
    assert time.monotonic() - began < 10
    with pytest.raises(ZeroDivisionError):
        shop.query("SELECT sum(sqrt(a.range)) AS s FROM range(100000) a, range(10000000) b", progress=lambda _: 1 // 0)


def test_progress_is_shown(shop: datafolio.DataFolio, capsys: pytest.CaptureFixture[str]) -> None:
    shop.query("SELECT 1 AS one", progress="plain")
    assert "query [" in capsys.readouterr().err
    with pytest.raises(TypeError, match="progress"):
        shop.query("SELECT 1", progress=3)  # type: ignore[arg-type]


def test_frames_and_sql(shop: datafolio.DataFolio) -> None:
    df = shop.frame("orders")
    high = df[df["sum"] > 15]
    high["double"] = high["sum"] * 2
    sql = "SELECT born, double FROM high JOIN people USING (who) ORDER BY double DESC"
    assert shop.query(sql, frames={"high": high}).to_pydict() == {"born": [1990, 2000], "double": [60.0, 40.0]}
    joined = shop.query_frame(sql, frames={"high": high})
    assert joined.sum("double") == 100.0 and sorted(name for name, _ in joined.origins) == ["orders", "people"]
    shop.add_frame("joined", joined)
    assert sorted(shop.get_inputs("joined")) == ["orders", "people"]
    bound = shop.query_frame("SELECT * FROM orders WHERE id > ?", params=[1])
    assert bound.id.tolist() == [2, 3]


def test_other_threads_run_while_a_query_runs(shop: datafolio.DataFolio) -> None:
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    shop.query("SELECT sum(sqrt(range)) AS s FROM range(30000000)")
    done.set()
    thread.join()
    assert ticks >= 5


def test_several_results_at_once(shop: datafolio.DataFolio) -> None:
    first, second = (shop.iter_query("SELECT * FROM range(50000) t(i)") for _ in range(2))
    total = 0
    for a, b in zip(first, second, strict=True):
        total += a.num_rows + b.num_rows
    assert total == 100_000

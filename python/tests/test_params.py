"""Values for the places of SQL, and times that a query may take: what is taken, and what is refused with what to give instead."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import datafolio
from datafolio.exceptions import InvalidInputError, InvalidTypeError

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, 6)
SPAN = datetime.timedelta(days=1, hours=2, microseconds=3)
CLOCK = datetime.time(1, 2, 3, 4)

LISTS: list[list[Any]] = [
    [],
    [None, 3],
    [1, 2.5, None],
    ["a", None],
    [MOMENT.date()],
    [[1], [], [2, 3]],
    [True, False],
]


@pytest.mark.parametrize("values", LISTS, ids=repr)
def test_lists_are_those_of_duckdb(folio: datafolio.DataFolio, values: list[Any]) -> None:
    # As text DuckDB shows what the list has become.
    sql = "SELECT len(?::VARCHAR[]) AS n, ?::VARCHAR AS told"
    expected = duckdb.execute(sql, [values, values]).fetchall()
    told = folio.query(sql, params=[values, values]).to_pylist()
    assert [tuple(row.values()) for row in told] == expected


REFUSED: list[tuple[Any, str]] = [
    (SPAN, r"datetime\.timedelta.*to_microseconds"),
    (pd.Timedelta(SPAN), r"Timedelta.*to_microseconds"),
    (np.timedelta64(5, "ns"), r"timedelta64.*to_microseconds"),
    (CLOCK, r"datetime\.time.*CAST\(\? AS TIME\)"),
    ({"a": 1}, r"dict.*json\.dumps"),
    ({1, 2}, r"set.*sorted"),
    (frozenset([1]), r"frozenset.*sorted"),
    (np.arange(3), r"ndarray.*tolist"),
    (np.array([7]), r"ndarray.*tolist"),
    (pd.Series([1, 2]), r"Series.*tolist"),
    (pl.Series([1, 2]), r"Series.*to_list"),
    (pd.DataFrame({"a": [1]}), r"DataFrame.*list"),
    (object(), r"object.*give a number"),
    (3j, r"complex.*give a number"),
    ([1, "a"], r"of texts and whole numbers, and a list of SQL has values of one type"),
    ([1, True], r"truth values and whole numbers"),
    ([1, 2**70], r"whole numbers and whole numbers of more than 64 bits"),
    ([2**53 + 1, 0.5], r"floating-point numbers and whole numbers"),
    ([decimal.Decimal("1.5"), 2], r"decimal numbers and whole numbers"),
    ([1, SPAN], r"in which one is of type datetime\.timedelta"),
]


@pytest.mark.parametrize(("value", "says"), REFUSED, ids=[f"{type(value).__name__} {at}" for at, (value, _) in enumerate(REFUSED)])
def test_what_sql_has_no_form_of(folio: datafolio.DataFolio, value: Any, says: str) -> None:
    folio.add_table("t", pd.DataFrame({"a": [1, 2]}))
    for call in (
        lambda params: folio.query("SELECT $b AS b, $a AS a", params=params),
        lambda params: folio.get_table("t", where="a = $a AND a = $b", params=params),
        lambda params: folio.delete_rows("t", "a = $a AND a = $b", params=params),
    ):
        with pytest.raises(InvalidTypeError, match=rf"params: \$b is (of type|a list).*{says}") as refused:
            call({"a": 1, "b": value})
        assert refused.value.code == "invalid-argument" and isinstance(refused.value, TypeError)
    with pytest.raises(InvalidTypeError, match="params: value 2 is"):
        folio.query("SELECT ? AS a, ? AS b", params=[1, value])
    assert len(folio.get_table("t")) == 2


def test_what_is_said_to_be_given_instead_works(folio: datafolio.DataFolio) -> None:
    micros = SPAN // datetime.timedelta(microseconds=1)
    sql = "SELECT TIMESTAMP '2026-01-01' + to_microseconds(?) AS later, CAST(? AS TIME) AS clock"
    later = datetime.datetime(2026, 1, 1) + SPAN
    assert folio.query(sql, params=[micros, str(CLOCK)]).to_pylist() == [{"later": later, "clock": CLOCK}]
    sql = "SELECT count(*) AS n FROM range(10) t(i) WHERE list_contains(?, i)"
    assert folio.query(sql, params=[np.array([1, 3, 99]).tolist()]).to_pydict() == {"n": [2]}
    folio.add_table("spans", pd.DataFrame({"span": pd.to_timedelta([SPAN, 2 * SPAN]).as_unit("us")}))
    assert len(folio.get_table("spans", where="span > ?", params=[micros])) == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (2**200, "more than 128 bits"),
        (decimal.Decimal("1e99"), "38 digits"),
        (pd.Timestamp("2026-01-01T00:00:00.123456789"), r"has nanoseconds.*TIMESTAMP_NS"),
    ],
    ids=str,
)
def test_values_that_do_not_fit(folio: datafolio.DataFolio, value: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=f"params: value 1 is .*{says}") as refused:
        folio.query("SELECT ? AS a", params=[value])
    assert not isinstance(refused.value, TypeError)


def test_instants_keep_their_time_zone(folio: datafolio.DataFolio) -> None:
    hour = datetime.timedelta(hours=1)
    moment = datetime.datetime(2026, 1, 1, 3, 0, 0, 7, tzinfo=datetime.timezone(5.5 * hour))
    utc = moment.astimezone(datetime.timezone.utc)
    # One that lost its zone would be equal to none that has one.
    assert folio.query("SELECT ? AS t, ? AS naive", params=[moment, MOMENT]).to_pydict() == {"t": [utc], "naive": [MOMENT]}
    table = pd.DataFrame({"i": [1, 2, 3], "seen": pd.to_datetime([utc - hour, utc, utc + hour])})
    folio.add_table("t", table)
    for value in (moment, utc, pd.Timestamp(moment), moment.astimezone(datetime.timezone(-8 * hour))):
        assert folio.get_table("t", where="seen = ?", params=[value])["i"].tolist() == [2]
        assert folio.get_table("t", where="seen >= $since", params={"since": value})["i"].tolist() == [2, 3]
        found = folio.query_table("t", "SELECT i FROM table WHERE seen < ? OR seen IN ?", params=[value, [None, value]])
        assert sorted(found["i"]) == [1, 2]
        folio.derive("later", "SELECT i FROM t WHERE seen > ?", params=[value], overwrite=True)
        assert folio.rerun(force=True)["failed"] == [] and folio.get_table("later")["i"].tolist() == [3]
    folio.update_table("t", "i = 1", {"seen": "?"}, params=[moment + 2 * hour])
    assert folio.get_table("t")["seen"][0] == utc + 2 * hour
    folio.delete_rows("t", "seen = ?", params=[utc])
    assert folio.get_table("t")["i"].tolist() == [1, 3]
    # In UTC these lie beyond the years of Python.
    for at, clock in ((-5, datetime.datetime.max), (5, datetime.datetime.min)):
        edge = clock.replace(tzinfo=datetime.timezone(at * hour))
        assert folio.query("SELECT count(*) AS n FROM t WHERE seen < ?", params=[edge]).to_pydict() == {"n": [2 if at < 0 else 0]}
    with pytest.raises(InvalidTypeError, match="a list of instants with a time zone and instants without a time zone"):
        folio.query("SELECT ? AS t", params=[[moment, MOMENT]])


def test_halves_of_characters_are_told(folio: datafolio.DataFolio) -> None:
    half = "caf\udce9"
    assert half not in folio
    with pytest.raises(datafolio.exceptions.NotFoundError, match="lone surrogate"):
        folio.get(half)
    folio.add_table("t", pd.DataFrame({"a": ["x"]}))
    for call, named in (
        (lambda: folio.add(half, 1), "the name of an item"),
        (lambda: folio.append_table(half, pd.DataFrame({"a": [1]})), "the name of an item"),
        (lambda: folio.derive(half, "SELECT 1 AS a"), "the name of an item"),
        (lambda: folio.rename("t", half), "new_name"),
        (lambda: folio.create_snapshot(half), "name"),
        (lambda: folio.query(f"SELECT '{half}' AS a"), "sql"),
        (lambda: next(folio.iter_query(f"SELECT '{half}' AS a")), "sql"),
        (lambda: folio.query_table("t", f"SELECT '{half}' AS a"), "query"),
        (lambda: folio.get_table("t", where=f"a = '{half}'"), "where"),
        (lambda: folio.get_table("t", columns=[half]), "a name"),
        (lambda: folio.get_table("t", where="a = ?", params=[half]), "params: value 1"),
        (lambda: folio.query("SELECT $a AS a", params={"a": [half]}), r"params: \$a is a list in which one"),
        (lambda: folio.query("SELECT $a AS a", params={half: 1}), "params: a name of a value"),
    ):
        with pytest.raises(InvalidInputError, match=rf"{named} has a lone surrogate.*udce9") as refused:
            call()
        assert not isinstance(refused.value, UnicodeError)


@pytest.mark.parametrize("params", ["x", 5, {1: "a"}, {"a"}], ids=repr)
def test_values_are_given_in_a_list_or_dict(folio: datafolio.DataFolio, params: Any) -> None:
    with pytest.raises(InvalidTypeError, match="params: "):
        folio.query("SELECT ? AS a", params=params)


def test_times_that_a_query_may_take(folio: datafolio.DataFolio) -> None:
    for timeout in (60, 60.5, np.float32(60), np.int64(60)):
        assert folio.query("SELECT 1 AS a", timeout=timeout).to_pydict() == {"a": [1]}
    for wrong in ("5s", "5", True, [5], datetime.timedelta(seconds=5)):
        with pytest.raises(InvalidTypeError, match="timeout is a number of seconds"):
            folio.query("SELECT 1 AS a", timeout=wrong)  # type: ignore[arg-type]
    for number in (-1, 0, float("nan"), float("inf"), 1e300):
        with pytest.raises(InvalidInputError, match="timeout is a number of seconds between 0"):
            folio.query("SELECT 1 AS a", timeout=number)
        with pytest.raises(InvalidInputError, match="timeout"):
            folio.derive("d", "SELECT 1 AS a", timeout=number)


def test_values_without_an_end_are_errors(folio: datafolio.DataFolio) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInputError, match="lists within lists"):
        folio.query("SELECT ?", params=[endless])
    with pytest.raises(InvalidTypeError, match="longdouble"):
        folio.query("SELECT ?", params=[np.longdouble(1)])
    with pytest.raises(InvalidInputError, match="beyond the years"):
        folio.query("SELECT ?", params=[np.datetime64("20000-01-01", "us")])

"""Writes pandas.json: what pandas says of instants in several zones. Needs pandas and tzdata."""

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

ZONES = [None, "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "America/Havana",
         "+05:30"]
PARTS = ["year", "month", "day", "hour", "minute", "second", "microsecond", "nanosecond", "dayofweek", "dayofyear", "quarter",
         "days_in_month", "is_leap_year", "is_month_start", "is_month_end", "is_quarter_start", "is_quarter_end", "is_year_start",
         "is_year_end"]
FORMATS = ["%Y-%m-%d %H:%M:%S.%f %z", "%a %A %b %B %j %y %p %I %U %W %V %G %u %w %%", "%Z"]


def instants(zone):
    random = np.random.default_rng(7)
    seconds = list(random.integers(-2_200_000_000, 4_000_000_000, 12))
    seconds += [0, -1, 1, 951_782_400, 951_868_799, -2_203_891_200, 1_609_459_199, 1_483_228_800]
    info = ZoneInfo(zone) if zone and "/" in zone else None
    if info:
        # Changes of offset, by hours, then to the second.
        probes = pd.date_range("1900-01-01", "2040-01-01", freq="12h", tz="UTC").to_pydatetime()
        changes = [(a, b) for a, b in zip(probes, probes[1:])
                   if a.astimezone(info).utcoffset() != b.astimezone(info).utcoffset()]
        chosen = changes[:3] + changes[-2:] + [changes[i] for i in random.integers(0, len(changes), 3)]
        if zone == "Pacific/Apia":
            chosen += [change for change in changes if change[0].year == 2011]
        for before, after in chosen:
            low, high = int(before.timestamp()), int(after.timestamp())
            offset = before.astimezone(info).utcoffset()
            while high - low > 1:
                middle = (low + high) // 2
                if pd.Timestamp(middle, unit="s", tz="UTC").to_pydatetime().astimezone(info).utcoffset() == offset:
                    low = middle
                else:
                    high = middle
            seconds += [high + beside for beside in (-7_201, -3_600, -1_800, -1, 0, 1, 1_799, 1_800, 3_600, 5_400, 86_400)]
    ticks = [int(second) * 1_000_000_000 + int(random.integers(0, 1_000_000_000)) * (at % 3 == 0)
             for at, second in enumerate(seconds)]
    return pd.Series(pd.to_datetime(np.array(ticks, dtype="i8"), unit="ns"))


def plain(series):
    return [None if pd.isna(value) else value.item() if hasattr(value, "item") else value for value in series]


def ticks(series):
    series = series.dt.tz_convert(None) if series.dt.tz is not None else series
    series = series.dt.as_unit("ns")
    return [None if pd.isna(value) else int(tick) for value, tick in zip(series, series.astype("i8"))]


def localize(tick, tz, forward):
    """The instant of a local time; none where there are two; the end of a gap, or the last nanosecond before."""
    second, fraction = divmod(tick, 1_000_000_000)
    naive = datetime(1970, 1, 1) + timedelta(seconds=second)
    utc = lambda fold: int((naive.replace(tzinfo=tz, fold=fold) - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds())
    at = lambda second: datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=second)
    first, second = utc(0), utc(1)
    if first < second:
        return None
    if first == second:
        return first * 1_000_000_000 + fraction
    # In a gap, the offset before is taken for the first, and is behind the gap, and the one after for the second.
    low, high = second, first
    offset = at(low).astimezone(tz).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).astimezone(tz).utcoffset() == offset else (low, middle)
    return high * 1_000_000_000 - (0 if forward else 1)


def of(zone):
    series = instants(zone)
    said = {"zone": zone, "instants": ticks(series), "parts": {}, "formats": {}, "floor": {}, "ceil": {}, "round": {}}
    if zone:
        tz = timezone(timedelta(hours=5, minutes=30)) if zone == "+05:30" else ZoneInfo(zone)
        series = series.dt.tz_localize("UTC").dt.tz_convert(tz)
    for part in PARTS:
        said["parts"][part] = plain(getattr(series.dt, part))
    said["parts"]["month_name"] = plain(series.dt.month_name())
    said["parts"]["day_name"] = plain(series.dt.day_name())
    calendar = series.dt.isocalendar()
    said["parts"]["weekofyear"], said["parts"]["isoyear"] = plain(calendar.week), plain(calendar.year)
    for text in FORMATS:
        said["formats"][text] = [value.strftime(text) for value in series]
    for width in ["7s", "15min", "h", "2h", "6h", "D", "3D"]:
        for towards in ["floor", "ceil", "round"]:
            # What clocks show twice is left out where it is not certain, so that the answer is one of pandas, not of a choice.
            answer = getattr(series.dt, towards)(width, **({"ambiguous": "NaT", "nonexistent": "NaT"} if zone else {}))
            said[towards][width] = ticks(answer)
    local = series.dt.tz_localize(None) if zone else series
    for width, period in [("W", "W-SUN"), ("M", "M"), ("Q", "Q"), ("Y", "Y")]:
        start = local.dt.to_period(period).dt.start_time
        start = start.dt.tz_localize(series.dt.tz, ambiguous="NaT", nonexistent="NaT") if zone else start
        said["floor"][width] = ticks(start)
    if zone:
        said["local"] = ticks(local)
        said["gaps"] = ticks(local + pd.Timedelta("1h"))
        # By the standard library: pandas goes too far where a gap is not an hour.
        said["localize"] = {
            of + name: [localize(tick, series.dt.tz, forward) for tick in said[of]]
            for of in ("local", "gaps") for name, forward in (("_forward", True), ("_backward", False))
        }
    else:
        said["months"] = {str(n): ticks(series.map(lambda value: value + pd.DateOffset(months=n))) for n in (-25, -1, 1, 12, 30)}
    return said


def durations():
    random = np.random.default_rng(8)
    series = [0, 1, -1, 999, -999, 1_000, -1_000, 86_399_999_999_999, -86_400_000_000_000, -86_400_000_000_001]
    series += [int(value) for value in random.integers(-(2**62), 2**62, 10)]
    parts = pd.Series(pd.to_timedelta(series, unit="ns"))
    said = {part: plain(getattr(parts.dt, part)) for part in ("days", "seconds", "microseconds", "nanoseconds")}
    return {"ticks": series, "total_seconds": plain(parts.dt.total_seconds()), **said}


with open(__file__.replace("times.py", "pandas.json"), "w") as file:
    zones = ",\n".join(json.dumps(of(zone), separators=(",", ":")) for zone in ZONES)
    file.write(f'{{"pandas":"{pd.__version__}","durations":{json.dumps(durations())},"zones":[\n{zones}\n]}}\n')

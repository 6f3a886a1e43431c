"""Writes the Delta tables that tests read, and expected.json: what other readers see in them.

Run once with `pip install deltalake numpy pyarrow polars`; the tables are kept as they were written then. What Python's deltalake does
not write (deletion vectors, column mapping, wider types, checkpoints of the second kind) is written here by hand, by the
protocol: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

import datetime as dt
import decimal
import json
import shutil
import struct
import sys
import uuid
import zlib
from pathlib import Path

import deltalake
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

HERE = Path(__file__).parent
TABLES = HERE / "tables"
UTC = dt.timezone.utc
EXPECTED = {}


def main():
    shutil.rmtree(TABLES, ignore_errors=True)
    TABLES.mkdir()
    plain()
    evolved()
    partitioned()
    cleaned()
    struct_stats()
    deleted()
    mapped("name")
    mapped("id")
    widened()
    old_times()
    second_checkpoint("parquet")
    second_checkpoint("json")
    bounded()
    void()
    noted()
    mapped_bounds()
    widened_bounds()
    refused()
    save()


def save():
    lines = []
    for name, versions in EXPECTED.items():
        for version, seen in versions.items():
            rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in seen["rows"])
            lines.append(f'{{"table": "{name}", "version": {version}, "readers": {json.dumps(seen["readers"])}, "rows": [\n{rows}]}}')
    (HERE / "expected.json").write_text("[" + ",\n".join(lines) + "]\n")


# Tables that deltalake writes.


def plain():
    """All types; rows that were deleted and overwritten by writing files anew."""
    path = str(TABLES / "plain")
    kinds = pa.schema([
        ("id", pa.int64()), ("small", pa.int16()), ("tiny", pa.int8()), ("whole", pa.int32()), ("x", pa.float64()),
        ("f", pa.float32()), ("flag", pa.bool_()), ("text", pa.string()), ("bytes", pa.binary()), ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")), ("local", pa.timestamp("us")), ("price", pa.decimal128(9, 2)),
        ("tags", pa.list_(pa.string())), ("place", pa.struct([("lat", pa.float64()), ("name", pa.string())])),
        ("counts", pa.map_(pa.string(), pa.int64())),
    ])

    def rows(start, stop):
        return pa.Table.from_pylist([
            {
                "id": n, "small": n - 3, "tiny": -n, "whole": n * 1000, "x": n / 4, "f": n / 8, "flag": n % 2 == 0,
                "text": None if n % 4 == 3 else f"text {n}", "bytes": bytes([n, 255]), "day": dt.date(2024, 1, 1 + n),
                "at": dt.datetime(2024, 2, 1 + n, 12, 30, 0, 250000, UTC), "local": dt.datetime(1900, 2, 1 + n, 12),
                "price": decimal.Decimal(f"{n}.50"), "tags": None if n == 2 else ["a", None, f"t{n}"][: n % 4],
                "place": None if n == 1 else {"lat": n * 1.5, "name": None if n == 5 else f"p{n}"},
                "counts": [("a", n), ("b", None)] if n % 2 else [],
            }
            for n in range(start, stop)
        ], schema=kinds)

    write_deltalake(path, rows(0, 5))
    write_deltalake(path, rows(5, 8), mode="append")
    DeltaTable(path).delete("id = 2")
    write_deltalake(path, rows(8, 12), mode="append")
    for version in range(4):
        expect("plain", version)


def evolved():
    """Columns that came later."""
    path = str(TABLES / "evolved")
    write_deltalake(path, pa.table({"id": pa.array([0, 1], pa.int64()), "a": ["x", "y"]}))
    later = pa.table({"id": pa.array([2, 3], pa.int64()), "a": ["z", None], "b": pa.array([1.5, None], pa.float64())})
    write_deltalake(path, later, mode="append", schema_mode="merge")
    within = pa.table({"id": pa.array([4], pa.int64()), "c": pa.array([{"d": 1}], pa.struct([("d", pa.int64())]))})
    write_deltalake(path, within, mode="append", schema_mode="merge")
    deeper = pa.struct([("d", pa.int64()), ("e", pa.string())])
    write_deltalake(path, pa.table({"id": pa.array([5], pa.int64()), "c": pa.array([{"d": 2, "e": "f"}], deeper)}),
                    mode="append", schema_mode="merge")
    for version in range(4):
        expect("evolved", version)


def partitioned():
    """Partitions of several types, null, and with characters that paths have other uses for."""
    path = str(TABLES / "partitioned")
    texts = ["plain", "a b/c%=é?#:", None, "x+y&z"]
    table = pa.table({
        "id": pa.array(range(8), pa.int64()),
        "text": [texts[n % 4] for n in range(8)],
        "day": pa.array([dt.date(2024, 1, 1 + n % 2) if n != 7 else None for n in range(8)], pa.date32()),
        "n": pa.array([n // 4 for n in range(8)], pa.int32()),
        "value": pa.array([n / 2 for n in range(8)], pa.float64()),
    })
    write_deltalake(path, table, partition_by=["text", "day", "n"])
    expect("partitioned", 0)


def cleaned():
    """A log that was cleaned up below a checkpoint."""
    path = TABLES / "cleaned"
    for n in range(4):
        rows = pa.table({"id": pa.array([n * 2, n * 2 + 1], pa.int64()), "a": [f"v{n}", None]})
        write_deltalake(str(path), rows, mode="append")
    DeltaTable(str(path)).create_checkpoint()
    write_deltalake(str(path), pa.table({"id": pa.array([8], pa.int64()), "a": ["v4"]}), mode="append")
    for version in range(3):
        (path / "_delta_log" / f"{version:020}.json").unlink()
    for version in (3, 4):
        expect("cleaned", version)


def bounded():
    """Files that statistics tell apart, and values that they say nothing of, or little."""
    path = str(TABLES / "bounded")
    kinds = pa.schema([
        ("id", pa.int64()), ("whole", pa.int32()), ("x", pa.float64()), ("f", pa.float32()), ("flag", pa.bool_()),
        ("text", pa.string()), ("long", pa.string()), ("bytes", pa.binary()), ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")), ("local", pa.timestamp("us")), ("price", pa.decimal128(9, 2)),
        ("dear", pa.decimal128(38, 4)), ("gap", pa.int64()), ("place", pa.struct([("lat", pa.float64())])),
    ])

    def row(n):
        return {
            "id": n, "whole": 2**31 - 100 + n, "x": float("nan") if n % 10 == 4 else None if n % 10 == 5 else n / 3,
            "f": n / 10, "flag": n >= 30, "text": None if n % 7 == 3 else f"text {n:02}", "long": "\U0001f600" * 16 + f"\uffee{n:02}",
            "bytes": bytes([n]), "day": dt.date(1969, 12, 1) + dt.timedelta(n),
            "at": dt.datetime(1969, 12, 31, 23, 59, 30, 999999, UTC) + dt.timedelta(seconds=n, microseconds=n % 3),
            "local": dt.datetime(2024, 2, 29, 23, 0, 0, 500000) + dt.timedelta(minutes=n, microseconds=n % 2),
            "price": decimal.Decimal(n) / 4, "dear": decimal.Decimal(10) ** 30 + n, "gap": None if n < 20 else n,
            "place": {"lat": float(n)},
        }

    for start in range(0, 50, 10):
        rows = pa.Table.from_pylist([row(n) for n in range(start, start + 10)], schema=kinds)
        write_deltalake(path, rows, mode="append")
    DeltaTable(path).delete("id = 33")
    expect("bounded", 4)
    expect("bounded", 5)


def void():
    """A column that never had a value. Other readers do not agree about its type."""
    write_deltalake(str(TABLES / "void"), pa.table({"id": [1, 2], "n": pa.array([None, None], pa.null())}))


# Tables that are written by hand.


class Log:
    """A table's directory, and its log."""

    def __init__(self, name):
        self.path = TABLES / name
        self.log = self.path / "_delta_log"
        self.log.mkdir(parents=True)
        self.version = 0
        self.actions = []
        self.at = 1_700_000_000_000
        self.written = {}

    def commit(self, *actions):
        self.at += 1000
        actions = [{"commitInfo": {"timestamp": self.at, "operation": "WRITE", "operationParameters": {}}}, *actions]
        text = "".join(json.dumps(action) + "\n" for action in actions)
        (self.log / f"{self.version:020}.json").write_text(text)
        self.version += 1

    def add(self, name, table, int96=False, **more):
        """Writes a data file; the action that adds it."""
        file = self.path / name
        pq.write_table(table, file, compression="snappy", use_deprecated_int96_timestamps=int96)
        return self.added(name, table.num_rows, **more)

    def added(self, name, rows, **more):
        # A file is added again when its deletion vector changes, and was written once.
        written = self.written.setdefault(name, self.at + len(self.written) + 1)
        stats = json.dumps({"numRecords": rows, "tightBounds": "deletionVector" not in more})
        return {"add": {"path": name, "partitionValues": {}, "size": (self.path / name).stat().st_size,
                        "modificationTime": written, "dataChange": True, "stats": stats, **more}}


def protocol(*features, reader=3):
    if reader != 3:
        return {"protocol": {"minReaderVersion": reader, "minWriterVersion": 2}}
    return {"protocol": {"minReaderVersion": reader, "minWriterVersion": 7, "readerFeatures": list(features),
                         "writerFeatures": list(features)}}


def metadata(fields, configuration=None, id="5ce5f3a1-0000-4000-8000-000000000001"):
    schema = json.dumps({"type": "struct", "fields": fields})
    return {"metaData": {"id": id, "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
                         "partitionColumns": [], "configuration": configuration or {}, "createdTime": 1_700_000_000_000}}


def field(name, kind, nullable=True, **metadata):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": metadata}


def deleted():
    """Deletion vectors: within the log, in a file, and replaced by one that deletes more."""
    log = Log("deleted")
    kinds = [field("id", "long"), field("a", "string")]

    def rows(start, stop):
        return pa.table({"id": pa.array(range(start, stop), pa.int64()), "a": [f"v{n}" for n in range(start, stop)]})

    log.commit(protocol("deletionVectors"), metadata(kinds, {"delta.enableDeletionVectors": "true"}),
               log.add("a.parquet", rows(0, 10)), log.add("b.parquet", rows(10, 20)), log.add("c.parquet", rows(20, 25)))

    inline = bitmap([0, 3, 4, 9])
    first = {"storageType": "i", "pathOrInlineDv": z85(inline), "sizeInBytes": len(inline), "cardinality": 4}
    log.commit(remove("a.parquet"), log.added("a.parquet", 10, deletionVector=first))

    id = uuid.UUID("7d2f3c4e-1111-4222-8333-444455556666")
    contents, places = bytearray([1]), []
    for deleted in ([1], [0, 1, 2, 3, 4], list(range(0, 10)) + [0]):
        data = bitmap(sorted(set(deleted)))
        places.append((len(contents), len(data), len(set(deleted))))
        contents += struct.pack(">i", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    (log.path / f"deletion_vector_{id}.bin").write_bytes(contents)

    def stored(which):
        offset, size, cardinality = places[which]
        return {"storageType": "u", "pathOrInlineDv": z85(id.bytes), "offset": offset, "sizeInBytes": size,
                "cardinality": cardinality}

    log.commit(remove("b.parquet"), log.added("b.parquet", 10, deletionVector=stored(0)),
               remove("c.parquet"), log.added("c.parquet", 5, deletionVector=stored(1)))
    # All rows of a file, and none of another, by vectors in place of vectors.
    log.commit(remove("a.parquet", deletionVector=first), log.added("a.parquet", 10, deletionVector=stored(2)),
               remove("c.parquet", deletionVector=stored(1)), log.added("c.parquet", 5))
    for version in range(4):
        expect("deleted", version)


def remove(name, **more):
    return {"remove": {"path": name, "deletionTimestamp": 1_700_000_000_000, "dataChange": True, **more}}


def bitmap(rows):
    """Rows below 65,536 as the protocol's 64-bit Roaring bitmap, in the portable form."""
    single = struct.pack("<II", 12346, 1) + struct.pack("<HH", 0, len(rows) - 1) + struct.pack("<I", 16)
    single += b"".join(struct.pack("<H", row) for row in rows)
    return struct.pack("<IQI", 1681511377, 1, 0) + single


def z85(data):
    """ZeroMQ's base 85; data are padded to a multiple of four."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    data += b"\0" * (-len(data) % 4)
    text = ""
    for (word,) in struct.iter_unpack(">I", data):
        text += "".join(digits[word // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return text


def mapped(mode):
    """Columns under other names in the files; one renamed, one dropped whose name was taken again, and one that came later."""
    log = Log(f"mapped_{mode}")
    names = {"id": "col-1", "old": "col-2", "place": "col-3", "lat": "col-4", "tags": "col-5", "again": "col-6", "late": "col-8"}

    def column(name, kind, id, physical):
        return field(name, kind, **{"delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical})

    def file_field(name, kind, id):
        # What the files call a column counts by name; by id only the ids do.
        text = names[name] if mode == "name" else f"any{id}"
        return pa.field(text, kind, metadata={"PARQUET:field_id": str(id)} if mode == "id" else None)

    place = {"type": "struct", "fields": [column("lat", "double", 4, names["lat"])]}
    tags = {"type": "array", "elementType": "string", "containsNull": True}
    fields = [column("id", "long", 1, names["id"]), column("old", "string", 2, names["old"]),
              column("place", place, 3, names["place"]), column("tags", tags, 5, names["tags"]),
              column("again", "long", 6, names["again"])]
    configuration = {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "8"}

    inner = pa.struct([file_field("lat", pa.float64(), 4)])
    def first(rows):
        kinds = [file_field("id", pa.int64(), 1), file_field("old", pa.string(), 2), file_field("place", inner, 3),
                 file_field("tags", pa.list_(pa.string()), 5), file_field("again", pa.int64(), 6)]
        values = [pa.array(rows, pa.int64()), pa.array([f"o{n}" for n in rows]),
                  pa.array([{inner.field(0).name: n / 2} for n in rows], inner),
                  pa.array([["a"] * n for n in rows], pa.list_(pa.string())), pa.array([n * 7 for n in rows], pa.int64())]
        return pa.Table.from_arrays(values, schema=pa.schema(kinds))

    log.commit(protocol("columnMapping"), metadata(fields, configuration), log.add("one.parquet", first([0, 1, 2])))

    # "old" is called "new", "again" was dropped and is a text now, "late" is there.
    names["again"] = "col-7"
    renamed = [fields[0], column("new", "string", 2, names["old"]), fields[2], fields[3],
               column("again", "string", 7, "col-7"), column("late", "integer", 8, names["late"])]
    kinds = [file_field("late", pa.int32(), 8), file_field("again", pa.string(), 7), file_field("id", pa.int64(), 1)]
    second = pa.Table.from_arrays([pa.array([30, None], pa.int32()), pa.array(["x", "y"]), pa.array([3, 4], pa.int64())],
                                  schema=pa.schema(kinds))
    log.commit(metadata(renamed, configuration), log.add("two.parquet", second))
    for version in range(2):
        expect(f"mapped_{mode}", version, by_hand(log, version) if mode == "id" else None)


def by_hand(log, version):
    """The rows of a table whose columns are known by id, which neither reader goes by: by pyarrow, with the columns renamed."""
    names = {1: "id", 2: "old", 3: "place", 5: "tags", 6: "again"}
    if version:
        names = {1: "id", 2: "new", 3: "place", 5: "tags", 7: "again", 8: "late"}
    tables = []
    for file in ["one.parquet", "two.parquet"][: version + 1]:
        table = pq.read_table(log.path / file)
        columns = {}
        for part in table.schema:
            name = names.get(int(part.metadata[b"PARQUET:field_id"]))
            if name:
                columns[name] = table[part.name]
        if "place" in columns:
            lat = columns["place"].combine_chunks().field(0)
            columns["place"] = pa.chunked_array([pa.StructArray.from_arrays([lat], ["lat"])])
        tables.append(pa.table(columns))
    table = pa.concat_tables(tables, promote_options="default")
    return table.select([name for name in names.values() if name in table.column_names])


def widened():
    """Types that became wider."""
    log = Log("widened")
    narrow = pa.table({"id": pa.array([0, 1], pa.int8()), "n": pa.array([1, None], pa.int32()),
                       "f": pa.array([0.5, 1.5], pa.float32()), "d": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(5, 2))})
    wide = pa.table({"id": pa.array([2, 3], pa.int64()), "n": pa.array([2**40, None], pa.int64()),
                     "f": pa.array([1e300, None], pa.float64()),
                     "d": pa.array([decimal.Decimal("123456789.1234"), None], pa.decimal128(20, 4))})
    before = [field("id", "byte"), field("n", "integer"), field("f", "float"), field("d", "decimal(5,2)")]

    def changed(name, old, new):
        return field(name, new, **{"delta.typeChanges": [{"fromType": old, "toType": new, "tableVersion": 1}]})

    after = [changed("id", "byte", "long"), changed("n", "integer", "long"), changed("f", "float", "double"),
             changed("d", "decimal(5,2)", "decimal(20,4)")]
    log.commit(protocol("typeWidening"), metadata(before, {"delta.enableTypeWidening": "true"}), log.add("one.parquet", narrow))
    log.commit(metadata(after, {"delta.enableTypeWidening": "true"}), log.add("two.parquet", wide))
    expect("widened", 0, narrow)
    expect("widened", 1, pa.concat_tables([narrow.cast(wide.schema), wide]))


def old_times():
    """Times in the oldest form of Parquet, as Spark writes them, beyond what nanoseconds hold; also within lists, structs and maps."""
    log = Log("old_times")
    times = [dt.datetime(1, 1, 1, tzinfo=UTC), dt.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC), None,
             dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
    kind = pa.timestamp("us", "UTC")
    rows = pa.table({
        "id": pa.array(range(4), pa.int64()),
        "t": pa.array(times, kind),
        "l": pa.array([[time, None] for time in times], pa.list_(kind)),
        "s": pa.array([{"n": n, "t": time} for n, time in enumerate(times)], pa.struct([("n", pa.int32()), ("t", kind)])),
        "m": pa.array([[("a", time)] for time in times], pa.map_(pa.string(), kind)),
    })
    fields = [field("id", "long"), field("t", "timestamp"),
              field("l", {"type": "array", "elementType": "timestamp", "containsNull": True}),
              field("s", {"type": "struct", "fields": [field("n", "integer"), field("t", "timestamp")]}),
              field("m", {"type": "map", "keyType": "string", "valueType": "timestamp", "valueContainsNull": True})]
    log.commit(protocol(reader=1), metadata(fields), log.add("one.parquet", rows, int96=True))
    expect("old_times", 0, rows)


def action_table(actions, parsed=None):
    """Actions as rows of a checkpoint."""
    text_map = pa.map_(pa.string(), pa.string())
    add = [("path", pa.string()), ("partitionValues", text_map), ("size", pa.int64()), ("modificationTime", pa.int64()),
           ("dataChange", pa.bool_()), ("stats", pa.string())]
    if parsed is not None:
        add.append(("stats_parsed", parsed))
    kinds = {
        "protocol": pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()),
                               ("readerFeatures", pa.list_(pa.string())), ("writerFeatures", pa.list_(pa.string()))]),
        "metaData": pa.struct([("id", pa.string()), ("format", pa.struct([("provider", pa.string()), ("options", text_map)])),
                               ("schemaString", pa.string()), ("partitionColumns", pa.list_(pa.string())),
                               ("configuration", text_map), ("createdTime", pa.int64())]),
        "add": pa.struct(add),
        "remove": pa.struct([("path", pa.string()), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_())]),
        "sidecar": pa.struct([("path", pa.string()), ("sizeInBytes", pa.int64()), ("modificationTime", pa.int64())]),
        "checkpointMetadata": pa.struct([("version", pa.int64())]),
    }
    used = [name for name in kinds if any(name in action for action in actions)]
    for name in ("add", "remove"):
        if name not in used and not any("sidecar" in action for action in actions):
            used.append(name)

    def plain(value, kind):
        if pa.types.is_map(kind):
            return list(value.items())
        if pa.types.is_struct(kind) and isinstance(value, dict):
            return {part.name: plain(value[part.name], part.type) for part in kind if part.name in value}
        return value

    columns = {name: pa.array([plain(action.get(name), kinds[name]) for action in actions], kinds[name]) for name in used}
    return pa.table(columns)


def struct_stats():
    """A checkpoint that has statistics as columns and not as text."""
    log = Log("struct_stats")
    kinds = [field("id", "long")]
    first = log.add("a.parquet", pa.table({"id": pa.array([0, 1, 2], pa.int64())}))
    second = log.add("b.parquet", pa.table({"id": pa.array([3, 4], pa.int64())}))
    configuration = {"delta.checkpoint.writeStatsAsStruct": "true", "delta.checkpoint.writeStatsAsJson": "false"}
    base = [protocol(reader=1), metadata(kinds, configuration)]
    log.commit(*base, first)
    log.commit(second)
    column = pa.struct([("id", pa.int64())])
    parsed = pa.struct([("numRecords", pa.int64()), ("minValues", column), ("maxValues", column), ("nullCount", column)])
    adds = []
    for action, rows, low, high in ((first, 3, 0, 2), (second, 2, 3, 4)):
        add = {name: value for name, value in action["add"].items() if name != "stats"}
        add["stats_parsed"] = {"numRecords": rows, "minValues": {"id": low}, "maxValues": {"id": high}, "nullCount": {"id": 0}}
        adds.append({"add": {**add, "dataChange": False}})
    table = action_table([*base, *adds], parsed)
    pq.write_table(table, log.log / f"{1:020}.checkpoint.parquet")
    (log.log / "_last_checkpoint").write_text(json.dumps({"version": 1, "size": table.num_rows}))
    (log.log / f"{0:020}.json").unlink()
    expect("struct_stats", 1)


def second_checkpoint(form):
    """A checkpoint of the second kind, with files of its own for what was added."""
    log = Log(f"v2_{form}")
    kinds = [field("id", "long")]
    first = log.add("a.parquet", pa.table({"id": pa.array([0, 1, 2], pa.int64())}))
    second = log.add("b.parquet", pa.table({"id": pa.array([3, 4], pa.int64())}))
    base = [protocol("v2Checkpoint"), metadata(kinds, {"delta.checkpointPolicy": "v2"})]
    log.commit(*base, first)
    log.commit(second)
    (log.log / "_sidecars").mkdir()
    sidecars = []
    for number, action in enumerate((first, second)):
        name = f"{uuid.UUID(int=number + 1)}.parquet"
        action = {"add": {**action["add"], "dataChange": False}}
        pq.write_table(action_table([action]), log.log / "_sidecars" / name)
        size = (log.log / "_sidecars" / name).stat().st_size
        sidecars.append({"sidecar": {"path": name, "sizeInBytes": size, "modificationTime": log.at}})
    actions = [{"checkpointMetadata": {"version": 1}}, *base, *sidecars]
    name = f"{1:020}.checkpoint.{uuid.UUID(int=99)}.{form}"
    if form == "parquet":
        pq.write_table(action_table(actions), log.log / name)
    else:
        (log.log / name).write_text("".join(json.dumps(action) + "\n" for action in actions))
    (log.log / f"{0:020}.json").unlink()
    log.commit(log.add("c.parquet", pa.table({"id": pa.array([5], pa.int64())})))
    for version in (1, 2):
        expect(f"v2_{form}", version)


def statistics(table, cut=32, last="\U0010ffff", names=None, **more):
    """What Spark notes of a file: texts cut, with a character behind the largest; instants in milliseconds; floats with NaN."""
    found = {"numRecords": table.num_rows, "minValues": {}, "maxValues": {}, "nullCount": {}}

    def told(value, kind, is_largest):
        if isinstance(value, str) and len(value) > cut:
            return value[:cut] + (last if is_largest else "")
        if isinstance(value, dt.datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}" + ("Z" if value.tzinfo else "")
        if isinstance(value, dt.date):
            return value.isoformat()
        if pa.types.is_float32(kind):
            return Number(str(np.float32(value)))
        return Number(str(value)) if isinstance(value, decimal.Decimal) else value

    for column in table.column_names:
        name = (names or {}).get(column, column)
        kind = table.schema.field(column).type
        values = [value for value in table[column].to_pylist() if value is not None]
        found["nullCount"][name] = table.num_rows - len(values)
        # Texts compare by their bytes, and NaN is the largest number.
        key = lambda value: value.encode() if isinstance(value, str) else (value != value, value) if isinstance(value, float) else value
        if values:
            for which, value in (("minValues", min(values, key=key)), ("maxValues", max(values, key=key))):
                found[which][name] = "NaN" if value != value else told(value, kind, which == "maxValues")
    return json.dumps({**found, **more}, ensure_ascii=False)


class Number(float):
    """A number of JSON with the digits that it is given."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self):
        return self.text


def noted():
    """Statistics as others write them: cut, of rows that are deleted, lacking, damaged."""
    log = Log("noted")
    kinds = [field("id", "long"), field("text", "string"), field("at", "timestamp"), field("local", "timestamp_ntz"),
             field("x", "double"), field("price", "decimal(9,2)"), field("gap", "integer")]

    def rows(start, stop, text="a text that is longer than what statistics keep of it: {:02}"):
        base = dt.datetime(1969, 12, 31, 23, 59, 59, 999700)
        return pa.table({
            "id": pa.array(range(start, stop), pa.int64()),
            "text": [None if n % 5 == 4 else text.format(n) for n in range(start, stop)],
            "at": pa.array([(base + dt.timedelta(seconds=n - 10)).replace(tzinfo=UTC) for n in range(start, stop)], pa.timestamp("us", "UTC")),
            "local": pa.array([base + dt.timedelta(days=n) for n in range(start, stop)], pa.timestamp("us")),
            "x": pa.array([float("nan") if n == 17 else n / 8 for n in range(start, stop)], pa.float64()),
            "price": pa.array([decimal.Decimal(n) / 4 for n in range(start, stop)], pa.decimal128(9, 2)),
            "gap": pa.array([None if n < 20 else n for n in range(start, stop)], pa.int32()),
        })

    def add(name, table, deleted=None, stats=None, **more):
        # A largest text of which the cut character has four bytes: U+FFFD is before it.
        stats = stats or statistics(table, **more)
        vector = {}
        if deleted is not None:
            inline = bitmap(deleted)
            vector["deletionVector"] = {"storageType": "i", "pathOrInlineDv": z85(inline), "sizeInBytes": len(inline), "cardinality": len(deleted)}
        return log.add(name, table, stats=stats, **vector)

    log.commit(protocol("deletionVectors", "timestampNtz"), metadata(kinds, {"delta.enableDeletionVectors": "true"}),
               add("a.parquet", rows(0, 10)),
               add("b.parquet", rows(10, 20), last="\ufffd"),
               add("c.parquet", rows(20, 30, "x" * 32 + "\U0001f600{:02}"), last="\ufffd"))
    # Rows at both ends, and all that have a value, are deleted: the bounds are those of before.
    log.commit(add("d.parquet", rows(15, 25), deleted=[0, 5, 6, 7, 8, 9], tightBounds=False),
               add("e.parquet", rows(30, 40), deleted=[0, 1], tightBounds=False))
    log.commit(add("f.parquet", rows(40, 50), stats="{\"numRecords\":10,\"minValues\":{\"id\":"),
               add("g.parquet", rows(50, 60), stats=json.dumps({"numRecords": 10})),
               add("h.parquet", rows(60, 70), stats=json.dumps({"numRecords": 10, "minValues": {"id": "sixty", "price": [1]}, "maxValues": {"id": 69.5}, "nullCount": {"id": -1}})))
    for version in range(2):
        expect("noted", version)
    # Readers that want to understand all statistics do not read this one.
    beginning = pa.concat_tables([rows(0, 20), rows(20, 30, "x" * 32 + "\U0001f600{:02}"), rows(16, 20), rows(32, 70)])
    expect("noted", 2, beginning)


def mapped_bounds():
    """Two columns whose names in the files are each other's."""
    log = Log("mapped_bounds")

    def column(name, id, physical):
        return field(name, "long", **{"delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical})

    fields = [column("id", 1, "col-1"), column("a", 2, "b"), column("b", 3, "a")]
    actions = [protocol("columnMapping"), metadata(fields, {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3"})]
    for start in (0, 10):
        rows = range(start, start + 5)
        table = pa.table({"col-1": pa.array(rows, pa.int64()), "b": pa.array([n + 100 for n in rows], pa.int64()),
                          "a": pa.array([200 - n for n in rows], pa.int64())})
        actions.append(log.add(f"from{start}.parquet", table, stats=statistics(table)))
    log.commit(*actions)
    expect("mapped_bounds", 0)


def widened_bounds():
    """Statistics of numbers that were shorter ones then: 0.1 there is not the 0.1 of now."""
    log = Log("widened_bounds")
    narrow = pa.table({"id": pa.array([0, 1], pa.int64()), "f": pa.array([-0.1, 0.1], pa.float32()), "n": pa.array([1, 2], pa.int32())})
    wide = pa.table({"id": pa.array([2, 3], pa.int64()), "f": pa.array([0.1, 1e300], pa.float64()), "n": pa.array([2**40, 2**50], pa.int64())})

    def kinds(widened):
        def changed(name, old, new):
            return field(name, new, **{"delta.typeChanges": [{"fromType": old, "toType": new, "tableVersion": 1}]}) if widened else field(name, old)
        return [field("id", "long"), changed("f", "float", "double"), changed("n", "integer", "long")]

    log.commit(protocol("typeWidening"), metadata(kinds(False), {"delta.enableTypeWidening": "true"}), log.add("one.parquet", narrow, stats=statistics(narrow)))
    log.commit(metadata(kinds(True), {"delta.enableTypeWidening": "true"}), log.add("two.parquet", wide, stats=statistics(wide)))
    expect("widened_bounds", 0, narrow)
    expect("widened_bounds", 1, pa.concat_tables([narrow.cast(wide.schema), wide]))


def refused():
    """Tables that need what no reader has yet."""
    log = Log("feature")
    rows = pa.table({"id": pa.array([0], pa.int64())})
    log.commit(protocol("deletionVectors", "timeMachine"), metadata([field("id", "long")]), log.add("a.parquet", rows))
    log = Log("reader_version")
    log.commit(protocol(reader=4), metadata([field("id", "long")]), log.add("a.parquet", rows))
    log = Log("variant")
    log.commit(protocol("variantType"), metadata([field("id", "long"), field("v", "variant")]), log.add("a.parquet", rows))


# What others see.


def expect(name, version, by_hand=None):
    """Notes what other readers see of a version: Polars and deltalake, or where neither reads it, what pyarrow has in its files."""
    path = str(TABLES / name)
    readers = {"polars": lambda: pl.scan_delta(path, version=version).collect().to_arrow(),
               "deltalake": lambda: pa.table(deltalake.QueryBuilder().register("t", DeltaTable(path, version=version))
                                             .execute("SELECT * FROM t").read_all())}
    if by_hand is not None:
        readers = {"pyarrow": lambda: by_hand}
    seen = {}
    for reader, read in readers.items():
        try:
            seen[reader] = sorted(as_rows(read()), key=lambda row: row["id"])
        except BaseException as error:  # A reader may panic, too.
            print(f"{name} {version}: {reader} does not: {str(error)[:120]}", file=sys.stderr)
    rows = next(iter(seen.values()))
    if any(other != rows for other in seen.values()):
        raise ValueError(f"{name} {version}: readers differ: {seen}")
    EXPECTED.setdefault(name, {})[str(version)] = {"readers": sorted(seen), "rows": rows}


def as_rows(table):
    return [{name: as_json(table[name][n].as_py(), table.schema.field(name).type) for name in table.column_names}
            for n in range(table.num_rows)]


def as_json(value, kind):
    """Values as JSON has them: times in microseconds, bytes in hexadecimal, decimals as text, NaN as nothing."""
    if value is None or value != value:
        return None
    if isinstance(value, dt.datetime):
        zone = value.tzinfo or UTC
        since = value.replace(tzinfo=zone) - dt.datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if pa.types.is_map(kind):
        return [[as_json(key, kind.key_type), as_json(item, kind.item_type)] for key, item in value]
    if isinstance(value, list):
        if value and all(isinstance(item, dict) and set(item) == {"key", "value"} for item in value):
            return [[item["key"], item["value"]] for item in value]
        return [as_json(item, kind.value_type) for item in value]
    if isinstance(value, dict):
        return {part.name: as_json(value[part.name], part.type) for part in kind}
    return value


if __name__ == "__main__":
    main()

"""Compares an HDF5 file with what it was written from, as h5py or Vaex read it.

judge.py h5py|vaex FILE GROUP EXPECTED.arrow [little|big]
"""
import json
import math
import sys

import numpy as np
import pyarrow as pa


def plain(value):
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return value


def ticks(type_):
    return pa.types.is_timestamp(type_) or pa.types.is_duration(type_) or pa.types.is_date(type_)


def rows(array):
    """The values of an Arrow array; instants and durations as their ticks."""
    type_ = array.type
    if pa.types.is_dictionary(type_):
        codes, values = array.indices.to_pylist(), rows(array.dictionary)
        return [None if code is None else values[code] for code in codes]
    if pa.types.is_fixed_size_list(type_):
        inner, width = rows(array.values), type_.list_size
        start = array.offset
        return [
            [None] * width if not ok else inner[(start + i) * width:(start + i + 1) * width]
            for i, ok in enumerate(array.is_valid().to_pylist())
        ]
    if pa.types.is_date32(type_):
        return rows(array.view(pa.int32()))
    if ticks(type_):
        return rows(array.view(pa.int64()))
    return plain(array.to_pylist())


def expected(table, name):
    """The column as it must come back: a missing vector is one of missing values."""
    out = []
    for chunk in table[name].chunks:
        out += rows(chunk)
    shape, type_ = [], table.schema.field(name).type
    while pa.types.is_fixed_size_list(type_):
        shape.append(type_.list_size)
        type_ = type_.value_type

    def deep(value, shape):
        if not shape:
            return value
        value = [None] * shape[0] if value is None else value
        return [deep(item, shape[1:]) for item in value]

    return [deep(value, shape) for value in out]


def leaf(type_):
    while pa.types.is_fixed_size_list(type_):
        type_ = type_.value_type
    return type_


class H5:
    def __init__(self, path, group, order):
        import h5py
        self.h5py, self.order = h5py, order
        self.file = h5py.File(path, "r")
        self.group = self.file[group]
        assert self.text(self.group.attrs, "type") == "table"
        self.file.visititems(self.check)

    def check(self, name, item):
        if isinstance(item, self.h5py.Dataset):
            assert item.chunks is None and item.compression is None, name
            offset = item.id.get_offset()
            if item.size:
                assert offset % 64 == 0, (name, offset)
            else:
                assert offset is None, name

    def text(self, attrs, key):
        kind = self.h5py.check_string_dtype(attrs.get_id(key).dtype)
        assert kind.length is None and kind.encoding == "utf-8", key
        return attrs[key]

    def names(self):
        columns = self.group["columns"]
        order = [name for name in self.text(columns.attrs, "column_order").split(",") if name in columns]
        return order + sorted(set(columns) - set(order))

    def metadata(self, name):
        attrs = self.group["columns"][name].attrs
        return {key: self.text(attrs, key) for key in attrs if key != "type"}

    def column(self, name, type_):
        group = self.group["columns"][name]
        if pa.types.is_dictionary(type_):
            assert self.text(group.attrs, "type") == "dictionary_encoded"
            assert list(group["indices"]) == ["data"]
            codes = group["indices/data"][:]
            assert codes.dtype.isnative and codes.dtype.kind == np.dtype(type_.index_type.to_pandas_dtype()).kind
            values = self.plain(group["dictionary"], type_.value_type, None)
            assert len(set(map(str, values))) == len(values), values
            return [values[code] for code in codes]
        assert "type" not in group.attrs
        return self.plain(group, type_, self.order)

    def plain(self, group, type_, order):
        data = group["data"]
        if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
            assert self.text(data.attrs, "dtype") == "str" and data.dtype == np.dtype("S1")
            # Elements that are NULs come back empty.
            raw = b"".join(byte or b"\0" for byte in data[:].tolist())
            offsets = group["indices"][:]
            assert offsets.dtype in (np.dtype("i4"), np.dtype("i8")) and offsets[0] == 0 and offsets[-1] == len(raw)
            values = [raw[a:b].decode("utf-8") for a, b in zip(offsets[:-1], offsets[1:])]
            return self.nulls(group, values)
        values, leaf_type = data[:], leaf(type_)
        if ticks(leaf_type):
            unit = "D" if pa.types.is_date32(leaf_type) else "ms" if pa.types.is_date64(leaf_type) else leaf_type.unit
            kind = "timedelta64" if pa.types.is_duration(leaf_type) else "datetime64"
            assert self.text(data.attrs, "dtype") == f"{kind}[{unit}]"
            assert data.dtype == np.dtype("i8"), data.dtype
            values = values.astype(object)
            values[values == -2**63] = None
        else:
            assert not len(data.attrs)
            numpy = np.dtype(leaf_type.to_pandas_dtype())
            assert data.dtype == numpy.newbyteorder({"big": ">", "little": "<", None: "="}[order]), (data.dtype, order)
        if "mask" in group:
            assert group["mask"].dtype == np.dtype("bool") and group["mask"].shape == data.shape
            values = values.astype(object)
            values[group["mask"][:]] = None
        return self.nulls(group, plain(values.tolist()))

    def nulls(self, group, values):
        if "null_bitmap" not in group:
            return values
        bitmap = group["null_bitmap"][:]
        assert bitmap.dtype == np.dtype("u1") and len(bitmap) == (len(values) + 7) // 8
        valid = np.unpackbits(bitmap, bitorder="little")[:len(values)]
        assert not valid.all(), group.name
        return [value if ok else None for value, ok in zip(values, valid)]


class Vaex:
    def __init__(self, path, group, order):
        import vaex
        self.frame = vaex.open(path) if group == "/table" else vaex.open(path, group=group)

    def names(self):
        return self.frame.get_column_names(hidden=True)

    def metadata(self, name):
        return {"ucd": self.frame.ucds[name]} if name in self.frame.ucds else {}

    def column(self, name, type_):
        values = self.frame.columns[name]
        if hasattr(values, "to_arrow"):
            values = values.to_arrow()
        if hasattr(values, "_to_arrow"):
            values = values[:]
        if isinstance(values, np.ndarray):
            mask = np.ma.getmaskarray(values)
            data = np.ma.getdata(values)
            if data.dtype.kind in "mM":
                data, mask = data.astype("i8").astype(object), mask | np.isnat(data)
            out = data.astype(object)
            out[mask] = None
            return plain(out.tolist())
        if not isinstance(values, (pa.Array, pa.ChunkedArray)):
            values = values[:]
        if isinstance(values, np.ndarray):
            return plain(values.tolist())
        chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        return [value for chunk in chunks for value in rows(chunk)]


def main(reader, path, group, arrow, order="little"):
    with pa.OSFile(arrow) as source:
        table = pa.ipc.open_stream(source).read_all()
    file = {"h5py": H5, "vaex": Vaex}[reader](path, group, order)
    names = table.column_names
    plain_names = [name for name in names if "," not in name]
    expected_names = plain_names + sorted(set(names) - set(plain_names))
    assert file.names() == expected_names, (file.names(), expected_names)
    for name in names:
        field = table.schema.field(name)
        want = expected(table, name)
        got = file.column(name, field.type)
        assert len(got) == len(want), (name, len(got), len(want))
        for row, (a, b) in enumerate(zip(got, want)):
            assert a == b and type(a) is type(b), f"column {name!r} row {row}: {a!r} in the file, {b!r} expected"
        metadata = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        if reader == "vaex":
            # Vaex drops units without astropy, and never shows descriptions.
            metadata = {k: v for k, v in metadata.items() if k == "ucd"}
        assert file.metadata(name) == metadata, (name, file.metadata(name), metadata)
    print(json.dumps({"columns": len(names), "rows": table.num_rows}))


main(*sys.argv[1:])

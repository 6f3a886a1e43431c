"""What a release of DataFolio reads of a bundle, in the form of the fixtures' expected.json."""
import hashlib
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../data/fixtures"))
import value_hash

TRUSTED = ["sklearn.linear_model._base.LinearRegression"]


def item(folio, name):
    """One item through `get`."""
    kind = folio.item_info(name)["item_type"]
    seen = {"type": kind}
    if kind in ("included_table", "referenced_table"):
        frame = folio.get(name)
        table = folio.get(name, frame="polars").to_arrow()
        assert len(frame) == table.num_rows and list(frame.columns) == table.column_names
        seen.update(rows=table.num_rows, columns=table.column_names, values_sha256=value_hash.table_sha256(table))
        if kind == "included_table":
            schema = pq.read_schema(folio.item_path(name))
            seen["arrow_types"] = {field.name: str(field.type) for field in schema}
    elif kind == "numpy_array":
        array = folio.get(name)
        seen.update(dtype=array.dtype.str, shape=list(array.shape), values_sha256=value_hash.array_sha256(array))
    elif kind == "json_data":
        seen["value"] = folio.get(name)
    elif kind == "timestamp":
        seen.update(iso=folio.get(name).isoformat(), unix=folio.get(name, as_unix=True))
    elif kind == "artifact":
        seen.update(digests(folio.get(name)))
    elif kind == "model":
        model = folio.get_model(name, trusted=True)
        seen["class"] = type(model).__name__
        seen["predict_on_ones"] = [float(x) for x in np.asarray(model.predict(np.ones((2, 3)))).ravel()]
        seen.update(digests(folio.item_path(name)))
    return seen


def digests(path):
    with open(path, "rb") as file:
        data = file.read()
    return {"size": len(data), "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}


def items(folio):
    """All items, an error in the place of one that cannot be read."""
    names = [name for names in folio.list_contents(include_archived=True).values() for name in names]
    seen = {}
    for name in names:
        try:
            seen[name] = item(folio, name)
        except Exception as error:
            seen[name] = {"error": type(error).__name__, "message": str(error)}
    return seen


def comparisons(folio):
    names = list(folio.snapshots)
    return {f"{a}..{b}": folio.compare_snapshots(a, b) for a in names for b in names if a != b}

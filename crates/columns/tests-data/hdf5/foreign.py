"""Makes foreign.hdf5 and latest.hdf5: what h5py can write and Vaex does not. Needs h5py and numpy."""
import h5py
import numpy as np

N = 11


def table(f):
    c = f.create_group("table/columns")

    def col(name, data, **more):
        g = c.create_group(name)
        attrs = more.pop("attrs", {})
        d = g.create_dataset("data", data=data, **more)
        for k, v in attrs.items():
            d.attrs[k] = v
        return g

    i = np.arange(N)
    col("cells", np.array([b"", b"a", "é".encode(), b"in\0ner", b"0123456789"] * 3, dtype="S10")[:N])
    col("cells2d", np.array([[b"a%d" % r, b"b"] for r in i], dtype="S4"))
    spaces = h5py.h5t.C_S1.copy()
    spaces.set_size(6)
    spaces.set_strpad(h5py.h5t.STR_SPACEPAD)
    g = c.create_group("spaces")
    space = h5py.h5s.create_simple((N,))
    d = h5py.h5d.create(g.id, b"data", spaces, space)
    d.write(space, space, np.array([b"x y   "] * N, dtype="S6"), mtype=spaces)

    words = ["", "a", "é日", "🚀", "four"]
    cells = np.array([words[r % 5] for r in i], dtype="<U4")
    col("utf32", np.frombuffer(cells.tobytes(), "u1").reshape(N, 16), attrs={"dtype": "utf32", "dlength": 4})
    col("utf32_flat", np.frombuffer(cells.tobytes(), "u1"), attrs={"dtype": "utf32", "dlength": 4})

    nat = np.iinfo("i8").min
    t = (i - 5).astype("i8")
    t[3] = nat
    for unit in ["Y", "M", "W", "D", "h", "m", "s"]:
        col("t_" + unit, t, attrs={"dtype": "datetime64[%s]" % unit})
    for unit in ["W", "D", "h", "m", "us"]:
        col("d_" + unit, t, attrs={"dtype": "timedelta64[%s]" % unit})
    col("t_big", t.astype(">i8"), attrs={"dtype": np.bytes_("datetime64[ms]")})
    col("t2d", np.stack([t, t + (t != nat)], 1), attrs={"dtype": "datetime64[D]"})
    # Under the mask is what no date can hold.
    far = t.copy()
    far[[1, 7]] = 2**62
    g = col("t_masked", far, attrs={"dtype": "datetime64[W]"})
    g.create_dataset("mask", data=np.isin(i, [1, 7]))

    g = col("mask_int", i.astype("i4"))
    g.create_dataset("mask", data=(i % 3 == 0).astype("i4") * 256)
    g = col("mask_rows", np.arange(N * 2, dtype="f4").reshape(N, 2))
    g.create_dataset("mask", data=i % 4 == 0)
    g = col("mask_wins", i.astype("i2"))
    g.create_dataset("mask", data=i == 2)
    g.create_dataset("null_bitmap", data=np.zeros(2, "u1"))
    g = col("bits2d", np.arange(N * 2, dtype="i2").reshape(N, 2))
    g.create_dataset("null_bitmap", data=np.packbits(i % 2 == 0, bitorder="little"))

    col("bool_u1", i % 2 == 0, dtype=h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, basetype="u1"))
    col("colour", i % 3, dtype=h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 2}, basetype="i2"))
    col("chunked2d", np.arange(N * 6, dtype=">f4").reshape(N, 2, 3), chunks=(4, 2, 2), compression="gzip", shuffle=True)
    col("lzf", i.astype("u2"), chunks=(5,), compression="lzf", fletcher32=True)
    # Compact: in the object header.
    g = c.create_group("compact")
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    d = h5py.h5d.create(g.id, b"data", h5py.h5t.STD_I32LE, space, plist)
    d.write(space, space, (i * 7).astype("i4"))

    g = c.create_group("codes")
    g.attrs["type"] = "dictionary_encoded"
    k = g.create_group("indices")
    k.create_dataset("data", data=np.where(i == 4, 99, i % 2).astype("u1"))
    k.create_dataset("mask", data=i == 4)
    g.create_group("dictionary").create_dataset("data", data=np.array([2.5, -1.0], ">f8"))

    # Texts with big-endian 64-bit offsets, in chunks; and the bytes in chunks too.
    parts = [w.encode() for w in cells.tolist()]
    g = col("text", np.frombuffer(b"".join(parts), "S1"), chunks=(7,), compression="gzip", attrs={"dtype": "str"})
    g.create_dataset("indices", data=np.cumsum([0] + [len(p) for p in parts]).astype(">i8"), chunks=(4,))
    g = col("text_u4", np.frombuffer(b"".join(parts), "u1"), attrs={"dtype": "str"})
    g.create_dataset("indices", data=np.cumsum([0] + [len(p) for p in parts]).astype("u4"))


with h5py.File("foreign.hdf5", "w") as f:
    table(f)
with h5py.File("latest.hdf5", "w", libver=("v110", "v110"), userblock_size=512) as f:
    table(f)
# HDF5 2.0 writes a fifth version of the layout message for chunks.
with h5py.File("newest.hdf5", "w", libver="latest") as f:
    f.create_dataset("table/columns/x/data", data=np.arange(N))
    f.create_dataset("chunked/columns/x/data", data=np.arange(N), chunks=(4,), compression="gzip")
# Aligned, so that all numbers can be mapped as they are.
with h5py.File("aligned.hdf5", "w", alignment_threshold=1, alignment_interval=64) as f:
    for name, values in [("f8", np.arange(100) / 4), ("i2", np.arange(100, dtype="i2")), ("t", np.arange(100, dtype="i8"))]:
        f.create_dataset("table/columns/%s/data" % name, data=values)
    f["table/columns/t/data"].attrs["dtype"] = "datetime64[us]"
    f.create_dataset("table/columns/s/data", data=np.frombuffer(b"ab" * 100, "S1")).attrs["dtype"] = "str"
    f.create_dataset("table/columns/s/indices", data=np.arange(101, dtype="i4") * 2)
# Tables that are refused, each in its own group.
with h5py.File("refused.hdf5", "w") as f:
    def one(name, data, **attrs):
        d = f.create_dataset("%s/columns/x/data" % name, data=data)
        for k, v in attrs.items():
            d.attrs[k] = v
    one("months", np.arange(3), dtype="timedelta64[M]")
    one("generic", np.arange(3), dtype="datetime64")
    one("far", np.array([1, 2**62]), dtype="datetime64[W]")
    one("compound", np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]))
    one("complex", np.zeros(3, "c16"))
    f.create_dataset("vlen/columns/x/data", data=["a", "b"])
    f.create_dataset("nothing/columns/x/data", shape=(5,), dtype="f8")
    one("lengths", np.arange(3))
    f.create_dataset("lengths/columns/y/data", data=np.arange(4))
    one("latin", np.array([b"\xe9t\xe9"], "S3"))
    one("backwards", np.frombuffer(b"abc", "S1"), dtype="str")
    f.create_dataset("backwards/columns/x/indices", data=np.array([0, 2, 1], "i4"))
    one("beyond", np.frombuffer(b"abc", "S1"), dtype="str")
    f.create_dataset("beyond/columns/x/indices", data=np.array([0, 2, 4], "i4"))
    one("split", np.frombuffer("aé".encode(), "S1"), dtype="str")
    f.create_dataset("split/columns/x/indices", data=np.array([0, 2, 3], "i4"))
    one("no_offsets", np.frombuffer(b"abc", "S1"), dtype="str")
    f.create_dataset("csr/columns/x/data", data=np.arange(3))
    f["csr/columns/x"].attrs["type"] = "csr_matrix"
    f.create_group("empty/columns/x")
    one("mask", np.arange(3))
    f.create_dataset("mask/columns/x/mask", data=np.zeros(2, bool))
    f["codes/columns/x"] = f.create_group("codes_inner")
    f["codes_inner"].attrs["type"] = "dictionary_encoded"
    f.create_dataset("codes_inner/indices/data", data=np.array([0, 2], "i1"))
    f.create_dataset("codes_inner/dictionary/data", data=np.array([5, 6], "i8"))
    # A group that holds itself.
    one("cycle", np.arange(3))
    f["cycle/columns/x/again"] = f["cycle/columns/x"]
    f["cycle/columns/x/once_more"] = f["cycle/columns/x"]
with h5py.File("added.hdf5", "w") as f:
    f.create_dataset("data/x", data=np.arange(3))
    f.create_dataset("table/columns/y/data", data=np.arange(3) * 2)
    for name in ["a", "b", "c"]:
        f.create_dataset("order/columns/%s/data" % name, data=np.arange(3))
    f["order/columns"].attrs["column_order"] = "c,b,nothing,c,,"
    f["order/columns/a"].attrs["alias"] = "b"
    f["order/columns/b"].attrs["alias"] = "second"
with h5py.File("twice.hdf5", "w") as f:
    f.create_dataset("data/x", data=np.arange(3))
    f.create_dataset("table/columns/x/data", data=np.arange(3) * 2)

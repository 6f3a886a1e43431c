"""Opening a bundle, its attributes and its metadata, as PyPI's releases do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from compat import Cases
from compat_values import raised, warned

import datafolio

cases = Cases()


@cases.like("1.3", "2.3")
def a_new_bundle(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(path, metadata={"study": "é", "n": 3})
    readme = open(os.path.join(path, "README.md"), encoding="utf-8").read()
    return [
        sorted(folio.metadata),
        folio.metadata["study"],
        folio.metadata["n"],
        sorted(folio.metadata["_datafolio"]),
        folio.metadata["created_at"][:2],
        [os.path.isdir(os.path.join(path, name)) for name in ("artifacts", "models", "tables")],
        [part in readme for part in ("folio.describe()", path, df.__version__)],
    ]


@cases.like("1.3", "2.3")
def opening_again_keeps_what_is_there(df: Any, path: str) -> Any:
    from pathlib import Path

    first = df.DataFolio(path, metadata={"a": 1})
    created = first.metadata["created_at"]
    again = df.DataFolio(Path(path), metadata={"a": 2, "b": 3})
    return [again.metadata["a"], "b" in again.metadata, again.metadata["created_at"] == created]


@cases.like("1.3", "2.3")
def the_attributes(df: Any, path: str) -> Any:
    import os

    folio = df.DataFolio(os.path.relpath(path))
    return [
        folio.path == path,
        type(folio.path).__name__,
        folio._bundle_dir,
        type(folio._bundle_dir).__name__,
        folio.read_only,
        folio.in_snapshot_mode,
        folio.loaded_snapshot,
        repr(folio),
        dict(folio._items),
        dict(folio._snapshots),
        list(folio._snapshot_versions),
        folio.tables,
        folio.models,
        folio.artifacts,
    ]


@cases.like("1.3", "2.3")
def a_random_suffix(df: Any, path: str) -> Any:
    import os

    first, second = (df.DataFolio(path, random_suffix=True) for _ in range(2))
    base = os.path.basename(first.path)
    return [base.startswith("study-"), base.count("-"), first.path != second.path, os.path.dirname(first.path) == os.path.dirname(path)]


@cases.like("1.3", "2.3")
def a_directory_with_other_files(df: Any, path: str) -> Any:
    import os

    os.mkdir(path)
    open(os.path.join(path, "notes.txt"), "w").close()
    return raised(lambda: df.DataFolio(path))


@cases.like("2.3")
def a_directory_that_may_be_used(df: Any, path: str) -> Any:
    import os

    os.mkdir(path)
    os.mkdir(path + "-empty")
    df.DataFolio(path + "-empty")
    open(os.path.join(path, "notes.txt"), "w").close()
    df.DataFolio(path, allow_existing=True).add("x", 1)
    return [os.path.exists(os.path.join(path, "notes.txt")), df.DataFolio(path).get("x")]


@cases.unlike("1.3", theirs={"raises": ["FileExistsError"]}, ours={"returned": "DataFolio"})
def an_empty_directory(df: Any, path: str) -> Any:
    import os

    os.mkdir(path)
    return raised(lambda: df.DataFolio(path))


@cases.like("2.3")
@cases.unlike("1.3", theirs={"returned": "DataFolio"}, ours={"raises": ["FileNotFoundError"]})
def read_only_where_nothing_is(df: Any, path: str) -> Any:
    return raised(lambda: df.DataFolio(path, read_only=True))


@cases.like("2.3")
def not_creating(df: Any, path: str) -> Any:
    import os

    return [raised(lambda: df.DataFolio(path, create=False)), os.path.exists(path)]


@cases.like("2.3")
@cases.unlike("1.3", theirs={"raises": ["TypeError"]}, ours={"raises": ["ValueError"]})
def neither_path_nor_alias(df: Any, path: str) -> Any:
    return raised(lambda: df.DataFolio())


@cases.like("2.3")
def aliases(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, alias="mine")
    df.DataFolio(path + "2")
    found = df.list_folios()
    return [
        df.DataFolio(alias="mine").path == folio.path,
        raised(lambda: df.DataFolio(alias="nobody")),
        raised(lambda: df.DataFolio(path + "2", alias="mine")),
        raised(lambda: df.set_alias("mine", path + "2")),
        df.set_alias("mine", path + "2", overwrite=True) == path + "2",
        list(found.columns),
        found[found.alias == "mine"].path.tolist() == [path],
        df.remove_alias("mine"),
        raised(lambda: df.remove_alias("mine")),
        folio.set_alias("other") is folio,
    ]


@cases.like("2.3")
def looking_for_items(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, alias="here", metadata={"rate": 1})
    folio.add("scores_a", 1, description="of Ada").add("Scores_b", [1]).add("other", {"a": 1})
    folio.archive("other")
    return [
        df.find("scores*", folios=[path]).name.tolist(),
        df.find("scores*", folios=[path], case_sensitive=True).name.tolist(),
        df.find("s.*_b$", folios=["here"], regex=True).name.tolist(),
        df.find(folios=[path], item_type="json_data").name.tolist(),
        df.find(folios=[path], include_archived=True).name.tolist(),
        df.find("*Ada*", folios=[path], descriptions=True).name.tolist(),
        list(df.find("*", folios=[path]).columns),
        list(df.find("rate", folios=[path], metadata=True).columns),
        df.find("rate", folios=[path], metadata=True).value.tolist(),
        df.find("nothing", folios=[path]).shape[0],
        warned(lambda: df.find("*", folios=[path + "-none"])),
        df.find("scores_a").alias.tolist(),
    ]


@cases.like("1.3", "2.3")
def metadata_is_stored_when_it_changes(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"a": 1, "b": 2, "c": {"d": [1]}})
    before = folio.metadata["updated_at"]
    folio.metadata["a"] = 10
    folio.metadata.update({"e": [1, 2], "f": None})
    folio.metadata.update(g=1.5)
    del folio.metadata["b"]
    default = folio.metadata.setdefault("h", "x")
    folio.metadata.setdefault("a", 11)
    seen = {key: value for key, value in df.DataFolio(path).metadata.items() if key[-3:] != "_at" and key != "_datafolio"}
    return [
        seen,
        default,
        isinstance(folio.metadata, dict),
        folio.metadata["updated_at"] > before,
        raised(lambda: folio.metadata["nothing"]),
        raised(lambda: folio.metadata.pop("nothing")),
        folio.metadata.get("nothing"),
        "a" in folio.metadata,
        folio.metadata.update({}),
    ]


@cases.like("2.3")
def metadata_is_stored_by_the_other_methods_too(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, metadata={"a": 1, "b": 2})
    popped = folio.metadata.pop("a")
    folio.metadata |= {"c": 3}
    stored = df.DataFolio(path).metadata
    first = {key: stored[key] for key in stored if key in ("a", "b", "c")}
    folio.metadata.clear()
    stored = df.DataFolio(path).metadata
    folio.metadata = {"z": 1}
    return [popped, first, [key for key in stored if key in ("b", "c")], df.DataFolio(path).metadata["z"]]


@cases.like("1.3", "2.3")
def read_only(df: Any, path: str) -> Any:
    folio = df.DataFolio(path)
    folio.create_snapshot("v1", capture_git=False)
    reader = df.DataFolio(path, read_only=True)
    calls = [
        lambda: reader.delete("x"),
        lambda: reader.update_item("x", description="y"),
        lambda: reader.metadata.update(a=1),
        lambda: reader.metadata.__setitem__("a", 1),
        lambda: reader.metadata.__delitem__("created_at"),
        lambda: reader.create_snapshot("v2"),
        lambda: reader.delete_snapshot("v1"),
        lambda: reader.restore_snapshot("v1", confirm=True),
        lambda: reader.archive("x"),
    ]
    return [reader.read_only, repr(reader).endswith("[READ-ONLY]"), *(raised(call, "read-only") for call in calls[:-1])]


@cases.like("1.3")
def read_only_in_the_adding_methods(df: Any, path: str) -> Any:
    import pandas

    df.DataFolio(path)
    reader = df.DataFolio(path, read_only=True)
    rows = pandas.DataFrame({"a": [1]})
    return [raised(lambda: reader.add_table("t", rows), "read-only"), raised(lambda: reader.add_data("t", rows), "read-only")]


@cases.like("1.3", "2.3")
def the_version(df: Any, path: str) -> Any:
    return [type(df.__version__).__name__, df.__version__.count(".")]


@cases.like("2.3")
def the_exceptions(df: Any, path: str) -> Any:
    return [
        issubclass(df.ConcurrentWriteError, RuntimeError),
        issubclass(df.ManifestReadError, df.ConcurrentWriteError),
        issubclass(df.UnsupportedManifestVersionError, RuntimeError),
    ]


@cases.unlike("1.3", theirs={"raises": ["FileNotFoundError"], "says": [True, True]}, ours={"raises": ["FileNotFoundError"]})
def an_address_without_a_bundle(df: Any, path: str) -> Any:
    import http.server
    import threading

    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/none"
        answer = raised(lambda: df.DataFolio(url), "No datafolio bundle found", "HTTP/HTTPS paths must point")
    finally:
        server.shutdown()
    return answer


@cases.like("1.3")
def options_of_the_cache(df: Any, path: str) -> Any:
    folio = df.DataFolio(path, cache_enabled=True, cache_dir=path + "-cache", cache_ttl=60, use_https=False)
    folio.add_json("x", 1)
    plain = df.DataFolio(path + "-2")
    plain.add_json("x", 1)
    return [folio.get_json("x"), plain.cache_status(), plain.cache_status("x"), plain.clear_cache(), plain.clear_cache("x"),
            plain.invalidate_cache("x"), raised(lambda: plain.refresh_cache("x"))]


def test_another_release_in_the_same_environment(tmp_path: Path) -> None:
    script = f"import datafolio; datafolio.DataFolio({str(tmp_path / 'study')!r})"
    package = str(Path(datafolio.__file__).parent.parent)
    facts = tmp_path / "site" / "datafolio-2.3.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: datafolio\nVersion: 2.3.0\n")
    told = []
    for path in (package, f"{package}{os.pathsep}{tmp_path / 'site'}"):
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
        told.append(done.stderr)
    assert told[0] == ""
    assert "UserWarning: the distribution 'datafolio' 2.3.0 is installed beside" in told[1]


@pytest.mark.parametrize("release, case", cases.parameters())
def test_opening(release: str, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases.check(release, case, tmp_path, monkeypatch)

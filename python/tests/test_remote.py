"""Bundles on an object store: the server of the testkit, in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import datafolio
from datafolio.exceptions import ConflictError, DataFolioError, NotFoundError, ReadOnlyError, WrongStateError

SECRET = "not-to-be-seen"


def _server() -> Path:
    target = os.environ.get("CARGO_TARGET_DIR") or str(Path.home() / ".cache" / "datafolio" / "target")
    program = Path(target) / "debug" / "object-server"
    if not program.exists():
        pytest.skip(f"{program} is not there: `cargo build --package datafolio-testkit` makes it")
    return program




@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, Any]]:
    """What a server of its own is reached with."""
    with subprocess.Popen([str(_server())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        endpoint = server.stdout.readline().strip()
        yield {"endpoint": endpoint, "access_key_id": "key", "secret_access_key": SECRET, "region": "here"}
        server.stdin.close()


@pytest.fixture
def remote(options: dict[str, Any], request: pytest.FixtureRequest) -> datafolio.DataFolio:
    """A new bundle on it."""
    return datafolio.DataFolio(f"s3://bucket/{request.node.name}", storage_options=options)


def test_a_bundle_on_a_store_is_one_like_any_other(remote: datafolio.DataFolio, options: dict[str, Any]) -> None:
    rows = pd.DataFrame({"id": range(5000), "dose": np.linspace(0, 1, 5000), "arm": ["a", "b"] * 2500})
    remote.add_table("visits", rows, description="all visits")
    remote.add_json("params", {"rate": 0.1}).add_numpy("grid", np.arange(6).reshape(2, 3)).create_snapshot("v1")
    remote.append_table("visits", rows.head(10))
    remote.add_json("params", {"rate": 0.2}, overwrite=True)

    again = datafolio.DataFolio(remote.path, storage_options=options, create=False)
    assert again.get_json("params") == {"rate": 0.2}
    assert again.get_numpy("grid").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert len(again.get_table("visits")) == 5010
    assert sum(len(chunk) for chunk in again.iter_table("visits", chunk_size=1000)) == 5010
    counted = again.query("SELECT arm, count(*) AS n FROM visits GROUP BY arm ORDER BY arm").to_pandas()
    assert counted["n"].tolist() == [2505, 2505]
    assert again.frame("visits").sum("id") == rows["id"].sum() + 45
    before = datafolio.DataFolio.load_snapshot(remote.path, "v1", storage_options=options)
    assert before.get_json("params") == {"rate": 0.1}
    assert len(before.get_table("visits")) == 5000
    assert again.verify()["findings"] == []
    for shown in (repr(again), str(again.describe(return_string=True)), json.dumps(again.settings), again.path):
        assert SECRET not in shown


def test_where_credentials_come_from_is_said_and_never_what_they_are(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = datafolio.store_access("s3://bucket/nothing", options)
    assert access["credentials"] == "option access_key_id"
    assert (access["endpoint"], access["region"]) == (options["endpoint"], "here")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    access = datafolio.store_access("s3://bucket/nothing")
    assert "AWS_ACCESS_KEY_ID" in str(access["credentials"])
    assert SECRET not in str(access)


def test_paths_are_addresses_for_tables_and_copies_for_files(remote: datafolio.DataFolio, tmp_path: Path) -> None:
    remote.add_table("t", pd.DataFrame({"x": [1, 2, 3]}))
    assert remote.get_table_path("t").startswith(f"{remote.path}/tables/t--")
    note = tmp_path / "note.txt"
    note.write_text("hello")
    remote.add_artifact("note", note)
    copy = Path(remote.get_artifact_path("note"))
    assert copy.read_text() == "hello"


def test_a_bundle_of_this_machine_refers_to_tables_on_a_store(
    remote: datafolio.DataFolio, options: dict[str, Any], tmp_path: Path
) -> None:
    rows = pd.DataFrame({"id": range(1000), "dose": np.linspace(0, 1, 1000)})
    remote.add_table("visits", rows)
    address = remote.get_table_path("visits")
    folio = datafolio.DataFolio(tmp_path / "here", storage_options=options)
    folio.reference_table("there", address)
    info = folio.get_table_info("there")
    assert (info["num_rows"], info["columns"], info["path"]) == (1000, ["id", "dose"], address)
    assert folio.get_table("there", columns=["id"], offset=990, limit=3)["id"].tolist() == [990, 991, 992]
    assert sum(len(chunk) for chunk in folio.iter_table("there", chunk_size=300)) == 1000
    assert folio.query_table("there", "SELECT count(*) AS n FROM $table WHERE id < 10")["n"].tolist() == [10]
    frame = folio.frame("there")
    assert frame.dose.max() == 1.0
    assert folio.get_table_path("there") == address
    # Another handle, without the options: the store that it would ask is not there.
    with pytest.raises(DataFolioError, match="'there'") as refused:
        datafolio.DataFolio(tmp_path / "here").get_table("there")
    assert SECRET not in str(refused.value)


def test_handles_travel_to_other_processes(remote: datafolio.DataFolio) -> None:
    remote.add_json("x", 1)
    handle = pickle.loads(pickle.dumps(remote))
    assert (handle.path, handle.get_json("x")) == (remote.path, 1)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        names = pool.starmap(_add_some, [(remote, worker) for worker in range(4)])
    assert sorted(remote.list_contents()["json_data"]) == sorted(["x", *(name for some in names for name in some)])


def _add_some(folio: datafolio.DataFolio, worker: int) -> list[str]:
    names = [f"w{worker}-{number}" for number in range(10)]
    for name in names:
        folio.add_json(name, name)
    return names


def test_a_pool_reads_by_offset_and_writes_what_it_has_computed(remote: datafolio.DataFolio) -> None:
    remote.add_table("numbers", pd.DataFrame({"n": np.arange(40_000)}))
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        sums = pool.starmap(_sum_of, [(remote, start, 10_000) for start in range(0, 40_000, 10_000)])
    assert sum(sums) == sum(range(40_000))
    assert sum(remote.get_json(f"sum-{start}") for start in range(0, 40_000, 10_000)) == sum(sums)


def _sum_of(folio: datafolio.DataFolio, offset: int, limit: int) -> int:
    total = int(folio.get_table("numbers", offset=offset, limit=limit)["n"].sum())
    folio.add_json(f"sum-{offset}", total, inputs=["numbers"])
    return total


def test_a_forked_process_makes_connections_of_its_own(remote: datafolio.DataFolio) -> None:
    remote.add_json("x", 1)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_read_x, [remote, remote]) == [1, 1]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            remote.add_json("y", remote.get_json("x") + 1)
            os.write(write, b"done")
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"done"
    os.waitpid(child, 0)
    assert remote.get_json("y") == 2


def _read_x(folio: datafolio.DataFolio) -> int:
    return int(folio.get_json("x"))


def test_bundles_are_pushed_and_pulled(
    remote: datafolio.DataFolio, options: dict[str, Any], tmp_path: Path
) -> None:
    here = datafolio.DataFolio(tmp_path / "here", storage_options=options)
    here.add_json("x", 1).add_table("t", pd.DataFrame({"n": range(100)})).create_snapshot("v1")
    address = f"{remote.path}-pushed"
    assert here.push(address)["revision"] == 4
    there = datafolio.DataFolio(address, storage_options=options, create=False)
    assert there.get_snapshot("v1").get_json("x") == 1
    there.add_json("y", 2)
    assert here.pull(address)["revision"] == 5
    assert here.get_json("y") == 2
    here.add_json("z", 3)
    there.add_json("z", 4)
    with pytest.raises(ConflictError) as diverged:
        here.push(address)
    assert diverged.value.code == "diverged"
    assert there.prefetch("t")["files"] == 1


def test_progress_of_a_push_and_a_pull(
    remote: datafolio.DataFolio, options: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = datafolio.DataFolio(tmp_path / "here", storage_options=options)
    for number in range(8):
        (tmp_path / f"{number}.bin").write_bytes(os.urandom(20_000_000))
        here.add_artifact(f"file{number}", str(tmp_path / f"{number}.bin"))
    address = f"{remote.path}-pushed"
    with pytest.raises(WrongStateError) as stopped:
        here.push(address, progress=lambda part: False)
    assert stopped.value.code == "cancelled"
    with pytest.raises(NotFoundError):
        datafolio.DataFolio(address, storage_options=options, create=False)
    with pytest.raises(ZeroDivisionError):
        here.push(address, progress=lambda part: 1 // 0)
    told: list[float] = []
    assert here.push(address, progress=told.append)["revision"] == 9
    assert told == sorted(told)
    assert told[-1] == 1.0
    there = datafolio.DataFolio(tmp_path / "there", storage_options=options)
    told.clear()
    there.pull(address, include=[f"file{number}" for number in range(8)], progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert any(0 < part < 1 for part in told)
    here.push(address, progress="plain")
    assert "push [" in capsys.readouterr().err
    with pytest.raises(TypeError, match="progress"):
        here.pull(address, progress=3)


def test_what_is_wrong_is_said(options: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match="no bucket") as missing:
        datafolio.DataFolio("s3://nowhere/a", storage_options=options)
    assert missing.value.code == "no-such-bucket"
    with pytest.raises(FileNotFoundError):
        datafolio.DataFolio("s3://bucket/nothing", storage_options=options, create=False)
    for address in ("s3://key:secret@bucket/a", "s3://bucket/a?sig=secret", "s9://bucket/a"):
        with pytest.raises(DataFolioError) as refused:
            datafolio.DataFolio(address)
        assert "secret" not in str(refused.value)
    with pytest.raises(DataFolioError, match="regoin"):
        datafolio.DataFolio("s3://bucket/a", storage_options={**options, "regoin": "x"})


def test_web_servers_are_read(remote: datafolio.DataFolio, options: dict[str, Any]) -> None:
    remote.add_table("t", pd.DataFrame({"x": [1, 2, 3]}))
    address = f"{options['endpoint']}/{remote.path.removeprefix('s3://')}"
    web = datafolio.DataFolio(address, read_only=True)
    assert web.get_table("t")["x"].tolist() == [1, 2, 3]
    assert web.frame("t").sum("x") == 6
    with pytest.raises(ReadOnlyError):
        datafolio.DataFolio(address, create=False).add_json("y", 1)

"""What only a folder shows: crashes, order, leftovers, permissions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.artifacts import FolderStore, delete_prefix
from tuner.artifacts.folder import STALE_SECONDS, TEMPORARY
from tuner.errors import ObjectMissing, StoreError, StoreUnreachable

WRITER = """
import sys
from tuner.artifacts import FolderStore
store = FolderStore(sys.argv[1])
number = 0
while True:
    store.put(f"log/{number:06d}", f"{number}".encode() * 1000)
    print(number, flush=True)
    number += 1
"""


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert writer.stdout is not None
    with writer.stdout:
        for _ in range(25):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        acknowledged = 24 + len(writer.stdout.readlines())
    store = FolderStore(tmp_path)
    keys = [info.key for info in store.list("log/")]
    assert keys[: acknowledged + 1] == [f"log/{n:06d}" for n in range(acknowledged + 1)]
    for number, key in enumerate(keys):
        assert store.get(key, max_bytes=10_000) == f"{number}".encode() * 1000


def test_leftovers_are_invisible_and_go_with_time(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    (tmp_path / TEMPORARY).mkdir()
    old, new = tmp_path / TEMPORARY / "old", tmp_path / TEMPORARY / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1000.0, 1000.0))
    os.utime(new, (5000.0, 5000.0))
    assert list(store.list("")) == []
    assert list(store.folders("")) == []
    FolderStore(tmp_path, clock=lambda: 2000.0 + STALE_SECONDS).put("a", b"")
    assert [path.name for path in (tmp_path / TEMPORARY).iterdir()] == ["new"]


def test_a_failed_put_leaves_no_leftover(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a", b"")
    with pytest.raises(StoreError):
        store.put("a/b", b"an object cannot be a folder as well")
    assert list((tmp_path / TEMPORARY).iterdir()) == []


def test_failures_of_the_disk_are_worth_a_retry(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnreachable):
        FolderStore(tmp_path / "file" / "store").put("a", b"")


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    assert list(store.list("")) == []
    assert list(store.folders("")) == []
    assert store.stat("a") is None
    with pytest.raises(ObjectMissing):
        store.get("a", max_bytes=1)
    store.delete(["a"])
    assert list(tmp_path.iterdir()) == []


def test_the_folders_clock_is_given(tmp_path: Path) -> None:
    assert FolderStore(tmp_path, clock=lambda: 12.5).now() == 12.5


def test_delete_prefix_goes_from_the_end(tmp_path: Path) -> None:
    deleted: list[str] = []

    class Watched(FolderStore):
        def delete(self, keys):  # type: ignore[no-untyped-def]
            deleted.extend(keys)

    store = Watched(tmp_path)
    for key in ("s/a/study.json", "s/a/z", "s/a/log/1"):
        store.put(key, b"")
    assert delete_prefix(store, "s/a/") == 3
    assert deleted == ["s/a/z", "s/a/study.json", "s/a/log/1"]


_segments = st.text(alphabet="ab-./0=_", min_size=1, max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), names=st.lists(_segments, max_size=12, unique=True))
def test_listing_equals_the_sorted_keys(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, names: list[str]
) -> None:
    store = FolderStore(tmp_path_factory.mktemp("store"))
    keys = set()
    for name in names:
        try:
            store.put(name, b"")
        except StoreError:
            # Not a key, or an object where a folder would have to be.
            continue
        keys.add(name)
    prefix = data.draw(st.sampled_from(["", *(key[:size] for key in keys for size in (1, 2, 3))]))
    after = data.draw(st.sampled_from(["", "a", "a/", "0", *keys]))
    if prefix and (prefix.startswith("/") or "//" in prefix):
        prefix = ""
    expected = sorted(key for key in keys if key.startswith(prefix) and key > after)
    try:
        assert [info.key for info in store.list(prefix, start_after=after)] == expected
    except StoreError:
        assert prefix.rstrip("/").rpartition("/")[2].startswith(".") or prefix.endswith("//")

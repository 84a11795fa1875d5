"""What every ArtifactStore promises, over the folder and over a real MinIO."""

import io
import threading
import time
from pathlib import Path

import pytest

from tuner.artifacts import ArtifactStore, delete_prefix
from tuner.errors import ObjectMissing, ObjectTooLarge, StoreError


def test_put_get_round_trip(store: ArtifactStore) -> None:
    store.put("a/b.json", b'{"x": 1}')
    assert store.get("a/b.json", max_bytes=100) == b'{"x": 1}'


def test_an_empty_object(store: ArtifactStore) -> None:
    store.put("rungs/0/9/s-0-1.1.P_A-", b"")
    assert store.get("rungs/0/9/s-0-1.1.P_A-", max_bytes=0) == b""
    assert [info.size_bytes for info in store.list("rungs/0/9/")] == [0]


def test_put_replaces(store: ArtifactStore) -> None:
    store.put("k", b"long before")
    store.put("k", b"after")
    assert store.get("k", max_bytes=100) == b"after"


def test_put_a_stream(store: ArtifactStore) -> None:
    data = bytes(range(256)) * 100
    store.put("k", io.BytesIO(data), size_bytes=len(data))
    assert store.get("k", max_bytes=len(data)) == data


def test_put_a_stream_of_several_parts(store: ArtifactStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * (20 << 12)
    store.put("large", io.BytesIO(data), size_bytes=len(data))
    store.download("large", tmp_path / "out", max_bytes=len(data))
    assert (tmp_path / "out").read_bytes() == data


def test_a_stream_that_ends_early_stores_nothing(store: ArtifactStore) -> None:
    with pytest.raises(StoreError):
        store.put("k", io.BytesIO(b"abc"), size_bytes=5)
    assert store.stat("k") is None


def test_a_stream_needs_its_size(store: ArtifactStore) -> None:
    with pytest.raises(StoreError, match="size"):
        store.put("k", io.BytesIO(b"abc"))


def test_get_missing(store: ArtifactStore) -> None:
    with pytest.raises(ObjectMissing):
        store.get("nowhere/k", max_bytes=1)


def test_get_too_large(store: ArtifactStore) -> None:
    store.put("k", b"12345")
    with pytest.raises(ObjectTooLarge):
        store.get("k", max_bytes=4)
    assert store.get("k", max_bytes=5) == b"12345"


def test_download_missing_leaves_no_file(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        store.download("k", tmp_path / "out", max_bytes=1)
    assert not (tmp_path / "out").exists()


def test_download_too_large_leaves_no_file(store: ArtifactStore, tmp_path: Path) -> None:
    store.put("k", b"12345")
    with pytest.raises(ObjectTooLarge):
        store.download("k", tmp_path / "out", max_bytes=4)
    assert not (tmp_path / "out").exists()


def test_download_never_writes_over_a_file(store: ArtifactStore, tmp_path: Path) -> None:
    store.put("k", b"12345")
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        store.download("k", tmp_path / "out", max_bytes=10)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_stat(store: ArtifactStore) -> None:
    assert store.stat("a/k") is None
    store.put("a/k", b"123")
    info = store.stat("a/k")
    assert info is not None
    assert (info.key, info.size_bytes) == ("a/k", 3)
    assert abs(info.modified - time.time()) < 60
    assert store.stat("a") is None


def test_list_is_in_key_order(store: ArtifactStore) -> None:
    keys = ["a-b", "a.b", "a/b", "a/b-c", "a/b.c", "a0", "a=", "aB", "a_", "ab/c/d", "ab/ca", "b"]
    for key in reversed(keys):
        store.put(key, key.encode())
    listed = list(store.list(""))
    assert [info.key for info in listed] == sorted(keys)
    assert [info.size_bytes for info in listed] == [len(key) for key in sorted(keys)]


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/b/c", "nothing/"])
@pytest.mark.parametrize(
    "start_after", ["", "a", "a.", "a/", "a/a", "a/b", "a/b/c1", "a/b/d", "a/c", "az", "zz"]
)
def test_list_by_prefix_and_start(store: ArtifactStore, prefix: str, start_after: str) -> None:
    keys = ["a.x", "a/a", "a/b/c1", "a/b/c2", "a/c", "ab", "b/a"]
    for key in keys:
        store.put(key, b"")
    expected = [key for key in keys if key.startswith(prefix) and key > start_after]
    assert [info.key for info in store.list(prefix, start_after=start_after)] == expected


def test_list_over_more_than_one_page(store: ArtifactStore) -> None:
    keys = [f"many/{number:05d}" for number in range(1010)]
    for key in keys:
        store.put(key, b"")
    assert [info.key for info in store.list("many/")] == keys
    assert [info.key for info in store.list("many/", start_after=keys[49])] == keys[50:]
    assert delete_prefix(store, "many/") == len(keys)
    assert list(store.list("")) == []


def test_folders(store: ArtifactStore) -> None:
    for key in ("s/b.1/x", "s/a-1.2/x/y", "s/a/x", "s/file", "t/c/x"):
        store.put(key, b"")
    assert list(store.folders("s/")) == ["a-1.2", "a", "b.1"]
    assert list(store.folders("")) == ["s", "t"]
    assert list(store.folders("none/")) == []


def test_folders_of_deleted_objects_are_gone(store: ArtifactStore) -> None:
    store.put("s/a/b/x", b"")
    store.put("s/c/x", b"")
    store.delete(["s/a/b/x"])
    assert list(store.folders("s/")) == ["c"]


def test_delete(store: ArtifactStore) -> None:
    for key in ("a", "b/c", "b/d"):
        store.put(key, b"")
    store.delete(["a"])
    store.delete(["b/c", "b/d", "b/never"])
    store.delete(["gone"])
    store.delete([])
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.hidden", "a b", "é", "a\n", "x" * 300],
)
def test_unsafe_keys_are_refused(store: ArtifactStore, key: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        store.put(key, b"")
    with pytest.raises(StoreError):
        store.get(key, max_bytes=1)
    with pytest.raises(StoreError):
        store.stat(key)
    with pytest.raises(StoreError):
        store.delete([key])
    with pytest.raises(StoreError):
        store.download(key, tmp_path / "out", max_bytes=1)
    assert not (tmp_path / "out").exists()


def test_now_is_about_now(store: ArtifactStore) -> None:
    assert abs(store.now() - time.time()) < 5


def test_many_threads(store: ArtifactStore) -> None:
    def work(name: str) -> None:
        for number in range(10):
            store.put(f"t/{name}/{number}", name.encode())
            assert store.get(f"t/{name}/{number}", max_bytes=10) == name.encode()
            store.put("t/shared", name.encode() * 3)

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.list("t/"))) == 61
    assert len(store.get("t/shared", max_bytes=10)) == 6


def test_put_beside_delete_in_one_folder(store: ArtifactStore) -> None:
    # The folder store removes folders that have become empty, even as others write into them.
    stop = threading.Event()

    def delete() -> None:
        while not stop.is_set():
            store.put("race/a", b"")
            store.delete(["race/a"])

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        for number in range(100):
            store.put("race/b", str(number).encode())
            assert store.get("race/b", max_bytes=10) == str(number).encode()
            store.delete(["race/b"])
    finally:
        stop.set()
        thread.join()
    assert list(store.list("race/")) == []

import hashlib
from pathlib import Path

import pytest

from tuner.cache import Hit, Limits, Miss, MissReason, StageCache
from tuner.errors import ArtifactError, StoreUnreachable

PREFIX = "cache/ns"
KEY, OTHER = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()


@pytest.fixture
def cache(store) -> StageCache:
    return StageCache(store, PREFIX)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_stored_comes_back(cache, store, make_facts, output, tmp_path: Path) -> None:
    facts = make_facts(
        fidelity=9.0,
        metrics={"accuracy": 0.5},
        reports=({"step": 1}, {"step": 2}),
        components={"image": "x"},
    )
    manifest = cache.store(KEY, output, facts=facts)
    found = cache.lookup(KEY)
    assert found == Hit(manifest=manifest)
    assert found.manifest.facts == facts
    assert cache.restore(found, tmp_path / "restored") is None
    assert names(tmp_path / "restored") == names(output)
    assert (tmp_path / "restored" / "model.bin").read_bytes() == bytes(range(256)) * 40
    assert cache.lookup(OTHER) == Miss(reason=MissReason.NEVER_STORED)


def test_the_keys_are_those_of_the_design(cache, store, make_facts, output) -> None:
    manifest = cache.store(KEY, output, facts=make_facts(components={"image": "x"}))
    blob, index, facts = [info.key for info in store.list("")]
    assert blob == f"{PREFIX}/blobs/{manifest.digest}.tar"
    assert index.startswith(f"{PREFIX}/index/train/")
    assert facts == f"{PREFIX}/stages/{KEY}/{manifest.digest}.json"


def test_an_object_that_is_gone_is_no_hit(cache, store, make_facts, output) -> None:
    manifest = cache.store(KEY, output, facts=make_facts())
    store.delete([f"{PREFIX}/blobs/{manifest.digest}.tar"])
    assert cache.lookup(KEY) == Miss(reason=MissReason.OBJECT_MISSING)
    cache.store(KEY, output, facts=make_facts())
    assert isinstance(cache.lookup(KEY), Hit)


def test_an_object_that_goes_after_the_lookup_is_a_miss(
    cache, store, make_facts, output, tmp_path: Path
) -> None:
    manifest = cache.store(KEY, output, facts=make_facts())
    found = cache.lookup(KEY)
    store.delete([f"{PREFIX}/blobs/{manifest.digest}.tar"])
    missed = cache.restore(found, tmp_path / "restored")
    assert missed == Miss(reason=MissReason.OBJECT_MISSING)


def test_a_truncated_object_is_no_hit(cache, store, make_facts, output) -> None:
    manifest = cache.store(KEY, output, facts=make_facts())
    store.put(f"{PREFIX}/blobs/{manifest.digest}.tar", b"short")
    assert cache.lookup(KEY) == Miss(reason=MissReason.SIZE_DIFFERS)


def test_a_corrupt_object_is_found_out_removed_and_stored_anew(
    cache, store, make_facts, output, tmp_path: Path
) -> None:
    manifest = cache.store(KEY, output, facts=make_facts())
    blob = f"{PREFIX}/blobs/{manifest.digest}.tar"
    data = bytearray(store.get(blob, max_bytes=1 << 20))
    data[2000] ^= 1
    store.put(blob, bytes(data))
    found = cache.lookup(KEY)
    missed = cache.restore(found, tmp_path / "restored")
    assert missed == Miss(reason=MissReason.CHECKSUM_DIFFERS)
    assert names(tmp_path / "restored") == []
    assert cache.lookup(KEY) == Miss(reason=MissReason.OBJECT_MISSING)
    cache.store(KEY, output, facts=make_facts())
    assert cache.restore(cache.lookup(KEY), tmp_path / "restored") is None


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"v": 1}', b'{"facts": 3}', b"\xff"])
def test_a_broken_manifest_is_a_miss_that_says_so(cache, store, junk: bytes) -> None:
    store.put(f"{PREFIX}/stages/{KEY}/{OTHER}.json", junk)
    assert cache.lookup(KEY) == Miss(reason=MissReason.MANIFEST_UNREADABLE)


def test_a_manifest_in_the_wrong_place_is_not_believed(cache, store, make_facts, output) -> None:
    manifest = cache.store(KEY, output, facts=make_facts())
    data = store.get(f"{PREFIX}/stages/{KEY}/{manifest.digest}.json", max_bytes=1 << 20)
    store.put(f"{PREFIX}/stages/{OTHER}/{manifest.digest}.json", data)
    assert cache.lookup(OTHER) == Miss(reason=MissReason.MANIFEST_UNREADABLE)


def test_of_two_artifacts_the_whole_one_is_taken(cache, store, make_facts, output) -> None:
    first = cache.store(KEY, output, facts=make_facts())
    (output / "model.bin").write_bytes(b"another run")
    second = cache.store(KEY, output, facts=make_facts())
    assert cache.lookup(KEY) == Hit(manifest=min(first, second, key=lambda one: one.digest))
    store.delete([f"{PREFIX}/blobs/{first.digest}.tar"])
    assert cache.lookup(KEY) == Hit(manifest=second)


def test_equal_content_is_stored_once(cache, store, make_facts, output) -> None:
    one, other = (cache.store(key, output, facts=make_facts()) for key in (KEY, OTHER))
    assert one.digest == other.digest
    assert len(list(store.list(f"{PREFIX}/blobs/"))) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", [1, 2, 3])
def test_a_writer_that_dies_leaves_all_or_nothing(
    make_store, make_facts, output, tmp_path: Path, crash_at: int, after: bool
) -> None:
    facts = make_facts(components={"image": "x"})
    dying = StageCache(make_store(crash_at=crash_at, after=after), PREFIX)
    with pytest.raises(StoreUnreachable):
        dying.store(KEY, output, facts=facts)
    cache = StageCache(make_store(), PREFIX)
    found = cache.lookup(KEY)
    if isinstance(found, Hit):
        assert (crash_at, after) == (3, True)
        assert cache.restore(found, tmp_path / "restored") is None
    else:
        assert found.reason is MissReason.NEVER_STORED
    cache.store(KEY, output, facts=facts)
    assert isinstance(cache.lookup(KEY), Hit)


def test_what_is_too_large_is_not_stored(store, make_facts, output) -> None:
    cache = StageCache(store, PREFIX, limits=Limits(size_bytes=1000))
    with pytest.raises(ArtifactError):
        cache.store(KEY, output, facts=make_facts())
    assert list(store.list("")) == []


def test_facts_must_be_finite(cache, make_facts, output) -> None:
    with pytest.raises(ArtifactError):
        cache.store(KEY, output, facts=make_facts(metrics={"loss": float("nan")}))
    assert isinstance(cache.lookup(KEY), Miss)


@pytest.mark.parametrize("key", ["", "x", "../" + KEY, KEY.upper(), KEY + "0"])
def test_keys_are_checked(cache, make_facts, output, key: str) -> None:
    with pytest.raises(ArtifactError):
        cache.lookup(key)
    with pytest.raises(ArtifactError):
        cache.store(key, output, facts=make_facts())


def test_a_miss_says_what_differs(cache, make_facts, output) -> None:
    earlier = {"image": "sha256:1", "parameter lr": "0.1", "parameter depth": "3"}
    cache.store(KEY, output, facts=make_facts(components=earlier))
    missed = cache.lookup(OTHER, stage="train", components=earlier | {"parameter lr": "0.2"})
    assert isinstance(missed, Miss)
    assert str(missed) == "never stored: parameter lr differs (0.1, now 0.2)"
    assert str(cache.lookup(OTHER, stage="test", components=earlier)) == "never stored"
    assert str(cache.lookup(OTHER)) == "never stored"

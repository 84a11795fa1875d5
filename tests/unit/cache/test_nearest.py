from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import validate_key
from tuner.cache.nearest import (
    MAX_COMPONENTS,
    Difference,
    NearestIndex,
    differing,
    fingerprint,
    nearest,
)

components = st.dictionaries(st.text(max_size=8), st.text(max_size=8), min_size=1, max_size=80)


@given(components)
def test_a_fingerprint_fits_into_a_key(parts: dict[str, str]) -> None:
    assert validate_key(f"cache/ns/index/train/0/{fingerprint(parts)}")
    assert differing(fingerprint(parts), parts) == []


@given(components, st.data())
def test_what_differs_is_named(parts: dict[str, str], data: st.DataObject) -> None:
    changed = data.draw(st.sampled_from(sorted(parts)))
    now = parts | {changed: parts[changed] + "!"}
    found = differing(fingerprint(parts), now)
    position = sorted(parts).index(changed)
    many = len(parts) > MAX_COMPONENTS and position >= MAX_COMPONENTS - 1
    assert found == ["further components" if many else changed]


def test_the_nearest_has_the_fewest_differences() -> None:
    now = {"a": "1", "b": "2", "c": "3"}
    names = [
        fingerprint({"a": "0", "b": "0", "c": "3"}),
        fingerprint({"a": "1", "b": "0", "c": "3"}),
        fingerprint({"a": "0", "b": "0", "c": "0"}),
        "strangers",
    ]
    assert nearest(names, now) == names[1]
    assert nearest([], now) is None
    assert nearest(["strangers"], now) is None


def test_the_index(store) -> None:
    index = NearestIndex(store, "cache/ns")
    for number in range(5):
        index.add("train", components={"image": "i", "lr": str(number), "depth": str(number)})
    now = {"image": "i", "lr": "3", "depth": "9"}
    assert index.nearest_difference("train", components=now) == (
        Difference(component="depth", now="9", before="3"),
    )
    assert index.nearest_difference("other", components=now) == ()
    assert index.nearest_difference("train", components={}) == ()
    assert index.nearest_difference("train", components=now | {"new": "1"}) == ()


def test_an_unreadable_entry_still_names_what_differs(store) -> None:
    index = NearestIndex(store, "cache/ns")
    index.add("train", components={"lr": "1"})
    (entry,) = store.list("cache/ns/index/")
    for junk in (b"", b"[]", b"\xff"):
        store.put(entry.key, junk)
        (difference,) = index.nearest_difference("train", components={"lr": "2"})
        assert str(difference) == "lr differs"

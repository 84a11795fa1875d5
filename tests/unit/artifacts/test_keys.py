from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import validate_key, validate_prefix
from tuner.errors import StoreError


@given(st.text(max_size=40))
def test_a_key_never_leaves_its_root(text: str) -> None:
    try:
        validate_key(text)
    except StoreError:
        return
    root = Path("/some/store")
    assert Path(root / text).resolve().is_relative_to(root)
    assert not any(part.startswith(".") for part in text.split("/"))


@pytest.mark.parametrize("key", ["a", "studies/ns/s.u/log/1.a.b.0.c.json", "1e+06/x_-=", "-a"])
def test_keys(key: str) -> None:
    assert validate_key(key) == key


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b."])
def test_prefixes(prefix: str) -> None:
    assert validate_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "a//", "../", "a/.."])
def test_bad_prefixes(prefix: str) -> None:
    with pytest.raises(StoreError):
        validate_prefix(prefix)

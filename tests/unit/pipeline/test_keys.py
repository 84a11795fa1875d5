from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.pipeline.keys import KeyParts, has_digest, stage_key

PARTS = KeyParts(
    image="i@sha256:1",
    scope="",
    command=("train", "$(TUNER_ARGS)"),
    env={"A": "1", "B": "2"},
    instance_env={"OMP": "4"},
    parameters={"lr": 0.1, "layers": 2, "opt": "adam"},
    inputs={"clicks": "1"},
    previous="0" * 64,
    fidelity=27.0,
    instance_type="large",
)
CHANGES: dict[str, list[Any]] = {
    "image": ["i@sha256:2"],
    "scope": ["study 1"],
    "command": [("train",), ("train", "$(TUNER_ARGS)", "")],
    "env": [{}, {"A": "1", "B": "3"}, {"A": "1", "B": "2", "C": ""}],
    "instance_env": [{}, {"OMP": "8"}],
    "parameters": [
        {"lr": 0.1, "layers": 2},
        {"lr": 0.1, "layers": 2.0, "opt": "adam"},
        {"lr": 0.1, "layers": "2", "opt": "adam"},
        {"lr": 0.1000000001, "layers": 2, "opt": "adam"},
    ],
    "inputs": [{}, {"clicks": "2"}, {"views": "1"}],
    "previous": ["", "1" * 64],
    "fidelity": [None, 9.0],
    "instance_type": [None, "small"],
}


def test_the_key_is_stable() -> None:
    """Changing it empties every cache there is: that is a decision."""
    assert stage_key(PARTS).digest == stage_key(replace(PARTS)).digest
    assert len(stage_key(PARTS).digest) == 64


def test_the_order_of_mappings_does_not_matter() -> None:
    turned = replace(
        PARTS,
        env=dict(reversed(PARTS.env.items())),
        parameters=dict(reversed(PARTS.parameters.items())),
    )
    assert stage_key(turned) == stage_key(PARTS)


@pytest.mark.parametrize("field", [field.name for field in fields(KeyParts)])
def test_every_part_matters_and_is_named(field: str) -> None:
    for value in CHANGES[field]:
        changed = stage_key(replace(PARTS, **{field: value}))
        assert changed.digest != stage_key(PARTS).digest
        before, after = stage_key(PARTS).components, changed.components
        differing = {n for n in {*before, *after} if before.get(n) != after.get(n)}
        assert len(differing) >= 1


def test_components_are_short_and_say_values() -> None:
    components = stage_key(replace(PARTS, command=("x" * 500,))).components
    assert components["parameter lr"] == "0.1"
    assert components["input clicks"] == '"1"'
    assert components["command"].startswith("sha256:")
    assert all(len(text) <= 64 for text in components.values())


names = st.text(min_size=1, max_size=8)
values = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_keys_are_equal_only_for_equal_parameters(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    def typed(parameters: dict[str, Any]) -> dict[str, tuple[type, str]]:
        return {name: (type(value), repr(value)) for name, value in parameters.items()}

    equal = (
        stage_key(replace(PARTS, parameters=left)).digest
        == stage_key(replace(PARTS, parameters=right)).digest
    )
    assert equal == (typed(left) == typed(right))


def test_a_tag_is_no_digest() -> None:
    assert has_digest("a/b@sha256:12")
    assert not has_digest("a/b:latest")

"""YAML is read as kubectl 1.34 sends it; the values below are what it sent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import ManifestError
from tuner.spec.yaml_reader import read_documents

AS_KUBECTL = {
    "1e-5": 1e-5,
    "yes": True,
    "y": True,
    "Y": True,
    "on": True,
    "off": False,
    "No": False,
    "TRUE": True,
    "012": 10,
    "0o12": 10,
    "-012": -10,
    "0x1F": 31,
    "0b11": 3,
    "0b_1": 1,
    "1_000": 1000,
    "1__0": 10,
    "0_1": 1,
    "1_0.5": 10.5,
    "08": 8,
    "+3": 3,
    "12:30": "12:30",
    "2026-11-21T09:00:00Z": "2026-11-21T09:00:00Z",
    "1.5e3": 1500,
    "1.0": 1,
    "5.e1": 50,
    ".5": 0.5,
    "5.": 5,
    "1e400": "1e400",
    "123456789012345678901234567890": 1.2345678901234568e29,
    "~": None,
    "nULL": "nULL",
    ".inf2": ".inf2",
    "0x": "0x",
    '"yes"': "yes",
    "! yes": "yes",
    "!!str 5": "5",
    "'1e-5'": "1e-5",
}


def read(text):
    (document,) = read_documents(text, source="a.yaml")
    return document


@pytest.mark.parametrize(("text", "value"), AS_KUBECTL.items())
def test_scalars(text, value):
    got = read(f"a: {text}").value["a"]
    assert (got, type(got) is bool) == (value, type(value) is bool)


def test_keys_become_text():
    assert read("{5: a, yes: b, 1.5: c, x: d}").value == {
        "5": "a",
        "true": "b",
        "1.5": "c",
        "x": "d",
    }


def test_infinity_is_a_float():
    assert read("a: -.inf").value == {"a": -math.inf}


def test_whole_floats_are_integers_as_in_json():
    assert type(read("a: 1.0").value["a"]) is int


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_value(number):
    assert read(f"a: {number!r}").value["a"] == number


def test_lines_of_keys_and_items():
    text = "a: 1\nb:\n- x\n- {c: 2,\n   d: 3}\n"
    document = read(text)
    assert {where: document.lines[where] for where in [("a",), ("b", 0), ("b", 1, "d")]} == {
        ("a",): 1,
        ("b", 0): 3,
        ("b", 1, "d"): 5,
    }


def test_documents_are_told_apart_and_empty_ones_left_out():
    texts = read_documents("a: 1\n---\n# nothing\n---\nb: 2\n", source="a.yaml")
    assert [(d.value, d.lines[()]) for d in texts] == [({"a": 1}, 1), ({"b": 2}, 5)]


def test_anchors_and_merges():
    document = read("base: &b {x: 1, z: 2}\nuse: {<<: *b, z: 3}\n")
    assert document.value["use"] == {"x": 1, "z": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "a.yaml:2 not YAML"),
        ("a: 1\na: 2", 'a.yaml:2 key "a" is there twice'),
        ("? [a]\n: 1", "a.yaml:1 a key must be text"),
        ("a: \x01", "not YAML"),
    ],
)
def test_what_is_not_yaml(text, message):
    with pytest.raises(ManifestError, match=message.replace("[", r"\[")):
        read(text)


def test_aliases_cannot_multiply_without_bound():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(ManifestError, match="too many values"):
        read("\n".join(lines))

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from tuner.errors import SurrogateError
from tuner.surrogates.prior import decode_prior, describe, encode_prior, pretrain


@pytest.fixture(scope="module")
def prior(studies, features):
    return pretrain(
        studies, features=features, directions={"loss": False}, fidelity=False, stages=["train"]
    )


@pytest.fixture(scope="module")
def encoded(prior):
    return encode_prior(prior)


@pytest.fixture
def rewritten(encoded):
    """The bytes with a change to arrays or to the header's words."""

    def rewrite(arrays=None, *, drop=(), text=None, **words):
        words = json.dumps(words_of(encoded) | words) if text is None else text
        kept = {name: value for name, value in load(encoded).items() if name not in drop}
        return save(kept | (arrays or {}), metadata={"prior": words})

    return rewrite


def words_of(encoded):
    """What is in the header beside the arrays."""
    length = int.from_bytes(encoded[:8], "little")
    return json.loads(json.loads(encoded[8 : 8 + length])["__metadata__"]["prior"])


def test_what_is_read_predicts_the_same(prior, encoded, rng):
    again = decode_prior(encoded)
    X, candidates = rng.random((9, 3)), rng.random((50, 3))
    y = X.sum(axis=1)
    assert list(again.outputs) == list(prior.outputs) == ["loss", "seconds of train"]
    for name in prior.outputs:
        one, other = (each.predictor(name, X, y) for each in (prior, again))
        assert one.weights == other.weights
        for mine, theirs in zip(one.predict(candidates), other.predict(candidates), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for field in ("unit", "active", "types", "fidelity"):
        np.testing.assert_array_equal(
            getattr(prior.portfolio(), field), getattr(again.portfolio(), field)
        )


def test_the_same_prior_has_the_same_bytes_and_words(prior, encoded):
    again = decode_prior(encoded)
    assert encode_prior(again) == encoded
    assert describe(again) == describe(prior)
    assert json.loads(json.dumps(describe(prior))) == describe(prior)


def test_bytes_hold_no_addresses_of_this_process(encoded):
    assert b" at 0x" not in encoded


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read(encoded, data):
    """A changed byte may hit a number, which nothing can notice; nothing else may be raised."""
    place = data.draw(st.integers(0, len(encoded) - 1) | st.integers(0, 2000))
    value = data.draw(st.integers(0, 255))
    damaged = bytearray(encoded)
    damaged[place] = value
    try:
        decode_prior(bytes(damaged))
    except SurrogateError:
        assert damaged != encoded


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_truncated_bytes_are_refused(encoded, share):
    with pytest.raises(SurrogateError):
        decode_prior(encoded[: int(share * len(encoded))])


@given(st.binary(max_size=64))
def test_other_bytes_are_refused(data):
    with pytest.raises(SurrogateError):
        decode_prior(data)


@pytest.mark.parametrize(
    "header",
    [b"[" * 200_000, b"{}", b"[]", b"null", b'{"__metadata__": 3}', b'{"__metadata__": []}'],
)
def test_hostile_headers_are_refused(header):
    with pytest.raises(SurrogateError):
        decode_prior(struct.pack("<Q", len(header)) + header)


@pytest.mark.parametrize(
    "words",
    [
        {"format": "something"},
        {"version": 0},
        {"version": None},
        {"outputs": 3},
        {"outputs": [{}]},
        {"studies": None},
        *({"text": text} for text in ("", "{}", "[]", "{", "[" * 200_000)),
    ],
)
def test_other_words_are_refused(rewritten, words):
    with pytest.raises(SurrogateError):
        decode_prior(rewritten(**words))


@pytest.mark.parametrize("layers", ["Infinity", "-1", "1000000000000", '"two"', "null", "[]"])
def test_other_numbers_of_layers_are_refused(rewritten, encoded, layers):
    words = json.dumps(words_of(encoded))
    assert '"layers": 2' in words
    with pytest.raises(SurrogateError):
        decode_prior(rewritten(text=words.replace('"layers": 2', f'"layers": {layers}')))


@pytest.mark.parametrize(
    "name",
    [
        "0.anchors",
        "0.values",
        "0.doubt",
        "0.margins",
        "0.residual",
        "0.weights",
        "groups",
        "0.readout",
        "0.layer1",
        "0.lengthscales",
        "0.scales",
        "portfolio.unit",
        "portfolio.types",
    ],
)
def test_missing_and_misshapen_arrays_are_refused(rewritten, encoded, name):
    with pytest.raises(SurrogateError):
        decode_prior(rewritten(drop=[name]))
    array = load(encoded)[name]
    with pytest.raises(SurrogateError):
        decode_prior(rewritten({name: np.concatenate([array, array])[:-1]}))
    with pytest.raises(SurrogateError):
        decode_prior(rewritten({name: array[None]}))


@pytest.mark.parametrize("name", ["0.values", "0.margins", "0.readout", "portfolio.unit"])
def test_numbers_that_are_none_are_refused(rewritten, encoded, name):
    array = load(encoded)[name].copy()
    array.flat[0] = np.nan
    with pytest.raises(SurrogateError):
        decode_prior(rewritten({name: array}))


def test_scales_must_be_above_zero(rewritten, encoded):
    margins = load(encoded)["0.margins"].copy()
    margins[0, 1] = 0.0
    with pytest.raises(SurrogateError):
        decode_prior(rewritten({"0.margins": margins}))

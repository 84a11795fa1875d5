import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import validate_key
from tuner.errors import LogError
from tuner.log import LogKey, RungEntry, study_prefix
from tuner.log.keys import (
    decode_vector,
    encode_vector,
    log_name,
    parse_log_name,
    parse_rung_name,
    parse_study_folder,
    rung_folder,
    rung_name,
)

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False)
vectors = st.lists(numbers, min_size=1, max_size=8).map(tuple)
log_keys = st.builds(
    LogKey,
    milliseconds=st.integers(0, 10**13 - 1),
    kind=st.from_regex(r"[a-z]{1,32}", fullmatch=True),
    trial=labels,
    attempt=st.integers(0, 999_999),
    part=labels,
)


@given(log_keys)
def test_log_names_round_trip(key: LogKey) -> None:
    name = log_name(key)
    assert parse_log_name(name) == key
    assert validate_key(f"studies/n/s.u/log/{name}")


@given(log_keys, log_keys)
def test_names_sort_as_their_times(one: LogKey, other: LogKey) -> None:
    if one.milliseconds < other.milliseconds:
        assert log_name(one) < log_name(other)


@given(st.text(max_size=60))
def test_no_name_breaks_the_parsers(name: str) -> None:
    key = parse_log_name(name)
    assert key is None or log_name(key) == name
    entry = parse_rung_name(name)
    assert entry is None or rung_name(entry)


@given(vectors)
def test_vectors_round_trip_bit_for_bit(vector: tuple[float, ...]) -> None:
    decoded = decode_vector(encode_vector(vector))
    assert decoded is not None
    assert [value.hex() for value in decoded] == [value.hex() for value in vector]


@given(labels, st.integers(0, 999_999), vectors)
def test_rung_names_round_trip(trial: str, attempt: int, vector: tuple[float, ...]) -> None:
    entry = RungEntry(trial, attempt, vector)
    name = rung_name(entry)
    assert parse_rung_name(name) == entry
    assert validate_key(f"studies/n/s.u/rungs/0/9/{name}")


@given(st.text(alphabet="ABab01-_=", max_size=30))
def test_no_vector_breaks_the_decoder(text: str) -> None:
    vector = decode_vector(text)
    assert vector is None or not any(map(math.isinf, vector))


def test_a_missing_value_is_nan() -> None:
    decoded = decode_vector(encode_vector([1.0, math.nan]))
    assert decoded is not None
    assert decoded[0] == 1.0
    assert math.isnan(decoded[1])


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_vectors_are_finite(value: float) -> None:
    with pytest.raises(LogError):
        encode_vector([1.0, value])


@pytest.mark.parametrize(
    ("bracket", "level", "folder"),
    [(0, 9.0, "0/9"), (2, 0.5, "2/0.5"), (1, 1e6, "1/1e+06"), (0, 81, "0/81")],
)
def test_rung_folders(bracket: int, level: float, folder: str) -> None:
    assert rung_folder(bracket, level) == folder
    assert validate_key(f"rungs/{folder}/x")


@pytest.mark.parametrize(("bracket", "level"), [(-1, 1.0), (0, 0.0), (0, -1.0), (0, math.nan)])
def test_no_such_rung(bracket: int, level: float) -> None:
    with pytest.raises(LogError):
        rung_folder(bracket, level)


@given(labels, labels)
def test_study_prefixes_round_trip(study: str, uid: str) -> None:
    prefix = study_prefix("ns", study, uid=uid)
    assert prefix.startswith("studies/ns/")
    assert parse_study_folder(prefix.rpartition("/")[2]) == (study, uid)


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "a.b", "-a", "a" * 64, "a\n"])
def test_identifiers_are_checked(name: str) -> None:
    with pytest.raises(LogError):
        log_name(LogKey(0, "result", name, 1, "0"))
    with pytest.raises(LogError):
        log_name(LogKey(0, "result", "trial", 1, name))
    with pytest.raises(LogError):
        rung_name(RungEntry(name, 1, (1.0,)))
    with pytest.raises(LogError):
        study_prefix(name, "study", uid="uid")
    with pytest.raises(LogError):
        study_prefix("ns", name, uid="uid")


@pytest.mark.parametrize("milliseconds", [-1, 10**13])
def test_times_have_thirteen_digits(milliseconds: int) -> None:
    with pytest.raises(LogError):
        log_name(LogKey(milliseconds, "result", "trial", 1, "0"))

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import SpaceError
from tuner.space import CategoricalDomain, FloatDomain, IntegerDomain, OrdinalDomain, domain_of
from tuner.spec import Parameter

finite = st.floats(-1e12, 1e12, allow_nan=False)
units = st.floats(0, 1)


@st.composite
def float_domains(draw):
    log = draw(st.booleans())
    if log:
        low = draw(st.floats(1e-30, 1e30))
        return FloatDomain(low=low, high=low * draw(st.floats(1, 1e20)), log=True)
    low, high = sorted((draw(finite), draw(finite)))
    step = draw(st.none() | st.floats(1e-3, 1.0).map(lambda part: part * max(high - low, 1e-6)))
    return FloatDomain(low=low, high=high, step=step)


@st.composite
def integer_domains(draw):
    log = draw(st.booleans())
    low = draw(st.integers(1, 10**9) if log else st.integers(-(10**12), 10**12))
    high = low + draw(st.integers(0, 10**12))
    step = None if log else draw(st.none() | st.integers(1, 10**6))
    return IntegerDomain(low=low, high=high, log=log, step=step)


@given(st.one_of(float_domains(), integer_domains()), units)
def test_decoding_an_encoded_value_gives_it_back_exactly(domain, unit):
    value = domain.decode(unit)
    assert domain.low <= value <= domain.high
    assert domain.decode(domain.encode(value)) == value
    assert domain.cast(value) == value
    assert 0.0 <= domain.encode(value) <= 1.0


@given(float_domains(), st.data())
def test_cast_is_idempotent_on_any_number_in_bounds(domain, data):
    if domain.step is not None:
        return
    typed = domain.cast(data.draw(st.floats(domain.low, domain.high)))
    assert domain.cast(typed) == typed
    assert domain.decode(domain.encode(typed)) == typed


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=9, unique=True), units)
def test_finite_choices_round_trip(values, unit):
    ordinal = OrdinalDomain(tuple(sorted(values)))
    assert ordinal.decode(ordinal.encode(ordinal.decode(unit))) == ordinal.decode(unit)
    words = CategoricalDomain(tuple(map(str, values)))
    assert words.decode(words.encode(words.decode(unit))) == words.decode(unit)


@pytest.mark.parametrize("value", [3e-4, 1e-5, 1e-2, 0.00123456789, 1 / 3 * 1e-2])
def test_twelve_digits_of_a_users_value_are_kept(value):
    typed = FloatDomain(low=1e-5, high=1e-2, log=True).cast(value)
    assert typed == pytest.approx(value, rel=1e-11)
    assert len(repr(value)) > 14 or typed == value


def test_both_ends_of_the_unit_interval_are_values():
    domain = FloatDomain(low=1 / 3, high=2 / 3)
    assert (domain.decode(0.0), domain.decode(1.0)) == (1 / 3, pytest.approx(2 / 3))
    assert IntegerDomain(low=1, high=3).decode(1.0) == 3
    assert IntegerDomain(low=1, high=8, log=True).decode(0.0) == 1
    assert CategoricalDomain(("a", "b")).decode(1.0) == "b"


def test_log_scale_spends_half_of_the_interval_below_the_geometric_mean():
    domain = FloatDomain(low=1e-4, high=1.0, log=True)
    assert domain.decode(0.5) == pytest.approx(1e-2)
    assert IntegerDomain(low=1, high=1024, log=True).decode(0.5) == pytest.approx(
        math.sqrt(0.5 * 1024.5), abs=0.5
    )


def test_every_step_is_reached_and_nothing_else():
    domain = FloatDomain(low=0.1, high=0.7, step=0.2)
    assert [domain.decode((k + 0.5) / 4) for k in range(4)] == [0.1, 0.3, 0.5, 0.7]
    assert domain.cardinality == 4
    assert IntegerDomain(low=2, high=9, step=3).cardinality == 3


@pytest.mark.parametrize(
    ("domain", "raw", "rule"),
    [
        (FloatDomain(low=0, high=1), 2, "2 is above the maximum 1"),
        (FloatDomain(low=0, high=1), -1e-9, "below the minimum 0"),
        (FloatDomain(low=0, high=1), "0.5", "'0.5' is not a number"),
        (FloatDomain(low=0, high=1), True, "True is not a number"),
        (FloatDomain(low=0, high=1), math.nan, "nan is not a number"),
        (FloatDomain(low=0, high=1, step=0.25), 0.3, "0 plus a multiple of 0.25"),
        (IntegerDomain(low=1, high=8), 2.5, "2.5 is not a whole number"),
        (IntegerDomain(low=1, high=8), math.inf, "not a whole number"),
        (IntegerDomain(low=1, high=8), 9, "above the maximum 8"),
        (IntegerDomain(low=1, high=8, step=3), 3, "1 plus a multiple of 3"),
        (OrdinalDomain((256, 512)), 300, "300 is not one of 256, 512"),
        (OrdinalDomain((1, 512)), True, "True is not one of"),
        (CategoricalDomain(("sgd", "adam")), "Adam", "'Adam' is not one of sgd, adam"),
    ],
)
def test_a_refused_value_says_which_rule_it_breaks(domain, raw, rule):
    with pytest.raises(SpaceError, match=rule):
        domain.cast(raw)


def test_types_come_from_the_space_not_from_json():
    assert type(FloatDomain(low=0, high=2).cast(1)) is float
    assert type(IntegerDomain(low=0, high=5).cast(3.0)) is int
    whole = domain_of(Parameter.model_validate({"name": "b", "ordinal": {"values": [1, 2.0]}}))
    mixed = domain_of(Parameter.model_validate({"name": "b", "ordinal": {"values": [0.5, 1]}}))
    assert type(whole.cast(2.0)) is int
    assert type(mixed.cast(1)) is float


@pytest.mark.parametrize(
    ("domain", "members"),
    [
        (FloatDomain(low=0, high=1, step=0.5), [0.0, 0.5, 1.0]),
        (FloatDomain(low=2, high=2), [2]),
        (IntegerDomain(low=1, high=4, log=True), [1, 2, 3, 4]),
        (IntegerDomain(low=1, high=8, step=3), [1, 4, 7]),
        (OrdinalDomain((256, 512)), [256, 512]),
        (CategoricalDomain(("b", "a")), ["b", "a"]),
    ],
)
def test_a_finite_domain_lists_its_members(domain, members):
    assert list(domain.members()) == members
    assert domain.cardinality == len(members)


def test_a_continuum_has_no_list():
    with pytest.raises(SpaceError):
        FloatDomain(low=0, high=1).members()

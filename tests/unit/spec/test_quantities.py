from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import ManifestError
from tuner.spec import duration_seconds, format_duration, quantity_value

DURATIONS = {"90s": 90, "20m": 1200, "4h30m": 16200, "1h0m0s": 3600, "100h": 360000, "1m90s": 150}
QUANTITIES = {2: 2, "2": 2, "500m": 0.5, "0.5": 0.5, ".5": 0.5, "1.": 1, "64Gi": 2**36, "1k": 1e3}
QUANTITIES |= {"3M": 3e6, "1Ei": 2**60, "2E": 2e18, 0: 0}


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_durations(text, seconds):
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "0h5m", "5", "1d", "-6h", "2 weeks", "30m4h", "1.5h", "4h ", "4h\n"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ManifestError, match="is not a duration such as"):
        duration_seconds(text)


@given(st.integers(min_value=1, max_value=100_000 * 3600))
def test_a_duration_survives_its_text(seconds):
    assert duration_seconds(format_duration(seconds)) == seconds


def test_part_of_a_second_is_dropped_but_never_the_last_second():
    assert [format_duration(seconds) for seconds in (0.2, 61.9)] == ["1s", "1m1s"]


@pytest.mark.parametrize(("quantity", "value"), QUANTITIES.items(), ids=repr)
def test_quantities(quantity, value):
    assert quantity_value(quantity) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["", "-1", "1 Gi", "1KB", "Gi", "1e3", "٣", "1Gi\n", "0x10"])
def test_what_is_no_quantity(text):
    with pytest.raises(ManifestError, match="is not a quantity such as"):
        quantity_value(text)


@given(st.integers(min_value=0, max_value=10**15 - 1), st.sampled_from(["", "k", "Mi", "G"]))
def test_a_quantity_is_its_number_times_its_unit(number, unit):
    factor = {"": 1, "k": 10**3, "Mi": 2**20, "G": 10**9}[unit]
    assert quantity_value(f"{number}{unit}") == pytest.approx(number * factor, rel=1e-12)

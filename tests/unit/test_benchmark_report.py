"""The arithmetic and the last line of the benchmarks."""

import json

import pytest

from benchmarks._report import Figure, at_most, bootstrap, percentile, report


def test_the_line_has_the_promised_form():
    figures = [
        at_most("seconds", 2.50004, target=2.5, interval=(2.4, 2.6)),
        Figure(name="megabytes", value=3.0),
    ]
    assert json.loads(report("overhead", figures, controls={"samples": 20})) == {
        "benchmark": "overhead",
        "figures": [
            {"name": "seconds", "value": 2.5, "interval": [2.4, 2.6], "target": 2.5, "met": False},
            {"name": "megabytes", "value": 3.0, "interval": None, "target": None, "met": None},
        ],
        "controls": {"samples": 20},
    }


@pytest.mark.parametrize(("share", "value"), [(0.95, 19), (0.5, 10), (1.0, 20), (0.01, 1)])
def test_percentile_is_the_sample_that_the_share_does_not_exceed(share, value):
    assert percentile(list(range(20, 0, -1)), share) == value


def test_bootstrap_interval_holds_the_median_and_repeats():
    samples = [1.0, 1.1, 1.2, 1.3, 9.0]
    low, high = bootstrap(samples)
    assert 1.0 <= low <= 1.2 <= high <= 9.0
    assert bootstrap(samples) == (low, high)

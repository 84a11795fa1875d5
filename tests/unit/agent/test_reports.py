from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.agent.progress import Progress, Report, Values
from tuner.agent.reports import parse_lines, thin

numbers = st.floats(allow_nan=True, allow_infinity=True)


def test_a_line_is_metrics_and_fidelity() -> None:
    parsed = parse_lines([b'{"epoch": 3, "val/loss": 0.5}'], fidelity_name="epoch")
    assert parsed.reports == (Report(metrics={"val/loss": 0.5}, fidelity=3.0),)
    assert not parsed.warnings


def test_without_fidelity_the_count_is_a_metric() -> None:
    (report,) = parse_lines([b'{"epoch": 3}'], fidelity_name=None).reports
    assert report == Report(metrics={"epoch": 3.0})


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        (b"nonsense", "MalformedReport"),
        (b"[1, 2]", "MalformedReport"),
        (b"\xff\xfe{}", "MalformedReport"),
        (b"[" * 5000, "MalformedReport"),
        (b'{"a": "b"}', "NotANumber"),
        (b'{"a": true}', "NotANumber"),
        (b'{"a": {"b": 1}}', "NotANumber"),
        (b'{"a": NaN}', "NotFinite"),
        (b'{"a": null}', "NotFinite"),
        (b'{"a": 1e999}', "NotFinite"),
        (b'{"a": ' + b"9" * 400 + b"}", "NotFinite"),
        (b'{"a": 1' + b" " * 70_000 + b"}", "ReportTooLong"),
        (b'{"' + b"a" * 101 + b'": 1}', "NotANumber"),
        (('{"' + "\u00e9" * 90 + '": 1}').encode(), "NotANumber"),
        (b'{"\\ud800": 1}', "NotANumber"),
        (b'{"a\\nb": 1}', "NotANumber"),
        (json.dumps({f"m{i}": 1 for i in range(65)}).encode(), "TooManyMetrics"),
    ],
)
def test_odd_lines_are_counted(line: bytes, warning: str) -> None:
    assert parse_lines([line], fidelity_name=None).warnings == {warning: 1}


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_nothing_that_a_stage_writes_is_an_error(lines: list[bytes]) -> None:
    parsed = parse_lines(lines, fidelity_name="epoch")
    assert len(parsed.reports) <= len(lines)


@given(st.integers(1, 50), st.lists(st.integers(), max_size=200))
def test_thinning_keeps_order_and_the_last(limit: int, items: list[int]) -> None:
    reports = [Report(metrics={"a": float(index)}) for index in range(len(items))]
    kept = thin(reports, limit=limit)
    assert len(kept) == min(limit, len(reports))
    assert [r.metrics["a"] for r in kept] == sorted({r.metrics["a"] for r in kept})
    assert kept[-1:] == tuple(reports[-1:])


def test_thinning_to_every_limit_ends_with_the_last() -> None:
    reports = [Report(metrics={"a": float(index)}) for index in range(120)]
    for count in range(1, len(reports) + 1):
        for limit in range(1, count + 1):
            kept = thin(reports[:count], limit=limit)
            assert len(kept) == limit
            assert kept[-1] is reports[count - 1]


@given(st.lists(numbers, min_size=1, max_size=20))
def test_last_low_and_high_are_those_of_the_reports(values: list[float]) -> None:
    progress = Progress().then([Report(metrics={"a": value}) for value in values])
    finite = [value for value in values if math.isfinite(value)]
    found = progress.values["a"]
    assert found.last == (values[-1] if math.isfinite(values[-1]) else None)
    assert found.low == min(finite, default=None)
    assert found.high == max(finite, default=None)
    assert Progress.from_dict(json.loads(json.dumps(progress.to_dict()))) == progress


def test_best_depends_on_the_direction() -> None:
    values = Values(last=2.0, low=1.0, high=3.0)
    assert values.chosen(best=True, minimize=True) == 1.0
    assert values.chosen(best=True, minimize=False) == 3.0
    assert values.chosen(best=False, minimize=True) == 2.0


def test_the_number_of_metrics_is_bounded() -> None:
    reports = [Report(metrics={f"m{index}": 1.0}) for index in range(1000)]
    assert len(Progress().then(reports).values) == 256

import math

import pytest

from tuner.cli.output import change, metric_text, money, number, table


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0.00"),
        (61.4, "$61.40"),
        (0.8, "$0.80"),
        (0.0123, "$0.0123"),
        (0.000512, "$0.000512"),
        (3e-9, "$0.000000"),
        (-2, "$-2.00"),
    ],
)
def test_money(usd, text):
    assert money(usd) == text


@pytest.mark.parametrize(
    ("value", "base", "text"),
    [(0.2871, 0.2926, "-1.9%"), (39, 100, "-61%"), (1, 0, ""), (math.nan, 1, ""), (3, -2, "+250%")],
)
def test_relative_changes(value, base, text):
    assert change(value, base) == text


def test_metrics_have_the_unit_of_the_built_ins():
    assert metric_text("cost", 6.1) == "$6.10"
    assert metric_text("runtime", 12.34567) == "12.35s"
    assert metric_text("loss", 0.28714) == number(0.28714) == "0.2871"


def test_columns_are_aligned_and_lines_have_no_trailing_blanks():
    assert table(["A", "LONG"], [["x", ""], ["wide", "y"]]) == "A     LONG\nx\nwide  y"

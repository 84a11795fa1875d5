import math
import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks._statistics import Estimate
from benchmarks.plots import Axis, Series, bars, lines, points

SVG = "{http://www.w3.org/2000/svg}"


def texts(document):
    return [one.text for one in ElementTree.fromstring(document).iter(f"{SVG}text")]


def test_lines_with_bands_and_gaps():
    series = [
        Series(name="ours", x=[1, 2, 3], y=[0.1, 0.01, 0.001], low=[0.05, 0.005, 0.0005],
               high=[0.2, 0.02, 0.002]),
        Series(name="a <b>", x=[1, 2, 3], y=[math.inf, 0.5, 0.4], dashed=True),
    ]  # fmt: skip
    document = lines(series, title="T", x_label="dollars", y_label="error", log_y=True)
    assert {"T", "dollars", "error", "ours", "a <b>", "0.01"} <= set(texts(document))
    assert "nan" not in document
    assert "inf" not in document


def test_points_and_bars():
    dots = [Series(name="front", x=[1.0, 2.0], y=[2.0, 1.0])]
    document = points(dots, title="F", x_label="x", y_label="y", log_x=True)
    assert len(list(ElementTree.fromstring(document).iter(f"{SVG}circle"))) == 2
    chart = bars({"EI": Estimate(0.5, 0.4, 0.7)}, title="B", x_label="ratio", reference=1.0)
    assert {"B", "EI", "ratio"} <= set(texts(chart))


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(values=[0, 10], start=0, end=100), [0, 2, 4, 6, 8, 10]),
        (Axis(values=[1, 1000], start=0, end=100, log=True), [1, 10, 100, 1000]),
        (Axis(values=[3, 3], start=0, end=100), [2.6, 2.8, 3.0, 3.2, 3.4]),
    ],
)
def test_ticks_are_round(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)
    assert axis(axis.values[0]) < axis(axis.values[0] + 1)

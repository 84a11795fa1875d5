"""The busy share of some places, from when their evaluations ran."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.workers_pods import peers
from benchmarks.workers_pods.busy import (
    Span,
    Window,
    busy_share,
    idle_seconds,
    slice_shares,
    steady,
)
from tuner.log import Kind, Record
from tuner.spec import TuningStudySpec

WINDOW = Window(100.0, 160.0)


def row(count, *, first, evaluation, gap):
    """One place's evaluations."""
    starts = [first + index * (evaluation + gap) for index in range(count)]
    return [Span(start, start + evaluation) for start in starts]


def test_a_place_that_waits_a_fifth_of_the_time_is_busy_for_the_rest():
    spans = row(20, first=50.0, evaluation=8.0, gap=2.0)
    share = busy_share(spans, places=1, window=WINDOW)
    assert share == pytest.approx(0.8)
    assert idle_seconds(share, evaluation=8.0) == pytest.approx(2.0)
    assert busy_share([*spans, *spans], places=4, window=WINDOW) == pytest.approx(0.4)
    assert idle_seconds(0.0, evaluation=8.0) == float("inf")


def test_what_lies_outside_of_the_window_counts_nothing():
    assert busy_share([Span(0.0, 99.0), Span(160.0, 170.0)], places=1, window=WINDOW) == 0.0
    assert busy_share([Span(90.0, 106.0)], places=1, window=WINDOW) == pytest.approx(0.1)
    assert busy_share([Span(0.0, 1e3)], places=1, window=WINDOW) == 1.0


times = st.floats(0.0, 300.0)


@given(st.lists(st.tuples(times, times).map(sorted).map(lambda pair: Span(*pair)), max_size=9))
def test_slices_have_the_mean_of_the_whole(spans):
    shares = slice_shares(spans, places=3, window=WINDOW)
    assert len(shares) == 6
    whole = busy_share(spans, places=3, window=WINDOW)
    assert sum(shares) / len(shares) == pytest.approx(whole, abs=1e-9)


def test_steady_is_what_comes_after_the_beginning():
    spans = row(12, first=1000.0, evaluation=10.0, gap=1.0)
    assert steady(spans, warm_up=25.0, seconds=60.0) == Window(1025.0, 1085.0)
    with pytest.raises(ValueError, match="no evaluation"):
        steady([], warm_up=25.0, seconds=60.0)
    with pytest.raises(ValueError, match="before its window"):
        steady(spans[:3], warm_up=25.0, seconds=60.0)


def test_figures_tell_targets_where_there_are_some(command):
    busy = row(20, first=0.0, evaluation=10.0, gap=1.0)
    lazy = row(20, first=0.0, evaluation=10.0, gap=5.0)
    figures, controls = command.measured(
        {"look-ahead Pod": busy, "look-ahead None": lazy, "optuna, no pods": busy},
        places=1, evaluation=10.0, warm_up=22.0, window=66.0,
    )  # fmt: skip
    assert [(one.target, one.met) for one in figures] == [
        (0.9, True),
        (0.75, False),
        (None, None),
    ]
    assert figures[0].value == pytest.approx(10 / 11)
    low, high = figures[0].interval
    assert low <= figures[0].value <= high
    assert controls["look-ahead Pod"]["evaluations within the window"] == 6


@pytest.fixture
def command():
    pytest.importorskip("kubernetes")
    from benchmarks.workers_pods import __main__ as module

    return module


def test_a_stage_ran_up_to_its_record(command):
    from benchmarks.workers_pods.pods import spans_of

    def record(kind, **body):
        return Record(
            kind=kind, trial="s-0-0", attempt=1, part="train", milliseconds=50_000, body=body
        )

    ran = record(Kind.STAGE, outcome="Run", seconds=10.5)
    others = [record(Kind.STAGE, outcome="Cached", seconds=1.0), record(Kind.RESULT, seconds=2.0)]
    assert spans_of([*others, ran]) == [Span(39.5, 50.0)]


@pytest.mark.parametrize("look_ahead", ["None", "Proposal", "Trial", "Pod"])
def test_the_study_is_valid(command, look_ahead):
    from benchmarks.workers_pods.pods import Scene

    scene = Scene(look_ahead=look_ahead, places=8, places_per_worker=1, evaluation=10.0)
    spec = TuningStudySpec.model_validate(scene.manifest()["spec"])
    assert spec.workers.look_ahead == look_ahead
    assert spec.parallel_trials == 8


def test_peers_write_down_when_they_slept(tmp_path):
    assert peers.evaluate(0.25, seconds=0.0, folder=tmp_path) == 0.25
    peers.evaluate(0.5, seconds=0.0, folder=tmp_path)
    first, second = peers.spans_in(tmp_path)
    assert first.start <= first.end <= second.start <= second.end


def test_a_peer_is_called_by_its_name(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(
        peers, "PEERS", {"some": lambda places, **more: called.append((places, more))}
    )
    monkeypatch.setattr(sys, "argv", ["peers", "some", "8", "10", "120", str(tmp_path)])
    peers.main()
    assert called == [(8, {"evaluation": 10.0, "seconds": 120.0, "folder": tmp_path})]

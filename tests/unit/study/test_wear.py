import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.spec.trial import TrialState
from tuner.study.chronicle import Story
from tuner.study.verdict import Verdict
from tuner.study.wear import Wear, preempted_seconds_per_hour, wear_of
from tuner.trial import StageOutcome, StageResult

START = 1_000_000.0


def verdict(seconds, *, lost=False, type_="spot"):
    return Verdict(
        state=TrialState.STARTING if lost else TrialState.COMPLETED,
        seconds=seconds,
        start=START,
        instance_type=type_,
        infrastructure=lost,
    )


def stage(outcome):
    return StageResult(
        stage="prepare",
        outcome=outcome,
        seconds=10.0,
        cost_usd=1.0,
        first_run_seconds=10.0,
        instance_type="spot",
    )


def wear(story, type_="spot"):
    return wear_of([story])[type_]


def test_what_was_run_since_the_last_report_is_lost():
    story = Story(name="t", verdicts={(1, "0"): verdict(100, lost=True), (2, "0"): verdict(50)})
    story.curve = {1.0: (1, START + 30, {}), 2.0: (1, START + 60, {}), 3.0: (2, START + 130, {})}
    assert wear(story) == Wear(seconds=150, lost_seconds=40)


def test_without_a_report_all_of_the_attempt_is_lost():
    story = Story(name="t", verdicts={(1, "0"): verdict(100, lost=True)})
    assert wear(story) == Wear(seconds=100, lost_seconds=100)


def test_a_stage_that_ran_to_its_end_is_in_the_cache():
    story = Story(name="t", verdicts={(1, "0"): verdict(100, lost=True)})
    story.stages = {"prepare": (1, START + 70, stage(StageOutcome.RUN))}
    assert wear(story).lost_seconds == 30
    story.stages = {"prepare": (1, START + 70, stage(StageOutcome.STOPPED))}
    assert wear(story).lost_seconds == 100


def test_each_type_is_counted_for_itself():
    story = Story(
        name="t", verdicts={(1, "0"): verdict(10, lost=True), (2, "1"): verdict(20, type_="cpu")}
    )
    assert wear_of([story, story])["cpu"] == Wear(seconds=40)


@pytest.mark.parametrize(
    ("seen", "expected", "rate"),
    [
        (None, None, None),
        (Wear(seconds=5000), None, None),
        (None, 100.0, 100.0),
        # One loss in the first minute says little: it counts as if an hour had been run.
        (Wear(seconds=60, lost_seconds=50), None, 46.4),
        (Wear(seconds=36000, lost_seconds=1000), None, 100.0),
        (Wear(seconds=36000, lost_seconds=0), 100.0, 10.0),
        (Wear(seconds=3600e3, lost_seconds=1), None, 0.0),
    ],
)
def test_expectation_and_observation_make_one_rate(seen, expected, rate):
    assert preempted_seconds_per_hour(seen, expected=expected) == rate


@given(
    seconds=st.floats(0, 1e9),
    share=st.floats(0, 1),
    expected=st.none() | st.floats(0, 3600),
)
def test_a_rate_is_never_more_than_an_hour(seconds, share, expected):
    seen = Wear(seconds=seconds, lost_seconds=share * seconds)
    rate = preempted_seconds_per_hour(seen, expected=expected)
    assert rate is None or 0 <= rate <= 3200

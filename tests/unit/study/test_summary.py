import json
import random
from dataclasses import replace

import pytest

from tuner.errors import LogError
from tuner.log.records import Kind
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle
from tuner.study.history import history_of
from tuner.study.summary import summarize
from tuner.study.terms import ConstraintTerm, ObjectiveTerm, Terms
from tuner.study.verdict import Verdict

TERMS = Terms(
    objectives=(ObjectiveTerm(metric="loss", goal=0.2), ObjectiveTerm(metric="cost")),
    constraints=(ConstraintTerm(metric="latency", maximum=20),),
    fidelity_max=9,
)


@pytest.fixture
def study(log):
    """One trial of each kind: completed, infeasible, stopped, out of memory, preempted, open."""
    log.proposed("s-0-0", name="production")
    ran = log.stage("s-0-0", seconds=3600)
    log.reports("s-0-0", curve={1: {"loss": 0.9}, 9: {"loss": 0.3}})
    log.result("s-0-0", stages=[ran], loss=0.3, cost=1.0, latency=10)
    log.verdict("s-0-0", cost_usd=1.0, seconds=3600)

    log.proposed("s-0-1", number=1)
    cached = log.stage("s-0-1", outcome="Cached", seconds=36, first=3600)
    log.result("s-0-1", stages=[cached], loss=0.1, cost=2.0, latency=30)
    log.verdict("s-0-1", cost_usd=0.01)

    log.proposed("s-0-2", number=2)
    stopped = log.stage("s-0-2", outcome="Stopped", seconds=1200)
    log.reports("s-0-2", curve={1: {"loss": 0.8}, 3: {"loss": 0.7}})
    log.result("s-0-2", outcome="Stopped", reason="Rung", fidelity=3, stages=[stopped], loss=0.7)
    log.verdict("s-0-2", state="Stopped", reason="Rung", cost_usd=1 / 3)

    log.proposed("s-0-3", number=3)
    log.verdict("s-0-3", state="Failed", reason="OutOfMemory", cost_usd=0.1)

    log.proposed("s-0-4", number=4)
    log.stage("s-0-4", seconds=3600)
    log.verdict("s-0-4", state="Starting", reason="Preempted", cost_usd=0.5, infrastructure=True)
    restored = log.stage("s-0-4", attempt=2, outcome="Cached", seconds=1, first=3600)
    log.result("s-0-4", attempt=2, stages=[restored], loss=0.4, cost=0.5, latency=10)
    log.verdict("s-0-4", attempt=2, cost_usd=0.2)

    log.proposed("s-0-5", number=5)
    return log.records


def folded(records) -> Chronicle:
    chronicle = Chronicle()
    chronicle.add(records)
    return chronicle


def test_summary(study):
    summary = summarize(
        folded(study),
        study="s",
        terms=TERMS,
        states={"s-0-5": TrialState.RUNNING},
        prices={"small": 1.0},
        workers_usd=0.05,
    )
    assert summary.counts.total == 6
    assert summary.counts.running == 1
    assert (summary.counts.completed, summary.counts.stopped, summary.counts.failed) == (3, 1, 1)
    assert [point.trial for point in summary.front] == ["s-0-0", "s-0-4"]
    assert summary.best == summary.front[0]
    assert summary.best.label == "production"
    assert summary.infeasible == {"latency": 1}
    assert summary.cost.spent == pytest.approx(1 + 0.01 + 1 / 3 + 0.1 + 0.5 + 0.2 + 0.05)
    assert summary.cost.preempted == 0.5
    # The hit saved an hour at $1 less 36 s; what s-0-4 restored was its own.
    assert (summary.cache.hits, summary.cache.lookups) == (1, 4)
    assert summary.cost.saved_by_cache == pytest.approx(0.99)
    # Three of nine units took a third of a dollar: six more would have taken two thirds.
    assert summary.cost.saved_by_stopping == pytest.approx(2 / 3)
    assert not summary.goals_met


def test_summary_is_json_of_a_known_shape(study):
    shape = json.loads(json.dumps(summarize(folded(study), study="s", terms=TERMS).to_json()))
    assert set(shape) == {
        "study",
        "trials",
        "cost",
        "cache",
        "infeasible",
        "hypervolume",
        "best",
        "paretoFront",
    }
    assert shape["paretoFront"][0] == {
        "trial": "s-0-0",
        "label": "production",
        "parameters": {"lr": 0.1},
        "instanceTypes": {"train": "small"},
        "objectives": {"loss": 0.3, "cost": 1.0},
    }


def test_history(study):
    history = history_of(folded(study))
    assert [trial.name for trial in history.trials] == [f"s-0-{number}" for number in range(6)]
    assert history.open_trials == {"s-0-5"}
    assert history.failed == {"s-0-2": "Rung", "s-0-3": "OutOfMemory"}
    seen = [(one.trial, one.fidelity, one.full) for one in history.observations]
    assert seen == [
        ("s-0-0", 1, False),
        ("s-0-0", 9, True),
        ("s-0-1", 9, True),
        ("s-0-2", 1, False),
        ("s-0-2", 3, False),
        ("s-0-4", 9, True),
    ]


def test_history_tells_stages_money_and_time(study):
    history = history_of(folded(study))
    looks = {
        trial: [(one.outcome, one.first_run_seconds) for one in stages]
        for trial, stages in history.stages.items()
    }
    # The first look of s-0-4 is of its first attempt, which ran; s-0-3 never got that far.
    assert looks == {
        "s-0-0": [("Run", 10)],
        "s-0-1": [("Cached", 3600)],
        "s-0-2": [("Stopped", 10)],
        "s-0-4": [("Run", 10)],
    }
    assert history.started == 5
    assert history.spent_usd == pytest.approx(1 + 0.01 + 1 / 3 + 0.1 + 0.5 + 0.2)


def test_first_looks_of_open_trials_are_in_the_order_of_the_looks(log):
    log.proposed("s-0-0")
    log.stage("s-0-0", stage="tokenize", outcome="Cached", seconds=1)
    log.stage("s-0-0", stage="features", outcome="Cached", seconds=2)
    log.verdict("s-0-0", state="Paused", reason="Preempted", cost_usd=0.5, infrastructure=True)
    log.stage("s-0-0", stage="tokenize", attempt=2, seconds=9)
    log.stage("s-0-0", stage="train", attempt=2, seconds=50)
    history = history_of(folded(reversed(log.records)))
    looks = [(one.stage, one.outcome) for one in history.stages["s-0-0"]]
    assert looks == [("tokenize", "Cached"), ("features", "Cached"), ("train", "Run")]
    assert history.open_trials == {"s-0-0"}
    assert (history.started, history.spent_usd) == (1, 0.5)


def test_a_trial_that_never_ran_has_not_started(log):
    log.proposed("s-0-0")
    log.proposed("s-0-1", number=1)
    log.verdict("s-0-1", attempt=0, state="Cancelled")
    history = history_of(folded(log.records))
    assert (history.started, history.elapsed_seconds, history.stages) == (0, 0.0, {})


def test_elapsed_seconds_stand_still_while_nothing_runs(log):
    log.proposed("s-0-0")
    log.verdict("s-0-0", start=100.0, seconds=60.0)
    log.proposed("s-0-1", number=1)
    log.verdict("s-0-1", state="Paused", start=130.0, seconds=50.0)
    # Suspended here, for a day.
    log.verdict("s-0-1", attempt=2, start=86_500.0, seconds=20.0)
    assert history_of(folded(log.records)).elapsed_seconds == pytest.approx(80 + 20)


def test_elapsed_seconds_of_an_attempt_that_still_runs_end_with_its_last_record(log):
    log.proposed("s-0-0")
    log.reports("s-0-0", curve={1: {"loss": 0.9}})
    log.proposed("s-0-1", number=1)
    log.reports("s-0-0", part="1", curve={2: {"loss": 0.8}})
    assert history_of(folded(log.records)).elapsed_seconds == 2.0


def test_order_and_repetition_of_records_change_nothing(study):
    rng = random.Random(3)
    expected = summarize(folded(study), study="s", terms=TERMS), history_of(folded(study))
    for _ in range(20):
        mixed = study + rng.sample(study, 5)
        rng.shuffle(mixed)
        chronicle = folded(mixed)
        assert (summarize(chronicle, study="s", terms=TERMS), history_of(chronicle)) == expected


def test_a_zombies_late_result_is_never_counted(log):
    log.proposed("s-0-0")
    log.result("s-0-0", attempt=2, loss=0.5, cost=1.0)
    log.verdict("s-0-0", attempt=2)
    log.result("s-0-0", attempt=1, loss=0.4, cost=1.0)
    history = history_of(folded(log.records))
    assert [one.metrics["loss"] for one in history.observations] == [0.4]


def test_a_record_that_cannot_be_read_is_passed_over(log, caplog):
    log.proposed("s-0-0")
    log.add(Kind.RESULT, "s-0-0", body={"outcome": "Completed"})
    assert history_of(folded(log.records)).open_trials == {"s-0-0"}
    assert "result record of s-0-0, attempt 1" in caplog.text


@pytest.mark.parametrize(
    ("reason", "segment", "following"),
    [("NextSegment", 0, 1), ("PrefixMissing", 1, 0), ("PrefixMissing", 0, 0), ("Preempted", 1, 1)],
)
def test_the_next_segment_follows_from_the_verdict(reason, segment, following):
    verdict = Verdict(state=TrialState.STARTING, reason=reason, segment=segment)
    assert verdict.next_segment == following


def test_verdict_bodies_round_trip():
    verdict = Verdict(state=TrialState.FAILED, reason="ExitCode", message="1", cost_usd=0.25)
    assert Verdict.from_body({**verdict.to_body(), "later": True}) == verdict
    with pytest.raises(LogError, match="without a state"):
        Verdict.from_body({"v": 1})


@pytest.mark.parametrize(("stage", "infeasible"), [(None, 0), ("benchmark", 0), ("train", 1)])
def test_a_constraint_may_name_the_stage_whose_value_counts(log, stage, infeasible):
    log.proposed("s-0-0")
    train = replace(log.stage("s-0-0"), metrics={"latency": 90.0})
    benchmark = replace(log.stage("s-0-0", stage="benchmark"), metrics={"latency": 10.0})
    log.result("s-0-0", stages=[train, benchmark], loss=0.3, cost=1.0, latency=10.0)
    log.verdict("s-0-0")
    bound = ConstraintTerm(metric="latency", maximum=20, stage=stage)
    terms = replace(TERMS, constraints=(bound,))
    summary = summarize(folded(log.records), study="s", terms=terms)
    assert summary.infeasible == ({"latency": 1} if infeasible else {})
    assert len(summary.front) == 1 - infeasible

"""A worker of a long study keeps the part that tells most, the same however the log was read."""

from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.hardware import StageChoices
from tuner.hardware.choices import Group
from tuner.log.records import Kind, Record
from tuner.searchers import JointSpace, RandomSearcher, SobolSearcher, proposal_rng
from tuner.searchers.joint import Configuration
from tuner.searchers.proposed import Proposed
from tuner.space import SearchSpace
from tuner.spec import Objective, TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.chronicle import Chronicle
from tuner.study.history import history_of
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, Trial, TrialResult
from tuner.worker.memory import OPEN, Memory
from tuner.worker.telling import FIRST, mark_of, telling

OBJECTIVES = (Objective(metric="loss", direction="Minimize"),)
EVALUATION_SECONDS = 60
KEPT = 200


def trial(number, *, why=None):
    return Trial(
        name=f"s-{number % 3}-{number // 3}",
        worker=number % 3,
        number=number // 3,
        parameters={"units": number},
        instance_types={"train": "small"},
        why=why or {},
    )


def record(kind, name, seconds, body, attempt=1):
    return Record(
        kind=kind,
        trial=name,
        attempt=attempt,
        part="0",
        milliseconds=round(1000 * seconds),
        body=body,
    )


def loss(number):
    return ((number * 7919) % 1009) / 1009


def log_of(count, *, ended=None, why=None):
    """Trials proposed a second apart, each a minute long; those from `ended` on are open."""
    made = []
    for number in range(count):
        one = trial(number, why=why if number % 500 == 499 else None)
        made.append(record(Kind.PROPOSED, one.name, number, proposed_body(one), attempt=0))
        if ended is not None and number >= ended:
            continue
        end = number + EVALUATION_SECONDS
        result = TrialResult(
            trial=one.name,
            attempt=1,
            outcome=Outcome.COMPLETED,
            reason="",
            message="",
            fidelity=1.0,
            metrics={"loss": loss(number)},
            stages=(),
        )
        verdict = Verdict(
            state=TrialState.COMPLETED, cost_usd=0.25, seconds=60.0, start=float(number)
        )
        made.append(record(Kind.RESULT, one.name, end, {"v": 1, **asdict(result)}))
        made.append(record(Kind.VERDICT, one.name, end + 0.1, verdict.to_body()))
    return sorted(made, key=lambda one: one.milliseconds)


def remembered(records, *, kept=KEPT, batches=()):
    """A memory that read the log in pieces that end at these places."""
    chronicle = Chronicle()
    memory = Memory(chronicle, objectives=OBJECTIVES, kept=kept)
    edges = [0, *sorted(batches), len(records)]
    for start, end in pairwise(edges):
        chronicle.add(records[start:end])
        memory.update()
    return memory, chronicle


def test_of_a_short_study_everything_is_kept():
    records = log_of(2 * KEPT - 1)
    memory, chronicle = remembered(records)
    assert memory.history() == history_of(chronicle)
    assert not len(memory.history().forgotten)


def test_whoever_shares_its_chronicle_forgets_nothing():
    memory, chronicle = remembered(log_of(5 * KEPT), kept=None)
    assert memory.history() == history_of(chronicle)
    assert len(memory.history().trials) == 5 * KEPT


def test_of_a_long_study_a_bounded_part_is_kept_and_the_sums_are_of_all():
    count = 10 * KEPT
    records = log_of(count, ended=count - 50)
    memory, chronicle = remembered(records)
    whole = Chronicle()
    whole.add(records)
    everything, kept = history_of(whole), memory.history()
    assert len(kept.trials) <= 2 * KEPT + 50
    assert len(kept.trials) + len(kept.forgotten) == count
    assert len(chronicle.stories) == len(memory.stories) <= 2 * KEPT + 250
    assert kept.open_trials == everything.open_trials
    assert kept.started == everything.started
    assert kept.spent_usd == pytest.approx(everything.spent_usd)
    assert kept.elapsed_seconds == pytest.approx(everything.elapsed_seconds)
    assert memory.counted == count
    assert [memory.highest(worker) for worker in range(4)] == [666, 666, 665, -1]


def test_the_first_the_best_and_the_initial_trials_stay():
    records = log_of(10 * KEPT, why={"searcher": "initialTrials", "name": "mine"})
    memory, _ = remembered(records)
    kept = {one.name for one in memory.history().trials}
    names = [trial(number).name for number in range(10 * KEPT - 400)]
    best = sorted(range(len(names)), key=loss)[:30]
    assert {names[number] for number in best} <= kept
    assert set(names[:FIRST]) <= kept
    assert {trial(number).name for number in range(499, 10 * KEPT, 500)} <= kept


def test_the_rest_is_an_even_sample():
    chronicle = Chronicle()
    chronicle.add(log_of(2000))
    marks = [mark_of(story, objectives=OBJECTIVES) for story in chronicle.stories]
    stay = telling(marks, count=1000)
    assert stay.sum() == 1000
    others = np.array([loss(number) for number in range(2000)])[stay]
    # A quarter is there because it is good, the rest as it comes.
    assert 0.55 < float(np.mean(others > 0.25)) < 0.75


def test_of_too_few_none_is_kept_for_being_good():
    chronicle = Chronicle()
    chronicle.add(log_of(200))
    marks = [mark_of(story, objectives=OBJECTIVES) for story in chronicle.stories]
    assert telling(marks, count=1).sum() == FIRST


def test_what_goes_is_let_go_in_parts_and_a_history_waits_for_none(monkeypatch):
    monkeypatch.setattr("tuner.worker.memory.LEAVING", 7)
    in_parts, _ = remembered(log_of(4 * KEPT), batches=range(0, 4 * KEPT, 50))
    at_once, _ = remembered(log_of(4 * KEPT))
    assert len(in_parts.stories) > KEPT
    assert in_parts.ended == at_once.ended
    assert in_parts.counted == at_once.counted
    assert in_parts.history() == at_once.history()
    kept = {story.name for story in in_parts.stories}
    assert kept == {story.name for story in at_once.stories}


def test_of_thousands_of_open_trials_the_newest_and_the_own_are_told():
    records = log_of(2000, ended=200)
    memory, _ = remembered(records)
    history = memory.history()
    told = {one.name for one in history.trials}
    assert len(history.open_trials) == 1800
    newest = {trial(number).name for number in range(2000 - OPEN, 2000)}
    mine = {trial(number).name for number in range(0, 2000, 3)}
    ended = {trial(number).name for number in range(200)}
    assert told == newest | mine | ended
    assert len(history.forgotten) == 2000 - len(told)


def test_what_sets_the_scales_changes_when_the_study_has_grown_by_a_quarter():
    records = log_of(40 * KEPT)
    chronicle = Chronicle()
    memory = Memory(chronicle, objectives=OBJECTIVES, kept=KEPT)
    seen = []
    for start in range(0, len(records), 50):
        chronicle.add(records[start : start + 50])
        memory.update()
        basis = memory.history().basis
        if not seen or basis != seen[-1]:
            seen.append(basis)
        assert basis <= {story.name for story in memory.stories}
    assert seen[0] == frozenset()
    assert 8 <= len(seen) <= 14


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 4000), max_size=30))
def test_what_is_remembered_does_not_depend_on_when_the_log_was_read(places):
    records = log_of(1500)
    batches = [min(place, len(records)) for place in places]
    assert remembered(records)[0].history() == remembered(records, batches=batches)[0].history()


def test_a_record_that_comes_after_a_trial_was_forgotten_brings_nothing_back():
    records = log_of(5 * KEPT)
    memory, chronicle = remembered(records)
    gone = {one.trial for one in records} - {one.name for one in memory.history().trials}
    before = memory.history()
    late = Verdict(state=TrialState.COMPLETED).to_body()
    chronicle.add([record(Kind.VERDICT, min(gone), 2000, late, attempt=2)])
    memory.update()
    assert memory.history() == before


@pytest.fixture
def joint():
    spec = TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "units", "integer": {"min": 0, "max": 2099}}],
            "hardware": {"instanceTypes": ["small"]},
            "pipeline": {"image": "i", "stages": [{"name": "train", "command": ["train"]}]},
            "budget": {"maxTrials": 10},
        }
    )
    return JointSpace(
        SearchSpace.from_parameters(spec.parameters), StageChoices((Group(("train",), ("small",)),))
    )


def test_what_was_forgotten_is_not_proposed_again(joint):
    history = remembered(log_of(10 * KEPT))[0].history()
    proposed = Proposed.of(history, joint=joint)
    assert all(
        Configuration({"units": number}, ("small",)) in proposed for number in range(10 * KEPT)
    )
    assert Configuration({"units": 2099}, ("small",)) not in proposed
    assert not proposed.exhausted
    for searcher in (
        RandomSearcher(joint),
        SobolSearcher(joint=joint, seed=0, worker=0, workers=3),
    ):
        found = searcher.suggest(history, number=667, rng=proposal_rng(0, worker=0, number=667))
        assert found is not None
        assert found.parameters["units"] >= 10 * KEPT


def test_own_records_which_are_read_first_settle_nothing():
    others = [one for one in log_of(1500) if not one.trial.startswith("s-0-")]
    mine = [one for one in log_of(1500) if one.trial.startswith("s-0-")]
    chronicle = Chronicle()
    memory = Memory(chronicle, objectives=OBJECTIVES, kept=KEPT)
    ahead = 300
    for start in range(0, len(mine) + ahead, 10):
        chronicle.add(mine[start : start + 10])
        # A trial has three records: what others wrote comes three hundred seconds later.
        late = max(start - ahead, 0)
        chronicle.add(others[2 * late : 2 * (late + 10)] if start >= ahead else [])
        memory.update()
    assert memory.history() == remembered(log_of(1500))[0].history()

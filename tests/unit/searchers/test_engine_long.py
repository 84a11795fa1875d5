"""A study too long to be told in full: scales from its basis, sums of all trials."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.latency.history import CHOICES, SPACE, SPEC, TYPES, MadeUpStudy
from tuner.searchers import JointSpace, make_searcher, proposal_rng
from tuner.searchers._protocol import Forgotten
from tuner.searchers.engine import facts_of
from tuner.searchers.engine.making import LEAST_BASIS, checkpoint, fitted_on
from tuner.searchers.engine.reader import Reader
from tuner.searchers.engine.spending import spend_weight

COUNT = 60


@pytest.fixture(scope="module")
def study():
    return MadeUpStudy.of_length(COUNT)


@pytest.fixture(scope="module")
def facts():
    return facts_of(SPEC, choices=CHOICES, instance_types=TYPES)


def partial(history, *, names=(), gone=100):
    return replace(
        history,
        forgotten=Forgotten().joined_by(range(gone)),
        basis=frozenset(names),
        started=history.started + gone,
    )


def read(facts, history):
    return Reader(facts, JointSpace(SPACE, CHOICES)).read(history)


def test_scales_are_taken_from_the_basis_and_from_nothing_else(study, facts):
    names = [one.name for one in study.trials[5:25]]
    data = read(facts, partial(study.history, names=names))
    rows = data.metrics[0]
    used = {data.names[trial] for trial in rows.trial[fitted_on(rows, data)]}
    assert used == set(names)


def test_without_a_basis_they_are_taken_up_to_the_last_checkpoint(study, facts):
    few = [one.name for one in study.trials[: LEAST_BASIS - 1]]
    for history in (study.history, partial(study.history, names=few)):
        data = read(facts, history)
        rows = data.metrics[0]
        assert fitted_on(rows, data).tolist() == list(range(checkpoint(COUNT)))


def test_models_are_fitted_anew_when_the_basis_changes_and_not_when_trials_come_and_go(study):
    searcher = make_searcher(SPEC, space=SPACE, choices=CHOICES, instance_types=TYPES)
    fitted = searcher.engine.models._fitted
    names = [one.name for one in study.trials[:30]]

    def propose(history):
        found = searcher.suggest(history, number=0, rng=proposal_rng(0, worker=0, number=0))
        assert "candidates" in found.why
        return len(fitted)

    whole = partial(study.history, names=names)
    first = propose(whole)
    kept = {*names, *(one.name for one in study.trials[40:])}
    fewer = replace(
        whole,
        trials=tuple(one for one in whole.trials if one.name in kept),
        observations=tuple(one for one in whole.observations if one.trial in kept),
    )
    assert propose(fewer) == first
    assert propose(partial(study.history, names=names[:-1])) > first


def test_the_budget_counts_trials_that_are_not_told(study, facts):
    bounded = replace(facts, max_trials=200)
    data = read(bounded, study.history)
    near = spend_weight(bounded, study.history, data, start_up=10, floor=0.0)
    told = partial(study.history)
    far = spend_weight(bounded, told, read(bounded, told), start_up=10, floor=0.0)
    assert near == pytest.approx(1 - 50 / 190, abs=0.02)
    assert far == pytest.approx(1 - 150 / 190, abs=0.02)


def test_a_digest_that_is_not_there_is_not_found():
    digests = np.random.default_rng(0).integers(2**63, size=1000).tolist()
    forgotten = Forgotten().joined_by(digests[:900]).passing_over(digests[900:950])
    assert len(forgotten) == 950
    assert all(one in forgotten for one in digests[:950])
    assert not any(one in forgotten for one in digests[950:])
    assert forgotten.joined_by([]).digests == forgotten.digests

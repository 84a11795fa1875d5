"""From earlier studies to a prior that all workers share."""

from dataclasses import replace

import numpy as np
import pytest

from tuner.hardware import resolve
from tuner.searchers import History, make_searcher, proposal_rng
from tuner.space import SearchSpace
from tuner.spec import InstanceType
from tuner.surrogates.prior import describe
from tuner.transfer.learning import WAIT_SECONDS, Recipe, learn
from tuner.transfer.record import Source, get_record, put_record
from tuner.transfer.shelf import PriorShelf

BEST = {"lr": 0.003, "words": 200}


class Learner:
    """A study that learns, and a bucket with two studies to learn from."""

    def __init__(self, bucket, identity, spec_of, types):
        self.bucket, self.identity, self.spec_of = bucket, identity, spec_of
        self.types = types
        self.spec = spec_of(transfer={"studies": ["a", "b"]}, searcher={"type": "Auto"})
        self.slept = []

    def earlier(self, name, *, seed, trials=12, shift=0.0):
        rng = np.random.default_rng(seed)
        log = self.bucket.study(name)
        for number in range(trials):
            best = number == trials // 2
            lr = BEST["lr"] if best else float(10 ** rng.uniform(-5, -1))
            words = BEST["words"] if best else int(rng.choice([100, 200]))
            loss = abs(np.log10(lr) - np.log10(BEST["lr"])) + (words == 100) + shift
            type_ = "small" if number % 2 else "large"
            self.bucket.trial(log, number, loss=float(loss), lr=lr, words=words, type_=type_)

    @property
    def choices(self):
        catalogue = [
            InstanceType.model_validate({"metadata": {"name": name}, "spec": spec})
            for name, spec in self.types.items()
        ]
        return resolve(self.spec, catalogue=catalogue, namespace="ml")

    def learn(self, *, spec=None, first=True, study=None, sleep=None):
        return learn(
            spec or self.spec,
            store=self.bucket.store,
            study=study or self.identity,
            choices=self.choices,
            instance_types=self.types,
            first=first,
            sleep=sleep or self.slept.append,
        )

    @property
    def priors(self):
        prefix = self.identity.cache_prefix + "/priors/"
        return [info.key for info in self.bucket.store.list(prefix)]


@pytest.fixture
def learner(bucket, identity, spec_of, types):
    here = Learner(bucket, identity, spec_of, types)
    here.earlier("a", seed=1)
    here.earlier("b", seed=2, shift=0.3)
    return here


def test_a_study_that_asks_for_nothing_learns_nothing(learner, spec_of):
    assert learner.learn(spec=spec_of()) is None
    assert learner.priors == []


def test_what_was_learned_is_stored_and_told(learner):
    lesson = learner.learn()
    assert lesson.trained
    assert [one.name for one in lesson.record.sources] == ["a.u1", "b.u1"]
    assert get_record(learner.bucket.store, learner.identity.study_prefix) == lesson.record
    assert learner.priors == [f"cache/ml/priors/{lesson.record.prior}.safetensors"]


def first_of(learner, spec):
    """What the study's searcher begins with."""
    searcher = make_searcher(
        spec,
        space=SearchSpace.from_parameters(spec.parameters),
        choices=learner.choices,
        instance_types=learner.types,
        prior=learner.learn(spec=spec).prior,
    )
    return searcher.suggest(History(), number=0, rng=proposal_rng(0, worker=0, number=0))


def test_a_study_starts_with_what_was_best_before(learner, spec_of):
    spec = spec_of(
        objectives=[{"metric": "loss", "direction": "Minimize"}],
        transfer={"studies": ["a", "b"]},
        searcher={"type": "Auto"},
    )
    first = first_of(learner, spec)
    assert first.parameters["lr"] == pytest.approx(BEST["lr"], rel=1e-6)
    assert first.parameters["words"] == BEST["words"]


def test_with_cost_a_study_starts_on_the_front(learner):
    """Of loss and dollars: the good learning rate on the cheap type, with 100 words or 200."""
    first = first_of(learner, learner.spec)
    assert first.parameters["lr"] == pytest.approx(BEST["lr"], rel=0.5)
    assert set(first.instance_types.values()) == {"small"}
    assert first.why["prior"]["onFront"] > 0.1


def test_a_restarted_worker_and_a_study_alike_find_the_same_prior(learner):
    lesson = learner.learn()
    again = learner.learn()
    other = learner.learn(study=replace(learner.identity, name="other", uid="u10"))
    assert (again.trained, other.trained) == (False, False)
    assert describe(again.prior) == describe(lesson.prior)
    assert len(learner.priors) == 1


def test_what_is_learned_from_stays_whatever_others_go_on_to_find(learner):
    lesson = learner.learn()
    learner.bucket.trial(learner.bucket.study("a"), 99, loss=0.0)
    assert learner.learn().record == lesson.record
    other = learner.learn(study=replace(learner.identity, name="later", uid="u11"))
    assert other.record.prior != lesson.record.prior


def test_a_damaged_prior_is_trained_anew(learner):
    lesson = learner.learn()
    (name,) = learner.priors
    whole = learner.bucket.store.get(name, max_bytes=1 << 26)
    learner.bucket.store.put(name, whole[: len(whole) // 2])
    again = learner.learn()
    assert again.trained
    assert again.record == lesson.record
    assert describe(learner.learn().prior) == describe(lesson.prior)
    assert learner.priors == [name]


def test_other_workers_wait_for_the_first_one(learner):
    def work(seconds):
        learner.slept.append(seconds)
        if len(learner.slept) == 3:
            learner.learn()

    lesson = learner.learn(first=False, sleep=work)
    assert not lesson.trained
    assert len(learner.slept) == 3


def test_a_worker_that_waited_in_vain_learns_by_itself(learner):
    lesson = learner.learn(first=False)
    assert lesson.trained
    assert sum(learner.slept) == WAIT_SECONDS


def test_names_that_do_not_exist_are_told_and_the_rest_is_learned_from(learner, spec_of):
    lesson = learner.learn(spec=spec_of(transfer={"studies": ["a", "nope"]}))
    assert lesson.prior is not None
    assert lesson.record.missing == ("nope",)


def test_nothing_to_learn_from_is_no_failure(learner, spec_of):
    lesson = learner.learn(spec=spec_of(transfer={"studies": ["nope"]}))
    assert lesson.prior is None
    assert lesson.record.problem == "no earlier study with trials was found"


def test_studies_that_share_nothing_teach_nothing(learner, spec_of):
    strange = [{"metric": "latency", "direction": "Minimize"}]
    spec = spec_of(transfer={"studies": ["a"]}, objectives=strange, fidelity=None)
    lesson = learner.learn(spec=spec)
    # Times of stages may still be of use; the portfolio is empty.
    assert lesson.prior is None or len(lesson.prior.portfolio()) == 0


def test_searchers_that_use_no_prior_say_so(learner, spec_of):
    spec = spec_of(transfer={"studies": ["a"]}, searcher={"type": "Random"})
    lesson = learner.learn(spec=spec)
    assert (lesson.prior, learner.priors) == (None, [])
    assert "Random does not learn" in lesson.record.problem


def test_a_damaged_choice_is_made_anew(learner):
    lesson = learner.learn()
    key = f"{learner.identity.study_prefix}/transfer.json"
    learner.bucket.store.put(key, b"{")
    assert learner.learn().record == lesson.record


def test_the_key_says_what_the_prior_follows_from(learner, spec_of, types):
    def key(spec=None, offered=types, until=7):
        recipe = Recipe.of(spec or learner.spec, choices=learner.choices, instance_types=offered)
        return recipe.key([Source(study="a", uid="u1", until=until)])

    assert key() == key(spec_of(budget={"maxTrials": 99}))
    dearer = {**types, "small": types["small"].model_copy(update={"price_per_hour": 9.0})}
    parameters = [{"name": "lr", "float": {"min": 1e-4, "max": 1e-1, "scale": "Log"}}]
    stages = [{"name": "train", "command": ["train"]}]
    other = spec_of(parameters=parameters, pipeline={"image": "i", "stages": stages})
    maximised = spec_of(objectives=[{"metric": "loss", "direction": "Maximize"}])
    changed = {key(until=8), key(offered=dearer), key(other), key(maximised)}
    assert len(changed | {key()}) == 5


def test_a_key_that_is_none_is_refused(bucket):
    with pytest.raises(ValueError, match="not a sha256"):
        PriorShelf(bucket.store, "cache/ml").get("../../secret")


def test_a_record_of_a_prior_that_is_gone_is_trained_for_again(learner):
    lesson = learner.learn()
    learner.bucket.store.delete(learner.priors)
    put_record(learner.bucket.store, learner.identity.study_prefix, record=lesson.record)
    assert learner.learn().trained

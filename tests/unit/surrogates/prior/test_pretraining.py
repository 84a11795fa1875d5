from dataclasses import replace

import numpy as np
import pytest

from tuner.errors import SurrogateError
from tuner.hardware import Group
from tuner.surrogates.features import FeatureMap
from tuner.surrogates.prior import (
    SourceObservation,
    describe,
    encode_prior,
    pretrain,
    stage_seconds,
    training_key,
)

TOLD = {"directions": {"loss": False}, "fidelity": False}


@pytest.fixture(scope="module")
def taught(features):
    def teach(studies, **changes):
        return pretrain(studies, features=features, **(TOLD | changes))

    return teach


@pytest.fixture(scope="module")
def prior(taught, studies):
    return taught(studies, stages=["train"])


def test_the_first_of_the_portfolio_is_good_for_a_new_task(prior, family):
    X = np.random.default_rng(0).random((2000, 3))
    better = []
    for seed in range(20, 40):
        task = family(seed)
        better.append((task(X) < task(prior.portfolio().unit[:1])).mean())
    assert np.mean(better) < 0.05


def test_the_portfolio_is_of_the_new_study(prior, features):
    points = prior.portfolio()
    assert 1 <= len(points) <= 32
    assert points.active.all()
    assert (points.fidelity == 1.0).all()
    assert len(np.unique(points.unit, axis=0)) == len(points)
    features.columns(fidelity=False).transform(points)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_share_the_portfolio_out(prior, workers):
    parts = [prior.portfolio(worker=worker, workers=workers) for worker in range(workers)]
    assert sum(map(len, parts)) == len(prior.portfolio())
    for worker, part in enumerate(parts):
        np.testing.assert_array_equal(part.unit, prior.portfolio().unit[worker::workers])


def test_before_any_observation_the_prior_knows_where_it_is_good(prior, family):
    X = np.random.default_rng(1).random((500, 3))
    mean, variance = prior.predictor("loss", np.empty((0, 3)), np.empty(0)).predict(X)
    assert (variance > 0.0).all()
    for seed in range(20, 25):
        assert np.corrcoef(mean, family(seed)(X))[0, 1] > 0.8


def test_metrics_to_maximise_are_negated(taught, family):
    """A study that maximises minus the loss teaches what one that minimises it does."""
    up = [family(s).study(f"s{s}", seed=s, maximize=True, metric="score") for s in range(4)]
    down = [family(s).study(f"s{s}", seed=s) for s in range(4)]
    one = taught(up, directions={"score": True})
    other = taught(down)
    X = np.random.default_rng(2).random((30, 3))
    y = family(30)(X)
    for mine, theirs in zip(
        one.predictor("score", X[:5], y[:5]).predict(X),
        other.predictor("loss", X[:5], y[:5]).predict(X),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs)
    np.testing.assert_array_equal(one.portfolio().unit, other.portfolio().unit)


def test_the_same_studies_teach_the_same_bytes(taught, studies, prior):
    assert encode_prior(taught(studies, stages=["train"])) == encode_prior(prior)


def test_the_order_of_studies_does_not_matter_to_the_matched_prior(taught, studies):
    order = [4, 2, 0, 5, 1, 3]
    one, other = taught(studies), taught([studies[index] for index in order])
    X = np.random.default_rng(3).random((60, 3))
    one_moments, other_moments = (
        each.outputs["loss"].priors["moments"].embed(X) for each in (one, other)
    )
    np.testing.assert_allclose(one_moments.mean, other_moments.mean, atol=1e-5)
    np.testing.assert_allclose(one_moments.variance, other_moments.variance, atol=1e-3)


def test_studies_with_too_few_trials_are_left_out(taught, studies):
    small = replace(studies[5], trials=studies[5].trials[:4])
    prior = taught([*studies[:3], small])
    assert prior.outputs["loss"].tasks == ("s0", "s1", "s2")
    with pytest.raises(SurrogateError, match="enough trials"):
        taught([small])
    with pytest.raises(SurrogateError, match="enough trials"):
        taught([])
    with pytest.raises(SurrogateError, match="enough trials"):
        taught(studies, directions={"unheard": False})


def test_metrics_that_are_not_finite_are_left_out(taught, studies):
    lost = SourceObservation(fidelity=1.0, metrics={"loss": float("nan")})
    trials = [replace(one, observations=(lost,)) for one in studies[0].trials[:10]]
    holed = replace(studies[0], trials=(*trials, *studies[0].trials[10:]))
    without = replace(studies[0], trials=studies[0].trials[10:])
    one, other = (taught([each, *studies[1:3]]).outputs["loss"] for each in (holed, without))
    np.testing.assert_array_equal(one.atlas.values, other.atlas.values)


def test_times_are_learned_by_stage(prior):
    """The bowls' seconds are exp(c): the logarithm grows by 1 along the third parameter."""
    model = prior.predictor(stage_seconds("train"), np.empty((0, 3)), np.empty(0))
    mean, _ = model.predict(np.array([[0.5, 0.5, 0.1], [0.5, 0.5, 0.9]]))
    np.testing.assert_allclose(mean, [0.1, 0.9], atol=0.05)


def test_what_nobody_knows_is_none(prior):
    assert prior.predictor("accuracy", np.empty((0, 3)), np.empty(0)) is None
    assert prior.predictor(stage_seconds("test"), np.empty((0, 3)), np.empty(0)) is None


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((2, 4)), np.ones(2)),
        (np.ones(3), np.ones(3)),
        (np.full((2, 3), np.nan), np.ones(2)),
        (np.ones((2, 3)), np.array([1.0, np.inf])),
    ],
)
def test_other_shapes_and_values_are_refused(prior, X, y):
    with pytest.raises(SurrogateError):
        prior.predictor("loss", X, y)


def test_predictors_are_conditioned_and_explained(prior, family):
    rng = np.random.default_rng(4)
    X, more, at = rng.random((12, 3)), rng.random((4, 3)), rng.random((50, 3))
    model = prior.predictor("loss", X, family(40)(X))
    assert sum(model.weights.values()) == pytest.approx(1.0)
    assert set(model.weights) == {"moments", "network", "none"}
    fantasy, _ = model.predict(more)
    told = model.condition(more, fantasy)
    assert told.weights == model.weights
    for name, posterior in model.posteriors.items():
        embedded = posterior.embedder.embed(at)
        before, after = (each.predict(embedded)[1] for each in (posterior, told.posteriors[name]))
        assert (after <= before + 1e-9).all()
        assert after.mean() < before.mean()


def test_fantasies_at_the_mean_leave_the_mean(prior, family):
    """Also where it is bad: what a pending point is expected to be is no news."""
    rng = np.random.default_rng(4)
    X, more, at = rng.random((12, 3)), rng.random((4, 3)), rng.random((50, 3))
    model = prior.predictor("loss", X, family(40)(X))
    model = replace(model, posteriors={"moments": model.posteriors["moments"]})
    more[0] = 0.99
    fantasy, _ = model.predict(more)
    assert model.margin.forward(fantasy).max() > 1.0
    np.testing.assert_allclose(
        model.condition(more, fantasy).predict(at)[0], model.predict(at)[0], atol=1e-8
    )


def test_curves_teach_how_values_fall_with_fidelity(studies, features):
    """A run of a tenth of the epochs shows a loss that is higher by one."""
    curved = [
        replace(
            study,
            trials=tuple(
                replace(
                    trial,
                    observations=(
                        SourceObservation(
                            fidelity=0.1,
                            metrics={"loss": trial.observations[0].metrics["loss"] + 1.0},
                        ),
                        *trial.observations,
                    ),
                )
                for trial in study.trials
            ),
        )
        for study in studies
    ]
    prior = pretrain(curved, features=features, directions={"loss": False}, fidelity=True)
    inputs = features.columns(fidelity=True)
    whole = prior.portfolio()
    model = prior.predictor("loss", np.empty((0, len(inputs.groups))), np.empty(0))
    at_end, _ = model.predict(inputs.transform(whole))
    at_tenth, _ = model.predict(inputs.transform(whole.at_fidelity(0.1)))
    assert (at_tenth > at_end + 0.3).all()
    # without a fidelity in the new study, partial runs are not taken for whole ones
    flat = pretrain(curved, features=features, **TOLD)
    plain = pretrain(studies, features=features, **TOLD)
    np.testing.assert_array_equal(flat.portfolio().unit, plain.portfolio().unit)


def test_a_parameter_that_earlier_studies_did_not_have_is_borne(studies):
    from tuner.space import SearchSpace
    from tuner.spec import Parameter

    names = ("a", "b", "c", "new")
    wider = SearchSpace.from_parameters(
        [Parameter.model_validate({"name": n, "float": {"min": 0, "max": 1}}) for n in names]
    )
    features = FeatureMap(
        space=wider, groups=(Group(("train",), ("small",)),), type_features={"small": {}}
    )
    prior = pretrain(studies, features=features, **TOLD)
    points = prior.portfolio()
    assert points.unit.shape[1] == 4
    assert (points.unit[:, 3] == 0.5).all()
    model = prior.predictor("loss", np.empty((0, 4)), np.empty(0))
    mean, _ = model.predict(np.array([[0.3, 0.3, 0.3, v] for v in (0.0, 0.5, 1.0)]))
    assert np.ptp(mean) < 0.2


def test_the_key_follows_from_all_that_is_taught(studies, features):
    def key(sources=studies, **changes):
        return training_key(sources, features=features, **(TOLD | changes))

    other = replace(studies[0], trials=studies[0].trials[:-1])
    keys = [
        key(),
        key(studies[:5]),
        key([other, *studies[1:]]),
        key([replace(studies[0], data="other"), *studies[1:]]),
        key(directions={"loss": True}),
        key(fidelity=True),
        key(stages=["train"]),
        key(seed=1),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    assert all(len(one) == 64 for one in keys)


def test_what_a_prior_holds_is_told(prior, studies):
    told = describe(prior)
    assert told["studies"] == [study.uid for study in studies]
    assert told["columns"] == 3
    assert told["groups"] == {"loss": 6, "seconds of train": 6}
    assert told["portfolio"] == len(prior.portfolio())

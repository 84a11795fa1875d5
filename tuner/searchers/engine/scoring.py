"""What a candidate is worth: expected gain per spend, with the same samples in both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner.acquisition import (
    FrontBoxes,
    log_acquisition,
    log_expected_improvement,
    log_gain_per_spend,
)
from tuner.searchers.engine.data import StudyData
from tuner.searchers.engine.facts import Facts
from tuner.searchers.engine.failures import FailureModel
from tuner.searchers.engine.front import corner, non_dominated
from tuner.searchers.engine.ladder import rungs_from
from tuner.searchers.engine.models import PENDING, JointModel, Prediction
from tuner.searchers.engine.outcomes import (
    Outcomes,
    charge_of,
    mean_objectives,
    outcomes,
    restore_seconds,
)
from tuner.searchers.engine.prefixes import PrefixIndex
from tuner.surrogates.points import Points

_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """The acquisition, ready to be asked about any candidates.

    With one objective that is reported, without constraints, it is EEIPU: the logarithm of expected
    improvement in closed form, plus the logarithm of the expected inverse of the spend. Otherwise
    it is the logarithm of the mean, over joint samples of metrics and stage times, of hypervolume
    gained times spend ** -eta, a sample that breaks a constraint gaining nothing.

    Attributes:
        facts: The study.
        data: What was observed.
        model: With the open trials as fantasies.
        failures: How likely candidates fail.
        stored: Prefixes in the cache.
        coming: Prefixes that running trials make.
        front: The front to push out, to minimise, shape (k, M); may be empty.
        boxes: The space that the front leaves; None in the closed form.
        z: Draws, shape (S, q + K).
        eta: How much spend counts.
    """

    facts: Facts
    data: StudyData
    model: JointModel
    failures: FailureModel
    stored: PrefixIndex
    coming: PrefixIndex
    front: NDArray[np.float64]
    boxes: FrontBoxes | None
    z: NDArray[np.float64]
    eta: float

    def __call__(self, points: Points) -> NDArray[np.float64]:
        """Log acquisition of C points, shape (C,): higher is better."""
        prediction = self.model.predict(points)
        found = self.outcomes(points, prediction)
        score = self._score(prediction, found)
        # All of it is in the cache: it would cost next to nothing and show nothing new.
        stored, _ = self.stored.depths(points)
        score[stored == len(self.facts.stages)] = -np.inf
        with np.errstate(divide="ignore"):
            works = np.log(1.0 - self.failures.probability(points))
        return works + score

    def _score(self, prediction: Prediction, found: Outcomes) -> NDArray[np.float64]:
        if self.boxes is None:
            return self._closed_form(prediction, found)
        gain = self.boxes.improvement(found.objectives) * found.feasible
        # The tail, too, counts only as far as the constraints are likely to hold.
        tail = self.boxes.smoothed(found.objectives, gain) - gain
        gain = gain + tail * (found.feasible.mean(axis=0) + _TINY)
        return log_gain_per_spend(gain, found.spend, eta=self.eta)

    def outcomes(self, points: Points, prediction: Prediction) -> Outcomes:
        """Samples of objectives, feasibility and spend at some points.

        The time of a stage that comes from the cache is not sampled: this trial will not measure
        it, so that what is unknown of it is nothing to be won, however often it is counted on.
        """
        stored, _ = self.stored.depths(points)
        coming, _ = self.coming.depths(points)
        reused = np.arange(len(self.facts.stages))[:, None] < np.maximum(stored, coming)
        prediction = replace(prediction, time_sd=np.where(reused, 0.0, prediction.time_sd))
        charge = charge_of(self.facts, self.data, stored=stored, coming=coming)
        return outcomes(
            self.facts, self.model, prediction, z=self.z, types=points.types, charge=charge
        )

    def rungs_from(self, point: Points) -> float:
        """The fidelity from which on it saves enough to end one trial at a rung."""
        stored, _ = self.stored.depths(point)
        coming, _ = self.coming.depths(point)
        charge = charge_of(self.facts, self.data, stored=stored, coming=coming)
        return rungs_from(
            self.facts,
            self.model.predict(point),
            types=point.types,
            charge=charge,
            restore=restore_seconds(self.data),
        )

    def _closed_form(self, prediction: Prediction, found: Outcomes) -> NDArray[np.float64]:
        index = self.facts.objectives[0].model
        assert index is not None, "the closed form is for reported metrics"
        improvement = log_expected_improvement(
            prediction.metric_mean[index], prediction.metric_sd[index], best=self.front.min()
        ).value
        inverse = log_gain_per_spend(np.ones_like(found.spend), found.spend, eta=1.0)
        return log_acquisition(improvement, inverse, eta=self.eta)


def plug_in_front(
    facts: Facts,
    data: StudyData,
    model: JointModel,
    *,
    best: NDArray[np.intp],
    anywhere: Points | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The front of posterior means and the corner, from trials observed in full and open ones.

    Args:
        facts: The study.
        data: What was observed.
        model: With the open trials as fantasies.
        best: Indices of the trials that may be on the front.
        anywhere: Points all over the space, for studies that begin at the front.

    Returns:
        The front (k, M), empty if nothing feasible is known, and the corner (M,).
    """
    which = np.unique(np.concatenate([best, np.flatnonzero(data.runs)[-PENDING:]]))
    points = data.points[which]
    means, feasible = mean_objectives(facts, model, model.predict(points), types=points.types)
    able = means[feasible]
    front = able[non_dominated(able)] if len(able) else able
    ordinary = None
    if anywhere is not None:
        expected = model.predict(anywhere)
        ordinary, _ = mean_objectives(facts, model, expected, types=anywhere.types)
    return front, corner(front if len(front) else means, means, ordinary=ordinary)


def needs_samples(facts: Facts) -> bool:
    """Whether the acquisition has no closed form."""
    only = len(facts.objectives) == 1 and facts.objectives[0].model is not None
    return bool(facts.constraints) or not only

"""What led to a proposal, as it stands with the trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from tuner.spec.base import Integer, Model, Real, ShortText, Subdomain, Text
from tuner.spec.objectives import MetricName
from tuner.spec.pipeline import StageName
from tuner.spec.status import Seconds


class _Open(Model):
    """A part of what led to a proposal: fields of later versions pass through."""

    model_config = ConfigDict(extra="allow")


class Prediction(_Open):
    """What a model expected of one metric."""

    mean: Real
    """Expected value, in the metric's own unit and sign."""
    sd: Annotated[Real, Field(ge=0)] | None = None
    """Standard deviation of the expectation; the noise of a single run is not in it."""


class ExpectedSpend(_Open):
    """What the trial was expected to take from the budget: without cached stages, stops counted."""

    usd: Annotated[Real, Field(ge=0)] | None = None
    """In USD."""
    seconds: Seconds | None = None
    """In seconds."""


class ReusedPrefix(_Open):
    """Leading stages that were expected to come from the cache."""

    stages: Annotated[tuple[StageName, ...], Field(max_length=16)]
    """The stages, in the pipeline's order."""
    trial: ShortText | None = None
    """The trial whose artifacts they are."""
    saves_usd: Real | None = None
    """What reusing them was expected to save, in USD."""


class UsedPrior(_Open):
    """What earlier studies had to do with the proposal."""

    key: ShortText | None = None
    """Which prior it was; it is stored in the bucket under this name."""
    weight: Annotated[Real, Field(ge=0, le=1)] | None = None
    """How much the prior counted against a model without one."""
    portfolio: Annotated[Integer, Field(ge=0)] | None = None
    """Place in the portfolio of earlier studies' configurations, from 0."""
    on_front: Annotated[Real, Field(ge=0, le=1)] | None = None
    """How likely it seemed to be on the Pareto front."""


class Why(_Open):
    """What led to a proposal; further fields pass through."""

    searcher: ShortText | None = None
    """The searcher that proposed it, or initialTrials."""
    name: ShortText | None = None
    """The name of the initial trial."""
    message: Text | None = None
    """One sentence for people."""
    predicted: Annotated[Mapping[MetricName, Prediction], Field(max_length=16)] | None = None
    """What was expected of each objective and constrained metric at full fidelity."""
    spend: ExpectedSpend | None = None
    """What the trial was expected to take from the budget."""
    prefix: ReusedPrefix | None = None
    """Leading stages that were expected to come from the cache."""
    candidates: Annotated[Integer, Field(ge=0)] | None = None
    """How many configurations were compared."""
    eta: Real | None = None
    """How much the expected spend counted, from 1 down to 0.5 as the budget is used up."""
    prior: UsedPrior | None = None
    """What earlier studies had to do with it."""
    closed: Annotated[tuple[Subdomain, ...], Field(max_length=64)] | None = None
    """Instance types that were left out: no further trial could start on them then."""

"""What the cache and early stopping saved, in USD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.study.chronicle import Story
from tuner.trial import Outcome, StageOutcome, StageResult, TrialResult

HOUR = 3600.0
_AT_RUNGS = frozenset({Outcome.STOPPED, Outcome.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSavings:
    """How often the cache was asked and answered, and what that saved.

    Attributes:
        lookups: First looks of trials at a stage that may come from the cache.
        hits: Those that were answered.
        saved_usd: First-run cost of the hits, less the cost of restoring them; never negative.
    """

    lookups: int = 0
    hits: int = 0
    saved_usd: float = 0.0


def cache_savings(
    stories: Iterable[Story], *, stages: frozenset[str], prices: Mapping[str, float]
) -> CacheSavings:
    """Sums over the first look of every trial at every stage.

    What a later attempt restores was made by the same trial: that is no saving.
    """
    first = [
        (story, result)
        for story in stories
        for name, (_, _, result) in story.stages.items()
        if name in stages or not stages
    ]
    hits = [(story, one) for story, one in first if one.outcome is StageOutcome.CACHED]
    saved = (_first_run_usd(one, prices=prices) - one.cost_usd for story, one in hits)
    return CacheSavings(
        lookups=len(first), hits=len(hits), saved_usd=sum(max(0.0, usd) for usd in saved)
    )


def saved_by_stopping(stories: Iterable[Story], *, full: float) -> float:
    """Estimated USD that trials stopped at a rung would have cost to full fidelity."""
    ended = [story for story in stories if not story.is_open and story.reason == "Rung"]
    last = (story.accepted or next(reversed(story.pauses.values()), None) for story in ended)
    return sum(_not_run_usd(result, full=full) for result in last if result is not None)


def _first_run_usd(stage: StageResult, *, prices: Mapping[str, float]) -> float:
    price = prices.get(stage.instance_type)
    if price is None and stage.seconds > 0:
        # A type that is gone: priced as this trial's own.
        price = stage.cost_usd / stage.seconds * HOUR
    return stage.first_run_seconds * (price or 0.0) / HOUR


def _not_run_usd(result: TrialResult, *, full: float) -> float:
    stopped = [one for one in result.stages if one.outcome is StageOutcome.STOPPED]
    if result.outcome not in _AT_RUNGS or not stopped or result.fidelity <= 0:
        return 0.0
    here = stopped[-1]
    # All attempts that led to this fidelity, at the price of the last.
    share = max(1.0, here.first_run_seconds / here.seconds) if here.seconds else 1.0
    return here.cost_usd * share / result.fidelity * max(0.0, full - result.fidelity)

"""What a study found and what it cost: one summary for status, `tuner front` and `tuner run`.

A pure function of the log and the manifest, so that it can be rebuilt at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle, Story
from tuner.study.front import feasible, front_of, volume_of
from tuner.study.savings import CacheSavings, cache_savings, saved_by_stopping
from tuner.study.terms import Terms
from tuner.trial import ParameterValue

BUILT_IN = frozenset({"cost", "runtime"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A trial worth showing.

    Attributes:
        trial: Its name.
        label: The name of the initial trial that it is, else empty.
        parameters: Its active parameters.
        instance_types: By stage.
        objectives: By metric, as reported.
        predicted: Objectives of which a part is predicted.
    """

    trial: str
    parameters: Mapping[str, ParameterValue]
    instance_types: Mapping[str, str]
    objectives: Mapping[str, float]
    label: str = ""
    predicted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The shape shared by status and CLI; empty optional fields are left out."""
        shape: dict[str, object] = {
            "trial": self.trial,
            "parameters": dict(self.parameters),
            "instanceTypes": dict(self.instance_types),
            "objectives": dict(self.objectives),
        }
        if self.label:
            shape["label"] = self.label
        if self.predicted:
            shape["predicted"] = list(self.predicted)
        return shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Trials by state; those that are cancelled or rejected count in `total` only."""

    total: int = 0
    queued: int = 0
    unschedulable: int = 0
    running: int = 0
    completed: int = 0
    stopped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was paid and saved, USD.

    Attributes:
        spent: In all, workers included.
        workers: Of it, for the pods that propose.
        preempted: Of it, for attempts that the infrastructure ended.
        saved_by_cache: First-run cost of stages taken from the cache, less restoring them.
        saved_by_stopping: Estimated: units of fidelity not run, at the seconds per unit that the
            stopped trial itself took.
    """

    spent: float = 0.0
    workers: float = 0.0
    preempted: float = 0.0
    saved_by_cache: float = 0.0
    saved_by_stopping: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a study came to so far.

    Attributes:
        study: Its name.
        counts: Trials by state.
        cost: In USD.
        cache: Stages looked up in the cache, and found.
        best: In the first objective, among the feasible at full fidelity.
        front: The Pareto front: feasible, full fidelity, sorted by the first objective.
        infeasible: Completed trials by the constraint that they break.
        hypervolume: Of the front, up to a corner just beyond the worst feasible values; it
            only grows. None where computing it exactly would take too long.
        goals_met: Whether one feasible completed trial meets every goal.
    """

    study: str
    counts: Counts = field(default_factory=Counts)
    cost: Cost = field(default_factory=Cost)
    cache: CacheSavings = field(default_factory=CacheSavings)
    best: Point | None = None
    front: tuple[Point, ...] = ()
    infeasible: Mapping[str, int] = field(default_factory=dict)
    hypervolume: float | None = None
    goals_met: bool = False

    def to_json(self) -> dict[str, object]:
        """What `tuner front -o json` prints and `tuner run` ends with."""
        cost = {_camel(name): _money(value) for name, value in asdict(self.cost).items()}
        return {
            "study": self.study,
            "trials": asdict(self.counts),
            "cost": cost,
            "cache": {"hits": self.cache.hits, "lookups": self.cache.lookups},
            "infeasible": dict(self.infeasible),
            "hypervolume": self.hypervolume,
            "best": None if self.best is None else self.best.to_json(),
            "paretoFront": [point.to_json() for point in self.front],
        }


def summarize(
    chronicle: Chronicle,
    *,
    study: str,
    terms: Terms,
    states: Mapping[str, TrialState] | None = None,
    workers_usd: float = 0.0,
    running_usd: float = 0.0,
    lookup_stages: frozenset[str] = frozenset(),
    prices: Mapping[str, float] | None = None,
) -> Summary:
    """The summary of what the log tells.

    Args:
        chronicle: The log, folded.
        study: The study's name.
        terms: Its terms: objectives, constraints, full fidelity.
        states: Of open trials as the backend sees them; the log alone knows no `Running`.
        workers_usd: What the workers have cost so far.
        running_usd: What running attempts, on which there is no verdict yet, have cost so far.
        lookup_stages: Names of the stages that are looked up in the cache.
        prices: USD per hour by instance type, for what a stage cost where it ran first.
    """
    stories = chronicle.stories
    prices = prices or {}
    completed = [one for one in stories if one.completed is not None]
    verdicts = [verdict for one in stories for verdict in one.verdicts.values()]
    cache = cache_savings(stories, stages=lookup_stages, prices=prices)
    front = tuple(_point(one, terms=terms) for one in front_of(completed, terms=terms))
    return Summary(
        study=study,
        counts=_counts(stories, states=states or {}),
        cost=Cost(
            spent=sum(one.cost_usd for one in verdicts) + workers_usd + running_usd,
            workers=workers_usd,
            preempted=sum(one.cost_usd for one in verdicts if one.infrastructure),
            saved_by_cache=cache.saved_usd,
            saved_by_stopping=saved_by_stopping(stories, full=terms.fidelity_max),
        ),
        cache=cache,
        best=front[0] if front else None,
        front=front,
        infeasible=_infeasible(completed, terms=terms),
        hypervolume=volume_of(completed, terms=terms),
        goals_met=any(meets_goals(one, terms=terms) for one in completed),
    )


def meets_goals(story: Story, *, terms: Terms) -> bool:
    """Whether the trial completed, is feasible and meets every goal that there is."""
    result = story.completed
    goals = [one for one in terms.objectives if one.goal is not None]
    if result is None or not goals or not feasible(story, terms=terms):
        return False
    return all(
        one.metric in result.metrics and one.meets_goal(result.metrics[one.metric]) for one in goals
    )


def _counts(stories: Sequence[Story], *, states: Mapping[str, TrialState]) -> Counts:
    seen = Counter(states.get(one.name, one.state) if one.is_open else one.state for one in stories)
    running = (TrialState.RUNNING, TrialState.STARTING)
    return Counts(
        total=len(stories),
        queued=seen[TrialState.QUEUED] + seen[TrialState.PAUSED],
        unschedulable=seen[TrialState.UNSCHEDULABLE],
        running=sum(seen[state] for state in running),
        completed=seen[TrialState.COMPLETED],
        stopped=seen[TrialState.STOPPED],
        failed=seen[TrialState.FAILED],
    )


def _infeasible(completed: Sequence[Story], *, terms: Terms) -> dict[str, int]:
    broken: Counter[str] = Counter()
    for story in completed:
        result = story.completed
        for one in terms.constraints:
            broken[one.metric] += result is not None and not one.holds(one.value(result))
    return {metric: count for metric, count in broken.items() if count}


def _point(story: Story, *, terms: Terms) -> Point:
    trial, result = story.trial, story.completed
    if trial is None or result is None:
        raise ValueError(f"{story.name} has not completed")
    guessed = any(stage.predicted for stage in result.stages)
    label = trial.why.get("name")
    return Point(
        trial=story.name,
        label=label if isinstance(label, str) else "",
        parameters=trial.parameters,
        instance_types=trial.instance_types,
        objectives={one.metric: result.metrics[one.metric] for one in terms.objectives},
        predicted=tuple(
            one.metric for one in terms.objectives if guessed and one.metric in BUILT_IN
        ),
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _money(usd: float) -> float:
    # A millionth of a dollar is below the resolution of a second on any type.
    return round(usd, 9)

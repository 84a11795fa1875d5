"""Multi-objective Hyperband, asynchronous (Salinas et al. 2021; ASHA, Li et al. 2020)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tuner.errors import SchedulerError
from tuner.schedulers._protocol import Decision, RungRecord, Standing, Verb
from tuner.schedulers.ranking import count_better, in_order, place_of
from tuner.schedulers.sample import sampled

_TOLERANCE = 1e-9
_DONE = {Verb.CONTINUE: "continued", Verb.STOP: "stopped", Verb.PAUSE: "paused"}


def rung_levels(minimum: float, maximum: float, reduction_factor: float) -> tuple[float, ...]:
    """The fidelities `minimum * reduction_factor ** k` below `maximum`, rising.

    Raises:
        SchedulerError: The bounds are not positive or the factor is not above 1.

    Example:
        >>> rung_levels(1, 27, 3)
        (1.0, 3.0, 9.0)
    """
    if minimum <= 0 or maximum <= 0 or reduction_factor <= 1:
        raise SchedulerError("rungs need a positive fidelity and a reduction factor above 1")
    levels: list[float] = []
    while (level := minimum * reduction_factor ** len(levels)) < maximum * (1 - _TOLERANCE):
        levels.append(float(level))
    return tuple(levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiObjectiveHyperband:
    """Lets a trial go on beyond a rung if it is among the best 1/eta of those that got there.

    Stopping: a newcomer goes on if fewer than n / eta of the rung's n trials, itself included, are
    strictly better: the first arrival always does, and so does one that dominates the rung. The
    others are stopped.

    Promotion: a newcomer goes on if it is among the floor(n / eta) best, trials with equal vectors
    standing by name. The others are paused, and promoted once the rung has grown so that they are.

    The order is that of `tuner.schedulers.ranking.count_better`; units, monotone rescaling and the
    order of the objectives do not matter. Of several records of one trial the first counts, which
    in the order of the keys is that of its lowest attempt. With more than three objectives a long
    rung is compared with by an even sample (`tuner.schedulers.sample`).

    Attributes:
        minimum: Fidelity of the first rung.
        maximum: Full fidelity, where nothing is decided.
        reduction_factor: Eta; about one in eta trials goes on.
        minimize: For each objective compared at rungs whether lower is better.
        promotes: Whether a trial is paused, and may be promoted later, rather than stopped.
    """

    minimum: float
    maximum: float
    reduction_factor: float
    minimize: tuple[bool, ...]
    promotes: bool = False

    def rungs(self) -> Sequence[float]:
        """The fidelities at which a decision is due, rising, full fidelity left out."""
        return rung_levels(self.minimum, self.maximum, self.reduction_factor)

    def decide(self, level: float, *, rung: Sequence[RungRecord], trial: str) -> Decision:
        """The fate of `trial`, which is among `rung`; its place is that among those compared with.

        Raises:
            SchedulerError: The trial is not in the rung, or a vector has the wrong length.
        """
        everyone = _once(rung)
        self._check(level, everyone, trial)
        records = sampled(everyone, trial=trial, objectives=len(self.minimize))
        verb, rank = self._fate(list(records.values()), trial)
        return Decision(
            verb=verb,
            rank=rank,
            of=len(records),
            reason=f"rung {level:g}: {ordinal(rank)} of {len(records)}, {_DONE[verb]}",
        )

    def standings(
        self, rung: Sequence[RungRecord], *, waiting: Collection[str]
    ) -> Iterator[Standing]:
        """How the trials that wait at the rung stand in it, the best first.

        Promotable are those among its floor(n / eta) best.
        """
        records = _once(rung)
        if not self.promotes or records.keys().isdisjoint(waiting):
            return
        count, rank = len(records), 0
        for front, sharing in in_order(list(records.values()), minimize=self.minimize):
            for name in sharing:
                rank += 1
                if name in waiting:
                    yield Standing(
                        trial=name,
                        rank=rank,
                        of=count,
                        promotable=rank * self.reduction_factor <= count * (1 + _TOLERANCE),
                        unbeaten=front == 0,
                    )

    def _fate(self, rung: Sequence[RungRecord], trial: str) -> tuple[Verb, int]:
        if self.promotes:
            rank = place_of(rung, trial=trial, minimize=self.minimize)
            goes_on = rank * self.reduction_factor <= len(rung) * (1 + _TOLERANCE)
            return (Verb.CONTINUE if goes_on else Verb.PAUSE), rank
        better = count_better(rung, trial=trial, minimize=self.minimize)
        goes_on = better * self.reduction_factor < len(rung)
        return (Verb.CONTINUE if goes_on else Verb.STOP), better + 1

    def _check(self, level: float, records: dict[str, RungRecord], trial: str) -> None:
        if trial not in records:
            raise SchedulerError(f"rung {level:g} has no record of trial {trial}")
        wanted = len(self.minimize)
        for record in records.values():
            if len(record.vector) != wanted:
                raise SchedulerError(
                    f"rung {level:g}: trial {record.trial} has {len(record.vector)} values, "
                    f"the study compares {wanted}"
                )


@dataclass(frozen=True, slots=True)
class NoStopping:
    """Lets every trial run to its end."""

    def rungs(self) -> Sequence[float]:
        """None."""
        return ()

    def decide(self, level: float, *, rung: Sequence[RungRecord], trial: str) -> Decision:
        """Continue, always.

        Raises:
            SchedulerError: The trial is not in the rung.
        """
        records = _once(rung)
        if trial not in records:
            raise SchedulerError(f"rung {level:g} has no record of trial {trial}")
        return Decision(
            verb=Verb.CONTINUE, rank=1, of=len(records), reason="no early stopping, continued"
        )

    def standings(
        self, rung: Sequence[RungRecord], *, waiting: Collection[str]
    ) -> Iterator[Standing]:
        """None: nobody waits."""
        return iter(())


def _once(rung: Sequence[RungRecord]) -> dict[str, RungRecord]:
    """The first record of each trial."""
    records: dict[str, RungRecord] = {}
    for record in rung:
        records.setdefault(record.trial, record)
    return records


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th` and so on."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"

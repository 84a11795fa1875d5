"""What the operator knows beyond the API server: stores, logs, answers, refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tuner.study.wear import Wear
from tuner_operator.actions import AccountOf, Question
from tuner_operator.memory import StudyKey
from tuner_operator.observed import LogView, Refused, StoreView

FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 120.0


@dataclass(slots=True)
class Facts:
    """Found out by the edges, read by every pass.

    Attributes:
        clock: Seconds since the epoch.
        stores: How the store answers, by namespace: each has its own credentials.
        logs: What a study's log says, with the study's uid.
        answers: To the questions of earlier passes.
        refused: Pods that the API server forbade, by namespace and name.
    """

    clock: Callable[[], float]
    stores: dict[str, StoreView] = field(default_factory=dict)
    logs: dict[StudyKey, tuple[str, LogView]] = field(default_factory=dict)
    answers: defaultdict[StudyKey, dict[Question, object]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    refused: dict[tuple[str, str], Refused] = field(default_factory=dict)
    _pauses: dict[tuple[str, str], float] = field(default_factory=dict)

    def log_of(self, key: StudyKey, *, uid: str) -> LogView | None:
        """What the log of this very study says; None before it was read."""
        known = self.logs.get(key)
        return known[1] if known is not None and known[0] == uid else None

    def wear(self) -> dict[str, Wear]:
        """What the logs of all studies say of each instance type's preemptions."""
        found: dict[str, Wear] = {}
        for _, view in self.logs.values():
            for name, wear in view.wear.items():
                found[name] = found.get(name, Wear()) + wear
        return found

    def refuse(self, namespace: str, pod: str, message: str) -> None:
        """A pod was forbidden: asked for again after a pause that grows."""
        place = (namespace, pod)
        pause = self._pauses.get(place, FIRST_RETRY_SECONDS)
        self._pauses[place] = min(LONGEST_RETRY_SECONDS, pause * 2)
        self.refused[place] = Refused(message=message, retry_at=self.clock() + pause)

    def refused_in(self, namespace: str) -> dict[str, Refused]:
        """The forbidden pods of a namespace by name."""
        return {name: one for (place, name), one in self.refused.items() if place == namespace}

    def allowed(self, namespace: str, pod: str) -> None:
        """A pod exists: nothing stands in its way any more."""
        self.refused.pop((namespace, pod), None)
        self._pauses.pop((namespace, pod), None)

    def doubt_accounts(self) -> None:
        """Asks about service accounts again: no watch covers them."""
        for answers in self.answers.values():
            for question in [one for one in answers if isinstance(one, AccountOf)]:
                del answers[question]

    def drop_study(self, key: StudyKey) -> None:
        """Forgets a study that is gone."""
        self.logs.pop(key, None)
        self.answers.pop(key, None)

"""One loop for all: in a pod, in `tuner run` and in the simulator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tuner.artifacts import ArtifactStore
from tuner.backends import TrialBackend
from tuner.backends.view import LogView
from tuner.errors import BackendError, StoreError
from tuner.log import Kind
from tuner.searchers import History, Searcher, Suggestion, proposal_rng
from tuner.study.bodies import proposed_body
from tuner.study.markers import mark_exhausted, mark_idle
from tuner.trial import Trial, trial_name
from tuner.worker.ahead import Prepared
from tuner.worker.demand import Demand, WorkerSettings
from tuner.worker.memory import Memory
from tuner.worker.places import Places
from tuner.worker.promoting import Promoter

__all__ = ["Demand", "Worker", "WorkerSettings"]

POLL_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 10.0

_logger = logging.getLogger(__name__)


class Worker:
    """Keeps its slots filled with open trials until the study ends.

    It holds no state that a restart would miss: its open trials and its next number come from the
    log and the backend, and the random generator of a proposal from its number alone.

    Args:
        settings: Who it is.
        searcher: What to try next.
        view: The study log.
        store: For the marker that says that nothing is left to propose.
        backend: Where trials run.
        demand: What is wanted now.
        memory: What it keeps of the log; by default all of it.
        promoter: Chooses brackets and promotes paused trials; None: neither is asked for.

    Attributes:
        exhausted: Whether it has nothing left to propose.
        idle: With how many proposed trials it has nothing left to do, the others waiting at rungs;
            None while it has.
        ended: Whether the study has ended.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        searcher: Searcher,
        view: LogView,
        store: ArtifactStore,
        backend: TrialBackend,
        demand: Callable[[], Demand],
        memory: Memory | None = None,
        promoter: Promoter | None = None,
    ) -> None:
        self._settings = settings
        self._searcher = searcher
        self._view = view
        self._store = store
        self._backend = backend
        self._demand = demand
        self._memory = memory or Memory(view.chronicle)
        # A long log comes in pieces, of which much is let go again before the next one.
        view.on_taken(self._memory.update)
        self._pause = 1.0
        self._pending: Trial | None = None
        self._prepared: Prepared | None = None
        self._promoter = promoter
        self._places = Places(
            settings,
            chronicle=view.chronicle,
            memory=self._memory,
            adopts=promoter is not None,
        )
        self.exhausted = False
        self.idle: int | None = None
        self.ended = False

    @property
    def ordinal(self) -> int:
        """Which worker it is."""
        return self._settings.ordinal

    def run(self, stop: threading.Event, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Works until the study has ended or `stop` is set; running trials go on."""
        while not stop.is_set() and not self.ended:
            if self.step() and self.prepare():
                self._backend.poll(timeout_seconds=poll_seconds)
            else:
                stop.wait(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def step(self) -> bool:
        """Fills the free slots once; False if the store or the cluster did not answer."""
        return self._try(self.fill)

    def prepare(self) -> bool:
        """Makes the next proposal ahead if that is wanted; False if something did not answer."""
        return self._try(self._prepare)

    def _try(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except (StoreError, BackendError) as error:
            _logger.warning("worker %d waits: %s", self._settings.ordinal, error)
            return False
        self._pause = 1.0
        return True

    def fill(self) -> None:
        """Fills the free slots once. Raises StoreError or BackendError."""
        demand = self._demand()
        self.ended = demand.ended
        if self.ended or (self.exhausted and not self._promotes):
            return
        self._view.refresh()
        if self._pending is not None:
            self._write_down(self._pending)
        self._memory.update()
        open_names = {one.trial for one in self._backend.open_trials()}
        self._start_again(open_names)
        free = self._places.free(demand, open_names=open_names)
        promoted = self._promote(free)
        room = min(free - promoted, self._allowed(demand))
        if room > 0 and not self.exhausted:
            self._propose(room, first=self._places.next_number(open_names))
        self._look_up(demand, promoted=promoted, free=free)

    @property
    def _promotes(self) -> bool:
        return self._promoter is not None and self._promoter.promotes

    def _propose(self, count: int, *, first: int) -> None:
        """Proposes so many trials, numbered from `first`, each aware of those before it."""
        history = self._memory.history()
        for number in range(first, first + count):
            suggestion = self._made_ahead(number) or self._suggest(history, number)
            if suggestion is None:
                mark_exhausted(self._store, self._view.log.prefix, worker=self._settings.ordinal)
                self.exhausted = True
                return
            history = history.with_open(self._start(suggestion, number=number))

    def _suggest(self, history: History, number: int) -> Suggestion | None:
        return self._searcher.suggest(
            history,
            number=number,
            rng=proposal_rng(self._settings.seed, worker=self._settings.ordinal, number=number),
        )

    def _made_ahead(self, number: int) -> Suggestion | None:
        """The proposal that was prepared for this number, unless others have taken it since."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.number != number:
            return None
        return None if self._memory.holds(prepared.suggestion) else prepared.told()

    def _prepare(self) -> None:
        demand = self._demand()
        wanted = demand.prepared and demand.slots > 0 and self._allowed(demand) > 0
        if not wanted or demand.ended or self.exhausted:
            return
        self._memory.update()
        number = self._places.next_number({one.trial for one in self._backend.open_trials()})
        ended = self._memory.ended
        if self._prepared is None or not self._prepared.is_fresh(number=number, ended=ended):
            suggestion = self._suggest(self._memory.history(), number)
            # Whether nothing is left is for the moment to tell at which something is wanted.
            if suggestion is not None:
                self._prepared = Prepared(number=number, suggestion=suggestion, ended=ended)

    def _start_again(self, open_names: set[str]) -> None:
        """Own proposals that were written down and never started: a crash lies in between."""
        mine = [one for one in self._memory.stories if one.is_open and self._places.is_own(one)]
        for story in sorted(mine, key=lambda one: (one.created, one.name)):
            if story.trial is not None and not story.attempts and story.name not in open_names:
                self._backend.start(story.trial)
                open_names.add(story.name)

    def _promote(self, free: int) -> int:
        """What is nearest to full fidelity comes before anything new."""
        if self._promoter is None or free <= 0:
            return 0
        return self._promoter.promote(self._memory.stories, places=free)

    def _look_up(self, demand: Demand, *, promoted: int, free: int) -> None:
        """Says so where trials wait at rungs, and nothing is left to promote or to propose."""
        nothing = self._promotes and free > 0 and not promoted
        full = self.exhausted or self._allowed(demand) <= 0
        rests = all(one.waits_at is not None for one in self._memory.stories if one.is_open)
        idle = self._memory.proposed if nothing and full and rests else None
        if idle is not None and self._finish(free, exhausted=demand.max_trials is None):
            idle = None
        if idle is not None and idle != self.idle:
            mark_idle(self._store, self._view.log.prefix, worker=self.ordinal, trials=idle)
        self.idle = idle

    def _finish(self, free: int, *, exhausted: bool) -> int:
        """What else is worth running to its end, once nothing new may be proposed."""
        if self._promoter is None:
            return 0
        return self._promoter.finish(self._memory.stories, places=free, exhausted=exhausted)

    def _allowed(self, demand: Demand) -> int:
        """How many more trials the study may start."""
        if demand.max_trials is None:
            return demand.slots + demand.ahead
        return demand.max_trials - self._memory.counted

    def _start(self, suggestion: Suggestion, *, number: int) -> Trial:
        trial = Trial(
            name=trial_name(self._settings.study, worker=self._settings.ordinal, number=number),
            worker=self._settings.ordinal,
            number=number,
            parameters=suggestion.parameters,
            instance_types=suggestion.instance_types,
            bracket=self._bracket(suggestion, number),
            why=suggestion.why,
        )
        self._write_down(trial)
        self._backend.start(trial)
        return trial

    def _bracket(self, suggestion: Suggestion, number: int) -> int:
        if self._promoter is None:
            return 0
        return self._promoter.bracket(number, rungs_from=suggestion.rungs_from)

    def _write_down(self, trial: Trial) -> None:
        # A put that failed may have arrived all the same: the very same record is written again,
        # for a number must never stand for two proposals.
        self._pending = trial
        body = proposed_body(trial)
        self._view.append(Kind.PROPOSED, trial=trial.name, attempt=0, body=body)
        self._pending = None
        self._view.refresh()

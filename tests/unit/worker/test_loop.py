import threading

from tuner.artifacts import ArtifactStore
from tuner.backends import BackendEvent
from tuner.backends.simulated import MemoryStore
from tuner.backends.view import LogView
from tuner.errors import BackendError, StoreUnreachable
from tuner.log import Kind, StudyLog
from tuner.searchers import Suggestion
from tuner.spec.trial import TrialState
from tuner.study.markers import exhausted_workers
from tuner.study.verdict import Verdict
from tuner.worker import Worker, WorkerSettings
from tuner.worker.loop import Demand

PREFIX = "studies/ns/s.uid"


class Counting:
    """Proposes its number, up to a limit."""

    def __init__(self, limit=100):
        self.limit = limit

    def suggest(self, history, *, number, rng):
        if number >= self.limit:
            return None
        draw = float(rng.random())
        return Suggestion(parameters={"x": number, "u": draw}, instance_types={"train": "small"})


class Recording:
    """A backend that only takes note."""

    def __init__(self):
        self.started = {}
        self.error = None

    def start(self, trial):
        if self.error is not None:
            raise self.error
        self.started.setdefault(trial.name, trial)

    def open_trials(self):
        return [BackendEvent(trial=name, state="Running") for name in self.started]


class Blinking(MemoryStore):
    """Loses the answer to its next write when it is told to."""

    lose = False

    def put(self, key, data, *, size_bytes=None):
        super().put(key, data, size_bytes=size_bytes)
        if self.lose:
            self.lose = False
            raise StoreUnreachable("no answer")


def worker(store: ArtifactStore, backend, demand, *, ordinal=0, searcher=None) -> Worker:
    return Worker(
        WorkerSettings(study="s", ordinal=ordinal, seed=5),
        searcher=searcher or Counting(),
        view=LogView(StudyLog(store, PREFIX)),
        store=store,
        backend=backend,
        demand=lambda: demand,
    )


def proposals(store):
    records = StudyLog(store, PREFIX).read_all()
    return {one.trial: one.body for one in records if one.kind is Kind.PROPOSED}


def test_slots_are_filled_and_kept_full():
    store, backend = Blinking(lambda: 1e9), Recording()
    here = worker(store, backend, Demand(slots=2))
    assert here.step()
    assert here.step()
    assert list(backend.started) == ["s-0-0", "s-0-1"]
    del backend.started["s-0-0"]
    verdict = Verdict(state=TrialState.COMPLETED).to_body()
    StudyLog(store, PREFIX).append(Kind.VERDICT, trial="s-0-0", attempt=1, body=verdict)
    here.step()
    assert list(backend.started) == ["s-0-1", "s-0-2"]


def test_one_may_wait_ahead_unless_nothing_is_wanted():
    store, backend = Blinking(lambda: 1e9), Recording()
    worker(store, backend, Demand(slots=0, ahead=1)).step()
    assert not backend.started
    worker(store, backend, Demand(slots=2, ahead=1)).step()
    assert len(backend.started) == 3


def test_never_more_than_the_study_may_start():
    store, backend = Blinking(lambda: 1e9), Recording()
    worker(store, backend, Demand(slots=5, max_trials=3)).step()
    assert len(backend.started) == 3


def test_a_restart_goes_on_with_the_next_number_and_replays_nothing():
    store, backend = Blinking(lambda: 1e9), Recording()
    worker(store, backend, Demand(slots=2)).step()
    worker(store, backend, Demand(slots=3)).step()
    drawn = [body["parameters"]["u"] for body in proposals(store).values()]
    assert list(proposals(store)) == ["s-0-0", "s-0-1", "s-0-2"]
    assert len(set(drawn)) == 3


def test_a_proposal_without_a_trial_is_started_again():
    store, backend = Blinking(lambda: 1e9), Recording()
    backend.error = BackendError("no answer")
    here = worker(store, backend, Demand(slots=1))
    assert not here.step()
    backend.error = None
    worker(store, backend, Demand(slots=1)).step()
    assert list(backend.started) == list(proposals(store)) == ["s-0-0"]


def test_a_lost_answer_makes_no_second_proposal():
    store, backend = Blinking(lambda: 1e9), Recording()
    here = worker(store, backend, Demand(slots=1))
    store.lose = True
    assert not here.step()
    assert here.step()
    assert list(backend.started) == list(proposals(store)) == ["s-0-0"]
    assert backend.started["s-0-0"].parameters == proposals(store)["s-0-0"]["parameters"]


def test_other_workers_trials_are_left_alone():
    store, backend = Blinking(lambda: 1e9), Recording()
    worker(store, backend, Demand(slots=1), ordinal=11).step()
    worker(store, backend, Demand(slots=1), ordinal=1).step()
    assert list(backend.started) == ["s-11-0", "s-1-0"]


def test_an_exhausted_searcher_is_marked():
    store, backend = Blinking(lambda: 1e9), Recording()
    here = worker(store, backend, Demand(slots=3), ordinal=2, searcher=Counting(limit=1))
    here.step()
    assert here.exhausted
    assert exhausted_workers(store, PREFIX) == {2}


def test_nothing_is_proposed_once_the_study_has_ended():
    store, backend = Blinking(lambda: 1e9), Recording()
    here = worker(store, backend, Demand(slots=3, ended=True))
    here.step()
    assert here.ended
    assert not backend.started


def test_each_proposal_knows_of_those_before_it():
    known = []

    class Curious(Counting):
        def suggest(self, history, *, number, rng):
            known.append(([one.name for one in history.trials], set(history.open_trials)))
            return super().suggest(history, number=number, rng=rng)

    worker(
        Blinking(lambda: 1e9), Recording(), Demand(slots=3), ordinal=4, searcher=Curious()
    ).step()
    names = ["s-4-0", "s-4-1"]
    assert known == [(names[:count], set(names[:count])) for count in range(3)]


class Recounting(Counting):
    """Says from how many known trials each proposal was made, and how often it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def suggest(self, history, *, number, rng):
        self.asked.append((number, len(history.trials)))
        return super().suggest(history, number=number, rng=rng)


def end(store, backend, name):
    backend.started.pop(name, None)
    verdict = Verdict(state=TrialState.COMPLETED).to_body()
    StudyLog(store, PREFIX).append(Kind.VERDICT, trial=name, attempt=1, body=verdict)


def whys(store):
    return {name: body.get("why") for name, body in proposals(store).items()}


def test_the_next_proposal_is_made_while_trials_run():
    store, backend, searcher = Blinking(lambda: 1e9), Recording(), Recounting()
    here = worker(store, backend, Demand(slots=1, prepared=True), searcher=searcher)
    assert here.step()
    assert here.prepare()
    assert here.prepare(), "it is fresh: not made anew"
    assert searcher.asked == [(0, 0), (1, 1)]
    assert list(proposals(store)) == ["s-0-0"], "written down when it is started"
    end(store, backend, "s-0-0")
    assert here.step()
    assert searcher.asked == [(0, 0), (1, 1)]
    assert list(backend.started) == ["s-0-1"]
    assert whys(store) == {"s-0-0": {}, "s-0-1": {"ahead": True}}


def test_what_was_made_ahead_is_made_anew_when_the_study_has_got_on():
    store, backend, searcher = Blinking(lambda: 1e9), Recording(), Recounting()
    here = worker(store, backend, Demand(slots=2, prepared=True), searcher=searcher)
    here.step()
    here.prepare()
    other = worker(store, Recording(), Demand(slots=1), ordinal=1)
    other.step()
    end(store, Recording(), "s-1-0")
    here.step()
    here.prepare()
    assert searcher.asked == [(0, 0), (1, 1), (2, 2), (2, 3)]


def test_what_another_worker_took_meanwhile_is_not_proposed_again():
    store, backend, searcher = Blinking(lambda: 1e9), Recording(), Recounting()
    here = worker(store, backend, Demand(slots=1, prepared=True), searcher=searcher)
    here.step()
    here.prepare()
    taken = here._prepared.suggestion
    body = {
        "worker": 1,
        "number": 0,
        "parameters": taken.parameters,
        "instance_types": taken.instance_types,
    }
    StudyLog(store, PREFIX).append(Kind.PROPOSED, trial="s-1-0", attempt=0, body=body)
    end(store, backend, "s-0-0")
    here.step()
    assert searcher.asked[-1] == (1, 2), "asked again, and told of the other's trial"
    assert whys(store)["s-0-1"] == {}


def test_nothing_is_prepared_where_nothing_is_wanted():
    store, backend, searcher = Blinking(lambda: 1e9), Recording(), Recounting()
    for demand in (
        Demand(slots=1),
        Demand(slots=0, prepared=True),
        Demand(slots=1, prepared=True, max_trials=0),
        Demand(slots=1, prepared=True, ended=True),
    ):
        assert worker(store, backend, demand, searcher=searcher).prepare()
    assert not searcher.asked


def test_a_worker_that_is_told_to_go_hands_over():
    """On SIGTERM the pod's main sets the event that `run` waits for."""
    store, backend = Blinking(lambda: 1e9), Recording()
    stop = threading.Event()
    backend.poll = lambda *, timeout_seconds: stop.set()
    here = worker(store, backend, Demand(slots=2, prepared=True))
    here.run(stop)
    assert stop.is_set()
    assert not here.ended
    assert list(backend.started) == ["s-0-0", "s-0-1"], "its trials go on"
    end(store, backend, "s-0-0")
    worker(store, backend, Demand(slots=2)).step()
    assert list(backend.started) == ["s-0-1", "s-0-2"], "no number is used twice, none is left out"

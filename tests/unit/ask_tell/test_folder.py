"""A study in a folder: resumed, shared, and read by the command line."""

import pytest

from tuner.ask_tell import NotTold, StudyEnded
from tuner.cli.local import LocalSource
from tuner.errors import BackendError, StoreDenied
from tuner.log import Kind
from tuner.study.chronicle import Chronicle


@pytest.fixture
def kept(make, tmp_path):
    """An optimizer whose study is kept in one folder."""
    return lambda **changes: make(folder=tmp_path, name="kept", **changes)


def test_a_study_goes_on_with_what_was_never_told(kept):
    with kept() as opt:
        first, second, third = opt.ask(), opt.ask(), opt.ask()
        opt.tell(second, {"loss": 2})
    with kept() as again:
        assert [again.ask().name, again.ask().name] == [first.name, third.name]
        assert again.ask().name == "kept-0-3"
        again.tell(first, {"loss": 1})
        assert [point.trial for point in again.front()] == [first.name]


def test_an_interrupted_study_proposes_what_an_uninterrupted_one_does(kept, make):
    def told(opt):
        trial = opt.ask()
        opt.tell(trial, {"loss": trial.parameters["x"]}, stage_seconds={"train": 1})
        return trial.parameters

    whole = make(name="kept", searcher="Random")
    expected = [told(whole) for _ in range(6)]
    parts = []
    for _ in range(3):
        with kept(searcher="Random") as opt:
            parts += [told(opt), told(opt)]
    assert parts == expected


def test_a_trial_that_had_reported_goes_on_as_its_next_attempt(kept):
    fidelity = {"name": "epoch", "max": 9}
    with kept(fidelity=fidelity) as opt:
        trial = opt.ask()
        assert opt.report(trial, 1, {"loss": 3})
    with kept(fidelity=fidelity) as again:
        assert again.ask() == trial
        assert again.report(trial, 3, {"loss": 2})
        again.tell(trial, {"loss": 1})
        story = again._desk.view.chronicle.story(trial.name)
        assert {level: one[0] for level, one in story.curve.items()} == {1.0: 1, 3.0: 2}
        assert again.best.objectives == {"loss": 1}


def test_workers_share_a_study(kept):
    with kept(worker=0, workers=2) as one, kept(worker=1, workers=2) as two:
        trials = [one.ask(), two.ask(), one.ask(), two.ask()]
        assert [trial.name for trial in trials] == ["kept-0-0", "kept-1-0", "kept-0-1", "kept-1-1"]
        assert len({trial.parameters["x"] for trial in trials}) == 4
        one.tell(trials[0], {"loss": 1})
        two.tell(trials[1], {"loss": 0})
        assert one.best == two.best
        assert one.summary().counts.completed == 2


def test_a_budget_is_shared(kept):
    budget = {"maxTrials": 3}
    with (
        kept(worker=0, workers=2, budget=budget) as one,
        kept(worker=1, workers=2, budget=budget) as two,
    ):
        for opt in (one, two, one):
            opt.tell(opt.ask(), {"loss": 1})
        with pytest.raises(StudyEnded, match="3 trials have ended"):
            two.ask()


def test_a_race_for_the_last_trial_has_one_winner(kept, monkeypatch):
    budget = {"maxTrials": 1}
    with (
        kept(worker=0, workers=2, budget=budget) as one,
        kept(worker=1, workers=2, budget=budget) as two,
    ):
        # The other one's proposal arrives between this one's look and its own proposal.
        fill = two._desk._worker.fill
        first = []

        def late():
            two._desk.view.refresh = lambda: two._desk.view.chronicle
            first.append(one.ask())
            # Clocks that rise with every call may be some calls apart.
            clocks = [opt._desk.opened.place.clock for opt in (one, two)]
            clocks[1]._last = max(clock._last for clock in clocks)
            fill()
            del two._desk.view.refresh
            two._desk.view.refresh()

        monkeypatch.setattr(two._desk._worker, "fill", late)
        with pytest.raises(StudyEnded, match="MaxTrials: all 1 have been asked for, 1 are open"):
            two.ask()
        one.tell(first[0], {"loss": 1})
        assert one.summary().counts.completed == 1
        assert [story.state for story in one._desk.view.chronicle.stories] == [
            "Completed",
            "Cancelled",
        ]


def test_a_trial_may_be_told_by_another_process(kept):
    with kept(worker=0, workers=2) as one, kept(worker=1, workers=2) as two:
        trial = one.ask()
        two.tell(trial.name, {"loss": 1})
        with pytest.raises(NotTold, match="has ended already"):
            one.tell(trial, {"loss": 2})
        assert one.ask().name == "kept-0-1"


def test_a_worker_number_belongs_to_one_process(kept):
    with (
        kept(workers=2),
        pytest.raises(BackendError, match=r"worker 0: .* give each process its own worker"),
    ):
        kept(workers=2)


def test_what_a_worker_that_is_no_more_left_open_goes_to_another(kept):
    with kept(worker=1, workers=2) as gone:
        left = gone.ask()
    with kept() as opt:
        assert opt.ask() == left
        assert opt.ask().name == "kept-0-0"


def test_another_study_in_the_folder_is_refused_by_field(kept):
    kept().close()
    with pytest.raises(BackendError, match="parameters cannot be changed; make another study"):
        kept(parameters={"x": {"float": {"min": -1, "max": 3}}})


def test_a_budget_that_is_raised_reopens_the_study(kept, tmp_path):
    with kept(budget={"maxTrials": 1}) as opt:
        opt.tell(opt.ask(), {"loss": 1})
    assert LocalSource(tmp_path).report("kept").reason == "MaxTrialsReached"
    with kept(budget={"maxTrials": 2}) as opt:
        assert not LocalSource(tmp_path).report("kept").finished
        opt.tell(opt.ask(), {"loss": 2})
    assert LocalSource(tmp_path).report("kept").finished


def test_trials_left_waiting_at_the_end_are_withdrawn(kept, tmp_path):
    goal = {"loss": {"direction": "Minimize", "goal": 1}}
    with kept(objectives=goal) as opt:
        opt.ask()
        opt.tell(opt.ask(), {"loss": 0})
    with kept(objectives=goal) as opt, pytest.raises(StudyEnded, match="GoalsReached"):
        opt.ask()
    rows = LocalSource(tmp_path).trials("kept")
    assert [row.state for row in rows] == ["Cancelled", "Completed"]
    assert LocalSource(tmp_path).report("kept").finished


def test_the_command_line_reads_the_folder(kept, tmp_path):
    with kept(instance_types={"small": {"pricePerHour": 3.6}}) as opt:
        opt.tell(opt.ask(), {"loss": 2}, stage_seconds={"train": 1000})
        opt.fail(opt.ask(), "out of memory")
        opt.ask()
    source = LocalSource(tmp_path)
    (report,) = source.overview()
    assert (report.name, report.state) == ("kept", "Running")
    assert report.summary.cost.spent == pytest.approx(1.0)
    rows = source.trials("kept")
    assert [(row.state, row.reason) for row in rows] == [
        ("Completed", "Completed"),
        ("Failed", "OutOfMemory"),
        ("Queued", ""),
    ]


def test_a_verdict_that_a_crash_kept_back_is_written_by_the_next_process(kept, monkeypatch):
    opt = kept(instance_types={"small": {"pricePerHour": 3.6}})
    trial = opt.ask()
    append = opt._opened.log.append

    def fail_on_verdicts(kind, **fields):
        if kind is Kind.VERDICT:
            raise StoreDenied("the disk is full")
        return append(kind, **fields)

    monkeypatch.setattr(opt._opened.log, "append", fail_on_verdicts)
    with pytest.raises(StoreDenied):
        opt.tell(trial, {"loss": 1}, stage_seconds={"train": 1000})
    opt.close()
    with kept(instance_types={"small": {"pricePerHour": 3.6}}) as again:
        assert again.summary().counts.completed == 1
        assert again.summary().cost.spent == pytest.approx(1.0)
        assert again.ask().name == "kept-0-1"


def test_telling_again_after_an_error_completes_it(kept, monkeypatch):
    opt = kept()
    trial = opt.ask()
    append, failures = opt._opened.log.append, [True]

    def fail_once(kind, **fields):
        if kind is Kind.RESULT and failures:
            failures.clear()
            raise StoreDenied("the disk is full")
        return append(kind, **fields)

    monkeypatch.setattr(opt._opened.log, "append", fail_once)
    with pytest.raises(StoreDenied):
        opt.tell(trial, {"loss": 1}, stage_seconds={"train": 3})
    assert opt.best is None
    opt.tell(trial, {"loss": 1}, stage_seconds={"train": 3})
    chronicle = Chronicle()
    chronicle.add(opt._opened.log.read_all())
    assert chronicle.story(trial.name).completed.metrics["loss"] == 1
    opt.close()


def test_a_study_learns_from_earlier_ones_in_the_folder(kept, make, tmp_path):
    for name, best in (("first", 0.4), ("second", 0.5), ("third", 0.45)):
        with make(folder=tmp_path, name=name, budget={"maxTrials": 12}) as earlier:
            for trial in earlier:
                earlier.tell(trial, {"loss": (trial.parameters["x"] - best) ** 2})
    transfer = {"studies": ["first", "second", "third"]}
    with kept(searcher="Auto", transfer=transfer) as opt:
        trial = opt.ask()
        assert trial.why["prior"]["portfolio"] == 0
        assert abs(trial.parameters["x"] - 0.45) < 0.3
        opt.tell(trial, {"loss": (trial.parameters["x"] - 0.45) ** 2})
        assert opt.ask().parameters != trial.parameters

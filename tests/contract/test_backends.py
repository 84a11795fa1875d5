"""What every `TrialBackend` promises, over virtual time and over real processes."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tuner.artifacts import FolderSettings, FolderStore
from tuner.backends.attempts import Phase
from tuner.backends.local import LocalRunner, LocalSettings
from tuner.backends.managed import ManagedBackend
from tuner.backends.planner import Planner
from tuner.backends.simulated import MemoryStore, SimulatedRunner, VirtualClock
from tuner.backends.view import LogView
from tuner.log import Kind, StudyLog
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceType, TuningStudy
from tuner.study.bodies import Promotion, promoted_body, proposed_body
from tuner.study.terms import terms_of
from tuner.trial import Command, Trial, trial_name

DEADLINE_SECONDS = 60.0
SCRIPT = """
unit=$(cat "$TUNER_CHECKPOINT_DIR/unit" 2>/dev/null || echo 0)
while [ "$unit" -lt "${TUNER_FIDELITY%.*}" ]; do
  sleep "$TUNER_PARAM_PAUSE"
  unit=$((unit + 1))
  echo "$unit" >"$TUNER_CHECKPOINT_DIR/unit"
  echo "{\\"unit\\": $unit, \\"loss\\": $unit}" >>"$TUNER_REPORTS"
done
exit "$TUNER_PARAM_CODE"
"""
STUDY = {
    "metadata": {"name": "s"},
    "spec": {
        "objectives": [{"metric": "loss", "direction": "Minimize"}],
        "parameters": [
            {"name": "pause", "ordinal": {"values": [0.01, 0.5]}},
            {"name": "code", "ordinal": {"values": [0, 3]}},
        ],
        "hardware": {"instanceTypes": ["small"]},
        "pipeline": {"stages": [{"name": "train", "command": ["sh", "train.sh"]}]},
        "fidelity": {"name": "unit", "stage": "train", "max": 4},
        "scheduler": {"type": "None"},
        "parallelTrials": 2,
        "budget": {"maxTrials": 5},
    },
}
TYPES = {
    "small": InstanceType.model_validate(
        {"metadata": {"name": "small"}, "spec": {"pricePerHour": 3.6, "resources": {"cpu": 1}}}
    )
}


class Sleeper:
    """The script above in virtual time."""

    def seconds(self, plan, *, stage, fidelity):
        return float(stage.parameters["pause"]) * fidelity

    def metrics(self, plan, *, stage, fidelity):
        return {"loss": fidelity}


@dataclass
class Bench:
    """A study with a backend that can be closed and opened again."""

    store: object
    make_runner: object
    folder: Path
    backends: list = field(default_factory=list)
    seen: list = field(default_factory=list)

    def __post_init__(self):
        self.spec = TuningStudy.model_validate(STUDY).spec
        self.identity = StudyIdentity(name="s", uid="local-1")
        self.open()

    def log(self):
        return StudyLog(self.store, self.identity.study_prefix)

    def open(self):
        """A backend as a new process would have it."""
        planner = Planner(
            spec=self.spec,
            study=self.identity,
            instance_types={name: one.spec for name, one in TYPES.items()},
            base=lambda trial, attempt: str(self.folder / "attempts" / trial / str(attempt)),
            code_identity="code",
        )
        self.backends.append(
            ManagedBackend(
                runner=self.make_runner(),
                view=LogView(self.log()),
                planner=planner,
                terms=terms_of(self.spec),
            )
        )
        return self.backend

    @property
    def backend(self):
        return self.backends[-1]

    def propose(self, number, *, pause=0.01, code=0):
        trial = Trial(
            name=trial_name("s", worker=0, number=number),
            worker=0,
            number=number,
            parameters={"pause": pause, "code": code},
            instance_types={"train": "small"},
        )
        body = proposed_body(trial)
        self.log().append(Kind.PROPOSED, trial=trial.name, attempt=0, body=body)
        self.backend.start(trial)
        return trial

    def reopen(self, **changes):
        """The same study with other fields in its spec."""
        self.backend.close()
        manifest = {**STUDY, "spec": {**STUDY["spec"], **changes}}
        self.spec = TuningStudy.model_validate(manifest).spec
        self.open()

    def promote(self, trial, level, *, tell=True):
        promotion = Promotion(
            trial=trial.name, bracket=0, level=level, place=int(level > 1), worker=0, rank=1, of=1
        )
        self.log().append(
            Kind.PROMOTED,
            trial=trial.name,
            attempt=0,
            part=str(promotion.place),
            body=promoted_body(promotion),
        )
        if tell:
            self.backend.resume(trial.name, level=level)

    def until(self, state, trial, *, timeout_seconds=0.2):
        """Polls until the trial was seen in that state; the event."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            found = [one for one in self.seen if (one.trial, one.state) == (trial.name, state)]
            if found:
                return found[-1]
            self.seen += self.backend.poll(timeout_seconds=timeout_seconds)
        raise AssertionError(f"{trial.name} was never {state}; seen: {self.seen}")

    def results(self, trial):
        return [one for one in self.log().read_all() if one.trial == trial.name]


@pytest.fixture(params=["simulated", "local"])
def bench(request, tmp_path):
    if request.param == "simulated":
        clock = VirtualClock()
        store = MemoryStore(clock)
        log = StudyLog(store, "studies/local/s.local-1", clock=clock)
        runner = SimulatedRunner(log=log, blackbox=Sleeper(), clock=clock)
        made = Bench(store, lambda: runner, tmp_path)
    else:
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "train.sh").write_text(SCRIPT)
        settings = LocalSettings(
            folder=tmp_path / "attempts",
            working_folder=tmp_path / "code",
            store=FolderSettings(folder=str(tmp_path / "store")),
            cpus={"small": 0.5},
        )
        made = Bench(FolderStore(tmp_path / "store"), lambda: LocalRunner(settings), tmp_path)
    yield made
    made.backend.close()


def test_a_trial_completes_and_its_result_is_in_the_log(bench):
    trial = bench.propose(0)
    event = bench.until("Completed", trial)
    assert (event.attempt, event.reason) == (1, "Completed")
    assert event.cost_usd > 0
    kinds = [one.kind for one in bench.results(trial)]
    assert {Kind.PROPOSED, Kind.REPORTS, Kind.STAGE, Kind.RESULT, Kind.VERDICT} == set(kinds)
    assert bench.backend.open_trials() == []


def test_what_ended_before_anybody_asked_is_told(bench):
    bench.propose(0)
    runner = bench.backend._runner
    deadline = time.monotonic() + DEADLINE_SECONDS
    while runner.attempts()[0].phase is not Phase.ENDED and time.monotonic() < deadline:
        runner.wait(1.0)
    assert [one.state for one in bench.backend.poll(timeout_seconds=0)] == ["Completed"]


def test_starting_twice_is_starting_once(bench):
    trial = bench.propose(0)
    bench.backend.start(trial)
    bench.until("Completed", trial)
    bench.backend.start(trial)
    bench.backend.poll(timeout_seconds=0)
    assert bench.backend.open_trials() == []
    assert sum(one.kind is Kind.RESULT for one in bench.results(trial)) == 1


def test_a_stopped_trial_is_cancelled(bench):
    trial = bench.propose(0, pause=0.5)
    bench.until("Running", trial, timeout_seconds=0.01)
    bench.backend.command(trial.name, Command.STOP)
    assert bench.until("Cancelled", trial).reason == "Command"


def test_a_checkpointed_trial_goes_on(bench):
    trial = bench.propose(0, pause=0.5)
    bench.until("Running", trial, timeout_seconds=0.01)
    bench.backend.command(trial.name, Command.CHECKPOINT)
    event = bench.until("Completed", trial)
    assert event.attempt == 2
    assert [one.body["state"] for one in bench.results(trial) if one.kind is Kind.VERDICT] == [
        "Paused",
        "Completed",
    ]


def test_a_trial_that_its_rung_paused_goes_on_once_it_is_promoted(bench):
    bench.reopen(scheduler={"type": "Hyperband", "variant": "Promotion"})
    trial = bench.propose(0, pause=0.5)
    event = bench.until("Paused", trial)
    assert (event.reason, event.attempt) == ("Rung", 1)
    bench.backend.poll(timeout_seconds=0.05)
    assert [one.state for one in bench.backend.open_trials()] == ["Paused"]
    # A place is free: another one runs and pauses meanwhile.
    bench.until("Paused", bench.propose(1))
    for level in (1.0, 3.0):
        bench.promote(trial, level)
        bench.promote(trial, level)
        bench.seen.clear()
        bench.until("Paused" if level == 1.0 else "Completed", trial)
    assert [one.body["state"] for one in bench.results(trial) if one.kind is Kind.VERDICT] == [
        "Paused",
        "Paused",
        "Completed",
    ]
    curve = {
        report["fidelity"]: one.attempt
        for one in bench.results(trial)
        if one.kind is Kind.REPORTS
        for report in one.body["reports"]
    }
    assert curve == {1.0: 1, 2.0: 2, 3.0: 2, 4.0: 3}


def test_a_promotion_outlives_the_backend_that_was_told(bench):
    bench.reopen(scheduler={"type": "Hyperband", "variant": "Promotion"})
    trial = bench.propose(0)
    bench.until("Paused", trial)
    bench.backend.close()
    bench.open()
    assert [one.state for one in bench.backend.open_trials()] == ["Paused"]
    bench.promote(trial, 1.0, tell=False)
    bench.backend.close()
    bench.open()
    bench.seen.clear()
    bench.until("Paused", trial)
    assert bench.log().get_decision(0, 3.0, trial=trial.name).verb == "Pause"


def test_promotions_of_unknown_and_ended_trials_are_passed_over(bench):
    bench.backend.resume("s-0-9", level=1.0)
    trial = bench.propose(0)
    bench.until("Completed", trial)
    bench.backend.resume(trial.name, level=1.0)
    assert bench.backend.open_trials() == []


def test_commands_to_unknown_and_ended_trials_are_passed_over(bench):
    bench.backend.command("s-0-9", Command.STOP)
    trial = bench.propose(0)
    bench.until("Completed", trial)
    bench.backend.command(trial.name, Command.STOP)
    bench.backend.poll(timeout_seconds=0)
    assert bench.backend.open_trials() == []


def test_a_new_backend_finds_open_trials_and_finishes_them(bench):
    first, second = bench.propose(0, pause=0.5), bench.propose(1, pause=0.5)
    bench.until("Running", first, timeout_seconds=0.01)
    bench.backend.close()
    bench.open()
    assert {one.trial for one in bench.backend.open_trials()} == {first.name, second.name}
    bench.until("Completed", first)
    bench.until("Completed", second)
    for trial in (first, second):
        assert sum(one.kind is Kind.RESULT for one in bench.results(trial)) == 1


def test_polling_ends_in_time_when_nothing_changes(bench):
    before = bench.backend.now()
    assert bench.backend.poll(timeout_seconds=0.05) == []
    assert bench.backend.now() >= before

"""A bucket in memory with studies in it, as workers, agents and the operator leave them."""

from dataclasses import asdict

import pytest

from tuner.backends.simulated import MemoryStore
from tuner.log import Kind, StudyLog
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult

NAMESPACE = "ml"
TYPES = {
    "small": InstanceTypeSpec(price_per_hour=1.0, resources={"cpu": "2"}),
    "large": InstanceTypeSpec(price_per_hour=3.0, resources={"cpu": "8"}),
}


def make_spec(**changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [
                {"metric": "loss", "direction": "Minimize"},
                {"metric": "cost", "direction": "Minimize"},
            ],
            "parameters": [
                {"name": "lr", "float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
                {"name": "words", "ordinal": {"values": [100, 200]}},
            ],
            "hardware": {"instanceTypes": ["small", "large"]},
            "pipeline": {
                "image": "example/image:1",
                "stages": [
                    {"name": "prepare", "command": ["prepare"], "parameters": ["words"]},
                    {"name": "train", "command": ["train"], "parameters": ["lr"]},
                ],
            },
            "fidelity": {"name": "epoch", "stage": "train", "max": 10},
            "budget": {"maxTrials": 8},
            **changes,
        }
    )


class Bucket:
    """What is in the store, and the clock on which it was written."""

    def __init__(self):
        self.now = 1000.0
        self.store = MemoryStore(self.tick)

    def tick(self):
        self.now += 0.001
        return self.now

    def study(self, name, *, uid="u1", labels=None, **changes):
        identity = StudyIdentity(name=name, namespace=NAMESPACE, uid=uid)
        log = StudyLog(self.store, identity.study_prefix)
        log.put_marker(
            {
                "name": name,
                "uid": uid,
                "labels": labels or {},
                "instanceTypes": {
                    key: one.model_dump(mode="json", by_alias=True, exclude_none=True)
                    for key, one in TYPES.items()
                },
                "spec": make_spec(**changes).model_dump(
                    mode="json", by_alias=True, exclude_none=True
                ),
            }
        )
        return log

    def trial(self, log, number, *, loss, lr=0.01, words=100, type_="small", curve=()):
        name = f"t-0-{number}"
        trial = Trial(
            name=name,
            worker=0,
            number=number,
            parameters={"lr": lr, "words": words},
            instance_types={"prepare": type_, "train": type_},
        )
        log.append(Kind.PROPOSED, trial=name, attempt=0, body=proposed_body(trial))
        stages = [
            _stage("prepare", "Cached" if number else "Run", seconds=20.0, type_=type_),
            _stage("train", "Run", seconds=100.0 * words / 100, type_=type_, loss=loss),
        ]
        for one in stages:
            log.append(Kind.STAGE, trial=name, attempt=1, part=one.stage, body=asdict(one))
        for part, (epoch, value) in enumerate(curve):
            body = {"reports": [{"fidelity": epoch, "metrics": {"loss": value, "cost": 0.1}}]}
            log.append(Kind.REPORTS, trial=name, attempt=1, part=str(part), body=body)
        result = TrialResult(
            trial=name,
            attempt=1,
            outcome=Outcome.COMPLETED,
            reason="",
            message="",
            fidelity=10.0,
            metrics={"loss": loss, "cost": 0.5, "runtime": 120.0},
            stages=tuple(stages),
        )
        log.append(Kind.RESULT, trial=name, attempt=1, body=asdict(result))
        verdict = Verdict(state=TrialState.COMPLETED, cost_usd=0.5)
        log.append(Kind.VERDICT, trial=name, attempt=1, body=verdict.to_body())
        return name


def _stage(name, outcome, *, seconds, type_, **metrics):
    return StageResult(
        stage=name,
        outcome=StageOutcome(outcome),
        seconds=seconds,
        cost_usd=seconds / 3600,
        first_run_seconds=seconds,
        instance_type=type_,
        metrics=metrics,
    )


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def identity():
    """The study that learns."""
    return StudyIdentity(name="new", namespace=NAMESPACE, uid="u9")


@pytest.fixture
def spec_of():
    """Specs that differ in the given fields."""
    return make_spec


@pytest.fixture
def types():
    return dict(TYPES)

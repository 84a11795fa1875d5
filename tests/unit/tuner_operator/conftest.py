"""Factories of what one reconciliation looks at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.status import TuningStudyStatus
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrialSpec, TuningTrialStatus
from tuner_operator.actions import Ref
from tuner_operator.observed import LogView, Observed, StoreView, StudyView, TrialView
from tuner_operator.settings import Settings

NOW = 1_800_000_000.0

sys.path.insert(0, str(Path(__file__).parent / "support"))


@pytest.fixture
def spec():
    """A study's spec; keyword arguments replace top-level fields."""

    def make(**changes):
        return TuningStudySpec.model_validate(
            {
                "objectives": [{"metric": "loss", "direction": "Minimize"}],
                "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
                "hardware": {"instanceTypes": ["small"]},
                "pipeline": {
                    "image": "busybox:1",
                    "stages": [{"name": "train", "command": ["true"]}],
                },
                "parallelTrials": 2,
                "budget": {"maxTrials": 10},
                **changes,
            }
        )

    return make


@pytest.fixture
def trial():
    """A trial of study s; `status` in the API's words."""

    def make(number, *, types=None, status=None, owner="study-uid", x=0.5, bracket=0, **changes):
        name = f"s-0-{number}"
        return TrialView(
            ref=Ref(kind="TuningTrial", namespace="ns", name=name, uid=f"uid-{number}"),
            spec=TuningTrialSpec.model_validate(
                {
                    "study": "s",
                    "worker": 0,
                    "number": number,
                    "parameters": {"x": x},
                    "instanceTypes": types or {"train": "small"},
                    "bracket": bracket,
                }
            ),
            status=TuningTrialStatus.model_validate(status or {}),
            generation=1,
            created=NOW - 100 + number,
            owner_uid=owner,
            **changes,
        )

    return make


@pytest.fixture
def observed(spec):
    """Everything in order: the store answers, the log was read, one type, no trials."""

    def make(*trials, of=None, status=None, types=None, settings=None, **changes):
        study = StudyView(
            ref=Ref(kind="TuningStudy", namespace="ns", name="s", uid="study-uid"),
            spec=of or spec(),
            status=TuningStudyStatus.model_validate(status or {}),
            generation=1,
            created=NOW - 1000,
        )
        facts = {
            "now": NOW,
            "study": study,
            "settings": settings or Settings(),
            "trials": {one.name: one for one in trials},
            "instance_types": {
                name: InstanceTypeSpec.model_validate(offer)
                for name, offer in (types or {"small": {"pricePerHour": 1.0}}).items()
            },
            "store": StoreView(reachable=True),
            "log": LogView(),
        }
        return Observed(**{**facts, **changes})

    return make

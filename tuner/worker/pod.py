"""A worker in a pod of its own: what it is told, and where it asks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.artifacts import StoreSettings, decode_settings
from tuner.errors import TunerError
from tuner.hardware import Group, StageChoices
from tuner.log import Crowd
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceTypeSpec, LookAhead, TuningStudySpec
from tuner.trial import trial_name
from tuner.worker.loop import Demand

STUDY_FOLDER = Path("/etc/tuner/study")
CREDENTIALS = Path("/etc/tuner/store")
_FRESH_SECONDS = 2.0
COLLECT = (50_000, 20, 100)
"""Thresholds of the garbage collector: a worker holds some million objects for as long as it lives,
hardly any in cycles, and walking them all would take a good part of a proposal's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """Who a worker is, from its pod's environment.

    Attributes:
        study: Whose trials it proposes.
        ordinal: Its own, from 0.
        workers: How many workers the study has.
        store: Where the study log is.
    """

    study: StudyIdentity
    ordinal: int
    workers: int
    store: StoreSettings

    @property
    def crowd(self) -> Crowd:
        """With whom it shares the work of reading the log."""
        own = trial_name(self.study.name, worker=self.ordinal, number=0)[:-1]
        return Crowd(ordinal=self.ordinal, readers=self.workers, own=own)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> PodSettings:
        """Reads TUNER_*. Raises TunerError, naming the variable that is missing."""
        try:
            return cls(
                study=StudyIdentity(
                    name=env["TUNER_STUDY"],
                    namespace=env["TUNER_NAMESPACE"],
                    uid=env["TUNER_STUDY_UID"],
                ),
                ordinal=int(env["TUNER_WORKER"]),
                workers=int(env["TUNER_WORKERS"]),
                store=decode_settings(env["TUNER_STORE"]),
            )
        except KeyError as error:
            raise TunerError(f"the environment lacks {error.args[0]}") from error


def slots_of(parallel_trials: int, *, ordinal: int, workers: int) -> int:
    """A worker's share of the trials that may run at once; the shares add up."""
    return parallel_trials // workers + (ordinal < parallel_trials % workers)


def trials_ahead(slots: int, *, ahead: str) -> int:
    """How many trials a worker with so many places proposes beyond them.

    Pods that are made ahead come from these: half a place's worth each keeps evaluations of ten
    seconds supplied (docs/design/0010).
    """
    if ahead == LookAhead.POD:
        return -(-slots // 2)
    return int(ahead == LookAhead.TRIAL)


def read_choices(spec: TuningStudySpec, *, folder: Path = STUDY_FOLDER) -> StageChoices:
    """The instance types as the operator resolved them: a worker reads no cluster-scoped kind.

    Raises:
        TunerError: The operator has not written them for this pipeline.
    """
    try:
        types: dict[str, list[str]] = json.loads((folder / "stages.json").read_text())
        shared = tuple(stage.name for stage in spec.pipeline.stages if stage.hardware is None)
        own = [(stage.name,) for stage in spec.pipeline.stages if stage.hardware is not None]
        order = {stage.name: place for place, stage in enumerate(spec.pipeline.stages)}
        groups = sorted([*own, *([shared] if shared else [])], key=lambda names: order[names[0]])
        return StageChoices(tuple(Group(names, tuple(types[names[0]])) for names in groups))
    except (OSError, ValueError, KeyError) as error:
        raise TunerError(f"the resolved instance types cannot be read: {error}") from error


def read_instance_types(*, folder: Path = STUDY_FOLDER) -> dict[str, InstanceTypeSpec]:
    """Price, resources and accelerator of each instance type, as the operator wrote them.

    Raises:
        TunerError: The operator has not written them.
    """
    try:
        types: dict[str, Any] = json.loads((folder / "instance-types.json").read_text())
        return {name: InstanceTypeSpec.model_validate(spec) for name, spec in types.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise TunerError(f"the resolved instance types cannot be read: {error}") from error


def described_hardware(*, folder: Path = STUDY_FOLDER) -> str:
    """What the operator says of the study's instance types, as a text to compare.

    The kubelet replaces both files at once when they change.

    Raises:
        TunerError: The operator has not written them.
    """
    try:
        names = ("stages.json", "instance-types.json")
        return "\n".join((folder / name).read_text() for name in names)
    except OSError as error:
        raise TunerError(f"the resolved instance types cannot be read: {error}") from error


class StudyWatch:
    """The study as the API server has it, asked for at most every two seconds.

    Args:
        fetch: Gets the TuningStudy; None if there is none. May raise BackendError.
        settings: Who asks.
        monotonic: Seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any] | None],
        settings: PodSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._settings = settings
        self._monotonic = monotonic
        self._read: float | None = None
        self._study: Mapping[str, Any] | None = None

    def study(self) -> Mapping[str, Any] | None:
        """The TuningStudy; None if it is gone or another one has its name. Raises BackendError."""
        now = self._monotonic()
        if self._read is None or now - self._read >= _FRESH_SECONDS:
            found = self._fetch()
            same = found is not None and found["metadata"]["uid"] == self._settings.study.uid
            self._study = found if same else None
            self._read = now
        return self._study

    def scarce(self) -> Mapping[str, int]:
        """How many trials scarce types can take, as the operator says. Raises BackendError."""
        study = self.study()
        told = ((study or {}).get("status") or {}).get("scarce") or ()
        return {str(one["instanceType"]): int(one["room"]) for one in told}

    def demand(self) -> Demand:
        """How many trials this worker shall keep open now. Raises BackendError."""
        study = self.study()
        if study is None or study["metadata"].get("deletionTimestamp"):
            return Demand(slots=0, ended=True)
        spec = study["spec"]
        suspended = bool(spec.get("suspend"))
        slots = slots_of(
            int(spec.get("parallelTrials", 1)),
            ordinal=self._settings.ordinal,
            workers=self._settings.workers,
        )
        ahead = (spec.get("workers") or {}).get("lookAhead", LookAhead.NONE)
        return Demand(
            slots=0 if suspended else slots,
            ahead=trials_ahead(slots, ahead=ahead),
            prepared=ahead != LookAhead.NONE,
            max_trials=spec["budget"].get("maxTrials"),
            ended=(study.get("status") or {}).get("state") in ("Succeeded", "Failed"),
        )

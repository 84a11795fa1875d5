"""Trials as TuningTrial objects, which the operator runs as pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from kubernetes import client

from tuner.backends._protocol import BackendEvent
from tuner.backends.kubernetes.connection import (
    CONFLICT,
    NOT_FOUND,
    REQUEST_TIMEOUT,
    call,
)
from tuner.backends.kubernetes.objects import (
    PROMOTED,
    STUDY_LABEL,
    WORKER_LABEL,
    event_of,
    gone,
    is_open,
    owned_by,
    trial_manifest,
)
from tuner.backends.kubernetes.watching import PLURAL, TrialWatch
from tuner.errors import BackendError, NotSupported
from tuner.pipeline import StudyIdentity
from tuner.spec.meta import GROUP, VERSION
from tuner.trial import Command, Trial

SYNC_SECONDS = 30.0


class KubernetesBackend:
    """A `TrialBackend` of one worker: it creates its trials and watches them, and no others.

    Needs the rights of the ClusterRole `tuner-worker` only. Names are deterministic, so a trial
    that exists already is the same proposal and is adopted.

    Args:
        api: A configured client.
        study: Whose trials.
        worker: The worker's ordinal.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        api: client.ApiClient,
        *,
        study: StudyIdentity,
        worker: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._study = study
        self._clock = clock
        selector = f"{STUDY_LABEL}={study.name},{WORKER_LABEL}={worker}"
        self._watch = TrialWatch(api, namespace=study.namespace, selector=selector, uid=study.uid)
        self._watch.start()

    def start(self, trial: Trial) -> None:
        """Creates the TuningTrial; see `TrialBackend`. Raises BackendError."""
        manifest = trial_manifest(trial, study=self._study)
        created = call(
            lambda: self._objects.create_namespaced_custom_object(
                GROUP,
                VERSION,
                self._study.namespace,
                PLURAL,
                manifest,
                _request_timeout=REQUEST_TIMEOUT,
            ),
            passing=CONFLICT,
        )
        item: Any = created if created is not None else self._existing(trial.name)
        self._watch.put(item)

    def resume(self, trial: str, *, level: float) -> None:
        """Marks a promoted TuningTrial for the operator; see `TrialBackend`. Raises BackendError.

        Any worker may promote any trial of its study; one that is gone needs no mark.
        """
        call(
            lambda: self._objects.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                self._study.namespace,
                PLURAL,
                trial,
                {"metadata": {"annotations": {PROMOTED: f"{level:g}"}}},
                _request_timeout=REQUEST_TIMEOUT,
            ),
            passing=NOT_FOUND,
        )

    def command(self, trial: str, command: Command) -> None:
        """Not a worker's right: the operator alone commands pods. Raises NotSupported."""
        raise NotSupported(f"{command} of {trial}: on a cluster the operator commands trials")

    def poll(self, *, timeout_seconds: float) -> Sequence[BackendEvent]:
        """What changed since the last call; see `TrialBackend`."""
        changes = self._watch.changes(timeout_seconds=timeout_seconds)
        now = self._clock()
        return [
            gone(name, time=now) if item is None else event_of(item, time=now)
            for name, item in changes.items()
        ]

    def open_trials(self) -> Sequence[BackendEvent]:
        """Every trial of this worker that has not ended. Raises BackendError if none was listed."""
        trials = self._watch.trials(timeout_seconds=SYNC_SECONDS)
        if trials is None:
            raise BackendError("the API server has not listed this worker's trials yet")
        now = self._clock()
        return [event_of(item, time=now) for item in trials.values() if is_open(item)]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def close(self) -> None:
        """Stops the watch; trials go on."""
        self._watch.close()

    def _existing(self, name: str) -> Any:
        found: Any = call(
            lambda: self._objects.get_namespaced_custom_object(
                GROUP,
                VERSION,
                self._study.namespace,
                PLURAL,
                name,
                _request_timeout=REQUEST_TIMEOUT,
            )
        )
        if not owned_by(found, uid=self._study.uid):
            raise BackendError(f"trial {name} exists already and belongs to another study")
        return found

"""`python -m tuner.worker`: one worker of a study, in a pod that the operator made."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading

from tuner.artifacts import FileCredentials, open_store
from tuner.backends.kubernetes.backend import KubernetesBackend
from tuner.backends.kubernetes.connection import connect
from tuner.backends.kubernetes.studies import fetch_study
from tuner.backends.view import LogView
from tuner.errors import TunerError
from tuner.log import StudyLog
from tuner.logs import set_up_logs
from tuner.spec import TuningStudySpec
from tuner.worker.loop import LONGEST_PAUSE_SECONDS, Worker, WorkerSettings
from tuner.worker.memory import KEPT, Memory
from tuner.worker.pod import COLLECT, CREDENTIALS, PodSettings, StudyWatch
from tuner.worker.promoting import Promoter
from tuner.worker.searching import pod_searcher

_logger = logging.getLogger("tuner.worker")


def main() -> int:
    """Proposes until the study has ended or the pod is told to go. Returns the exit code."""
    set_up_logs()
    gc.set_threshold(*COLLECT)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = PodSettings.from_environment(os.environ)
    except TunerError as error:
        _logger.error("%s", error)
        return 1
    pause = 1.0
    while not stop.is_set():
        try:
            _work(settings, stop)
            return 0
        except TunerError as error:
            # Leaving would cost the kubelet's growing delays between restarts.
            _logger.warning("again in %.0f s: %s", pause, error)
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return 0


def _work(settings: PodSettings, stop: threading.Event) -> None:
    api = connect()
    watch = StudyWatch(lambda: fetch_study(api, settings.study), settings)
    study = watch.study()
    if study is None:
        _logger.info("study %s is gone", settings.study.name)
        return
    spec = TuningStudySpec.model_validate(study["spec"])
    store = open_store(settings.store, credentials=FileCredentials(CREDENTIALS))
    view = LogView(StudyLog(store, settings.study.study_prefix), crowd=settings.crowd)
    backend = KubernetesBackend(api, study=settings.study, worker=settings.ordinal)
    worker = Worker(
        WorkerSettings(
            study=settings.study.name, ordinal=settings.ordinal, seed=spec.searcher.seed
        ),
        searcher=pod_searcher(watch, store=store, settings=settings),
        view=view,
        store=store,
        backend=backend,
        demand=watch.demand,
        memory=Memory(
            view.chronicle, worker=settings.ordinal, objectives=spec.objectives, kept=KEPT
        ),
        promoter=Promoter(spec, worker=settings.ordinal, view=view, backend=backend),
    )
    _logger.info("worker %d of study %s starts", settings.ordinal, settings.study.name)
    worker.run(stop)
    # The pod restarts what exits: a worker with nothing left to do waits to be deleted.
    while worker.ended and not stop.wait(_IDLE_SECONDS) and watch.demand().ended:
        pass


_IDLE_SECONDS = 5.0

if __name__ == "__main__":
    sys.exit(main())

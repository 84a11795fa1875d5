"""The worker: reads the study log, proposes, starts trials, and waits; one loop everywhere."""

from tuner.worker.loop import Worker, WorkerSettings

__all__ = ["Worker", "WorkerSettings"]

"""Trials as processes of this machine: the agent and the runner of a trial pod, without a pod."""

from tuner.backends.local.runner import LocalRunner, LocalSettings

__all__ = ["LocalRunner", "LocalSettings"]

"""Settings of an installation, read from the environment once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuner.errors import ManifestError
from tuner_operator.names import STORE_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of an installation.

    Attributes:
        namespaces: Watched namespaces; empty = all.
        own_namespace: Where the operator's Lease is.
        identity: Of this process in the Lease.
        agent_image: Image of the agent.
        worker_image: Image of the worker.
        pull_policy: Of both images; empty = the cluster's default.
        pull_secrets: Names of image pull secrets of both images.
        store: How the object store is reached, as JSON (`tuner.artifacts`); given to the agents.
        store_secret: Secret of each study's namespace with the store's credentials.
        summary_seconds: How often the study logs are read.
        resync_seconds: How often every study is reconciled though nothing happened.
        relist_seconds: How often everything is listed anew.
        lease_name: Name of the Lease.
        lease_seconds: How long a leader is believed without a sign of life.
        health_port: Of liveness and readiness.
        metrics_port: Of the metrics.
        worker_price_per_hour: USD a worker pod costs; 0 = not counted.
        history_limit: How many ended TuningTrials of a study are kept.
        pod_history_limit: How many ended pods of a study are kept, for their logs.
        sweep_after_seconds: How long a study must have been gone before its prefix is removed.
        crash_after: Ends the process after that many changing requests; tests only, 0 = never.
    """

    namespaces: tuple[str, ...] = ()
    own_namespace: str = "tuner"
    identity: str = "tuner-operator"
    agent_image: str = "tuner-agent:latest"
    worker_image: str = "tuner-worker:latest"
    pull_policy: str = ""
    pull_secrets: tuple[str, ...] = ()
    store: str = "{}"
    store_secret: str = STORE_SECRET
    summary_seconds: float = 10.0
    resync_seconds: float = 15.0
    relist_seconds: float = 300.0
    lease_name: str = "tuner-operator"
    lease_seconds: float = 15.0
    health_port: int = 8081
    metrics_port: int = 8080
    worker_price_per_hour: float = 0.0
    history_limit: int = 2000
    pod_history_limit: int = 200
    sweep_after_seconds: float = 3600.0
    crash_after: int = 0


def settings_from(env: Mapping[str, str]) -> Settings:
    """The settings that the environment holds: TUNER_<NAME>, POD_NAME and POD_NAMESPACE.

    Raises:
        ManifestError: A value is not of its type.
    """
    default = Settings()
    reader = _Reader(env)
    return Settings(
        namespaces=reader.words("WATCH_NAMESPACES"),
        own_namespace=env.get("POD_NAMESPACE") or default.own_namespace,
        identity=env.get("POD_NAME") or default.identity,
        agent_image=reader.text("AGENT_IMAGE", default.agent_image),
        worker_image=reader.text("WORKER_IMAGE", default.worker_image),
        pull_policy=reader.text("IMAGE_PULL_POLICY", default.pull_policy),
        pull_secrets=reader.words("PULL_SECRETS"),
        store=reader.text("STORE", default.store),
        store_secret=reader.text("STORE_SECRET", default.store_secret),
        summary_seconds=reader.number("SUMMARY_SECONDS", default.summary_seconds),
        resync_seconds=reader.number("RESYNC_SECONDS", default.resync_seconds),
        relist_seconds=reader.number("RELIST_SECONDS", default.relist_seconds),
        lease_name=reader.text("LEASE_NAME", default.lease_name),
        lease_seconds=reader.number("LEASE_SECONDS", default.lease_seconds),
        health_port=int(reader.number("HEALTH_PORT", default.health_port)),
        metrics_port=int(reader.number("METRICS_PORT", default.metrics_port)),
        worker_price_per_hour=reader.number("WORKER_PRICE_PER_HOUR", 0.0),
        history_limit=int(reader.number("HISTORY_LIMIT", default.history_limit)),
        pod_history_limit=int(reader.number("POD_HISTORY_LIMIT", default.pod_history_limit)),
        sweep_after_seconds=reader.number("SWEEP_AFTER_SECONDS", default.sweep_after_seconds),
        crash_after=int(reader.number("CRASH_AFTER", 0)),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.env.get(f"TUNER_{name}") or default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self.text(name, "").replace(",", " ").split())

    def number(self, name: str, default: float) -> float:
        text = self.env.get(f"TUNER_{name}")
        if not text:
            return default
        try:
            return float(text)
        except ValueError as error:
            raise ManifestError(f'TUNER_{name}: "{text}" is not a number') from error

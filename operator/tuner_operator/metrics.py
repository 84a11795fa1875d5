"""Prometheus metrics, by namespace and study only; a study's series go with the study."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tuner.spec.status import StudyCost, TrialCounts, TuningStudyStatus

_STUDY = ("namespace", "study")
_STATES = ("queued", "unschedulable", "running", "completed", "stopped", "failed")
_SPENT = ("spent", "workers", "preempted")
_SAVED = ("saved_by_cache", "saved_by_stopping")


class Metrics:
    """Every metric of the operator, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        gauge = self._gauge
        self._trials = gauge("tuner_study_trials", "Trials of a study by state", "state")
        self._cost = gauge("tuner_study_cost_usd", "What a study has paid, by kind", "kind")
        self._saved = gauge("tuner_study_saved_usd", "What a study has saved, by kind", "kind")
        self._front = gauge("tuner_study_front_trials", "Trials on the Pareto front")
        self._volume = gauge("tuner_study_hypervolume_ratio", "Hypervolume of the front")
        self._leader = Gauge(
            "tuner_operator_leader_ratio", "1 while this process leads", registry=self.registry
        )
        self.reconcile_seconds = Histogram(
            "tuner_reconcile_seconds",
            "Time of one pass over a study, requests included",
            registry=self.registry,
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
        )
        self.reconcile_failures = Counter(
            "tuner_reconcile_failures_total",
            "Passes over a study of which a part failed",
            registry=self.registry,
        )
        self._seen: set[tuple[str, str]] = set()

    def observe(self, namespace: str, study: str, *, status: TuningStudyStatus) -> None:
        """Takes over a study's status."""
        self._seen.add((namespace, study))
        place = (namespace, study)
        counts, cost = status.trials or TrialCounts(), status.cost or StudyCost()
        for state in _STATES:
            self._trials.labels(*place, state).set(getattr(counts, state))
        for kind in _SPENT:
            self._cost.labels(*place, kind).set(getattr(cost, kind))
        for kind in _SAVED:
            self._saved.labels(*place, kind.removeprefix("saved_by_")).set(getattr(cost, kind))
        self._front.labels(*place).set(status.front_size or 0)
        if status.hypervolume is not None:
            self._volume.labels(*place).set(status.hypervolume)

    def forget(self, namespace: str, study: str) -> None:
        """Removes the series of a study that is gone."""
        self._seen.discard((namespace, study))
        place: Mapping[str, str] = {"namespace": namespace, "study": study}
        for one in (self._trials, self._cost, self._saved, self._front, self._volume):
            one.remove_by_labels(dict(place))

    def keep_only(self, studies: set[tuple[str, str]]) -> None:
        """Removes the series of all other studies."""
        for namespace, study in self._seen - studies:
            self.forget(namespace, study)

    def lead(self, leads: bool) -> None:
        """Says whether this process leads."""
        self._leader.set(int(leads))

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str, *more: str) -> Gauge:
        return Gauge(name, text, labelnames=(*_STUDY, *more), registry=self.registry)

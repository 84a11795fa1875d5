"""What an attempt costs: from the binding to a node to its last container's end (design 0001)."""

from __future__ import annotations

from dataclasses import dataclass

from tuner_operator.pod_facts import PodFacts

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What is paid for, in seconds since the epoch; both None when no node was ever bound."""

    start: float | None = None
    end: float | None = None

    @property
    def seconds(self) -> float:
        """Its length."""
        if self.start is None or self.end is None:
            return 0.0
        return max(0.0, self.end - self.start)

    def cost_usd(self, *, price_per_hour: float) -> float:
        """Its cost, in USD."""
        return round(self.seconds * price_per_hour / HOUR, 9)


def interval(pod: PodFacts, *, now: float, last_sign: float | None = None) -> Interval:
    """What is paid for a pod.

    Args:
        pod: The pod.
        now: Seconds since the epoch; the end while it runs.
        last_sign: Of a pod that vanished: the last record or heartbeat of its agent.
    """
    if pod.scheduled is None:
        return Interval()
    if not pod.ended:
        end = now
    elif pod.finished is not None:
        end = pod.finished
    else:
        end = now if last_sign is None else min(now, last_sign)
    return Interval(start=pod.scheduled, end=max(pod.scheduled, end))

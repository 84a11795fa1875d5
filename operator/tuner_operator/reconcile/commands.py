"""Telling running trials to checkpoint or to stop; taking away those that do not listen."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.trial import Command
from tuner_operator import moments
from tuner_operator.actions import Action, Annotate, Delete
from tuner_operator.names import COMMAND, COMMAND_REASON, COMMAND_TIME
from tuner_operator.observed import Observed
from tuner_operator.pod_facts import PodFacts
from tuner_operator.reconcile.attempts import pod_ref

FLUSH_SECONDS = 30.0
"""What the agent may take to store the last report and checkpoint, beyond the stage's grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all running trials of a study are to do, and why, in one word."""

    command: Command
    reason: str


def enforce(
    observed: Observed, pod: PodFacts, *, order: Order, grace_seconds: float
) -> tuple[Action, ...]:
    """What makes one pod follow the order; nothing while it is about to."""
    if pod.ended or pod.deleting is not None:
        return ()
    ref = pod_ref(observed, pod)
    note = Annotate(
        ref,
        {
            COMMAND: str(order.command),
            COMMAND_TIME: moments.render(observed.now),
            COMMAND_REASON: order.reason,
        },
    )
    told = pod.command == order.command
    if pod.stage.state not in ("running", "terminated"):
        # Nothing runs that could listen.
        return (Delete(ref),) if told else (note, Delete(ref))
    if not told:
        return (note,)
    given = pod.command_time if pod.command_time is not None else pod.created
    late = observed.now > given + grace_seconds + FLUSH_SECONDS
    return (Delete(ref),) if late else ()

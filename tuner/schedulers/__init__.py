"""Early stopping: who goes on at a rung. Pure decisions, no numerical library."""

from tuner.schedulers._protocol import Decision, RungRecord, TrialScheduler, Verb
from tuner.schedulers.factory import make_scheduler, rung_objectives, scheduler_for
from tuner.schedulers.hyperband import MultiObjectiveHyperband, NoStopping, rung_levels

__all__ = [
    "Decision",
    "MultiObjectiveHyperband",
    "NoStopping",
    "RungRecord",
    "TrialScheduler",
    "Verb",
    "make_scheduler",
    "rung_levels",
    "rung_objectives",
    "scheduler_for",
]

"""Early stopping: who goes on at a rung. Pure decisions, no numerical library."""

from tuner.schedulers._protocol import Decision, RungRecord, Standing, TrialScheduler, Verb
from tuner.schedulers.brackets import bracket_levels, bracket_weights, choose_bracket
from tuner.schedulers.factory import (
    bracket_of,
    brackets_of,
    make_scheduler,
    rung_objectives,
    scheduler_for,
)
from tuner.schedulers.hyperband import MultiObjectiveHyperband, NoStopping, rung_levels

__all__ = [
    "Decision",
    "MultiObjectiveHyperband",
    "NoStopping",
    "RungRecord",
    "Standing",
    "TrialScheduler",
    "Verb",
    "bracket_levels",
    "bracket_of",
    "bracket_weights",
    "brackets_of",
    "choose_bracket",
    "make_scheduler",
    "rung_levels",
    "rung_objectives",
    "scheduler_for",
]

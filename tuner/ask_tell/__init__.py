"""Ask and tell: the search without a cluster, driven by the caller's own loop.

Proposals, history, rungs and log are those of the workers; only the running of trials is left to
the caller (docs/ask-tell.md).
"""

from tuner.ask_tell.optimizer import Optimizer
from tuner.errors import NotTold, StudyEnded
from tuner.study.summary import Point, Summary
from tuner.trial import Trial

__all__ = ["NotTold", "Optimizer", "Point", "StudyEnded", "Summary", "Trial"]

"""Trials in virtual time: the same admission, verdicts, rungs and log as everywhere else."""

from tuner.backends.simulated.blackbox import Blackbox, Fault, Killed
from tuner.backends.simulated.memory import MemoryStore
from tuner.backends.simulated.runner import SimulatedRunner, VirtualClock

__all__ = ["Blackbox", "Fault", "Killed", "MemoryStore", "SimulatedRunner", "VirtualClock"]

"""Where trials run: in virtual time, as local processes, or on a cluster; one Protocol for all.

Implementations are imported by module (`tuner.backends.local`, `.simulated`, `.kubernetes`).
"""

from tuner.backends._protocol import BackendEvent, TrialBackend

__all__ = ["BackendEvent", "TrialBackend"]

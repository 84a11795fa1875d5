"""The study log: append-only records, rungs, heartbeats and the catalogue (docs/design/0002)."""

from tuner.log.accepted import accepted_results
from tuner.log.keys import LogKey, RungEntry, study_prefix
from tuner.log.marker import CatalogueEntry, Heartbeat, namespaces, studies
from tuner.log.reading import Cursor
from tuner.log.records import Kind, Record
from tuner.log.rungs import StoredDecision
from tuner.log.study_log import StudyLog

__all__ = [
    "CatalogueEntry",
    "Cursor",
    "Heartbeat",
    "Kind",
    "LogKey",
    "Record",
    "RungEntry",
    "StoredDecision",
    "StudyLog",
    "accepted_results",
    "namespaces",
    "studies",
    "study_prefix",
]

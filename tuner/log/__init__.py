"""The study log: append-only records, rungs, heartbeats and the catalogue (docs/design/0002)."""

from tuner.log.following import Crowd
from tuner.log.keys import LogKey, RungEntry, study_prefix
from tuner.log.marker import CatalogueEntry, Heartbeat, namespaces, studies
from tuner.log.reader import LogReader
from tuner.log.records import Kind, Record
from tuner.log.rungs import StoredDecision
from tuner.log.study_log import Entry, StudyLog
from tuner.log.tending import Tender

__all__ = [
    "CatalogueEntry",
    "Crowd",
    "Entry",
    "Heartbeat",
    "Kind",
    "LogKey",
    "LogReader",
    "Record",
    "RungEntry",
    "StoredDecision",
    "StudyLog",
    "Tender",
    "namespaces",
    "studies",
    "study_prefix",
]

"""Which of several results of a trial counts."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.log.records import Kind, Record
from tuner.trial import Outcome

FINAL = frozenset({Outcome.COMPLETED, Outcome.STOPPED, Outcome.FAILED})
"""Outcomes that end a trial; the others ask for a next pod."""


def accepted_results(records: Iterable[Record]) -> dict[str, Record]:
    """The result that counts of each trial: of its lowest attempt that ended it, then lowest time.

    A later attempt's result, of a pod that was taken for dead, is kept in the log and never
    counted twice.
    """
    best: dict[str, Record] = {}
    for record in records:
        if record.kind is Kind.RESULT and record.body.get("outcome") in FINAL:
            other = best.get(record.trial)
            if other is None or _order(record) < _order(other):
                best[record.trial] = record
    return best


def _order(record: Record) -> tuple[int, int]:
    return record.attempt, record.milliseconds

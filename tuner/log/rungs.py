"""Rungs of Hyperband in the store: records whose vector is in the key, and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import ObjectCorrupt, ObjectMissing
from tuner.log.bodies import MAX_BODY_BYTES, decode_body, encode_body
from tuner.log.keys import RungEntry, label, parse_rung_name, rung_folder, rung_name

MAX_SAW = 4000
"""Rung records that a decision names; of a longer rung the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """What became of a trial at a rung, as the agent decided it.

    Attributes:
        verb: `Continue` or `Stop`.
        rank: 1-based place of the newcomer in the rung.
        of: How many trials the rung held.
        reason: One sentence for people.
        saw: Names of the rung records that the decision rests on.
    """

    verb: str
    rank: int
    of: int
    reason: str
    saw: tuple[str, ...] = ()


class Rungs:
    """Rung records and decisions of one study."""

    def __init__(self, store: ArtifactStore, prefix: str, *, patience: Patience) -> None:
        self._store = store
        self._prefix = prefix
        self._patience = patience

    def put(self, bracket: int, level: float, *, entry: RungEntry) -> str:
        """Writes a trial's vector at a rung and returns its key."""
        key = self._rung(bracket, level) + rung_name(entry)
        self._patience.call(lambda: self._store.put(key, b""))
        return key

    def entries(self, bracket: int, level: float) -> list[RungEntry]:
        """The rung, one entry a trial, by one LIST per 1,000 records and no GET."""
        return self._patience.call(lambda: self._list(self._rung(bracket, level)))

    def put_decision(
        self, bracket: int, level: float, *, trial: str, decision: StoredDecision
    ) -> None:
        """Stores a decision; it is read back after a restart, never taken again."""
        data = encode_body(
            {
                "decision": decision.verb,
                "rank": decision.rank,
                "of": decision.of,
                "reason": decision.reason,
                "saw": list(decision.saw[:MAX_SAW]),
            }
        )
        key = self._decision(bracket, level, trial)
        self._patience.call(lambda: self._store.put(key, data))

    def get_decision(self, bracket: int, level: float, *, trial: str) -> StoredDecision | None:
        """The stored decision, or None. Raises ObjectCorrupt."""
        key = self._decision(bracket, level, trial)
        try:
            data = self._patience.call(lambda: self._store.get(key, max_bytes=MAX_BODY_BYTES))
        except ObjectMissing:
            return None
        return _decision(decode_body(data, key=key), key)

    def _list(self, folder: str) -> list[RungEntry]:
        names = (info.key.removeprefix(folder) for info in self._store.list(folder))
        return accepted_entries(filter(None, map(parse_rung_name, names)))

    def _rung(self, bracket: int, level: float) -> str:
        return f"{self._prefix}/rungs/{rung_folder(bracket, level)}/"

    def _decision(self, bracket: int, level: float, trial: str) -> str:
        return f"{self._prefix}/decisions/{rung_folder(bracket, level)}/{label(trial)}.json"


def accepted_entries(entries: Iterable[RungEntry]) -> list[RungEntry]:
    """Of several entries of a trial the one of its lowest attempt, the first in key order."""
    best: dict[str, RungEntry] = {}
    for entry in entries:
        if entry.trial not in best or entry.attempt < best[entry.trial].attempt:
            best[entry.trial] = entry
    return list(best.values())


def _decision(body: Mapping[str, object], key: str) -> StoredDecision:
    match body:
        case {
            "decision": str(verb),
            "rank": int(rank),
            "of": int(of),
            "reason": str(reason),
            "saw": [*saw],
        }:
            return StoredDecision(
                verb=verb, rank=rank, of=of, reason=reason, saw=tuple(map(str, saw))
            )
    raise ObjectCorrupt(f"{key}: not a decision")

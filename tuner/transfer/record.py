"""What a study learns from, written down once: so its workers agree, now and after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectCorrupt, ObjectMissing
from tuner.log.bodies import MAX_BODY_BYTES, decode_body, encode_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An earlier study, as far as its log had come when it was chosen.

    Attributes:
        study: Its name.
        uid: Which study of that name.
        until: Milliseconds of the last record of its log that counts.
    """

    study: str
    uid: str
    until: int

    @property
    def name(self) -> str:
        """What tells it from every other study of the namespace."""
        return f"{self.study}.{self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRecord:
    """What a study learns from, and what came of it.

    Attributes:
        sources: The earlier studies.
        missing: Names in `spec.transfer.studies` that no study has.
        left_out: Why other studies are not among the sources, by name.
        prior: Under which key the prior is stored; empty if there is none.
        problem: Why there is none.
    """

    sources: tuple[Source, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    prior: str = ""
    problem: str = ""


def put_record(store: ArtifactStore, prefix: str, *, record: TransferRecord) -> None:
    """Writes the record of the study under `prefix`, over an earlier one. Raises StoreError."""
    store.put(_key(prefix), encode_body(asdict(record)))


def get_record(store: ArtifactStore, prefix: str) -> TransferRecord | None:
    """The record of the study under `prefix`, or None.

    Raises:
        ObjectCorrupt: It cannot be read.
        StoreError: The store does not answer.
    """
    key = _key(prefix)
    try:
        body = decode_body(store.get(key, max_bytes=MAX_BODY_BYTES), key=key)
    except ObjectMissing:
        return None
    match body:
        case {
            "sources": list(sources),
            "missing": list(missing),
            "left_out": dict(left_out),
            "prior": str(prior),
            "problem": str(problem),
        }:
            return TransferRecord(
                sources=tuple(_source(one, key=key) for one in sources),
                missing=tuple(map(str, missing)),
                left_out={str(name): str(why) for name, why in left_out.items()},
                prior=prior,
                problem=problem,
            )
    raise ObjectCorrupt(f"{key}: not what a study learns from")


def _source(value: object, *, key: str) -> Source:
    match value:
        case {"study": str(study), "uid": str(uid), "until": int(until)}:
            return Source(study=study, uid=uid, until=until)
    raise ObjectCorrupt(f"{key}: not a study: {value!r:.80}")


def _key(prefix: str) -> str:
    return f"{prefix}/transfer.json"

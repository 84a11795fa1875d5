"""Keys of the study log: pure encoding and decoding (docs/design/0002).

Identifiers are checked on the way in; a key that cannot be one of ours decodes to None.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuner.errors import LogError

MAX_MILLISECONDS = 10**13 - 1
"""13 digits: until the year 2286 keys sort as their times do."""

MAX_OBJECTIVES = 16

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAMESPACED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_LOG = re.compile(
    r"(?P<ms>[0-9]{13})\.(?P<kind>[a-z]{1,32})\.(?P<trial>[-a-z0-9]{1,63})"
    r"\.(?P<attempt>0|[1-9][0-9]{0,5})\.(?P<part>[-a-z0-9]{1,63})\.json"
)
_RUNG = re.compile(
    r"(?P<trial>[-a-z0-9]{1,63})\.(?P<attempt>0|[1-9][0-9]{0,5})\.(?P<vector>[A-Za-z0-9_-]+)"
)


@dataclass(frozen=True, slots=True, order=True)
class LogKey:
    """What the name of a log record tells; orders as the names do in time."""

    milliseconds: int
    kind: str
    trial: str
    attempt: int
    part: str

    @property
    def logical_id(self) -> tuple[str, str, int, str]:
        """What makes two writes the same record."""
        return (self.kind, self.trial, self.attempt, self.part)


@dataclass(frozen=True, slots=True)
class RungEntry:
    """One trial's objective vector at a rung, as reported (never sign-flipped).

    Attributes:
        trial: The trial's name.
        attempt: Which pod of the trial wrote it.
        vector: In the order of the objectives compared at rungs; NaN where the trial has no value.
    """

    trial: str
    attempt: int
    vector: tuple[float, ...]


def study_prefix(namespace: str, study: str, *, uid: str) -> str:
    """Where a study's objects live, without a slash at the end."""
    return f"studies/{label(namespace)}/{label(study)}.{_uid(uid)}"


def parse_study_folder(folder: str) -> tuple[str, str] | None:
    """The name and uid in `<study>.<uid>`, or None."""
    study, dot, uid = folder.partition(".")
    if not dot or not _LABEL.fullmatch(study) or not _NAMESPACED.fullmatch(uid):
        return None
    return study, uid


def log_name(key: LogKey) -> str:
    """The name below `log/`. Raises LogError for identifiers that cannot be in a key."""
    if not 0 <= key.milliseconds <= MAX_MILLISECONDS:
        raise LogError(f"not a time in milliseconds: {key.milliseconds}")
    identity = f"{key.kind}.{label(key.trial)}.{key.attempt}.{label(key.part)}"
    name = f"{key.milliseconds:013d}.{identity}.json"
    if not _LOG.fullmatch(name):
        raise LogError(f"not a name of a record: {name!r}")
    return name


@lru_cache(maxsize=8192)
def parse_log_name(name: str) -> LogKey | None:
    """The reverse of `log_name`; None for anything else.

    Kept: a reader lists the names of its last two minutes again and again.
    """
    found = _LOG.fullmatch(name)
    if found is None:
        return None
    return LogKey(
        int(found["ms"]), found["kind"], found["trial"], int(found["attempt"]), found["part"]
    )


def log_key(key: str) -> LogKey:
    """What the key of a record tells. Raises LogError for anything else."""
    found = parse_log_name(key.rpartition("/")[2])
    if found is None:
        raise LogError(f"not a key of a record: {key[:200]!r}")
    return found


def rung_name(entry: RungEntry) -> str:
    """The name below `rungs/<bracket>/<level>/`."""
    name = f"{label(entry.trial)}.{entry.attempt}.{encode_vector(entry.vector)}"
    if not _RUNG.fullmatch(name):
        raise LogError(f"not a name of a rung record: {name!r}")
    return name


def parse_rung_name(name: str) -> RungEntry | None:
    """The reverse of `rung_name`; None for anything else."""
    found = _RUNG.fullmatch(name)
    vector = None if found is None else decode_vector(found["vector"])
    if found is None or vector is None:
        return None
    return RungEntry(found["trial"], int(found["attempt"]), vector)


def rung_folder(bracket: int, level: float) -> str:
    """`<bracket>/<level>`, the level as `%g`."""
    if bracket < 0:
        raise LogError(f"not a bracket: {bracket}")
    if not math.isfinite(level) or level <= 0:
        raise LogError(f"not a rung's fidelity: {level}")
    return f"{bracket}/{level:g}"


def encode_vector(vector: Sequence[float]) -> str:
    """Base64url of big-endian float64s, without padding."""
    if not 1 <= len(vector) <= MAX_OBJECTIVES:
        raise LogError(f"a rung compares 1 to {MAX_OBJECTIVES} objectives, not {len(vector)}")
    if any(map(math.isinf, vector)):
        raise LogError(f"not finite: {tuple(vector)}")
    packed = struct.pack(f">{len(vector)}d", *vector)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode_vector(text: str) -> tuple[float, ...] | None:
    """The reverse of `encode_vector`; None for anything else."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not packed or len(packed) % 8 or len(packed) // 8 > MAX_OBJECTIVES:
        return None
    vector = struct.unpack(f">{len(packed) // 8}d", packed)
    return None if any(map(math.isinf, vector)) else vector


def label(text: str) -> str:
    """Returns `text` if it is a DNS label (what names and parts of keys are), else LogError."""
    if not _LABEL.fullmatch(text):
        raise LogError(f"not a DNS label: {text[:80]!r}")
    return text


def _uid(text: str) -> str:
    if not _NAMESPACED.fullmatch(text):
        raise LogError(f"not a uid: {text[:80]!r}")
    return text

"""Stage keys: what must be equal for an artifact to be used again, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.trial import ParameterValue

_SHOWN = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyParts:
    """Everything that a stage's artifact depends on.

    Attributes:
        image: The image with its digest, or the identity of the code in `tuner run`.
        scope: What keeps a key from being shared: the study's uid where the image has no digest,
            the trial's name where the stage is never cached; empty otherwise.
        command: Command and arguments before expansion.
        env: The stage's variables before expansion; values or descriptions of their source.
        instance_env: The instance type's variables.
        parameters: The declared, active parameters, typed by the search space.
        inputs: Version of each declared input.
        previous: Key of the stage before; empty for the first.
        fidelity: How far the stage trains, for the stage that does.
        instance_type: For stages whose artifact depends on it.
    """

    image: str
    scope: str = ""
    command: Sequence[str]
    env: Mapping[str, object] = field(default_factory=dict)
    instance_env: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    previous: str = ""
    fidelity: float | None = None
    instance_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageKey:
    """A key and what it was made of.

    Attributes:
        digest: sha256 in hex.
        components: Each part as a short text; a miss is explained by the parts that differ.
    """

    digest: str
    components: Mapping[str, str]


def stage_key(parts: KeyParts) -> StageKey:
    """The key of a stage: sha256 over canonical JSON, in which 1 and 1.0 differ."""
    components = {
        "image": parts.image,
        "scope": parts.scope,
        "command": list(parts.command),
        "env": dict(parts.env),
        "instance env": dict(parts.instance_env),
        "previous stage": parts.previous,
        "fidelity": parts.fidelity,
        "instance type": parts.instance_type,
        **{f"parameter {name}": value for name, value in parts.parameters.items()},
        **{f"input {name}": version for name, version in parts.inputs.items()},
    }
    texts = {name: _canonical(value) for name, value in components.items()}
    return StageKey(
        digest=_sha256(_canonical(texts)),
        components={name: _shown(text) for name, text in sorted(texts.items())},
    )


def has_digest(image: str) -> bool:
    """Whether an image reference names its content, not a tag that may move."""
    return "@sha256:" in image


def _canonical(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"sha256:{_sha256(text)[:16]}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Trained priors in the bucket: one object for all workers and studies that need the same."""

from __future__ import annotations

import logging
import re

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectMissing, ObjectTooLarge, SurrogateError
from tuner.surrogates.prior import Prior, decode_prior, encode_prior

MAX_PRIOR_BYTES = 64 << 20

_KEY = re.compile(r"[0-9a-f]{64}")
_logger = logging.getLogger(__name__)


class PriorShelf:
    """The priors of a namespace, as safetensors, by the key of what they are trained on.

    Whoever needs one that is missing or damaged trains and stores it: all who do so store the same,
    so concurrent writers are harmless.

    Args:
        store: The bucket.
        prefix: `cache/<namespace>`.
    """

    def __init__(self, store: ArtifactStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def get(self, key: str) -> Prior | None:
        """The prior; None if it is missing or damaged. Raises StoreError."""
        name = self._name(key)
        try:
            return decode_prior(self._store.get(name, max_bytes=MAX_PRIOR_BYTES))
        except ObjectMissing:
            return None
        except (ObjectTooLarge, SurrogateError) as error:
            _logger.warning("%s is damaged and will be made again: %s", name, error)
            return None

    def put(self, key: str, prior: Prior) -> None:
        """Stores the prior. Raises StoreError."""
        self._store.put(self._name(key), encode_prior(prior))

    def _name(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a sha256 in hex: {key[:80]!r}")
        return f"{self._prefix}/priors/{key}.safetensors"

"""The stage cache and the checkpoints: folders in the object store, never trusted unchecked."""

from tuner.cache.checkpoint import Checkpoint
from tuner.cache.checkpoints import CheckpointStore
from tuner.cache.manifest import Manifest, StageFacts
from tuner.cache.nearest import Difference
from tuner.cache.packing import Limits
from tuner.cache.stage_cache import Hit, Miss, MissReason, StageCache

__all__ = [
    "Checkpoint",
    "CheckpointStore",
    "Difference",
    "Hit",
    "Limits",
    "Manifest",
    "Miss",
    "MissReason",
    "StageCache",
    "StageFacts",
]

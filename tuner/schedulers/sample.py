"""An even sample of a long rung, where comparing with all of it would take too long.

Up to three objectives fronts are staircases and a rung of 10,000 records takes milliseconds. With
more the work grows with the square of the records, so that a newcomer is compared with a part of
them: those whose names have low checksums. Who is in it depends on names alone, which say nothing
about how a trial fared; every agent draws the same from the same rung.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from tuner.schedulers._protocol import RungRecord

ABOUT = 3000
"""So many records. The fronts of a sample are those of the whole but for chance; inside a front the
net of a sample is another one, as spread out as that of the whole."""

EXACT_OBJECTIVES = 3

_CHECKSUMS = 2**32


def sampled(
    records: Mapping[str, RungRecord], *, trial: str, objectives: int
) -> Mapping[str, RungRecord]:
    """The records that a decision about a trial looks at, its own among them.

    Args:
        records: Of the rung, by trial.
        trial: One of them.
        objectives: How many are compared.
    """
    if objectives <= EXACT_OBJECTIVES or len(records) <= ABOUT:
        return records
    below = ABOUT * _CHECKSUMS // len(records)
    return {
        name: record
        for name, record in records.items()
        if zlib.crc32(name.encode()) < below or name == trial
    }

"""What the engine does, for a searcher of the API or for an ablation of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuner.acquisition.maximise import Effort
from tuner.acquisition.pool import PoolSize


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine does, and how hard it tries. Counts, never times.

    Attributes:
        cost_aware: Whether spend counts.
        reuse: Whether prefixes in the cache are proposed and priced.
        transfer: Whether a prior of earlier studies is used.
        front_estimate: Whether the prior is asked, with several objectives, where the front is.
        eta_floor: The least weight of the spend, at the end of the budget, where the acquisition
            is sampled: with several objectives, with constraints.
        alone_floor: The same with one reported objective.
        pool: How many candidates of which kind.
        samples: Joint draws of metrics and stage times.
        starts: How many of the best candidates are refined.
        effort: How hard.
    """

    cost_aware: bool = True
    reuse: bool = True
    transfer: bool = True
    front_estimate: bool = True
    eta_floor: float = 0.5
    alone_floor: float = 1.0
    pool: PoolSize = field(default_factory=PoolSize)
    samples: int = 64
    starts: int = 8
    effort: Effort = field(default_factory=Effort)

"""Searchers that benchmarks compare: our engine with some settings, and the peers'."""

from __future__ import annotations

from benchmarks.peers.factory import make_peer
from benchmarks.simulate import Context
from tuner.searchers import Searcher
from tuner.searchers.auto import engine_searcher
from tuner.searchers.engine import EngineSettings


def engine_of(context: Context, settings: EngineSettings) -> Searcher:
    """Our engine with the prior of the study, if it has one."""
    return engine_searcher(
        context.spec,
        joint=context.joint,
        instance_types=context.instance_types,
        prior=context.prior,  # type: ignore[arg-type]
        settings=settings,
    )


def peer_of(context: Context, name: str) -> Searcher:
    """A peer that `make_peer` knows, seeded as the run."""
    return make_peer(
        name,
        spec=context.spec,
        space=context.space,
        choices=context.choices,
        seed=context.seed,
    )

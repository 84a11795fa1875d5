"""Who takes part in the benchmark of the front: ours, its ablations, peers and controls."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.frontier.completions import CompletionSearcher
from benchmarks.peers.factory import make_peer
from benchmarks.simulate import Context, SearcherFactory
from tuner.searchers import Searcher
from tuner.searchers.auto import engine_searcher
from tuner.searchers.engine import EngineSettings
from tuner.searchers.random import RandomSearcher

OURS = "Auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One contender.

    Attributes:
        name: In tables.
        kind: "ours", "ablation", "peer" or "control".
        settings: Of our engine; None for others.
        peer: A name that `make_peer` knows.
        cached: Whether stages are used again.
        stops: Whether poor trials are stopped early (by the product's rungs).
        about_fidelity: Whether it is another one's twin on problems without fidelity.
        completes: Whether a control draws completions of cached prefixes, not whole pipelines.
    """

    name: str
    kind: str
    settings: EngineSettings | None = None
    peer: str = ""
    cached: bool = True
    stops: bool = True
    about_fidelity: bool = False
    completes: bool = False

    @property
    def factory(self) -> SearcherFactory:
        """Makes its searcher."""
        return self._make

    def _make(self, context: Context) -> Searcher:
        if self.settings is not None:
            return engine_searcher(
                context.spec,
                joint=context.joint,
                instance_types=context.instance_types,
                prior=context.prior,  # type: ignore[arg-type]
                settings=self.settings,
            )
        if self.peer:
            return make_peer(
                self.peer,
                spec=context.spec,
                space=context.space,
                choices=context.choices,
                seed=context.seed,
            )
        if self.completes:
            return CompletionSearcher(spec=context.spec, joint=context.joint)
        return RandomSearcher(context.joint)


AUTO = EngineSettings()

METHODS = {
    one.name: one
    for one in (
        Method(name=OURS, kind="ours", settings=AUTO),
        Method(name="without transfer", kind="ablation", settings=EngineSettings(transfer=False)),
        Method(
            name="without front estimate",
            kind="ablation",
            settings=EngineSettings(front_estimate=False),
        ),
        Method(name="without cache", kind="ablation", settings=AUTO, cached=False),
        Method(
            name="without Hyperband",
            kind="ablation",
            settings=AUTO,
            stops=False,
            about_fidelity=True,
        ),
        Method(name="without cost", kind="ablation", settings=EngineSettings(cost_aware=False)),
        Method(name="optuna TPE", kind="peer", peer="optuna-tpe", stops=False),
        Method(name="optuna NSGA-II", kind="peer", peer="optuna-nsga2", stops=False),
        Method(name="optuna GP", kind="peer", peer="optuna-gp", stops=False),
        Method(name="smac", kind="peer", peer="smac", stops=False),
        Method(
            name="optuna NSGA-II, Hyperband",
            kind="peer",
            peer="optuna-nsga2",
            about_fidelity=True,
        ),
        Method(name="random", kind="control", stops=False),
        Method(name="random, Hyperband", kind="control", about_fidelity=True),
        Method(name="random completions", kind="control", stops=False, completes=True),
    )
}
"""By name."""

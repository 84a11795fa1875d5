"""Who takes part in the benchmark of the front: ours, its ablations, peers and controls."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks._contenders import engine_of, peer_of
from benchmarks.frontier.completions import CompletionSearcher
from benchmarks.simulate import Context, SearcherFactory
from tuner.searchers import Searcher
from tuner.searchers.engine import EngineSettings
from tuner.searchers.random import RandomSearcher

OURS = "Auto"
NO_STOPS: dict[str, object] = {"scheduler": {"type": "None"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One contender.

    Attributes:
        name: In tables.
        kind: "ours", "ablation", "peer" or "control".
        settings: Of our engine; None for others.
        peer: A name that `make_peer` knows.
        cached: Whether stages are used again.
        stops: Whether poor trials end early (by the product's rungs).
        variant: Stopping or Promotion, if not the product's own choice.
        about_fidelity: Whether it is another one's twin on problems without fidelity.
        completes: Whether a control draws completions of cached prefixes, not whole pipelines.
    """

    name: str
    kind: str
    settings: EngineSettings | None = None
    peer: str = ""
    cached: bool = True
    stops: bool = True
    variant: str = ""
    about_fidelity: bool = False
    completes: bool = False

    @property
    def scheduler(self) -> dict[str, object]:
        """Fields of the study's spec that say what becomes of poor trials."""
        if not self.stops:
            return NO_STOPS
        return {"scheduler": {"type": "Hyperband", "variant": self.variant}} if self.variant else {}

    @property
    def factory(self) -> SearcherFactory:
        """Makes its searcher."""
        return self._make

    def _make(self, context: Context) -> Searcher:
        if self.settings is not None:
            return engine_of(context, self.settings)
        if self.peer:
            return peer_of(context, self.peer)
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
        Method(
            name="with stopping",
            kind="ablation",
            settings=AUTO,
            variant="Stopping",
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
            variant="Stopping",
            about_fidelity=True,
        ),
        Method(name="random", kind="control", stops=False),
        Method(name="random, Hyperband", kind="control", variant="Stopping", about_fidelity=True),
        Method(name="random completions", kind="control", stops=False, completes=True),
    )
}
"""By name."""

"""Peers by name."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.peers.flat import FlatSpace
from benchmarks.peers.searcher import Library, PeerSearcher
from tuner.hardware import StageChoices
from tuner.searchers.joint import JointSpace
from tuner.space import SearchSpace
from tuner.spec import TuningStudySpec

Maker = Callable[[str, FlatSpace, int, int], Library]


def _optuna(name: str, flat: FlatSpace, objectives: int, seed: int) -> Library:
    from benchmarks.peers.optuna_peers import SAMPLERS, OptunaLibrary

    return OptunaLibrary(SAMPLERS[name](seed), flat=flat, objectives=objectives)


def _botorch(name: str, flat: FlatSpace, objectives: int, seed: int) -> Library:
    from benchmarks.peers.botorch_peer import BotorchLibrary

    return BotorchLibrary(flat=flat, seed=seed)


def _smac(name: str, flat: FlatSpace, objectives: int, seed: int) -> Library:
    from benchmarks.peers.smac_peer import SmacLibrary

    return SmacLibrary(flat=flat, objectives=objectives, seed=seed)


def _deephyper(name: str, flat: FlatSpace, objectives: int, seed: int) -> Library:
    from benchmarks.peers.deephyper_peer import DeepHyperLibrary

    return DeepHyperLibrary(flat=flat, seed=seed)


PEERS: dict[str, Maker] = {
    "optuna-gp": _optuna,
    "optuna-tpe": _optuna,
    "optuna-nsga2": _optuna,
    "optuna-random": _optuna,
    "botorch": _botorch,
    "smac": _smac,
    "deephyper": _deephyper,
}


def make_peer(
    name: str,
    *,
    spec: TuningStudySpec,
    space: SearchSpace,
    choices: StageChoices,
    seed: int | None = None,
) -> PeerSearcher:
    """A peer as the searcher of one worker.

    Args:
        name: One of `PEERS`.
        spec: The study.
        space: Its search space.
        choices: The instance types that its stages may use.
        seed: By default the study's.

    Raises:
        KeyError: There is no such peer.
    """
    flat = FlatSpace(JointSpace(space, choices))
    library = PEERS[name](
        name, flat, len(spec.objectives), spec.searcher.seed if seed is None else seed
    )
    return PeerSearcher(name=name, library=library, flat=flat, objectives=spec.objectives)

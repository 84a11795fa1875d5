"""DeepHyper's CBO with its defaults (extra trees, decaying UCB), asked and told."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from deephyper.hpo import CBO, HpProblem

from benchmarks.peers.config_space import config_space, plain
from benchmarks.peers.flat import Flat, FlatSpace
from tuner.trial import ParameterValue


class DeepHyperLibrary:
    """Maximises, so signs are turned; ten random points to start with, as its authors have it."""

    def __init__(self, *, flat: FlatSpace, seed: int) -> None:
        self._flat = flat
        space = config_space(flat, seed=seed)
        self._folder = tempfile.TemporaryDirectory()
        self._search = CBO(
            HpProblem(space), random_state=seed, log_dir=self._folder.name,
            n_initial_points=10, multi_point_strategy="qUCBd",
        )  # fmt: skip

    def ask(self) -> tuple[Flat, object]:
        """One configuration; parameters that are not active are left out."""
        asked = plain(self._search.ask(1)[0])
        active: dict[str, ParameterValue] = {}
        for dimension in self._flat.dimensions:
            if dimension.is_active(active):
                active[dimension.name] = asked[dimension.name]
        return active, asked

    def tell(self, flat: Flat, values: Sequence[float] | None, *, asked: object | None) -> None:
        """The objectives with turned signs; "F" for a failure."""
        point = asked if isinstance(asked, dict) else self._filled(flat)
        if values is None:
            self._search.tell([(point, "F")])
            return
        turned = tuple(-value for value in values)
        self._search.tell([(point, turned if len(turned) > 1 else turned[0])])

    def _filled(self, flat: Flat) -> dict[str, ParameterValue]:
        """It puts parameters that are not active at their lower end."""
        low = (each.domain.decode(0.0) for each in self._flat.dimensions)
        defaults = zip((each.name for each in self._flat.dimensions), low, strict=True)
        return {**dict(defaults), **flat}

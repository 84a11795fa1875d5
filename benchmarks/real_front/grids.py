"""Two real pipelines over finite spaces, so that a grid can be exhaustive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
CODE = "torch-conv"
"""The ConfigMap with the second pipeline's code."""

SAME_SEED = ("env", "TUNER_SEED=0")
"""Before each command: a stage's seed is that of the study's searcher, and what a search finds is
valued with what the grid measured of it. Nothing is cached: the output of a stage would be found
on every other instance type, and what it takes there would not be measured."""

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One pipeline.

    Attributes:
        name: Of the example.
        values: Of each parameter, the ones in the grid.
        objectives: What is traded, all to be minimised; of the example's.
        left_out: Stages of the example that report none of them.
    """

    name: str
    values: Mapping[str, tuple[Any, ...]]
    objectives: tuple[str, ...] = ("error", "cost")
    left_out: frozenset[str] = frozenset()

    @property
    def configurations(self) -> int:
        """How many there are on one instance type."""
        return math.prod(len(some) for some in self.values.values())

    def study(self, name: str, **changes: Any) -> Manifest:
        """The example's study over the grid's values.

        Args:
            name: Of the study.
            changes: Fields of its spec in place of the example's.
        """
        manifest: Manifest = yaml.safe_load((EXAMPLES / self.name / "study.yaml").read_text())
        spec = deepcopy(manifest["spec"])
        for key in ("initialTrials", "constraints"):
            spec.pop(key, None)
        spec["parameters"] = [_parameter(one, some) for one, some in self.values.items()]
        spec["objectives"] = [one for one in spec["objectives"] if one["metric"] in self.objectives]
        spec["pipeline"]["stages"] = [
            {**one, "command": [*SAME_SEED, *one["command"]], "cache": "Never"}
            for one in spec["pipeline"]["stages"]
            if one["name"] not in self.left_out
        ]
        spec["hardware"] = {"instanceTypes": [one["metadata"]["name"] for one in instance_types()]}
        spec["trialLimits"] = {"maxDuration": "5m"}
        return {**manifest, "metadata": {"name": name}, "spec": {**spec, **changes}}


PROBLEMS = {
    one.name: one
    for one in (
        Problem(
            name="digits",
            values={
                "components": (16, 48),
                "width": (512, 1024),
                "dropout": (0.2,),
                "batch_size": (128, 512),
                "lr": (0.001, 0.008),
                "optimizer": ("adam",),
                "momentum": (0.9,),
            },
            left_out=frozenset({"evaluate"}),
        ),
        Problem(
            name="torch-conv",
            values={
                "channels": (8, 16, 32),
                "blocks": (1, 2),
                "batch_size": (32, 128),
                "lr": (0.02, 0.1),
            },
        ),
    )
}


def instance_types() -> list[Manifest]:
    """The three of the second example: CPU limits and prices apart."""
    text = (EXAMPLES / "torch-conv" / "instance-types.yaml").read_text()
    return list(yaml.safe_load_all(text))


def code() -> Manifest:
    """The ConfigMap that the second pipeline mounts."""
    text = (EXAMPLES / "torch-conv" / "train.py").read_text()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CODE},
        "data": {"train.py": text},
    }


def _parameter(name: str, values: tuple[Any, ...]) -> Manifest:
    if isinstance(values[0], str):
        return {"name": name, "categorical": {"choices": list(values)}}
    return {"name": name, "ordinal": {"values": list(values)}}

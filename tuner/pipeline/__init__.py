"""What a trial runs: stage keys, rendering, segments, and the plan that an agent carries out.

The agent reads plans without pydantic, so the names that need the manifest's model are imported
when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tuner.pipeline.layout import POD_BASE, Layout, StageFiles
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan
from tuner.pipeline.plan_json import plan_from_json, plan_to_json
from tuner.pipeline.result import HOLD_ENDED, AgentResult

if TYPE_CHECKING:
    from tuner.pipeline.keys import KeyParts, StageKey, stage_key
    from tuner.pipeline.planning import make_plan, stage_keys
    from tuner.pipeline.rendering import StageContext, render
    from tuner.pipeline.segmentation import Segment, segments
    from tuner.pipeline.source import PlanSettings, StudyIdentity

__all__ = [
    "HOLD_ENDED",
    "POD_BASE",
    "AgentResult",
    "FidelityPlan",
    "KeyParts",
    "Layout",
    "ObjectivePlan",
    "PlanSettings",
    "Segment",
    "StageContext",
    "StageFiles",
    "StageKey",
    "StagePlan",
    "StudyIdentity",
    "TrialPlan",
    "make_plan",
    "plan_from_json",
    "plan_to_json",
    "render",
    "segments",
    "stage_key",
    "stage_keys",
]

_HOMES = {
    "KeyParts": "keys",
    "StageKey": "keys",
    "stage_key": "keys",
    "PlanSettings": "source",
    "StudyIdentity": "source",
    "make_plan": "planning",
    "stage_keys": "planning",
    "StageContext": "rendering",
    "render": "rendering",
    "Segment": "segmentation",
    "segments": "segmentation",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)

"""From a trial to what an attempt carries out, outside a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuner.pipeline import PlanSettings, StudyIdentity, TrialPlan, make_plan
from tuner.pipeline.segmentation import segments
from tuner.schedulers import make_scheduler
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Makes the plans of a study's attempts.

    Attributes:
        spec: The study's spec.
        study: Which study.
        instance_types: All that its trials may use, by name.
        base: The folder of an attempt, shared by agent and runner.
        code_identity: Stands for the image in stage keys; None to use the image's name.
        inputs: Addresses that replace those of the manifest, by input name.
    """

    spec: TuningStudySpec
    study: StudyIdentity
    instance_types: Mapping[str, InstanceTypeSpec]
    base: Callable[[str, int], str]
    code_identity: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)

    def plan(self, trial: Trial, *, attempt: int, segment: int, promoted: float = 0.0) -> TrialPlan:
        """The plan of one attempt of one segment. Raises PipelineError."""
        rungs = make_scheduler(self.spec, bracket=trial.bracket).rungs()
        settings = PlanSettings(
            rungs=tuple(rungs),
            base=self.base(trial.name, attempt),
            code_identity=self.code_identity,
            inputs=self.inputs,
            promoted=promoted,
        )
        return make_plan(
            self.spec,
            study=self.study,
            trial=trial,
            instance_types=self.instance_types,
            attempt=attempt,
            segment=segment,
            settings=settings,
        )

    def price_per_hour(self, trial: Trial) -> float:
        """USD, of the dearest instance type that the trial uses; of those that there are."""
        known = (self.instance_types.get(name) for name in self._types_of(trial))
        return max((one.price_per_hour or 0.0 for one in known if one is not None), default=0.0)

    def missing_types(self, trial: Trial) -> list[str]:
        """Instance types of the trial that there are no longer: `hardware` may be changed."""
        return sorted(self._types_of(trial) - set(self.instance_types))

    def _types_of(self, trial: Trial) -> set[str]:
        return {segment.instance_type for segment in segments(self.spec, trial=trial)}

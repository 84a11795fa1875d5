"""What a study's pod templates may not do, beyond what the API server can check."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.spec import conditions as words
from tuner.spec.pod import PodSpec
from tuner.spec.secrets import secret_references
from tuner.spec.study import TuningStudySpec
from tuner_operator.actions import AccountOf
from tuner_operator.names import ALLOW_TRIALS, is_reserved_volume
from tuner_operator.observed import Observed


def pod_specs(spec: TuningStudySpec) -> Iterator[tuple[str, PodSpec]]:
    """The pod specs of a study's templates, with where they stand."""
    places = (
        ("spec.pipeline.podTemplate", spec.pipeline.pod_template),
        ("spec.workers.podTemplate", spec.workers.pod_template),
    )
    for place, template in places:
        if template is not None and template.spec is not None:
            yield f"{place}.spec", template.spec


def accounts_of(spec: TuningStudySpec) -> tuple[str, ...]:
    """The service accounts that templates name."""
    named = (one.service_account_name for _, one in pod_specs(spec))
    return tuple(dict.fromkeys(name for name in named if name))


def open_questions(observed: Observed, spec: TuningStudySpec) -> tuple[AccountOf, ...]:
    """What must be known of service accounts, and is not."""
    questions = (AccountOf(name=name) for name in accounts_of(spec))
    return tuple(one for one in questions if one not in observed.answers)


def template_problems(observed: Observed, spec: TuningStudySpec) -> Iterator[tuple[str, str]]:
    """What is wrong with the templates, as reason and message."""
    for location, name in secret_references(spec):
        if name == observed.settings.store_secret:
            where = ".".join(str(part) for part in location)
            yield words.INVALID, f'{where}: "{name}" holds the credentials of the object store'
    for place, pod in pod_specs(spec):
        yield from _volume_problems(place, pod)
    for name in accounts_of(spec):
        if observed.answers.get(AccountOf(name=name)) is not True:
            yield (
                words.INVALID,
                f"pods may not use the service account {name}: it needs to exist, with the label "
                f'{ALLOW_TRIALS}: "true"',
            )


def _volume_problems(place: str, pod: PodSpec) -> Iterator[tuple[str, str]]:
    own = {volume.name for volume in pod.volumes or ()}
    for name in own:
        if is_reserved_volume(name):
            yield words.INVALID, f'{place}.volumes: the name "{name}" is reserved'
    for container in pod.containers or ():
        for mount in container.volume_mounts or ():
            if mount.name not in own:
                yield (
                    words.INVALID,
                    f'{place}.containers[{container.name}].volumeMounts: "{mount.name}" is not in '
                    "the template's volumes",
                )

"""Rules of environment variables, volumes and pod templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.spec import contract
from tuner.spec.environment import EnvFrom, EnvSource, EnvVar, SecretEnv, SecretKey
from tuner.spec.pipeline import Pipeline, Stage
from tuner.spec.pod import PodResourceClaim, PodTemplate
from tuner.spec.rule import Finding, M, Rule, at_most_one, exactly_one, keys
from tuner.spec.study import Workers
from tuner.spec.volumes import Projection, SecretProjection, SecretVolume, Volume

_CONTEXT = (*contract.CONTEXT, contract.FIDELITY)
_PIECES = 17
"""CEL looks at one fewer references in a text; Python looks at all."""

_COMMAND = (*_CONTEXT, contract.ARGS)


def _references_cel(texts: str, names: Sequence[str]) -> str:
    """What follows each `$(TUNER_` in a list of texts, escapes taken out, is a known name.

    Texts are split into a bounded number of pieces: a regular expression that finds the unknown
    names costs ninety times what CEL may.
    """
    known = (*(f"{name})" for name in names), *contract.FAMILIES)
    endings = ", ".join(f"'{name.removeprefix(contract.PREFIX)}'" for name in known)
    return (
        f"{texts}.all(c, c.replace('$$', '').split('$({contract.PREFIX}', {_PIECES}).all(i, p, "
        f"i == 0 || [{endings}].exists(n, p.startsWith(n))))"
    )


def _malformed(text: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in contract.references(text):
        if name not in names and not name.startswith(contract.FAMILIES):
            yield (
                f'"$({name})" is not a variable of the stage contract',
                contract.suggest_variable(name, names),
            )


def _malformed_in_command(stage: Stage) -> Iterator[Finding]:
    for place, text in enumerate(stage.command):
        for message, hint in _malformed(text, _COMMAND):
            yield Finding(where=("command", place), message=message, suggestion=hint)


def _malformed_in_args(stage: Stage) -> Iterator[Finding]:
    for place, text in enumerate(stage.args or ()):
        for message, hint in _malformed(text, _COMMAND):
            yield Finding(where=("args", place), message=message, suggestion=hint)


def _malformed_in_value(variable: EnvVar) -> Iterator[Finding]:
    for message, hint in _malformed(variable.value or "", _CONTEXT):
        yield Finding(where=("value",), message=message, suggestion=hint)


def _reserved(variable: EnvVar) -> Iterator[Finding]:
    if variable.name.startswith(contract.PREFIX):
        yield Finding(
            where=("name",),
            message=f'"{variable.name}": TUNER_ names are reserved',
        )


def _reserved_prefix(source: EnvFrom) -> Iterator[Finding]:
    if (source.prefix or "").startswith(contract.PREFIX):
        yield Finding(where=("prefix",))


def _store_rule(on: type[M], field: str) -> Rule[M]:
    name = next(name for name, key in keys(on).items() if key == field)

    def check(node: M) -> Iterator[Finding]:
        if getattr(node, name) == contract.STORE_SECRET:
            yield Finding(where=(field,))

    return Rule(
        on=on,
        message=f"the Secret {contract.STORE_SECRET} is the object store's; pods may not use it",
        cel=f"self.{field} != '{contract.STORE_SECRET}'",
        check=check,
    )


def _foreign_containers(template: PodTemplate | None, name: str) -> Iterator[Finding]:
    pod = template.spec if template is not None else None
    for index, container in enumerate((pod.containers if pod is not None else None) or ()):
        if container.name != name:
            yield Finding(
                where=("podTemplate", "spec", "containers", index, "name"),
                message=f'the one container is called {name}, not "{container.name}"',
            )


def _container_cel(name: str) -> str:
    return (
        "!has(self.podTemplate) || !has(self.podTemplate.spec) || "
        "!has(self.podTemplate.spec.containers) || "
        f"self.podTemplate.spec.containers.all(c, c.name == '{name}')"
    )


RULES: tuple[Rule[Any], ...] = (
    Rule(
        on=Stage,
        field=".command",
        message="$(TUNER_...) must be a variable of the stage contract",
        cel=_references_cel("self.command", _COMMAND),
        check=_malformed_in_command,
    ),
    Rule(
        on=Stage,
        field=".args",
        message="$(TUNER_...) must be a variable of the stage contract",
        cel=f"!has(self.args) || {_references_cel('self.args', _COMMAND)}",
        check=_malformed_in_args,
    ),
    Rule(
        on=EnvVar,
        field=".value",
        message="$(TUNER_...) must be a variable of the stage contract, and not TUNER_ARGS",
        cel=f"!has(self.value) || {_references_cel('[self.value]', _CONTEXT)}",
        check=_malformed_in_value,
    ),
    Rule(
        on=EnvVar,
        field=".name",
        message="names that begin with TUNER_ are reserved",
        cel=f"!self.name.startsWith('{contract.PREFIX}')",
        check=_reserved,
    ),
    Rule(
        on=EnvFrom,
        field=".prefix",
        message="names that begin with TUNER_ are reserved",
        cel=f"!has(self.prefix) || !self.prefix.startsWith('{contract.PREFIX}')",
        check=_reserved_prefix,
    ),
    at_most_one(EnvVar, "value", "valueFrom"),
    exactly_one(EnvSource, "configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"),
    exactly_one(EnvFrom, "configMapRef", "secretRef"),
    exactly_one(
        Volume,
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "nfs",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ),
    exactly_one(Projection, "configMap", "secret", "downwardAPI"),
    exactly_one(PodResourceClaim, "resourceClaimName", "resourceClaimTemplateName"),
    _store_rule(SecretKey, "name"),
    _store_rule(SecretEnv, "name"),
    _store_rule(SecretProjection, "name"),
    _store_rule(SecretVolume, "secretName"),
    Rule(
        on=Pipeline,
        field=".podTemplate",
        message="the one container is called stage",
        cel=_container_cel("stage"),
        check=lambda pipeline: _foreign_containers(pipeline.pod_template, "stage"),
    ),
    Rule(
        on=Workers,
        field=".podTemplate",
        message="the one container is called worker",
        cel=_container_cel("worker"),
        check=lambda workers: _foreign_containers(workers.pod_template, "worker"),
    ),
)

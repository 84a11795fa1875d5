"""The CRDs on a real API server: what is valid is kept whole, what is not is refused with its rule.

Needs no controller and no node: an API server of any cluster does.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from tuner.spec import TuningStudy
from tuner.spec.crd import DEFINITIONS
from tuner.spec.loading import KINDS

ROOT = Path(__file__).parents[2]
PLURALS = {definition.model.__name__: definition.plural for definition in DEFINITIONS}
CLUSTER_SCOPED = {"InstanceType"}
DEADLINE_SECONDS = 60

Send = Callable[..., dict[str, Any]]


def kubectl(*arguments: str) -> str:
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def api(cluster: None) -> Iterator[client.ApiClient]:
    """A client of the API server with this repository's CRDs applied."""
    config.load_kube_config(config_file=os.environ.get("KUBECONFIG"))
    kubectl("apply", "-f", str(ROOT / "crds"))
    for plural in PLURALS.values():
        kubectl(
            "wait",
            "--for=condition=Established",
            f"--timeout={DEADLINE_SECONDS}s",
            f"crd/{plural}.tuner.dev",
        )
    with client.ApiClient() as connection:
        yield connection


@pytest.fixture(scope="module")
def namespace(api: client.ApiClient) -> Iterator[str]:
    name = f"spec-{uuid.uuid4().hex[:8]}"
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


@pytest.fixture
def send(api: client.ApiClient, namespace: str) -> Send:
    """Sends one request about an object; `dry` leaves nothing behind, unknown fields are errors."""
    objects = client.CustomObjectsApi(api)

    def request(
        verb: str, data: dict[str, Any], *, dry: bool = True, below: str = ""
    ) -> dict[str, Any]:
        cluster_scoped = data["kind"] in CLUSTER_SCOPED
        scope = "cluster" if cluster_scoped else "namespaced"
        call = getattr(objects, f"{verb}_{scope}_custom_object{below}")
        place = {} if cluster_scoped else {"namespace": namespace}
        name = {} if verb == "create" else {"name": data["metadata"]["name"]}
        body = {} if verb == "delete" else {"body": data, "field_validation": "Strict"}
        where = {"group": "tuner.dev", "version": "v1alpha1", "plural": PLURALS[data["kind"]]}
        dry_run = {"dry_run": "All"} if dry else {}
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                return dict(call(**where, **dry_run, **place, **name, **body))
            except ApiException as error:
                # An operator that watches may have written the status in between.
                if verb != "replace" or error.status != 409 or time.monotonic() > deadline:
                    raise
                read = getattr(objects, f"get_{scope}_custom_object")
                version = dict(read(**where, **place, **name))["metadata"]["resourceVersion"]
                data["metadata"]["resourceVersion"] = version

    return request


@pytest.fixture
def existing(send: Send) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Creates objects under a name of the test's own, and removes them at the end."""
    made: list[dict[str, Any]] = []

    def create(data: dict[str, Any]) -> dict[str, Any]:
        made.append(send("create", data, dry=False))
        return made[-1]

    yield create
    for data in made:
        send("delete", data, dry=False)


def refusal_of(error: ApiException) -> str:
    return str(json.loads(error.body)["message"])


@pytest.mark.parametrize("name", ["forecast", "tiny", "forecast-2-17", "gpu-large"])
def test_nothing_valid_is_pruned(name, spec_objects, send):
    data = spec_objects[name]
    model = KINDS[data["kind"]]
    answer = send("create", data)
    assert _parts(answer["spec"]) >= _parts(data["spec"])
    returned = model.model_validate({**data, "spec": answer["spec"]})
    assert returned == model.model_validate(data)


def test_defaults_are_those_of_the_models(spec_objects, send):
    data = spec_objects["tiny"]
    model = TuningStudy.model_validate(data)
    typed = model.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert send("create", data)["spec"] == typed["spec"]


def test_a_refusal_names_field_and_rule(refusal, edit, send):
    data = edit(refusal.get("of", "forecast"), refusal["set"])
    if refusal["server"] is None:
        assert send("create", data)["spec"]
        return
    with pytest.raises(ApiException) as caught:
        send("create", data)
    assert refusal["server"] in refusal_of(caught.value)


def test_a_change_is_allowed_or_refused(change, edit, send, existing):
    name = change.get("of", "forecast")
    before = existing(_renamed(edit(name, {})))
    after = {**before, **_renamed(edit(name, change["set"]), as_in=before)}
    if change["refused"] is None:
        assert send("replace", after)["spec"]
        return
    with pytest.raises(ApiException) as caught:
        send("replace", after)
    assert change["refused"] in refusal_of(caught.value)


def test_status_is_kept_and_shown(edit, existing, api, namespace):
    """As the write itself is answered: an operator that watches soon corrects the status."""
    name = existing(_renamed(edit("tiny", {})))["metadata"]["name"]
    request = api.param_serialize(
        "PATCH",
        f"/apis/tuner.dev/v1alpha1/namespaces/{namespace}/{PLURALS['TuningStudy']}/{name}/status",
        query_params=[("includeObject", "Object"), ("fieldValidation", "Strict")],
        header_params={
            "Accept": "application/json;as=Table;v=v1;g=meta.k8s.io",  # what `kubectl get` asks for
            "Content-Type": "application/merge-patch+json",
        },
        body={"status": STATUS},
        auth_settings=["BearerToken"],
    )
    response = api.call_api(*request)
    assert response.status == 200, response.read()
    table = json.loads(response.read())
    row = table["rows"][0]
    assert _parts(row["object"]["status"]) >= _parts(STATUS)
    columns = zip(table["columnDefinitions"], row["cells"], strict=True)
    shown = {column["name"]: cell for column, cell in columns if column["priority"] == 0}
    assert list(shown) == [
        *("Name", "State", "Trials", "Running", "Front", "Best", "Spent", "Left", "Age")
    ]
    assert shown["Trials"] == "43 (18 stopped)"
    assert shown["Spent"] == "61.40/200"


def test_scale_sets_the_parallel_trials(edit, existing, namespace):
    study = existing(_renamed(edit("tiny", {})))
    name = study["metadata"]["name"]
    kubectl("scale", "study", name, "-n", namespace, "--replicas=3")
    got = kubectl("get", "study", name, "-n", namespace, "-o", "jsonpath={.spec.parallelTrials}")
    assert got == "3"


@pytest.mark.parametrize("word", ["study", "tuningstudy"])
def test_explain_reads_well(word, api):
    deadline = time.monotonic() + DEADLINE_SECONDS
    text = ""
    while "ordinal" not in text and time.monotonic() < deadline:
        done = subprocess.run(
            ["kubectl", "explain", f"{word}.spec.parameters"], capture_output=True, text=True
        )
        text = done.stdout
        time.sleep(0 if "ordinal" in text else 1)
    for phrase in ("each entry is one parameter", "-required-", "Makes the parameter active"):
        assert phrase in text


STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "state": "Running",
    "conditions": [
        {
            "type": "Accepted",
            "status": "True",
            "reason": "Valid",
            "message": "",
            "lastTransitionTime": "2026-11-20T10:00:00Z",
            "observedGeneration": 1,
        }
    ],
    "trials": {"total": 43, "running": 4, "completed": 21, "stopped": 18},
    "cost": {"spent": 61.4, "workers": 0.8, "savedByCache": 9.25},
    "paretoFront": [
        {
            "trial": "tiny-0-1",
            "parameters": {"lr": 0.25},
            "instanceTypes": {"train": "cpu-4"},
            "objectives": {"loss": 0.5},
        }
    ],
    "frontSize": 1,
    "parallelTrials": 4,
    "selector": "tuner.dev/study=tiny",
    "startTime": "2026-11-20T10:00:00Z",
    "summary": {"trials": "43 (18 stopped)", "best": "0.5", "spent": "61.40/200", "left": "2h"},
}


def _renamed(data: dict[str, Any], *, as_in: dict[str, Any] | None = None) -> dict[str, Any]:
    """Under a name of its own, or that of an object; names of trials follow from their specs."""
    result = copy.deepcopy(data)
    if as_in is not None:
        result["metadata"] = {**result["metadata"], **_identity(as_in)}
        if result["kind"] == "TuningTrial":
            result["spec"]["number"] = as_in["spec"]["number"]
        return result
    mark = uuid.uuid4().int % 10_000_000
    if result["kind"] == "TuningTrial":
        result["spec"]["number"] = mark
        result["metadata"]["name"] = f"forecast-2-{mark}"
    else:
        result["metadata"]["name"] += f"-{mark}"
    if result["kind"] == "TuningStudy":
        result["spec"]["suspend"] = True  # an operator that watches must not start it
    return result


def _identity(data: dict[str, Any]) -> dict[str, Any]:
    return {key: data["metadata"][key] for key in ("name", "resourceVersion")}


def _parts(value: Any, path: str = "") -> set[str]:
    """Every leaf with its path, numbers by value: 1.0 comes back as 1."""
    if isinstance(value, dict):
        return {part for key, item in value.items() for part in _parts(item, f"{path}.{key}")}
    if isinstance(value, list):
        return {part for i, item in enumerate(value) for part in _parts(item, f"{path}[{i}]")}
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {f"{path}={float(value)}" if number else f"{path}={value}"}

"""The worker's view of its trials on a real API server; the operator's part is played by the test.

The study names an instance type that does not exist, so an operator leaves its trials alone.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config

from tuner.backends.kubernetes.backend import KubernetesBackend
from tuner.backends.kubernetes.studies import fetch_study
from tuner.errors import BackendError
from tuner.pipeline import StudyIdentity
from tuner.trial import Trial

GROUP = ("tuner.dev", "v1alpha1")
DEADLINE_SECONDS = 30
Open = Callable[..., KubernetesBackend]


@pytest.fixture(scope="module")
def api(cluster: None) -> Iterator[client.ApiClient]:
    config.load_kube_config(config_file=os.environ.get("KUBECONFIG"))
    with client.ApiClient() as connection:
        yield connection


@pytest.fixture
def study(api: client.ApiClient) -> Iterator[StudyIdentity]:
    namespace = f"backend-{uuid.uuid4().hex[:8]}"
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": namespace}})
    made: Any = client.CustomObjectsApi(api).create_namespaced_custom_object(
        *GROUP, namespace, "tuningstudies", study_manifest()
    )
    yield StudyIdentity(name="ranker", namespace=namespace, uid=made["metadata"]["uid"])
    core.delete_namespace(namespace)


def study_manifest() -> dict[str, Any]:
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningStudy",
        "metadata": {"name": "ranker"},
        "spec": {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "lr", "float": {"min": 0.1, "max": 1}}],
            "hardware": {"instanceTypes": ["nowhere"]},
            "pipeline": {
                "image": "busybox:1",
                "stages": [{"name": "train", "command": ["sh", "-c", "true"]}],
            },
            "searcher": {"type": "Sobol"},
            "budget": {"maxTrials": 3},
        },
    }


@pytest.fixture
def open_backend(api: client.ApiClient, study: StudyIdentity) -> Iterator[Open]:
    opened: list[KubernetesBackend] = []

    def make(worker: int = 0, **changes: str) -> KubernetesBackend:
        identity = StudyIdentity(
            name=study.name, namespace=study.namespace, uid=changes.get("uid", study.uid)
        )
        opened.append(KubernetesBackend(api, study=identity, worker=worker, clock=lambda: 7.0))
        return opened[-1]

    yield make
    for backend in opened:
        backend.close()


def trial(number: int = 0, *, worker: int = 0) -> Trial:
    return Trial(
        name=f"ranker-{worker}-{number}",
        worker=worker,
        number=number,
        parameters={"lr": 0.5},
        instance_types={"train": "nowhere"},
        why={"searcher": "Sobol", "sobolIndex": 3},
    )


def set_status(api: client.ApiClient, study: StudyIdentity, name: str, **status: Any) -> None:
    client.CustomObjectsApi(api).patch_namespaced_custom_object_status(
        *GROUP, study.namespace, "tuningtrials", name, {"status": status}
    )


def told(backend: KubernetesBackend, name: str, state: str) -> bool:
    """Whether the backend tells of that state before the deadline."""
    deadline = DEADLINE_SECONDS
    while deadline > 0:
        if any((one.trial, one.state) == (name, state) for one in backend.poll(timeout_seconds=1)):
            return True
        deadline -= 1
    return False


def test_a_trial_is_created_once_and_its_states_are_told(
    api: client.ApiClient, study: StudyIdentity, open_backend: Open
) -> None:
    backend = open_backend()
    backend.start(trial())
    backend.start(trial())
    assert [one.trial for one in backend.open_trials()] == ["ranker-0-0"]
    set_status(api, study, "ranker-0-0", state="Running", attempts=1, cost=0.25)
    assert told(backend, "ranker-0-0", "Running")
    (running,) = backend.open_trials()
    assert (running.attempt, running.cost_usd, running.time) == (1, 0.25, 7.0)
    set_status(api, study, "ranker-0-0", state="Completed")
    assert told(backend, "ranker-0-0", "Completed")
    assert backend.open_trials() == []


def test_a_restarted_worker_finds_its_own_open_trials(open_backend: Open) -> None:
    first, other = open_backend(), open_backend(worker=1)
    first.start(trial(0))
    first.start(trial(1))
    other.start(trial(0, worker=1))
    names = [one.trial for one in open_backend().open_trials()]
    assert sorted(names) == ["ranker-0-0", "ranker-0-1"]


def test_a_deleted_trial_is_told_as_cancelled(
    api: client.ApiClient, study: StudyIdentity, open_backend: Open
) -> None:
    backend = open_backend()
    backend.start(trial())
    client.CustomObjectsApi(api).delete_namespaced_custom_object(
        *GROUP, study.namespace, "tuningtrials", "ranker-0-0"
    )
    assert told(backend, "ranker-0-0", "Cancelled")
    assert backend.open_trials() == []


def test_a_trial_of_an_earlier_study_of_that_name_is_not_adopted(open_backend: Open) -> None:
    open_backend().start(trial())
    later = open_backend(uid="another")
    assert later.open_trials() == []
    with pytest.raises(BackendError, match="another study"):
        later.start(trial())


def test_a_study_is_fetched_until_it_is_gone(api: client.ApiClient, study: StudyIdentity) -> None:
    found = fetch_study(api, study)
    assert found is not None
    assert found["metadata"]["uid"] == study.uid
    assert fetch_study(api, StudyIdentity(name="nobody", namespace=study.namespace)) is None

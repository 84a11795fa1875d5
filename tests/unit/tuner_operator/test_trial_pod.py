"""The manifest of a trial pod: who sees what, and what a template may change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tuner.pipeline import Segment, StudyIdentity, make_plan, plan_from_json
from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.status import TuningStudyStatus
from tuner.spec.study import TuningStudySpec
from tuner.trial import Trial
from tuner_operator.actions import Ref
from tuner_operator.manifests.trial_pod import Attempt, trial_pod_manifest
from tuner_operator.manifests.workers import worker_manifest
from tuner_operator.observed import StudyView
from tuner_operator.settings import Settings

OFFER = InstanceTypeSpec.model_validate(
    {
        "pricePerHour": 2.0,
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "resources": {"cpu": "4", "nvidia.com/gpu": 1},
    }
)


def spec(**changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "hardware": {"instanceTypes": ["gpu"]},
            "pipeline": {
                "image": "busybox:1",
                "stages": [{"name": "train", "command": ["train", "$(TUNER_ARGS)"]}],
                **changes,
            },
            "budget": {"maxTrials": 1},
        }
    )


def study(of=None):
    ref = Ref(kind="TuningStudy", name="s", namespace="ml", uid="study-uid")
    return StudyView(
        ref=ref,
        spec=of or spec(),
        status=TuningStudyStatus(),
        generation=1,
        created=0.0,
        labels={"team": "ranking"},
    )


def build(*, deadline=None, offer=OFFER, labels=None, **changes):
    of = spec(**changes)
    trial = Trial(
        name="s-0-7", worker=0, number=7, parameters={"x": 0.5}, instance_types={"train": "gpu"}
    )
    plan = make_plan(
        of,
        study=StudyIdentity(name="s", namespace="ml", uid="study-uid"),
        trial=trial,
        instance_types={"gpu": offer},
        attempt=3,
        segment=0,
    )
    run = Segment(index=0, stages=("train",), image="busybox:1", instance_type="gpu", last=True)
    attempt = Attempt(
        trial=Ref(kind="TuningTrial", name="s-0-7", namespace="ml", uid="trial-uid"),
        plan=plan,
        run=run,
        instance_type=offer,
        deadline_seconds=deadline,
        bound="Budget",
    )
    asked = study(of) if labels is None else replace(study(of), labels=labels)
    return trial_pod_manifest(asked, attempt, spec=of, settings=Settings(store='{"a": 1}'))


@pytest.fixture
def pod():
    return build()


def container(pod, kind="containers"):
    (only,) = pod["spec"][kind]
    return only


def test_the_name_and_the_owner_are_determined_by_the_attempt(pod):
    assert pod["metadata"]["name"] == "s-0-7-3"
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("TuningTrial", "trial-uid", True)
    assert "blockOwnerDeletion" not in owner
    assert pod == build()


def test_the_study_gives_its_labels(pod):
    labels = pod["metadata"]["labels"]
    assert labels["team"] == "ranking"
    assert labels["tuner.dev/study"] == "s"
    assert labels["tuner.dev/attempt"] == "3"


def test_the_plan_travels_in_an_annotation(pod):
    plan = plan_from_json(pod["metadata"]["annotations"]["tuner.dev/plan"])
    assert (plan.trial, plan.attempt) == ("s-0-7", 3)


def test_only_the_agent_sees_the_credentials(pod):
    mounts = {one["name"] for one in container(pod)["volumeMounts"]}
    assert mounts == {"tuner", "tuner-shm"}
    agent = {one["name"] for one in container(pod, "initContainers")["volumeMounts"]}
    assert {"tuner-store", "tuner-pod", "tuner"} <= agent
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert "TUNER_STORE" not in json.dumps(container(pod))


def test_the_agent_is_a_native_sidecar_without_init_step_or_probe(pod):
    agent = container(pod, "initContainers")
    assert agent["restartPolicy"] == "Always"
    assert not {"startupProbe", "readinessProbe", "livenessProbe"} & set(agent)


def test_the_pod_keeps_the_restricted_profile(pod):
    context = pod["spec"]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["fsGroup"] == 65532
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in (container(pod), container(pod, "initContainers")):
        assert one["securityContext"]["allowPrivilegeEscalation"] is False
        assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container(pod, "initContainers")["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_instance_type_says_where_and_how_much(pod):
    assert pod["spec"]["nodeSelector"] == {"pool": "gpu"}
    assert pod["spec"]["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    wanted = {"cpu": "4", "nvidia.com/gpu": "1"}
    assert container(pod)["resources"] == {"requests": wanted, "limits": wanted}


@pytest.mark.parametrize("resource", ["nvidia.com/gpu", "nvidia.com/mig-3g.40gb"])
def test_several_gpus_or_slices_of_one_are_reserved_by_name(resource):
    offer = InstanceTypeSpec.model_validate({"resources": {"cpu": "4", resource: 8}})
    wanted = {"cpu": "4", resource: "8"}
    assert container(build(offer=offer))["resources"] == {"requests": wanted, "limits": wanted}


def test_a_template_may_claim_devices():
    template = {
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "half-a-gpu"}],
        "containers": [{"name": "stage", "resources": {"claims": [{"name": "gpu"}]}}],
    }
    pod = build(podTemplate={"spec": template})
    assert pod["spec"]["resourceClaims"] == template["resourceClaims"]
    assert container(pod)["resources"]["claims"] == [{"name": "gpu"}]
    assert container(pod)["resources"]["limits"]["cpu"] == "4"
    assert "claims" not in container(pod, "initContainers").get("resources", {})


def test_kueues_queue_is_named_on_the_pod():
    queue = {"kueue.x-k8s.io/queue-name": "ml-gpu"}
    assert build(labels=queue)["metadata"]["labels"].items() >= queue.items()


def test_kubernetes_expands_nothing_in_the_runner(pod):
    command = container(pod)["command"]
    assert command[:2] == ["/bin/sh", "-c"]
    assert "$(" not in command[2].replace("$$", "")


def test_shared_memory_is_in_memory(pod):
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert volumes["tuner-shm"]["emptyDir"] == {"medium": "Memory"}


@pytest.mark.parametrize(("seconds", "expected"), [(12.9, 12), (0.2, 1), (1e12, 2**31 - 1)])
def test_the_deadline_is_the_kubelets_to_keep(seconds, expected):
    assert build(deadline=seconds)["spec"]["activeDeadlineSeconds"] == expected


def test_there_is_no_deadline_without_a_bound(pod):
    assert "activeDeadlineSeconds" not in pod["spec"]


def test_a_template_adds_but_does_not_take_away():
    pod = build(
        podTemplate={
            "metadata": {"labels": {"tuner.dev/study": "other", "extra": "1"}},
            "spec": {
                "nodeSelector": {"pool": "cpu", "zone": "a"},
                "tolerations": [{"key": "spot", "operator": "Exists"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "clicks"}}],
                "securityContext": {"runAsUser": 1000},
                "terminationGracePeriodSeconds": 30,
                "containers": [
                    {
                        "name": "stage",
                        "env": [{"name": "HOME", "value": "/x"}, {"name": "A", "value": "b"}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                        "resources": {"limits": {"memory": "1Gi"}},
                    }
                ],
            },
        }
    )
    assert pod["metadata"]["labels"]["tuner.dev/study"] == "s"
    assert pod["metadata"]["labels"]["extra"] == "1"
    assert pod["spec"]["nodeSelector"] == {"pool": "gpu", "zone": "a"}
    assert len(pod["spec"]["tolerations"]) == 2
    assert pod["spec"]["securityContext"]["runAsUser"] == 1000
    assert pod["spec"]["securityContext"]["runAsGroup"] == 65532
    assert pod["spec"]["terminationGracePeriodSeconds"] == 30
    stage = container(pod)
    assert {"name": "data", "mountPath": "/data"} in stage["volumeMounts"]
    assert stage["resources"]["limits"]["memory"] == "1Gi"
    # Of two variables of one name Kubernetes takes the last.
    assert [one["value"] for one in stage["env"] if one["name"] == "HOME"][-1] == "/tuner/home"


def test_a_template_cannot_mount_what_is_ours():
    mounts = [{"name": "tuner-store", "mountPath": "/mine"}]
    pod = build(podTemplate={"spec": {"containers": [{"name": "stage", "volumeMounts": mounts}]}})
    assert "tuner-store" not in {one["name"] for one in container(pod)["volumeMounts"]}


def test_a_template_may_bring_its_own_shared_memory():
    pod = build(
        podTemplate={
            "spec": {
                "volumes": [{"name": "mine", "emptyDir": {"medium": "Memory"}}],
                "containers": [
                    {
                        "name": "stage",
                        "volumeMounts": [{"name": "mine", "mountPath": "/dev/shm"}],
                    }
                ],
            }
        }
    )
    mounted = [
        one["name"] for one in container(pod)["volumeMounts"] if one["mountPath"] == "/dev/shm"
    ]
    assert mounted == ["mine"]


def test_a_template_cannot_bring_code_into_the_worker():
    of = spec()
    template = {
        "spec": {
            "priorityClassName": "low",
            "volumes": [{"name": "code", "configMap": {"name": "code"}}],
            "containers": [
                {
                    "name": "worker",
                    "env": [{"name": "PYTHONPATH", "value": "/code"}],
                    "volumeMounts": [{"name": "code", "mountPath": "/code"}],
                    "resources": {"limits": {"memory": "2Gi"}},
                }
            ],
        }
    }
    of = TuningStudySpec.model_validate(
        {
            **of.model_dump(mode="json", by_alias=True, exclude_none=True),
            "workers": {"podTemplate": template},
        }
    )
    worker = worker_manifest(study(of), ordinal=0, count=1, settings=Settings())
    assert worker["spec"]["priorityClassName"] == "low"
    assert container(worker)["resources"]["limits"] == {"memory": "2Gi"}
    assert "PYTHONPATH" not in json.dumps(worker)
    assert "/code" not in json.dumps(worker)


def test_a_worker_is_made_again_when_what_it_is_made_from_changes():
    def mark(count, image="worker:1"):
        settings = Settings(worker_image=image)
        made = worker_manifest(study(), ordinal=0, count=count, settings=settings)
        return made["metadata"]["annotations"]["tuner.dev/spec-hash"]

    assert mark(1) == mark(1)
    assert len({mark(1), mark(2), mark(1, "worker:2")}) == 3


def test_a_worker_may_propose_trials_and_is_always_started_again():
    worker = worker_manifest(study(), ordinal=2, count=3, settings=Settings())
    assert worker["metadata"]["name"] == "s-worker-2"
    assert worker["spec"]["restartPolicy"] == "Always"
    assert worker["spec"]["serviceAccountName"] == "s-worker"
    (owner,) = worker["metadata"]["ownerReferences"]
    assert owner["uid"] == "study-uid"

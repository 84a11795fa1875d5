"""What the chart installs: the least that works, and nothing that values do not ask for."""

import json

import pytest
import yaml

from tuner.spec import InstanceType

REAL_STORE = (
    "objectStore.endpoint=s3.example.com",
    "objectStore.accessKey=key",
    "objectStore.secretKey=secret",
)


def test_lint_is_clean(helm, request):
    chart = request.config.rootpath / "charts" / "tuner"
    done = helm("lint", chart, "--strict", "--set", "minio.enabled=true")
    assert done.returncode == 0, done.stdout + done.stderr


def test_crds_are_kept_on_uninstall_and_equal_those_in_the_repository(render, request):
    rendered = [doc for doc in render() if doc["kind"] == "CustomResourceDefinition"]
    kept = {"helm.sh/resource-policy": "keep"}
    assert [doc["metadata"].pop("annotations") for doc in rendered] == [kept] * 3
    files = sorted((request.config.rootpath / "crds").glob("*.yaml"))
    stored = [yaml.safe_load(file.read_text()) for file in files]
    assert sorted(rendered, key=json.dumps) == sorted(stored, key=json.dumps)


def test_every_container_is_restricted(render):
    deployments = [
        doc for doc in render("networkPolicy.enabled=true") if doc["kind"] == "Deployment"
    ]
    assert len(deployments) == 2
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def operator_env(documents, find):
    deployment = find(documents, "Deployment", "tuner-operator")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_the_operator_can_read_its_settings(render, find):
    from tuner.artifacts import S3Settings, decode_settings
    from tuner_operator.settings import settings_from

    values = ("watchNamespaces={ml,research}", "imagePullSecrets={one,two}", "image.tag=v7")
    env = operator_env(render(*values, *REAL_STORE, minio=False), find)
    settings = settings_from({name: value or "" for name, value in env.items()})
    assert settings.namespaces == ("ml", "research")
    assert settings.pull_secrets == ("one", "two")
    assert settings.agent_image == "tuner/agent:v7"
    assert settings.worker_image == "tuner/worker:v7"
    assert settings.lease_name == "tuner-operator"
    assert (settings.metrics_port, settings.health_port) == (8080, 8081)
    assert decode_settings(settings.store) == S3Settings(endpoint="s3.example.com", bucket="tuner")


def test_the_operator_talks_to_the_releases_minio(render, find):
    store = json.loads(operator_env(render(), find)["TUNER_STORE"])
    service = find(render(), "Service", "tuner-minio")
    port = service["spec"]["ports"][0]["port"]
    assert store["endpoint"] == f"tuner-minio.tuner-system.svc:{port}"
    assert (store["secure"], store["path_style"]) == (False, True)


def test_probes_and_ports_agree(render, find):
    deployment = find(render(), "Deployment", "tuner-operator")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"metrics": 8080, "health": 8081}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == "8080"


def secret_rules(role):
    return [rule for rule in role["rules"] if "secrets" in rule["resources"]]


def test_one_secret_is_readable_and_no_other(render, find):
    documents = render()
    roles = [doc for doc in documents if doc["kind"] in ("Role", "ClusterRole")]
    rules = [rule for role in roles for rule in secret_rules(role)]
    assert rules
    for rule in rules:
        assert rule["verbs"] == ["get"]
        assert rule["resourceNames"] == ["tuner-object-store"]


def test_no_rule_has_a_wildcard_or_runs_commands_in_pods(render):
    rules = [rule for role in render() for rule in role.get("rules") or []]
    assert rules
    for rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert not {"pods/exec", "pods/attach", "clusterrolebindings"} & set(rule["resources"])
        assert not {"escalate", "impersonate"} & set(rule["verbs"])


def test_the_operator_may_bind_the_workers_role_alone(render, find):
    operator = find(render(), "ClusterRole", "tuner-operator")
    rules = [rule for rule in operator["rules"] if "bind" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in rules] == [["tuner-worker"]]


def test_workers_make_trials_and_see_studies(render, find):
    role = find(render(), "ClusterRole", "tuner-worker")
    granted = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert ("tuningtrials", "create") in granted
    read = {"get", "list", "watch"}
    assert {verb for resource, verb in granted if resource == "tuningstudies"} == read
    # Promotions are marked by any worker; a trial's spec is immutable.
    trials = {verb for resource, verb in granted if resource == "tuningtrials"}
    assert trials == {"create", "patch", *read}
    assert {resource for resource, _ in granted} == {"tuningstudies", "tuningtrials"}


def test_editors_make_studies_but_no_trials(render, find):
    role = find(render(), "ClusterRole", "tuner-edit")
    granted = {
        (what, verb) for one in role["rules"] for what in one["resources"] for verb in one["verbs"]
    }
    assert {verb for what, verb in granted if what == "tuningtrials"} == {"delete"}
    assert {"create", "update", "delete"} <= {
        verb for what, verb in granted if what == "tuningstudies"
    }


def test_watched_namespaces_get_roles_and_the_cluster_role_shrinks(render, find):
    everywhere = find(render(), "ClusterRole", "tuner-operator")
    documents = render("watchNamespaces={ml,research}")
    small = find(documents, "ClusterRole", "tuner-operator")
    for namespace in ("ml", "research"):
        role = find(documents, "Role", "tuner-operator", namespace=namespace)
        assert [*small["rules"], *role["rules"]] == everywhere["rules"]
        binding = find(documents, "RoleBinding", "tuner-operator", namespace=namespace)
        assert binding["subjects"][0]["namespace"] == "tuner-system"
    touched = {resource for rule in small["rules"] for resource in rule["resources"]}
    assert not touched & {"pods", "secrets", "configmaps", "tuningstudies"}


def test_without_rbac_nothing_of_it_is_made(render):
    kinds = {doc["kind"] for doc in render("rbac.create=false")}
    assert not kinds & {
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "ServiceAccount",
    }


def test_the_secret_is_made_in_the_listed_namespaces_with_equal_content(render):
    documents = render("objectStore.secretNamespaces={ml,tuner-system,research}")
    secrets = [doc for doc in documents if doc["kind"] == "Secret"]
    assert {doc["metadata"]["namespace"] for doc in secrets} == {"ml", "research", "tuner-system"}
    assert len(secrets) == 3
    assert all(secret["stringData"] == secrets[0]["stringData"] for secret in secrets)
    assert len(secrets[0]["stringData"]["secretKey"]) >= 32


def test_a_real_store_needs_no_minio(render):
    documents = render(*REAL_STORE, minio=False)
    assert [doc["metadata"]["name"] for doc in documents if doc["kind"] == "Deployment"] == [
        "tuner-operator"
    ]
    secret = next(doc for doc in documents if doc["kind"] == "Secret")
    assert secret["stringData"] == {"accessKey": "key", "secretKey": "secret"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("metrics.serviceMonitor.enabled=true", "ServiceMonitor"),
        ("networkPolicy.enabled=true", "NetworkPolicy"),
        ("minio.persistence.enabled=true", "PersistentVolumeClaim"),
    ],
)
def test_options_are_off_until_asked_for(render, value, kind):
    assert kind not in {doc["kind"] for doc in render()}
    assert kind in {doc["kind"] for doc in render(value)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "objectStore.accessKey and secretKey are empty"),
        (["objectStore.createSecret=false"], "objectStore.endpoint is empty"),
        (["minio.enabled=true", "operator.replica=2"], "additional properties 'replica'"),
        (["minio.enabled=true", "operator.replicas=two"], "/operator/replicas"),
        (["minio.enabled=true", "image.pullPolicy=Sometimes"], "/image/pullPolicy"),
        (["objectStore.endpoint=https://s3.example.com"], "/objectStore/endpoint"),
        (["minio.enabled=true", "objectStore.bucket=A_B"], "/objectStore/bucket"),
    ],
)
def test_bad_values_are_refused_with_the_reason(template, values, message):
    done = template(values)
    assert done.returncode != 0
    assert message in done.stderr


TABLE = """
minio: {enabled: true}
instanceTypes:
- name: a100-8
  labels: {example.com/class: gpu}
  spec:
    pricePerHour: 24
    nodeSelector: {pool: a100, karpenter.sh/capacity-type: on-demand}
    resources: {cpu: 90, nvidia.com/gpu: 8}
    provisioningTimeout: 15m
  spot: {pricePerHour: 9, preemptedSecondsPerHour: 60, nodeSelector: {pool: a100-spot}}
- {name: cpu, spec: {pricePerHour: 0.5, nodeSelector: {pool: cpu}}, spot: {pricePerHour: 0.1}}
"""
KIND = "--api-versions=tuner.dev/v1alpha1/InstanceType"


@pytest.fixture
def table(helm, request, tmp_path):
    """Renders the chart with a table of instance types."""

    def run(*options, text=TABLE):
        values = tmp_path / "values.yaml"
        values.write_text(text)
        chart = request.config.rootpath / "charts" / "tuner"
        words = ("template", "tuner", chart, "-f", values, "--kube-version=1.34.0")
        return helm(*words, *options)

    return run


def test_the_table_of_instance_types_makes_them_and_their_spot_twins(table):
    found = {
        one["metadata"]["name"]: InstanceType.model_validate(one)
        for one in yaml.safe_load_all(table(KIND).stdout)
        if one and one["kind"] == "InstanceType"
    }
    assert set(found) == {"a100-8", "a100-8-spot", "cpu", "cpu-spot"}
    plain, spot = found["a100-8"].spec, found["a100-8-spot"].spec
    assert (plain.price_per_hour, spot.price_per_hour) == (24, 9)
    assert (plain.capacity_type, spot.capacity_type) == ("OnDemand", "Spot")
    assert spot.preempted_seconds_per_hour == 60
    assert spot.node_selector == {"pool": "a100-spot"}
    assert spot.resources == plain.resources
    assert spot.provisioning_timeout == "15m"
    assert found["cpu-spot"].spec.node_selector == {"pool": "cpu"}
    assert found["a100-8-spot"].metadata.labels["example.com/class"] == "gpu"


def test_before_the_kind_exists_the_table_waits(table):
    documents = [one for one in yaml.safe_load_all(table().stdout) if one]
    assert "InstanceType" not in {one["kind"] for one in documents}


@pytest.mark.parametrize(
    "text",
    [
        "instanceTypes: [{name: Big, spec: {}}]",
        "instanceTypes: [{name: big, spec: {pricePerHour: dear}}]",
        "instanceTypes: [{name: big, spec: {}, price: 3}]",
        "instanceTypes: [{spec: {}}]",
    ],
)
def test_an_entry_that_is_none_is_refused(table, text):
    done = table(KIND, text=f"minio: {{enabled: true}}\n{text}")
    assert done.returncode != 0
    assert "instanceTypes" in done.stderr

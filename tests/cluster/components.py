"""The processes of the cluster, in the order they start."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import certs
import configs
from settings import (
    API_SERVER,
    BINARIES,
    CLUSTER_DOMAIN,
    CONTAINERD_SOCKET,
    KUBECONFIG,
    KUBELET_ROOT,
    NODE_ADDRESS,
    NODE_NAME,
    PROMETHEUS,
    SERVICE_RANGE,
    STATE,
)
from shell import inside, run, succeeds


@dataclass(frozen=True, kw_only=True)
class Component:
    """A process and how to tell that it works."""

    name: str
    argv: list[str]
    healthy: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)
    seconds: float = 30
    """How long it may take to become healthy."""


def _url(url: str) -> Callable[[], bool]:
    """Whether a URL answers 200, asked for from the cluster's namespace."""
    words = ["curl", "--silent", "--insecure", "--fail", "--max-time", "2", "--output",
             "/dev/null", url]  # fmt: skip
    return lambda: succeeds(inside(words))


def api_server_ready() -> bool:
    """Whether the API server answers the administrator, from the machine's own namespace."""
    context = ssl.create_default_context(cafile=str(certs.CA))
    context.load_cert_chain(certs.ADMIN.certificate, certs.ADMIN.key)
    try:
        with urllib.request.urlopen(f"{API_SERVER}/readyz", timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def node_ready() -> bool:
    """Whether the node's Ready condition is True."""
    condition = '{.status.conditions[?(@.type=="Ready")].status}'
    words = ["get", "node", NODE_NAME, "--ignore-not-found", "-o", f"jsonpath={condition}"]
    return kubectl(*words).strip() == "True"


def kubectl(*words: str | Path, stdin: str | None = None) -> str:
    """Run kubectl as the administrator."""
    return run([BINARIES / "kubectl", f"--kubeconfig={KUBECONFIG}", *words], stdin=stdin)


def etcd() -> Component:
    """The API server's store; what it holds need not survive a power cut."""
    return Component(
        name="etcd",
        argv=[
            str(BINARIES / "etcd"),
            f"--data-dir={STATE / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
        ],
        healthy=_url("http://127.0.0.1:2379/health"),
    )


def api_server() -> Component:
    """kube-apiserver, with the authorization of a production cluster."""
    flags: dict[str, str | Path] = {
        "etcd-servers": "http://127.0.0.1:2379",
        "advertise-address": NODE_ADDRESS,
        "service-cluster-ip-range": SERVICE_RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "client-ca-file": certs.CA,
        "tls-cert-file": certs.SERVER_CERTIFICATE,
        "tls-private-key-file": certs.SERVER_KEY,
        "service-account-issuer": f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
        "service-account-key-file": certs.SERVICE_ACCOUNT_PUBLIC,
        "service-account-signing-key-file": certs.SERVICE_ACCOUNT_KEY,
        "kubelet-client-certificate": certs.API_SERVER_CLIENT.certificate,
        "kubelet-client-key": certs.API_SERVER_CLIENT.key,
        # The node's name resolves nowhere.
        "kubelet-preferred-address-types": "InternalIP",
    }
    return _kubernetes("kube-apiserver", flags, healthy=api_server_ready)


def controller_manager() -> Component:
    """kube-controller-manager, all controllers."""
    flags: dict[str, str | Path] = {
        "kubeconfig": certs.CONTROLLER_MANAGER.kubeconfig,
        "service-account-private-key-file": certs.SERVICE_ACCOUNT_KEY,
        "root-ca-file": certs.CA,
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
    }
    healthy = _url("https://127.0.0.1:10257/healthz")
    return _kubernetes("kube-controller-manager", flags, healthy=healthy)


def scheduler() -> Component:
    """kube-scheduler."""
    flags: dict[str, str | Path] = {
        "kubeconfig": certs.SCHEDULER.kubeconfig,
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
    }
    return _kubernetes("kube-scheduler", flags, healthy=_url("https://127.0.0.1:10259/healthz"))


def containerd() -> Component:
    """The container runtime, apart from any that the machine runs."""
    return Component(
        name="containerd",
        argv=["containerd", f"--config={configs.CONTAINERD}", "--log-level=warn"],
        healthy=lambda: succeeds(["ctr", f"--address={CONTAINERD_SOCKET}", "version"]),
    )


def kubelet() -> Component:
    """The node."""
    flags: dict[str, str | Path] = {
        "config": configs.KUBELET,
        "kubeconfig": certs.KUBELET.kubeconfig,
        "root-dir": KUBELET_ROOT,
        "cert-dir": STATE / "kubelet-certificates",
        "hostname-override": NODE_NAME,
        "node-ip": NODE_ADDRESS,
        "node-labels": "node.kubernetes.io/instance-type=test-node",
    }
    return _kubernetes("kubelet", flags, healthy=node_ready, seconds=60)


def proxy() -> Component:
    """kube-proxy: service addresses, by iptables."""
    flags: dict[str, str | Path] = {"config": configs.PROXY}
    return _kubernetes("kube-proxy", flags, healthy=_url("http://127.0.0.1:10249/healthz"))


def dns() -> Component:
    """CoreDNS: names of services; it knows no name outside of the cluster."""
    return Component(
        name="coredns",
        argv=[str(BINARIES / "coredns"), "-conf", str(configs.COREFILE)],
        healthy=_url("http://127.0.0.1:8080/health"),
    )


def prometheus() -> Component:
    """Prometheus, which scrapes the pods that ask for it by annotation."""
    return Component(
        name="prometheus",
        argv=[
            str(BINARIES / "prometheus"),
            f"--config.file={configs.PROMETHEUS}",
            f"--storage.tsdb.path={STATE / 'prometheus'}",
            "--storage.tsdb.retention.time=6h",
            f"--web.listen-address={PROMETHEUS.removeprefix('http://')}",
            "--log.level=warn",
        ],
        healthy=_url(f"{PROMETHEUS}/-/ready"),
    )


def kwok() -> Component:
    """kwok: acts for the fake nodes (and their pods) that `nodes` creates on request."""
    return Component(
        name="kwok",
        argv=[
            str(BINARIES / "kwok"),
            f"--kubeconfig={KUBECONFIG}",
            f"--config={configs.KWOK}",
            f"--manage-nodes-with-annotation-selector={configs.FAKE_NODE_ANNOTATION}",
            "--server-address=127.0.0.1:10247",
        ],
        healthy=_url("http://127.0.0.1:10247/healthz"),
    )


def _kubernetes(
    name: str,
    flags: dict[str, str | Path],
    *,
    healthy: Callable[[], bool],
    seconds: float = 30,
) -> Component:
    words = [f"--{flag}={value}" for flag, value in flags.items()]
    return Component(
        name=name, argv=[str(BINARIES / name), *words], healthy=healthy, seconds=seconds
    )


ALL = (
    etcd,
    api_server,
    controller_manager,
    scheduler,
    containerd,
    kubelet,
    proxy,
    dns,
    prometheus,
    kwok,
)

"""Configuration files of the components, written into the state folder."""

import json
from pathlib import Path
from typing import Any

import certs
from settings import (
    BINARIES,
    CLUSTER_DOMAIN,
    CONFIGS,
    CONTAINERD_ROOT,
    CONTAINERD_SOCKET,
    NODE_ADDRESS,
    NODE_NAME,
    PAUSE_IMAGE,
    POD_LOGS,
    POD_RANGE,
    RUN,
)

KUBELET = CONFIGS / "kubelet.json"
PROXY = CONFIGS / "kube-proxy.json"
CONTAINERD = CONFIGS / "containerd.toml"
CNI = CONFIGS / "cni"
COREFILE = CONFIGS / "Corefile"
PROMETHEUS = CONFIGS / "prometheus.json"
KWOK = CONFIGS / "kwok.yaml"
_RESOLV_CONF = CONFIGS / "resolv.conf"

FAKE_NODE_ANNOTATION = "kwok.x-k8s.io/node=fake"


def write() -> None:
    """Write all of them. JSON stands in for YAML: every reader of the one takes the other."""
    CNI.mkdir(parents=True)
    # Pods ask the cluster's DNS server alone; the machine's servers are out of reach.
    _RESOLV_CONF.write_text("")
    CONTAINERD.write_text(_containerd())
    _json(CNI / "10-tuner.conflist", _cni())
    _json(KUBELET, _kubelet())
    _json(PROXY, _proxy())
    COREFILE.write_text(_corefile())
    _json(PROMETHEUS, _prometheus())
    KWOK.write_text("---\n".join(file.read_text() for file in _kwok_stages()))


def _json(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=2) + "\n")


def _containerd() -> str:
    # Without CAP_SYS_RESOURCE an OOM score below the parent's cannot be set, and no sandbox
    # would start: `restrict_oom_score_adj` clips it.
    return f"""\
version = 2
root = "{CONTAINERD_ROOT}"
state = "{RUN}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{CNI}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def _cni() -> dict[str, Any]:
    # `ptp` routes between pods where `bridge` would switch: the answer of a pod to another that
    # asked by service address passes the node's address translation on its way back, always.
    ranges = [[{"subnet": POD_RANGE}]]
    data = str(CONFIGS / "addresses")
    return {
        "cniVersion": "0.4.0",
        "name": "tuner",
        "plugins": [
            {
                "type": "ptp",
                "mtu": 1400,
                "ipam": {
                    "type": "host-local",
                    "ranges": ranges,
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": data,
                },
            },
        ],
    }


def _kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certs.CA)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(_RESOLV_CONF),
        "podLogsDir": str(POD_LOGS),
        "staticPodPath": "",
        "serializeImagePulls": False,
        # Images are imported, so one that the kubelet threw away would not come back.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2Gi"},
        "maxPods": 250,
        "nodeStatusReportFrequency": "1m",
    }


def _proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(certs.PROXY.kubeconfig)},
        "hostnameOverride": NODE_NAME,
        "mode": "iptables",
        "clusterCIDR": POD_RANGE,
        "conntrack": {"maxPerCore": 0, "min": 0},
        "metricsBindAddress": "127.0.0.1:10249",
    }


def _corefile() -> str:
    return f"""\
{CLUSTER_DOMAIN} {POD_RANGE} {{
    bind {NODE_ADDRESS}
    errors
    health 127.0.0.1:8080
    kubernetes {CLUSTER_DOMAIN} {POD_RANGE} {{
        kubeconfig {certs.OBSERVER.kubeconfig}
        pods insecure
        ttl 1
    }}
    cache 1
}}
"""


def _prometheus() -> dict[str, Any]:
    annotation = "__meta_kubernetes_pod_annotation_prometheus_io"
    relabel: list[dict[str, Any]] = [
        {"source_labels": [f"{annotation}_scrape"], "regex": "true", "action": "keep"},
        {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Running", "action": "keep"},
        {
            "source_labels": [f"{annotation}_path"],
            "regex": "(.+)",
            "target_label": "__metrics_path__",
        },
        # Discovery yields a target for each declared port; with the annotated one in all of
        # them they are the same target, which is scraped once.
        {
            "source_labels": ["__meta_kubernetes_pod_ip", f"{annotation}_port"],
            "separator": ":",
            "regex": "(.+)",
            "target_label": "__address__",
        },
        *(
            {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}
            for source, target in (("namespace", "namespace"), ("pod_name", "pod"))
        ),
    ]
    return {
        "global": {"scrape_interval": "5s", "scrape_timeout": "4s"},
        "scrape_configs": [
            {
                "job_name": "pods",
                "kubernetes_sd_configs": [
                    {"role": "pod", "kubeconfig_file": str(certs.OBSERVER.kubeconfig)}
                ],
                "relabel_configs": relabel,
            }
        ],
    }


def _kwok_stages() -> list[Path]:
    folder = BINARIES / "kwok-files"
    names = ("node/fast/node-initialize.yaml", "node/heartbeat/node-heartbeat.yaml",
             "pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml",
             "pod/fast/pod-delete.yaml")  # fmt: skip
    return [folder / name for name in names]

"""Where the test cluster keeps its files, and the addresses it uses."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

_user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CACHE = Path(os.environ.get("TUNER_CACHE") or _user_cache / "tuner")
"""Survives `down`: compiled programs, base images, the runtime's image store."""

BINARIES = CACHE / "bin"
BUILDS = CACHE / "builds"
IMAGE_ARCHIVES = CACHE / "images"
BUILDAH_ROOT = CACHE / "buildah"
CONTAINERD_ROOT = CACHE / "containerd"

STATE = CACHE / "cluster"
"""Removed by `down`: certificates, data of etcd and Prometheus, pods' volumes, logs, pids."""

LOGS = STATE / "logs"
PROCESSES = STATE / "processes"
CERTIFICATES = STATE / "certificates"
CONFIGS = STATE / "config"
KUBELET_ROOT = STATE / "kubelet"
POD_LOGS = STATE / "pod-logs"
KUBECONFIG = STATE / "kubeconfig"
IMAGES_JSON = STATE / "images.json"

RUN = Path("/run/tuner-cluster")
"""Sockets: their paths must stay below 108 characters, which a home folder does not promise."""

CONTAINERD_SOCKET = RUN / "containerd.sock"

NETWORK_NAMESPACE = "tuner"
NAMESPACE_FILE = Path("/var/run/netns") / NETWORK_NAMESPACE
HOST_INTERFACE = "tuner0"
# TEST-NET-2 of RFC 5737: no machine that a pod or a user wants to reach has such an address.
HOST_ADDRESS = "198.51.100.1"
NODE_ADDRESS = "198.51.100.2"
PREFIX_LENGTH = 24
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
CLUSTER_DOMAIN = "cluster.local"

NODE_NAME = "node-1"
API_SERVER = f"https://{NODE_ADDRESS}:6443"
PROMETHEUS = f"http://{NODE_ADDRESS}:9090"

KUBERNETES_VERSION = "v1.34.4"
PAUSE_IMAGE = "localhost/pause:1"
PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
DEBIAN_IMAGE = "docker.io/library/debian:bookworm-slim"
BUSYBOX_IMAGE = "docker.io/library/busybox:1"
# The last release that was published as an image; ours has the last commit of its source.
MINIO_IMAGE = "docker.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"

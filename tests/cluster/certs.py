"""The cluster's certificates, made with openssl, and kubeconfig files that carry them."""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from settings import (
    API_SERVER,
    API_SERVICE_ADDRESS,
    CERTIFICATES,
    CLUSTER_DOMAIN,
    NODE_ADDRESS,
    NODE_NAME,
)
from shell import run

_DAYS = "3650"
CA = CERTIFICATES / "ca.crt"
CA_KEY = CERTIFICATES / "ca.key"
SERVICE_ACCOUNT_KEY = CERTIFICATES / "service-account.key"
SERVICE_ACCOUNT_PUBLIC = CERTIFICATES / "service-account.pub"

OBSERVERS = "tuner-test:observers"
"""The group of Prometheus and the DNS server; `addons` gives it read access."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user of the API server, known by a client certificate."""

    name: str
    user: str
    group: str = ""

    @property
    def certificate(self) -> Path:
        """The certificate's file."""
        return CERTIFICATES / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        """The private key's file."""
        return CERTIFICATES / f"{self.name}.key"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of this user."""
        return CERTIFICATES / f"{self.name}.kubeconfig"


ADMIN = Identity(name="admin", user="admin", group="system:masters")
KUBELET = Identity(name="kubelet", user=f"system:node:{NODE_NAME}", group="system:nodes")
API_SERVER_CLIENT = Identity(name="kubelet-client", user="kube-apiserver", group="system:masters")
CONTROLLER_MANAGER = Identity(name="controller-manager", user="system:kube-controller-manager")
SCHEDULER = Identity(name="scheduler", user="system:kube-scheduler")
PROXY = Identity(name="proxy", user="system:kube-proxy")
OBSERVER = Identity(name="observer", user="tuner-test:observer", group=OBSERVERS)
CLIENTS = (ADMIN, KUBELET, API_SERVER_CLIENT, CONTROLLER_MANAGER, SCHEDULER, PROXY, OBSERVER)

SERVER_CERTIFICATE = CERTIFICATES / "server.crt"
SERVER_KEY = CERTIFICATES / "server.key"
_SERVER_NAMES = [
    *(f"DNS:kubernetes{tail}" for tail in ("", ".default", ".default.svc")),
    f"DNS:kubernetes.default.svc.{CLUSTER_DOMAIN}",
    "DNS:localhost",
    *(f"IP:{address}" for address in ("127.0.0.1", NODE_ADDRESS, API_SERVICE_ADDRESS)),
]


def create() -> None:
    """Make a certificate authority, the server's certificate and one for each client."""
    CERTIFICATES.mkdir(parents=True, mode=0o700)
    _key(CA_KEY)
    run(["openssl", "req", "-x509", "-new", "-key", CA_KEY, "-days", _DAYS, "-out", CA,
         "-subj", "/CN=tuner-test-cluster"])  # fmt: skip
    _sign("/CN=kube-apiserver", key=SERVER_KEY, certificate=SERVER_CERTIFICATE,
          usage="serverAuth", names=_SERVER_NAMES)  # fmt: skip
    for client in CLIENTS:
        group = f"/O={client.group}" if client.group else ""
        _sign(f"{group}/CN={client.user}", key=client.key, certificate=client.certificate,
              usage="clientAuth", names=[])  # fmt: skip
        client.kubeconfig.write_text(_kubeconfig(client))
    run(["openssl", "genrsa", "-out", SERVICE_ACCOUNT_KEY, "2048"])
    run(["openssl", "rsa", "-in", SERVICE_ACCOUNT_KEY, "-pubout", "-out", SERVICE_ACCOUNT_PUBLIC])


def _key(file: Path) -> None:
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file])


def _sign(subject: str, *, key: Path, certificate: Path, usage: str, names: list[str]) -> None:
    _key(key)
    request = run(["openssl", "req", "-new", "-key", key, "-subj", subject])
    extensions = certificate.with_suffix(".ext")
    lines = [f"extendedKeyUsage={usage}", "keyUsage=critical,digitalSignature"]
    if names:
        lines.append(f"subjectAltName={','.join(names)}")
    extensions.write_text("\n".join(lines) + "\n")
    run(["openssl", "x509", "-req", "-CA", CA, "-CAkey", CA_KEY, "-CAcreateserial", "-days", _DAYS,
         "-extfile", extensions, "-out", certificate], stdin=request)  # fmt: skip


def _kubeconfig(client: Identity) -> str:
    """A kubeconfig, in JSON, which is YAML; the files are inlined so that it can be copied."""
    cluster = {"server": API_SERVER, "certificate-authority-data": _encoded(CA)}
    user = {
        "client-certificate-data": _encoded(client.certificate),
        "client-key-data": _encoded(client.key),
    }
    name = "tuner-test"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": client.name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": client.name}}],
        "current-context": name,
    }
    return json.dumps(document, indent=2) + "\n"


def _encoded(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()

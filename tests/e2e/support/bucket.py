"""The release's MinIO, through its own client."""

import base64
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from kube import Kube, Object
from minio import Minio

from tuner.artifacts import Credentials, Patience, S3Settings, open_store
from tuner.log import StudyLog, study_prefix

NAME = "tuner"


class Known:
    """Credentials that are at hand."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._credentials = Credentials(access_key, secret_key)

    def credentials(self) -> Credentials:
        """The same ones at any time."""
        return self._credentials


class Bucket:
    """What the studies have stored."""

    def __init__(self, endpoint: str, *, access_key: str, secret_key: str) -> None:
        self.secret_key = secret_key
        self._client = Minio(endpoint, access_key, secret_key, secure=False, region="us-east-1")
        settings = S3Settings(endpoint=endpoint, bucket=NAME, secure=False)
        self._store = open_store(settings, credentials=Known(access_key, secret_key))

    def keys(self, prefix: str = "") -> list[str]:
        """Keys of the objects under a prefix."""
        found = self._client.list_objects(NAME, prefix, recursive=True)
        return [str(one.object_name) for one in found]

    def times(self, prefix: str) -> dict[str, float]:
        """When the objects under a prefix were written, seconds since the epoch."""
        found = self._client.list_objects(NAME, prefix, recursive=True)
        return {str(one.object_name): one.last_modified.timestamp() for one in found}

    def contents(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Objects under a prefix with their bytes."""
        for key in self.keys(prefix):
            yield key, self.read(key)

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        response = self._client.get_object(NAME, key)
        try:
            found: bytes = response.read()
        finally:
            response.close()
            response.release_conn()
        return found

    def log(self, study: Object) -> StudyLog:
        """The log of a study."""
        metadata = study["metadata"]
        prefix = study_prefix(metadata["namespace"], metadata["name"], uid=metadata["uid"])
        # One of the tests takes the store away for half a minute, from the others as well.
        return StudyLog(self._store, prefix, patience=Patience(seconds=90))


@contextmanager
def open_bucket(kube: Kube, *, namespace: str, service: str, secret: str) -> Iterator[Bucket]:
    """The bucket, for the time of a test."""
    found = kube.get("secrets", secret, namespace)
    assert found is not None, f"no Secret {secret} in {namespace}"
    keys = {name: base64.b64decode(value).decode() for name, value in found["data"].items()}
    with reachable(kube, service, namespace=namespace, port=9000) as endpoint:
        yield Bucket(endpoint, access_key=keys["accessKey"], secret_key=keys["secretKey"])


@contextmanager
def reachable(kube: Kube, service: str, *, namespace: str, port: int) -> Iterator[str]:
    """The service's own address if it answers here, else a forwarded port."""
    found = kube.get("services", service, namespace)
    assert found is not None, f"no Service {service} in {namespace}"
    address = found["spec"]["clusterIP"]
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        with forwarded(f"service/{service}", namespace=namespace, port=port) as endpoint:
            yield endpoint
    else:
        yield f"{address}:{port}"


@contextmanager
def forwarded(target: str, *, namespace: str, port: int) -> Iterator[str]:
    """A local address that leads to a port in the cluster."""
    command = ["kubectl", "port-forward", target, f"--namespace={namespace}", f":{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert match, (
            f"kubectl port-forward {target}: {line} {process.stderr and process.stderr.read()}"
        )
        yield f"127.0.0.1:{match[1]}"
    finally:
        process.terminate()
        process.communicate(timeout=10)

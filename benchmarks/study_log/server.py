"""A MinIO of our own, and how many requests it has answered."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import minio

from tuner.artifacts import ArtifactStore, Credentials, S3Settings, open_store

ACCESS_KEY, SECRET_KEY = "tuner-bench", "tuner-bench-secret"
BUCKET = "bench"
START_SECONDS = 60.0
_OPTIONS = ("server", "--quiet")
_COUNT = re.compile(r'^minio_s3_requests_total\{api="(\w+)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class _Fixed:
    def credentials(self) -> Credentials:
        return Credentials(ACCESS_KEY, SECRET_KEY)


@dataclass(frozen=True)
class Server:
    """Where it is."""

    endpoint: str

    def store(self) -> ArtifactStore:
        """A connection of its own, as each process has one."""
        settings = S3Settings(endpoint=self.endpoint, bucket=BUCKET, secure=False)
        return open_store(settings, credentials=_Fixed())

    def requests(self) -> dict[str, float]:
        """Answered so far, by kind, as the server counts them."""
        url = f"http://{self.endpoint}/minio/v2/metrics/cluster"
        with urllib.request.urlopen(url, timeout=10.0) as answer:
            return {kind: float(count) for kind, count in _COUNT.findall(answer.read().decode())}


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Starts one with its data in a folder."""
    endpoint, console = f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"
    process = subprocess.Popen(
        [_binary(), *_OPTIONS, "--address", endpoint, "--console-address", console, str(folder)],
        env={
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "MINIO_ROOT_USER": ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": SECRET_KEY,
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "MINIO_CI_CD": "on",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(endpoint)
        client = minio.Minio(endpoint, access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False)
        client.make_bucket(BUCKET)
        yield Server(endpoint)
    finally:
        process.kill()
        process.wait()


def _binary() -> str:
    cache = Path(os.environ.get("TUNER_CACHE") or Path.home() / ".cache" / "tuner")
    built = [cache / "bin" / "minio", *sorted(cache.glob("builds/*/minio"))]
    found = shutil.which("minio") or next((str(path) for path in built if path.is_file()), None)
    if found is None:
        raise SystemExit("no minio program on PATH or in TUNER_CACHE; `make cluster` builds one")
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(endpoint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{endpoint}/minio/health/cluster", timeout=1.0):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"MinIO did not start within {START_SECONDS} s")

"""A real MinIO for the S3 store, and the stores that the contract suites run over."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import minio
import pytest

from tuner.artifacts import (
    ArtifactStore,
    Credentials,
    FolderSettings,
    S3Settings,
    open_store,
)
from tuner.backends.simulated.memory import MemoryStore

ACCESS_KEY, SECRET_KEY = "tuner-test", "tuner-test-secret"
START_SECONDS = 60.0


def _minio_binary() -> str | None:
    cache = Path(os.environ.get("TUNER_CACHE") or Path.home() / ".cache" / "tuner")
    built = [cache / "bin" / "minio", *sorted(cache.glob("builds/*/minio"))]
    return shutil.which("minio") or next((str(path) for path in built if path.is_file()), None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class StaticCredentials:
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    def credentials(self) -> Credentials:
        return Credentials(self.access_key, self.secret_key)


@dataclass
class MinioServer:
    """A MinIO of our own on a loopback port; may be killed and started again."""

    binary: str
    folder: Path
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        console = f"127.0.0.1:{_free_port()}"
        command = [self.binary, "server", "--quiet", "--address", self.endpoint]
        self.process = subprocess.Popen(
            [*command, "--console-address", console, str(self.folder)],
            env={
                "HOME": str(self.folder.parent),
                "PATH": os.environ["PATH"],
                "MINIO_ROOT_USER": ACCESS_KEY,
                "MINIO_ROOT_PASSWORD": SECRET_KEY,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                "MINIO_CI_CD": "on",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def new_bucket(self) -> S3Settings:
        bucket = f"test-{uuid.uuid4().hex[:12]}"
        client = minio.Minio(
            self.endpoint, access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False
        )
        client.make_bucket(bucket)
        return S3Settings(endpoint=self.endpoint, bucket=bucket, secure=False)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        url = f"http://{self.endpoint}/minio/health/cluster"
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, "MinIO ended"
            try:
                with urllib.request.urlopen(url, timeout=1.0):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise TimeoutError(f"MinIO did not start within {START_SECONDS} s")


@pytest.fixture(scope="session")
def minio_binary() -> str:
    binary = _minio_binary()
    if binary is None:
        reason = "no minio program on PATH or in TUNER_CACHE; `make cluster` builds one"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return binary


@pytest.fixture(scope="session")
def minio_server(
    minio_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MinioServer]:
    server = MinioServer(minio_binary, tmp_path_factory.mktemp("minio") / "data")
    server.folder.mkdir()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_minio(minio_binary: str, tmp_path: Path) -> Iterator[MinioServer]:
    """One that the test may kill."""
    server = MinioServer(minio_binary, tmp_path / "data")
    server.folder.mkdir()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def credentials() -> Callable[..., StaticCredentials]:
    return StaticCredentials


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "memory":
        return MemoryStore(time.time)
    if request.param == "folder":
        return open_store(FolderSettings(folder=str(tmp_path / "store")))
    server: MinioServer = request.getfixturevalue("minio_server")
    return open_store(server.new_bucket(), credentials=StaticCredentials())

"""Where a store's credentials come from; they are never part of its settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tuner.errors import StoreDenied

MAX_CREDENTIAL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key and its secret; printing shows the access key only."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class CredentialsProvider(Protocol):
    """Gives the credentials that are valid now; asked before every request."""

    def credentials(self) -> Credentials:
        """Raises StoreDenied, with what to do, if there are none."""


class EnvCredentials:
    """Credentials from TUNER_STORE_ACCESS_KEY and TUNER_STORE_SECRET_KEY, else AWS's names."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def credentials(self) -> Credentials:
        """Reads the environment."""
        for names in (
            ("TUNER_STORE_ACCESS_KEY", "TUNER_STORE_SECRET_KEY", "TUNER_STORE_SESSION_TOKEN"),
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        ):
            access, secret, token = (self._environ.get(name, "") for name in names)
            if access and secret:
                return Credentials(access, secret, token or None)
        raise StoreDenied(
            "no credentials of the object store: set TUNER_STORE_ACCESS_KEY and "
            "TUNER_STORE_SECRET_KEY (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
        )


class FileCredentials:
    """Credentials from the files of a mounted Secret, read again whenever they change.

    The files are `accessKey`, `secretKey` and, optionally, `sessionToken`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: object = None
        self._cached: Credentials | None = None

    def credentials(self) -> Credentials:
        """Reads the files if they have changed since the last time."""
        stamp = tuple(self._stat(name) for name in ("accessKey", "secretKey", "sessionToken"))
        with self._lock:
            if self._cached is None or stamp != self._stamp:
                self._cached, self._stamp = self._read(), stamp
            return self._cached

    def _stat(self, name: str) -> tuple[int, int, int] | None:
        try:
            facts = (self._folder / name).stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def _read(self) -> Credentials:
        access, secret = self._text("accessKey"), self._text("secretKey")
        if not access or not secret:
            raise StoreDenied(
                f"no credentials of the object store: {self._folder} needs the files "
                "accessKey and secretKey (keys of the store's Secret)"
            )
        return Credentials(access, secret, self._text("sessionToken") or None)

    def _text(self, name: str) -> str:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(MAX_CREDENTIAL_BYTES).decode().strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise StoreDenied(f"cannot read {self._folder / name}: {error}") from error

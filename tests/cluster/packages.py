"""Debian packages the cluster runs on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shell import CommandFailed, run, step

PACKAGES = (
    "buildah",
    "busybox",
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "debootstrap",
    "iproute2",
    "iptables",
    "mount",
    "openssl",
    "procps",
    "runc",
    "socat",
    "util-linux",
)

_POLICY = Path("/usr/sbin/policy-rc.d")


def install() -> None:
    """Install what is missing, without starting the services that some packages bring."""
    missing = [package for package in PACKAGES if not _installed(package)]
    if not missing:
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"apt-get install {' '.join(missing)}"), _no_services():
        run(["apt-get", "update", "-q"])
        run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], env=quiet)


def _installed(package: str) -> bool:
    try:
        state = run(["dpkg-query", "--show", "--showformat=${db:Status-Status}", package])
    except CommandFailed:
        # No package of this name was ever here.
        return False
    return state == "installed"


@contextmanager
def _no_services() -> Iterator[None]:
    """Let package scripts start nothing, unless the machine has a policy of its own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    os.chmod(_POLICY, 0o755)
    try:
        yield
    finally:
        _POLICY.unlink()

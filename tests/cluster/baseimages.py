"""Images that a registry would provide: made here, under the names the project uses."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ociarchive
from ociarchive import PATH, ImageConfig
from settings import (
    BINARIES,
    BUSYBOX_IMAGE,
    DEBIAN_IMAGE,
    IMAGE_ARCHIVES,
    MINIO_IMAGE,
    PAUSE_IMAGE,
    PYTHON_IMAGE,
)
from shell import run, step

_RELEASE = "bookworm"
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Builds run behind the machine's certificates, also where a program brings its own bundle.
_TLS = {"SSL_CERT_FILE": _CA_BUNDLE, "PIP_CERT": _CA_BUNDLE, "REQUESTS_CA_BUNDLE": _CA_BUNDLE}


@dataclass(frozen=True, kw_only=True)
class BaseImage:
    """An image made from a folder that `fill` fills."""

    name: str
    fill: Callable[[Path], None]
    config: ImageConfig
    made_of: Path | None = None
    """A file whose content decides the image's; images without one are made once."""

    @property
    def archive(self) -> Path:
        """Where the image is kept."""
        digest = hashlib.sha256(f"{self.name}{self.config}".encode())
        if self.made_of:
            digest.update(str(self.made_of.resolve()).encode())
        return IMAGE_ARCHIVES / f"{self._short_name}-{digest.hexdigest()[:12]}.tar"

    @property
    def outdated(self) -> list[Path]:
        """Archives of what the image was before."""
        files = IMAGE_ARCHIVES.glob(f"{self._short_name}-{'?' * 12}.tar")
        return [file for file in files if file != self.archive]

    @property
    def _short_name(self) -> str:
        return self.name.rpartition("/")[2].replace(":", "-")


def build() -> None:
    """Make the images that are not there yet."""
    for image in ALL:
        if not image.archive.exists():
            with step(f"make {image.name}"), tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "root"
                root.mkdir()
                image.fill(root)
                ociarchive.write(image.archive, name=image.name, root=root, config=image.config)
            for file in image.outdated:
                file.unlink()


def _pause(root: Path) -> None:
    shutil.copy(BINARIES / "pause", root / "pause")


def _busybox(root: Path) -> None:
    for folder in ("bin", "etc", "home", "root", "tmp", "usr/bin", "var/tmp"):
        (root / folder).mkdir(parents=True)
    for folder in ("tmp", "var/tmp"):
        os.chmod(root / folder, 0o1777)
    # Unpacked only: installed, it would push out the package `busybox` that a machine may have.
    with tempfile.TemporaryDirectory() as folder:
        run(["apt-get", "download", "-q", "busybox-static"], cwd=Path(folder))
        run(["dpkg-deb", "--extract", *Path(folder).glob("*.deb"), folder])
        shutil.copy(Path(folder) / "bin/busybox", root / "bin/busybox")
    for applet in run([root / "bin/busybox", "--list"]).split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
    )
    (root / "etc/group").write_text("root:x:0:\nnobody:x:65534:\n")


def _minio(root: Path) -> None:
    _busybox(root)
    (root / "data").mkdir()
    os.chmod(root / "data", 0o1777)
    shutil.copy(BINARIES / "minio", root / "usr/bin/minio")


def _debian(root: Path) -> None:
    _debootstrap(root, ["ca-certificates"])


def _python(root: Path) -> None:
    _debootstrap(root, ["ca-certificates", "python3", "python3-pip", "python3-venv"])
    # The official image has its own Python: both names, and no guard of the distribution's.
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
    (root / "usr/local/bin/pip").symlink_to("/usr/bin/pip3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()


def _mirror() -> str:
    """Where this machine itself gets its packages."""
    sites = run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"])
    return sites.split()[0]


def _debootstrap(root: Path, packages: list[str]) -> None:
    run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}",
         _RELEASE, root, _mirror()])  # fmt: skip
    shutil.copy(_CA_BUNDLE, root / _CA_BUNDLE.lstrip("/"))
    for settings in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(settings, root / "etc/apt/apt.conf.d" / settings.name)
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
        for entry in (root / folder).iterdir():
            run(["rm", "-rf", entry])


_SHELL_ENV = {"PATH": PATH}
_DEBIAN_ENV = {"PATH": PATH, "LANG": "C.UTF-8", **_TLS}

ALL = (
    BaseImage(
        name=PAUSE_IMAGE,
        fill=_pause,
        config=ImageConfig(entrypoint=["/pause"]),
        made_of=BINARIES / "pause",
    ),
    BaseImage(
        name=BUSYBOX_IMAGE, fill=_busybox, config=ImageConfig(command=["sh"], env=_SHELL_ENV)
    ),
    BaseImage(
        name=MINIO_IMAGE,
        fill=_minio,
        config=ImageConfig(entrypoint=["/usr/bin/minio"], env=_SHELL_ENV),
        made_of=BINARIES / "minio",
    ),
    BaseImage(
        name=DEBIAN_IMAGE, fill=_debian, config=ImageConfig(command=["bash"], env=_DEBIAN_ENV)
    ),
    BaseImage(
        name=PYTHON_IMAGE, fill=_python, config=ImageConfig(command=["python3"], env=_DEBIAN_ENV)
    ),
)

IN_CLUSTER = (PAUSE_IMAGE, BUSYBOX_IMAGE, MINIO_IMAGE, DEBIAN_IMAGE, PYTHON_IMAGE)
BUILD_BASES = (BUSYBOX_IMAGE, DEBIAN_IMAGE, PYTHON_IMAGE)
"""Those that Dockerfiles name in FROM."""

"""One-layer container images, written as OCI archives without a builder."""

import hashlib
import io
import json
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shell import run


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """What a container of the image runs with."""

    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The `config` part of an OCI image configuration."""
        return {
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Entrypoint": self.entrypoint,
            "Cmd": self.command,
            "WorkingDir": "/",
        }


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write(archive: Path, *, name: str, root: Path, config: ImageConfig) -> None:
    """Write the tree below `root` as an image called `name`; same tree, same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".unfinished")
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        layer = Path(folder) / "layer.tar"
        run(["tar", "--create", "--file", layer, "--directory", root, "--numeric-owner",
             "--sort=name", "--mtime=@0", "."])  # fmt: skip
        with tarfile.open(unfinished, "w") as tar:
            _write_image(tar, name=name, layer=layer, config=config)
    unfinished.rename(archive)


def _write_image(tar: tarfile.TarFile, *, name: str, layer: Path, config: ImageConfig) -> None:
    layer_digest, layer_size = _file_digest(layer), layer.stat().st_size
    configuration = {
        "architecture": run(["dpkg", "--print-architecture"]).strip(),
        "os": "linux",
        "config": config.document(),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created_by": "tests/cluster"}],
    }
    tar.add(layer, f"blobs/sha256/{layer_digest}")
    config_descriptor = _blob(tar, configuration, "application/vnd.oci.image.config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config_descriptor,
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": f"sha256:{layer_digest}",
                "size": layer_size,
            }
        ],
    }
    descriptor = _blob(tar, manifest, manifest["mediaType"])
    descriptor["annotations"] = {
        "org.opencontainers.image.ref.name": name,
        "io.containerd.image.name": name,
    }
    _member(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    _member(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))


def _blob(tar: tarfile.TarFile, document: dict[str, Any], media_type: Any) -> dict[str, Any]:
    text = json.dumps(document)
    digest = hashlib.sha256(text.encode()).hexdigest()
    _member(tar, f"blobs/sha256/{digest}", text)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(text.encode())}


def _member(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    tar.addfile(member, io.BytesIO(text.encode()))


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

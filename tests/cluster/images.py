"""The project's images: built with buildah, imported into the cluster, named by digest."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import baseimages
import dockerfiles
import runtime
from dockerfiles import Build
from settings import BUILDAH_ROOT, CACHE, IMAGES_JSON, RUN
from shell import CommandFailed, run, step

_KEYS = CACHE / "image-keys.json"
"""Image name -> {key of what it was built from, digest it got}; outlives the cluster."""

_MOST_LAYERS = 120
"""Above it the build cache is emptied: each change of the code leaves about 15 layers, 1 GB."""


def build_and_import(names: Sequence[str] = ()) -> None:
    """Bring every image up to date in the cluster; nothing where nothing has changed.

    Args:
        names: short names such as `agent`; without any, all images.

    Raises:
        CommandFailed: some image could not be built; the others are up to date.
    """
    failures = []
    for build in dockerfiles.find():
        if names and build.name not in names:
            continue
        try:
            _bring(build)
        except CommandFailed as error:
            failures.append(f"{build.image}: {error}")
    write_digests()
    if failures:
        raise CommandFailed("\n\n".join(failures))


def write_digests() -> None:
    """Write name, digest and reference by digest of the cluster's images, for tests."""
    images = {
        name: {"digest": digest, "reference": f"{name.rpartition(':')[0]}@{digest}"}
        for name, digest in sorted(runtime.digests().items())
        if "@" not in name and not name.startswith("sha256:")
    }
    IMAGES_JSON.write_text(json.dumps(images, indent=2) + "\n")


def _bring(build: Build) -> None:
    keys = json.loads(_KEYS.read_text()) if _KEYS.exists() else {}
    known = keys.get(build.image, {})
    key = build.key()
    present = runtime.digests().get(build.image)
    if known.get("key") == key and known.get("digest") == present:
        return
    with step(f"build {build.image}"):
        _build(build)
    with step(f"import {build.image}"):
        digest = _import(build.image)
    runtime.remove_replaced()
    keys[build.image] = {"key": key, "digest": digest}
    _KEYS.write_text(json.dumps(keys, indent=2) + "\n")


def _build(build: Build) -> None:
    _provide_bases()
    # A build that was killed leaves its container.
    _buildah("rm", "--all")
    if len(_buildah("images", "--all", "--quiet").split()) > _MOST_LAYERS:
        _buildah("rmi", "--prune")
    target = [f"--target={build.target}"] if build.target else []
    _buildah("build", "--layers", "--force-rm", "--pull-never", f"--file={build.file}", *target,
             f"--tag={build.image}", build.context)  # fmt: skip


def _provide_bases() -> None:
    """Give buildah the images that Dockerfiles name in FROM."""
    for image in baseimages.ALL:
        stamp = BUILDAH_ROOT / f"{image.archive.stem}.provided"
        if image.name in baseimages.BUILD_BASES and not stamp.exists():
            _buildah("pull", f"oci-archive:{image.archive}")
            stamp.touch()


def _import(name: str) -> str:
    """Hand an image from buildah to containerd; returns its digest."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        archive = Path(folder) / "image.tar"
        # Unlike an OCI archive this format is written without compressing the layers.
        _buildah("push", name, f"docker-archive:{archive}:{name}")
        return runtime.import_image(archive, name=name)


def _buildah(*words: str | Path) -> str:
    # Isolation by chroot needs neither a runtime nor a network of the build's own.
    storage = ["--storage-driver=overlay", f"--root={BUILDAH_ROOT}", f"--runroot={RUN}/buildah"]
    return run(["buildah", *storage, *words], env={"BUILDAH_ISOLATION": "chroot"})

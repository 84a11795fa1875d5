"""The cluster's programs, compiled from their Go modules and kept by what they are made of."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from settings import BINARIES, BUILDS, HERE, KUBERNETES_VERSION
from shell import run, step

_VERSION = "k8s.io/component-base/version"
_MAJOR, _MINOR, _PATCH = KUBERNETES_VERSION.removeprefix("v").split(".")
_KUBERNETES_FLAGS = (
    f"-X {_VERSION}.gitVersion={KUBERNETES_VERSION}"
    f" -X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR}"
)


@dataclass(frozen=True, kw_only=True)
class Module:
    """A folder with a go.mod, and the programs made from it: name -> package."""

    folder: str
    programs: dict[str, str]
    linker_flags: str = ""
    tags: str = ""
    copied: str = ""
    """A package folder of the module's dependency whose files are kept beside the programs."""


MODULES = (
    Module(
        folder="kubernetes",
        programs={
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kubectl",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            )
        },
        linker_flags=_KUBERNETES_FLAGS,
    ),
    Module(folder="etcd", programs={"etcd": "go.etcd.io/etcd/server/v3"}),
    Module(folder="coredns", programs={"coredns": "."}),
    Module(folder="pause", programs={"pause": "."}),
    Module(folder="helm", programs={"helm": "helm.sh/helm/v3/cmd/helm"}),
    Module(folder="minio", programs={"minio": "github.com/minio/minio"}),
    # Debian's Prometheus comes without the discovery of pods, hence this one with nothing else.
    Module(
        folder="prometheus",
        programs={"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
        tags="remove_all_sd,enable_kubernetes_sd",
    ),
    Module(
        folder="kwok",
        programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        copied="sigs.k8s.io/kwok/kustomize/stage",
    ),
)


def build() -> None:
    """Compile every program that is not in the cache, and link all of them into one folder."""
    BINARIES.mkdir(parents=True, exist_ok=True)
    version = run(["go", "version"])
    for module in MODULES:
        folder = BUILDS / f"{module.folder}-{_key(module, version)}"
        if not folder.exists():
            _compile(module, folder)
        for name in [*module.programs, *([f"{module.folder}-files"] if module.copied else [])]:
            _link(BINARIES / name, folder / name)


def _key(module: Module, version: str) -> str:
    """A digest of all that decides what the compiler makes."""
    digest = hashlib.sha256(f"{version}{module}".encode())
    for file in sorted((HERE / "binaries" / module.folder).iterdir()):
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _compile(module: Module, folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    source = HERE / "binaries" / module.folder
    # `-mod=readonly`: what go.sum does not name is refused, whatever GOFLAGS the user has.
    flags = ["-mod=readonly", "-trimpath", f"-tags={module.tags}",
             "-ldflags", f"-s -w {module.linker_flags}"]  # fmt: skip
    for name, package in module.programs.items():
        with step(f"compile {name}"):
            run(["go", "build", *flags, "-o", unfinished / name, package],
                cwd=source, env={"CGO_ENABLED": "0"})  # fmt: skip
    if module.copied:
        files = run(["go", "list", "-mod=readonly", "-f", "{{.Dir}}", "-m", _module_of(module)],
                    cwd=source)  # fmt: skip
        inner = module.copied.removeprefix(_module_of(module) + "/")
        shutil.copytree(
            Path(files.strip()) / inner,
            unfinished / f"{module.folder}-files",
            copy_function=shutil.copyfile,
        )
    unfinished.rename(folder)
    for outdated in BUILDS.glob(f"{module.folder}-*"):
        if outdated != folder:
            shutil.rmtree(outdated)


def _module_of(module: Module) -> str:
    return "/".join(module.copied.split("/")[:2])


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)

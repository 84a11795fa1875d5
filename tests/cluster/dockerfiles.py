"""What the repository's Dockerfiles make, and what each result depends on."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settings import REPOSITORY

TARGETS = ("agent", "operator", "worker")
_COPY = re.compile(r"^(?:COPY|ADD)\s+(?P<words>.+)$", re.MULTILINE | re.IGNORECASE)
_SKIPPED = {".git", ".venv", "__pycache__"}


@dataclass(frozen=True, kw_only=True)
class Build:
    """One image: `docker build --file FILE [--target TARGET] CONTEXT`."""

    name: str
    file: Path
    context: Path
    target: str | None = None

    @property
    def image(self) -> str:
        """The image's full name."""
        return f"docker.io/tuner/{self.name}:dev"

    def key(self) -> str:
        """A digest of all that decides the image: the Dockerfile and the files it copies."""
        text = self.file.read_text()
        digest = hashlib.sha256(f"{self.image}\0{self.target}\0{text}\0".encode())
        for source in _copied(text):
            for file in _files(self.context, source):
                digest.update(f"{file.relative_to(self.context)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]


def find() -> list[Build]:
    """The images of the project's Dockerfile, then one for each example that has its own."""
    builds = []
    project = REPOSITORY / "Dockerfile"
    if project.exists():
        builds += [
            Build(name=target, file=project, context=REPOSITORY, target=target)
            for target in TARGETS
        ]
    for file in sorted(REPOSITORY.glob("examples/*/Dockerfile")):
        builds.append(Build(name=file.parent.name, file=file, context=_context(file)))
    return builds


def _context(file: Path) -> Path:
    """An example is built in its own folder, or in the repository's where it copies from there."""
    inside = all(list(_files(file.parent, source)) for source in _copied(file.read_text()))
    return file.parent if inside else REPOSITORY


def _copied(dockerfile: str) -> list[str]:
    """The sources of all COPY and ADD lines that take from the build context."""
    sources = []
    for match in _COPY.finditer(dockerfile.replace("\\\n", " ")):
        words = match["words"].split()
        if not any(word.startswith("--from=") for word in words):
            sources += [word for word in words if not word.startswith("--")][:-1]
    return sources


def _files(context: Path, source: str) -> Iterator[Path]:
    pattern = source.strip("/")
    roots = [context] if pattern in ("", ".") else sorted(context.glob(pattern))
    for root in roots:
        candidates = sorted(root.rglob("*")) if root.is_dir() else [root]
        for file in candidates:
            if file.is_file() and not _SKIPPED & set(file.relative_to(context).parts):
                yield file

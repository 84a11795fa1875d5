"""Which symbolic links may be in an artifact: relative ones that stay inside."""

from __future__ import annotations

from pathlib import PurePosixPath


def portable_target(target: str, *, link: PurePosixPath, folder: str) -> str | None:
    """The target to store for a link at `link` (relative to `folder`), or None to leave it out.

    An absolute target inside the folder becomes relative, since the artifact will be restored
    elsewhere. A target that leads outside would mean something else there, or nothing.
    """
    inside = target.removeprefix(folder + "/")
    if target.startswith("/") and inside != target:
        target = "/".join([*[".."] * (len(link.parts) - 1), inside])
    return target if stays_inside(target, link=link) else None


def stays_inside(target: str, *, link: PurePosixPath) -> bool:
    """Whether a link's target cannot lead out of the artifact, whatever else is in it.

    `..` may stand at the beginning only: there it goes up from real folders. After a name, which
    may itself be a link, it could lead anywhere.
    """
    if not target or target.startswith("/") or "\0" in target:
        return False
    steps = [step for step in target.split("/") if step not in ("", ".")]
    ups = 0
    while ups < len(steps) and steps[ups] == "..":
        ups += 1
    return ups < len(link.parts) and ".." not in steps[ups:]

"""The chart's release that tests and benchmarks use."""

import json
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

RELEASE = "tuner"
SYSTEM = "tuner-system"
SECRET = "tuner-object-store"

CHART = Path(__file__).parents[3] / "charts" / "tuner"


def install(images: Mapping[str, Mapping[str, str]]) -> None:
    """Installs the chart, or upgrades it, with MinIO and the images of this repository."""
    # The tag stays the same from one build to the next: the digests make the pods follow.
    built = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(dict(images), sort_keys=True))
    values = [
        "minio.enabled=true",
        "image.tag=dev",
        f"operator.podAnnotations.images=b{built}",
        "operator.summarySeconds=3",
    ]
    # Who applied crds/ before is the CRDs' owner, and the release takes them over.
    subprocess.run(
        ["helm", "upgrade", RELEASE, str(CHART), "--install",
         f"--namespace={SYSTEM}", "--create-namespace", "--take-ownership",
         "--wait", "--timeout=120s",
         *(word for value in values for word in ("--set", value))],
        check=True, timeout=180, stdout=sys.stderr,
    )  # fmt: skip

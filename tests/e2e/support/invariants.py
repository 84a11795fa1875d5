"""What holds whatever has happened, checked from the log and the API."""

from collections import Counter
from collections.abc import Iterable

from bucket import Bucket
from kube import Kube, Object

from tuner.log import Kind, Record
from tuner.study.chronicle import Chronicle

LIVE = ("Pending", "Running")
OPEN_STATES = {"Queued", "Unschedulable", "Starting", "Running", "Paused"}
GRACE_SECONDS = 90
SETTLED = {"completed": "Completed", "stopped": "Stopped", "failed": "Failed"}


def violations(kube: Kube, bucket: Bucket, namespace: str) -> list[str]:
    """Every invariant of a namespace's studies that does not hold, as sentences."""
    studies = kube.list("tuningstudies", namespace)
    trials = kube.list("tuningtrials", namespace)
    pods = kube.list("pods", namespace)
    found = [*_owners(studies, trials, pods)]
    for study in studies:
        name = study["metadata"]["name"]
        own = [trial for trial in trials if trial["spec"]["study"] == name]
        records = bucket.log(study).read_all()
        found += _results(records, own)
        found += _attempts(study, own, pods)
        found += _counters(study, own)
        found += _spend(study, own)
    return found


def _owners(studies: list[Object], trials: list[Object], pods: list[Object]) -> Iterable[str]:
    alive = {one["metadata"]["uid"] for one in (*studies, *trials)}
    for pod in pods:
        owners = {owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])}
        if "deletionTimestamp" not in pod["metadata"] and not owners & alive:
            yield f"pod {pod['metadata']['name']} has no living owner"


def _results(records: list[Record], trials: list[Object]) -> Iterable[str]:
    written = Counter(
        record.logical_id for record in records if record.kind in (Kind.RESULT, Kind.VERDICT)
    )
    yield from (
        f"{identity} was read {count} times" for identity, count in written.items() if count > 1
    )
    chronicle = Chronicle()
    chronicle.add(records)
    for trial in trials:
        name, state = trial["metadata"]["name"], trial.get("status", {}).get("state")
        story = chronicle.story(name)
        if story is None or story.trial is None:
            yield f"{name} is in the API and was never proposed in the log"
        elif state == "Completed" and story.completed is None:
            yield f"{name} is Completed in the API, and {story.state} in the log"
        elif state not in OPEN_STATES | {None} and story.is_open:
            yield f"{name} is {state} in the API, and open in the log"


def _attempts(study: Object, trials: list[Object], pods: list[Object]) -> Iterable[str]:
    names = {trial["metadata"]["name"] for trial in trials}
    live = Counter(
        pod["metadata"]["labels"].get("tuner.dev/trial") for pod in pods if _is_live(pod)
    )
    running = {name: count for name, count in live.items() if name in names}
    yield from (f"{name} has {count} live pods" for name, count in running.items() if count > 1)
    allowed = study["spec"].get("parallelTrials", 1)
    mine = [pod for pod in pods if pod["metadata"]["labels"].get("tuner.dev/trial") in names]
    held = sum(_is_live(pod) and is_held(pod) for pod in mine)
    if sum(running.values()) - held > allowed:
        yield f"{sum(running.values()) - held} live trial pods where {allowed} are allowed"


def is_held(pod: Object) -> bool:
    """Whether a pod was made ahead of its place and waits for it."""
    return bool(pod["metadata"].get("annotations", {}).get("tuner.dev/hold"))


def _is_live(pod: Object) -> bool:
    """Whether something of it runs or will: its phase follows its containers a second later."""
    statuses = pod["status"].get("containerStatuses", [])
    over = bool(statuses) and all("terminated" in one.get("state", {}) for one in statuses)
    alive = pod["status"].get("phase") in LIVE and not over
    return alive and "deletionTimestamp" not in pod["metadata"]


def _counters(study: Object, trials: list[Object]) -> Iterable[str]:
    status = study.get("status", {})
    if not status.get("completionTime"):
        return
    states = Counter(trial.get("status", {}).get("state") for trial in trials)
    counts = status.get("trials", {})
    for counter, state in SETTLED.items():
        if counts.get(counter, 0) != states[state]:
            yield f"status counts {counts.get(counter, 0)} {counter}, the trials {states[state]}"
    if counts.get("running", 0) or counts.get("queued", 0):
        yield f"an ended study counts trials in flight: {counts}"


def _spend(study: Object, trials: list[Object]) -> Iterable[str]:
    """What runs still costs something while it is being stopped, for the grace period at most."""
    limit = study["spec"]["budget"].get("maxCost")
    spent = study.get("status", {}).get("cost", {}).get("spent", 0)
    segments = [one for trial in trials for one in trial.get("status", {}).get("segments", [])]
    price = max((one.get("pricePerHour", 0) for one in segments), default=0)
    stopping = study["spec"].get("parallelTrials", 1) * price / 3600 * GRACE_SECONDS
    if limit is not None and spent > limit + stopping:
        yield f"spent {spent} of {limit}, and stopping costs {stopping} at most"

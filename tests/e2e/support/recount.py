"""The recount: what a study's log, its pods and its status say, added up anew and compared.

Nothing here rests on the code that is tested: records come as they are stored, and sums, states and
the front are worked out from them by hand. What does not hold comes as sentences.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from evidence import FINAL, Evidence, Identity, Life, Object, Row

_BY_WORD = {"Completed": "Completed", "Failed": "Failed"}
_READING_MS = 3000
"""What was written so shortly before a verdict may not have been read."""
_COUNTERS = {"completed": "Completed", "stopped": "Stopped", "failed": "Failed"}
_USD = 2e-6
"""Statuses are rounded to a millionth of a dollar."""


def disagreements(evidence: Evidence) -> list[str]:
    """Everything that does not add up."""
    checks = (_records, _proposals, _observations, _states, _attempts, _money, _front)
    return [f"{check.__name__.strip('_')}: {one}" for check in checks for one in check(evidence)]


def _records(evidence: Evidence) -> Iterator[str]:
    """Each record is read once, as it was written first, and none is missing or made up."""
    for identity, count in Counter(row.identity for row in evidence.rows).items():
        if count > 1:
            yield f"{identity} was read {count} times"
    first: dict[Identity, Row] = {}
    for row in sorted(evidence.stored, key=lambda one: one.at):
        first.setdefault(row.identity, row)
    read = {row.identity: row for row in evidence.rows}
    yield from (f"{one} is stored and was not read" for one in first.keys() - read.keys())
    yield from (f"{one} was read and is not stored" for one in read.keys() - first.keys())
    for identity in first.keys() & read.keys():
        if first[identity].body != read[identity].body:
            yield f"{identity} does not read as it was written first"


def _proposals(evidence: Evidence) -> Iterator[str]:
    """Every number is used once, none is left out, no random stream was replayed."""
    numbers = defaultdict(list)
    for row in evidence.proposals.values():
        numbers[row.body["worker"]].append(row.body["number"])
    for worker, used in numbers.items():
        if sorted(used) != list(range(len(used))):
            yield f"worker {worker} proposed the numbers {sorted(used)}"
    proposed, known = {*evidence.proposals}, {one["metadata"]["name"] for one in evidence.trials}
    yield from (f"{name} was proposed and is not there" for name in proposed - known)
    yield from (f"{name} is there and was not proposed" for name in known - proposed)
    for trial in evidence.trials:
        row = evidence.proposals.get(trial["metadata"]["name"])
        if row is not None and row.body["parameters"] != trial["spec"]["parameters"]:
            yield f"{row.identity[1]} is another proposal in the log than in the API"
    # Two workers that choose at once may choose alike.
    points = Counter(
        (row.body["worker"], json.dumps(row.body["parameters"], sort_keys=True))
        for row in evidence.proposals.values()
    )
    yield from (
        f"worker {one} proposed {point} {n} times" for (one, point), n in points.items() if n > 1
    )


def _observations(evidence: Evidence) -> Iterator[str]:
    """Every step of every trial was reported, with the value that follows from its parameters."""
    steps: dict[str, set[int]] = defaultdict(set)
    for row in evidence.by_kind["reports"]:
        name = row.identity[1]
        for report in row.body["reports"]:
            fidelity, loss = report["fidelity"], report["metrics"]["loss"]
            steps[name].add(int(fidelity))
            wanted = evidence.expected(evidence.proposals[name].body["parameters"], fidelity)
            if not math.isclose(loss, wanted, abs_tol=1e-5):
                yield f"{name} reported {loss} at {fidelity:g}, where {wanted} is right"
    for name, row in evidence.results.items():
        wanted = set(range(1, 1 + int(row.body["fidelity"])))
        lacking = wanted - steps[name] if row.body["outcome"] != "Failed" else set()
        if lacking and not _was_cached(row):
            yield f"{name} reached {max(wanted)} without a report of {sorted(lacking)}"


def _was_cached(result: Row) -> bool:
    return result.body["stages"][-1]["outcome"] == "Cached"


def _states(evidence: Evidence) -> Iterator[str]:
    """The API, the log and the counters say the same of every trial, and nothing is open."""
    said = {one["metadata"]["name"]: one.get("status", {}).get("state") for one in evidence.trials}
    for name, state in evidence.states.items():
        if said.get(name) != state:
            yield f"{name} is {said.get(name)} in the API, and {state} in the log"
        if state not in FINAL:
            yield f"{name} has not ended"
        if state == "Failed" and name not in evidence.wounded:
            yield f"{name} failed, and nobody had killed its stage: {_why(evidence, name)}"
        result = evidence.results.get(name)
        if state in ("Completed", "Failed") and (result is None or result.body["outcome"] != state):
            yield f"{name} is {state}, and its result is {result and result.body['outcome']}"
    counted = Counter(evidence.states.values())
    told = evidence.study["status"]["trials"]
    for counter, state in _COUNTERS.items():
        if told.get(counter, 0) != counted[state]:
            yield f"the status counts {told.get(counter, 0)} {counter}, the log {counted[state]}"
    if told["total"] != len(evidence.proposals):
        yield f"the status counts {told['total']} trials, the log {len(evidence.proposals)}"


def _why(evidence: Evidence, name: str) -> str:
    last = evidence.verdicts[name][-1].body
    return f"{last['reason']}: {last['message'][:200]}"


def _attempts(evidence: Evidence) -> Iterator[str]:
    """Every pod has one verdict, and that says what the pod said; no other attempt was paid."""
    lives = defaultdict(list)
    for life in evidence.lives:
        lives[life.pod.trial, life.pod.attempt].append(life)
    rows = [one for one in evidence.by_kind["verdict"] if one.identity[3] != "end"]
    judged = {(row.identity[1], row.identity[2]): row for row in rows}
    for (name, attempt), several in lives.items():
        verdict = judged.get((name, attempt))
        if verdict is None:
            yield f"{several[0].pod.name} ran, and there is no verdict on it"
            continue
        yield from (f"{one.pod.name} still lives" for one in several if one.lives)
        yield from _against_pod(evidence, several[-1], verdict)
    for (name, attempt), row in judged.items():
        if row.body["seconds"] and (name, attempt) not in lives:
            yield f"{name} was charged for attempt {attempt}, and no such pod was seen"


def _against_pod(evidence: Evidence, life: Life, verdict: Row) -> Iterator[str]:
    pod, body = life.pod, verdict.body
    if pod.word is not None:
        wanted = _state_for(pod.word)
        if wanted is not None and body["state"] != wanted:
            yield f"{pod.name} said {pod.word['outcome']}, and the verdict is {body['state']}"
    elif not body["infrastructure"] and body["state"] not in _written(evidence, verdict):
        yield f"{pod.name} said nothing, and the verdict is {body['state']} ({body['reason']})"
    if pod.scheduled is None:
        return
    if body["seconds"] and abs(body["start"] - pod.scheduled) > 1:
        yield f"{pod.name} was placed at {pod.scheduled}, and is charged from {body['start']}"
    charged = pod.scheduled + body["seconds"]
    if pod.finished is not None and charged > pod.finished + 1:
        yield f"{pod.name} ended at {pod.finished}, and is charged until {charged}"
    # Whoever looked away while a pod went knows what it wrote, not when it ended.
    least = pod.finished if pod.finished and not life.gone else _last_sign(evidence, verdict)
    if charged < least - 1:
        yield f"{pod.name} lived until {least} at least, and is charged until {charged}"


def _last_sign(evidence: Evidence, verdict: Row) -> float:
    """When the attempt wrote something that whoever judged it could have read; 0 if never."""
    times = (
        row.at
        for row in evidence.rows
        if row.identity[1:3] == verdict.identity[1:3] and row.identity[0] != "verdict"
    )
    return max((at for at in times if at < verdict.at - _READING_MS), default=0) / 1000


def _written(evidence: Evidence, verdict: Row) -> set[str | None]:
    """The states that follow from what the attempt's agent wrote down, of a pod that vanished."""
    attempt = verdict.identity[1:3]
    results = (one for one in evidence.by_kind["result"] if one.identity[1:3] == attempt)
    return {_state_for(dict(one.body)) for one in results}


def _state_for(word: Object | None) -> str | None:
    """The state that an agent's word leads to; None where others have a say."""
    if word is None:
        return None
    if word["reason"] == "Rung":
        return "Paused" if word.get("rung") is not None else "Stopped"
    return _BY_WORD.get(word["outcome"])


def _money(evidence: Evidence) -> Iterator[str]:
    """Dollars are seconds at the price, and sums are sums of them."""
    costs: dict[str, float] = dict.fromkeys(evidence.proposals, 0.0)
    lost = 0.0
    for row in evidence.by_kind["verdict"]:
        body = row.body
        own = body["seconds"] * body["price_per_hour"] / 3600
        if not math.isclose(body["cost_usd"], own, abs_tol=1e-8):
            yield f"{row.identity} costs {body['cost_usd']}, where its seconds come to {own}"
        costs[row.identity[1]] += body["cost_usd"]
        lost += body["cost_usd"] if body["infrastructure"] else 0.0
    for trial in evidence.trials:
        name, told = trial["metadata"]["name"], trial["status"].get("cost", 0.0)
        if not math.isclose(told, costs.get(name, 0.0), abs_tol=_USD):
            yield f"{name} costs {told} in the API, and {costs.get(name)} in the log"
    for name, row in evidence.results.items():
        price = max((one.body["price_per_hour"] for one in evidence.verdicts[name]), default=0.0)
        own = sum(one["first_run_seconds"] for one in row.body["stages"]) * price / 3600
        if not math.isclose(row.body["metrics"].get("cost", own), own, abs_tol=1e-9):
            yield f"{name} has the cost {row.body['metrics']['cost']}, its stages come to {own}"
    told = evidence.study["status"]["cost"]
    if not math.isclose(told["spent"], sum(costs.values()), abs_tol=_USD):
        yield f"the status says {told['spent']} were spent, the log {sum(costs.values())}"
    if not math.isclose(told["preempted"], lost, abs_tol=_USD):
        yield f"the status says {told['preempted']} were lost, the log {lost}"


def _front(evidence: Evidence) -> Iterator[str]:
    """The front of the completed trials' accepted results is the status's, value by value."""
    metrics = [one["metric"] for one in evidence.spec["objectives"]]
    vectors = {
        name: tuple(evidence.results[name].body["metrics"][one] for one in metrics)
        for name, state in evidence.states.items()
        if state == "Completed" and name in evidence.results
    }
    front = {
        name: vector
        for name, vector in vectors.items()
        if not any(_dominates(other, vector) for other in vectors.values())
    }
    status = evidence.study["status"]
    told = {
        one["trial"]: tuple(one["objectives"][metric] for metric in metrics)
        for one in status.get("paretoFront", [])
    }
    if status.get("frontSize", 0) != len(front):
        yield f"the status has a front of {status.get('frontSize', 0)}, the log of {len(front)}"
    for name, vector in told.items():
        if front.get(name) != vector:
            yield f"{name} is on the status's front as {vector}, on the log's as {front.get(name)}"


def _dominates(left: Sequence[float], right: Sequence[float]) -> bool:
    """All objectives of these studies are minimised."""
    pairs = list(zip(left, right, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

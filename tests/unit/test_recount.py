"""The recount of the chaos test finds what is wrong: each fault, planted in a log that is right."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e" / "support"))

from chaos import Kind, schedule  # noqa: E402
from evidence import Evidence, Life, Pod, Row, rows_of  # noqa: E402
from recount import disagreements  # noqa: E402
from shelves import damages  # noqa: E402

BEGIN = 1_700_000_000
PRICE = 3.6
"""USD per hour: a tenth of a cent a second."""


def loss_of(parameters, fidelity):
    return parameters["x"] + 1 / fidelity


def trial_rows(name, number, *, x, attempts, at):
    """A trial of two steps; all attempts but the last are lost."""
    ms = 1000 * at
    yield Row(
        ("proposed", name, 0, "0"), ms, {"worker": 0, "number": number, "parameters": {"x": x}}
    )
    for attempt in range(1, attempts + 1):
        ms += 10_000
        lost = attempt < attempts
        steps = (1,) if lost else (1, 2)
        reports = [
            {"fidelity": float(step), "metrics": {"loss": loss_of({"x": x}, step)}}
            for step in steps
        ]
        yield Row(("reports", name, attempt, "0"), ms + 4000, {"reports": reports})
        if not lost:
            stages = [{"stage": "train", "outcome": "Run", "first_run_seconds": 5.0}]
            metrics = {"loss": loss_of({"x": x}, 2), "cost": 0.005}
            body = {
                "outcome": "Completed", "reason": "Completed", "fidelity": 2.0,
                "metrics": metrics, "stages": stages,
            }  # fmt: skip
            yield Row(("result", name, attempt, "0"), ms + 5000, body)
        verdict = {
            "state": "Starting" if lost else "Completed",
            "reason": "AgentKilled" if lost else "Completed",
            "message": "", "seconds": 6.0, "start": float(ms // 1000), "price_per_hour": PRICE,
            "cost_usd": 0.006, "infrastructure": lost, "failure": "",
        }  # fmt: skip
        yield Row(("verdict", name, attempt, "0"), ms + 8000, verdict)


def life_of(row):
    _, name, attempt, _ = row.identity
    start = row.body["start"]
    word = None if row.body["infrastructure"] else {"outcome": "Completed", "reason": "Completed"}
    pod = Pod(
        name=f"{name}-{attempt}", uid=f"{name}.{attempt}", study="s", trial=name, attempt=attempt,
        word=word, scheduled=start, finished=start + 6, over=True,
    )  # fmt: skip
    return Life(pod, gone=False)


@pytest.fixture
def evidence():
    """Two trials on the front, the first of them lost once."""
    rows = [
        *trial_rows("s-0-0", 0, x=0.25, attempts=2, at=BEGIN),
        *trial_rows("s-0-1", 1, x=0.25 + 1e-9, attempts=1, at=BEGIN + 40),
    ]
    # The second is a hair worse, and cheaper.
    rows[-2].body["stages"][0]["first_run_seconds"] = 4.0
    rows[-2].body["metrics"]["cost"] = 0.004
    results = [row for row in rows if row.identity[0] == "result"]
    front = [{"trial": row.identity[1], "objectives": row.body["metrics"]} for row in results]
    study = {
        "spec": {"objectives": [{"metric": "loss"}, {"metric": "cost"}]},
        "status": {
            "trials": {"total": 2, "completed": 2},
            "cost": {"spent": 0.018, "preempted": 0.006},
            "paretoFront": copy.deepcopy(front),
            "frontSize": 2,
        },
    }
    costs = {"s-0-0": 0.012, "s-0-1": 0.006}
    trials = [
        {
            "metadata": {"name": row.identity[1]},
            "spec": {"parameters": dict(row.body["parameters"])},
            "status": {"state": "Completed", "cost": costs[row.identity[1]]},
        }
        for row in rows
        if row.identity[0] == "proposed"
    ]
    return Evidence(
        study=study,
        trials=trials,
        rows=rows,
        stored=[copy.deepcopy(row) for row in rows],
        lives=[life_of(row) for row in rows if row.identity[0] == "verdict"],
        wounded=frozenset(),
        expected=loss_of,
    )


def found(evidence, kind, *, last=False):
    rows = [row for row in evidence.rows if row.identity[0] == kind]
    return rows[-1 if last else 0]


def read_twice(evidence):
    evidence.rows.append(found(evidence, "result"))


def lose_a_report(evidence):
    evidence.rows.remove(found(evidence, "reports", last=True))


def lose_it_for_good(evidence):
    lose_a_report(evidence)
    evidence.stored[:] = copy.deepcopy(evidence.rows)


def read_another_value(evidence):
    found(evidence, "reports").body["reports"][0]["metrics"]["loss"] = 9.0


def invent_a_record(evidence):
    row = found(evidence, "reports")
    evidence.rows.append(Row((*row.identity[:3], "7"), row.at, row.body))


def leave_a_number_out(evidence):
    found(evidence, "proposed", last=True).body["number"] = 2


def replay_the_stream(evidence):
    found(evidence, "proposed", last=True).body["parameters"] = {"x": 0.25}


def propose_twice_under_one_number(evidence):
    evidence.trials[0]["spec"]["parameters"]["x"] = 0.75


def forget_a_trial(evidence):
    evidence.trials.pop()


def fail_without_a_cause(evidence):
    found(evidence, "verdict", last=True).body["state"] = "Failed"


def leave_it_open(evidence):
    evidence.rows.remove(found(evidence, "verdict", last=True))


def count_twice(evidence):
    evidence.study["status"]["trials"]["completed"] = 3


def contradict_the_pod(evidence):
    found(evidence, "verdict", last=True).body["infrastructure"] = True
    found(evidence, "verdict", last=True).body["state"] = "Starting"


def believe_a_dead_pod(evidence):
    found(evidence, "verdict").body["infrastructure"] = False


def charge_for_no_pod(evidence):
    evidence.lives.pop()


def charge_too_little(evidence):
    body = found(evidence, "verdict").body
    body["seconds"], body["cost_usd"] = 1.0, 0.001


def charge_what_seconds_do_not_cost(evidence):
    found(evidence, "verdict").body["cost_usd"] = 0.007


def spend_more_than_the_log(evidence):
    evidence.study["status"]["cost"]["spent"] = 0.019


def leave_a_pod_alive(evidence):
    pod = evidence.lives[0].pod
    evidence.lives[0] = Life(Pod(**{**fields(pod), "over": False, "finished": None}), gone=False)


def fields(pod):
    return {name: getattr(pod, name) for name in Pod.__slots__}


def show_another_front(evidence):
    evidence.study["status"]["paretoFront"][0]["objectives"]["loss"] = 0.1


def show_half_the_front(evidence):
    evidence.study["status"]["frontSize"] = 1


FAULTS = (
    read_twice, lose_a_report, lose_it_for_good, read_another_value, invent_a_record,
    leave_a_number_out, replay_the_stream,
    propose_twice_under_one_number, forget_a_trial, fail_without_a_cause, leave_it_open,
    count_twice, contradict_the_pod, believe_a_dead_pod, charge_for_no_pod, charge_too_little,
    charge_what_seconds_do_not_cost, spend_more_than_the_log, leave_a_pod_alive,
    show_another_front, show_half_the_front,
)  # fmt: skip


def test_what_is_right_adds_up(evidence):
    assert disagreements(evidence) == []


@pytest.mark.parametrize("plant", FAULTS, ids=lambda one: one.__name__)
def test_a_planted_fault_is_found(evidence, plant):
    plant(evidence)
    assert disagreements(evidence)


def test_a_copy_under_a_later_time_is_no_second_record(evidence):
    first = evidence.stored[1]
    evidence.stored.append(Row(first.identity, first.at + 5, {"other": "body"}))
    assert disagreements(evidence) == []


def test_a_vanished_pod_is_charged_until_it_wrote_last(evidence):
    pod = evidence.lives[0].pod
    evidence.lives[0] = Life(Pod(**{**fields(pod), "finished": None}), gone=True)
    assert disagreements(evidence) == []
    charge_too_little(evidence)
    assert any("lived until" in one for one in disagreements(evidence))


def test_records_are_read_from_singles_and_bundles():
    objects = {
        "studies/n/s.u/log/0000000000001.stage.s-0-0.1.train.json": b'{"v":1,"a":2}',
        "studies/n/s.u/log/0000000000002.bundle.s-0-0.1.ff.json": json.dumps(
            {"v": 1, "records": [["result", "s-0-0", 1, "0", {"v": 1, "b": 3}]]}
        ).encode(),
    }
    assert rows_of(objects) == [
        Row(("stage", "s-0-0", 1, "train"), 1, {"a": 2}),
        Row(("result", "s-0-0", 1, "0"), 2, {"b": 3}),
    ]


@pytest.fixture
def stored():
    """An artifact of the stage `prepare`, and a checkpoint."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("words")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"3\n"))
    tar = buffer.getvalue()
    digest = hashlib.sha256(tar).hexdigest()
    facts = {"stage": "prepare", "components": {"parameter words": "3"}}
    whole = {"digest": digest, "size_bytes": len(tar)}
    return {
        f"cache/n/blobs/{digest}.tar": tar,
        f"cache/n/stages/k/{digest}.json": json.dumps(
            {"key": "k", "facts": facts, **whole}
        ).encode(),
        "studies/n/s.u/checkpoints/s-0-0/train/000001-000000000.tar": tar,
        "studies/n/s.u/checkpoints/s-0-0/train/000001-000000000.json": json.dumps(whole).encode(),
        "studies/n/s.u/rungs/0/1/s-0-0.1.P9AAAAAAAAA": b"",
    }


def words_are_right(_, components, files):
    return "" if files["words"] == components["parameter words"] else "holds other words"


def test_a_whole_bucket_has_no_damage(stored):
    assert damages(stored, content=words_are_right) == []


@pytest.mark.parametrize("index", range(5))
def test_half_an_object_is_found(stored, index):
    key = sorted(stored)[index]
    half = stored.pop(key)[:-20]
    stored["studies/n/s.u/rungs/0/1/s-0-0.1.P9AAA" if "/rungs/" in key else key] = half
    assert damages(stored, content=words_are_right)


@pytest.mark.parametrize("part", ["blobs", ".tar"])
def test_what_is_named_and_missing_is_found(stored, part):
    del stored[next(key for key in sorted(stored) if part in key and key.endswith(".tar"))]
    assert damages(stored, content=words_are_right)


def test_a_seed_deals_the_same_blows_again():
    assert schedule(7, seconds=300) == schedule(7, seconds=300)
    assert schedule(7, seconds=300) != schedule(8, seconds=300)


@pytest.mark.parametrize("seed", range(20))
def test_a_short_run_strikes_everything_and_a_long_one_lets_the_store_come_back(seed):
    short = [one.kind for one in schedule(seed, seconds=45)]
    assert set(short) == set(Kind)
    long = schedule(seed, seconds=300)
    for rare in (Kind.STORE, Kind.OPERATOR_POD):
        assert 3 <= sum(one.kind is rare for one in long) <= 4
    assert all(0 <= one.at <= 307 and 0 <= one.pick < 1 for one in long)

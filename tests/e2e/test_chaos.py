"""Everything that can be killed is killed at random; then all ends by itself, and adds up.

TUNER_CHAOS_MINUTES says for how long, TUNER_CHAOS_SEED what is killed when: `make chaos`.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from types import SimpleNamespace

import invariants
import pytest
from chaos import Monkey, schedule
from evidence import Evidence, Row, rows_of
from kube import wait_for
from recount import disagreements
from release import RELEASE
from scenarios import stage, study
from shelves import damages
from witness import LogWitness, PodDiary

SECONDS = 60 * float(os.environ.get("TUNER_CHAOS_MINUTES") or 0.75)
SEED = int(os.environ.get("TUNER_CHAOS_SEED") or 1)
STEPS = 4

PREPARE = 'sleep 1; echo "$TUNER_PARAM_WORDS" > "$TUNER_OUTPUT_DIR/words"'
FEATURES = """
sleep 1
cp "$TUNER_STAGE_PREPARE_DIR/words" "$TUNER_OUTPUT_DIR/words"
echo "$TUNER_PARAM_DEPTH" > "$TUNER_OUTPUT_DIR/depth"
"""
TRAIN = """
words=0 depth=0 done=0
if [ -n "${TUNER_STAGE_FEATURES_DIR:-}" ]; then
    read -r words < "$TUNER_STAGE_FEATURES_DIR/words"
    read -r depth < "$TUNER_STAGE_FEATURES_DIR/depth"
fi
if [ -f "$TUNER_CHECKPOINT_DIR/done" ]; then read -r done < "$TUNER_CHECKPOINT_DIR/done"; fi
while [ "$done" -lt "${TUNER_FIDELITY%.*}" ]; do
    sleep 1
    done=$((done + 1))
    awk -v w="$words" -v d="$depth" -v x="$TUNER_PARAM_X" -v s="$done" 'BEGIN {
        printf "{\\"step\\": %d, \\"loss\\": %.6f}\\n", s, w / 10 + d / 20 + x + 1 / s
    }' >> "$TUNER_REPORTS"
    echo "$done" > "$TUNER_CHECKPOINT_DIR/new"
    mv "$TUNER_CHECKPOINT_DIR/new" "$TUNER_CHECKPOINT_DIR/done"
done
echo "$TUNER_PARAM_X" > "$TUNER_OUTPUT_DIR/x"
"""
X = {"name": "x", "float": {"min": 0, "max": 1}}
PREFIX = [
    {"name": "words", "integer": {"min": 1, "max": 3}},
    {"name": "depth", "integer": {"min": 1, "max": 3}},
]
PARALLEL = {"eager": 3, "patient": 2}


def expected_loss(parameters, step):
    prefix = parameters.get("words", 0) / 10 + parameters.get("depth", 0) / 20
    return prefix + parameters["x"] + 1 / step


def wrong_content(name, components, files):
    """What an artifact holds that does not follow from the parameters in its key."""
    wanted = {
        file: components[f"parameter {parameter}"]
        for file, parameter in (("words", "words"), ("depth", "depth"), ("x", "x"))
        if f"parameter {parameter}" in components
    }
    held = {file: files.get(file) for file in wanted}
    return "" if held == wanted else f"holds {held} of {name}, where {wanted} is right"


def stopping(used):
    """Three stages with a cache, poor trials stopped at rungs; two workers that model."""
    return study(
        "eager",
        stage(PREPARE, name="prepare", parameters=["words"]),
        stage(FEATURES, name="features", parameters=["depth"]),
        stage(TRAIN, parameters=["x"]),
        types=[used],
        steps=STEPS,
        parameters=[*PREFIX, X],
        objectives=[
            {"metric": "loss", "direction": "Minimize"},
            {"metric": "cost", "direction": "Minimize"},
        ],
        scheduler={"type": "Hyperband", "variant": "Stopping", "reductionFactor": 2},
        searcher={"type": "Auto", "seed": 5},
        workers={"trialsPerWorker": 2},
        **unbounded("eager"),
    )


def promoting(used):
    """One stage that goes on from checkpoints, poor trials paused and promoted; two workers."""
    return study(
        "patient",
        stage(TRAIN, parameters=["x"]),
        types=[used],
        steps=STEPS,
        parameters=[X],
        scheduler={"type": "Hyperband", "variant": "Promotion", "reductionFactor": 2},
        searcher={"type": "Random", "seed": 5},
        workers={"trialsPerWorker": 1},
        **unbounded("patient"),
    )


def unbounded(name):
    """What must not end the study, or a trial, before the killing is over."""
    return {
        "parallelTrials": PARALLEL[name],
        "budget": {"maxTrials": 100_000},
        "trialLimits": {"maxDuration": "20m", "maxAttempts": 100},
        "maxFailedTrials": 1000,
    }


@pytest.mark.alone
@pytest.mark.timeout(SECONDS + 10 * 60)
def test_whatever_is_killed_all_ends_by_itself_and_adds_up(
    kube, release, bucket, namespace, studies, instance_type
):
    print(f"\nTUNER_CHAOS_SEED={SEED} for {SECONDS:g} s in {namespace}")
    monkey = Monkey(kube, namespace=namespace, system=release, say=print)
    diary = PodDiary(kube, namespace=namespace, limits=PARALLEL)
    witness = LogWitness(bucket, namespace=namespace)
    with diary, witness:
        used = instance_type()
        names = [studies.apply(stopping(used)), studies.apply(promoting(used))]
        for name in names:
            wait_for(
                f"a trial of {name} under way",
                partial(studies.reports, name),
                seconds=90,
                show=studies.describe,
            )
        monkey.rage(schedule(SEED, seconds=SECONDS))
        for name in names:
            finish_soon(kube, studies, name)
        ended(kube, studies, names, release)
    assert diary.crowded == []
    seen = SimpleNamespace(monkey=monkey, diary=diary, witness=witness)
    wait_for(
        "all to add up",
        lambda: not wrong(studies, seen, names),
        seconds=30,
        interval=3,
        show=lambda: "\n".join(wrong(studies, seen, names)) + "\n" + studies.describe(),
    )
    stored = dict(bucket.contents(f"studies/{namespace}/"))
    stored |= bucket.contents(f"cache/{namespace}/")
    assert damages(stored, content=wrong_content) == []
    for name in names:
        tell(studies, seen, name)
    print({str(kind): count for kind, count in sorted(monkey.struck.items())})
    nothing_is_left(kube, studies, names)


def finish_soon(kube, studies, name):
    """Lowers the budget: two trials more than there are show that the workers still propose."""
    more = len(studies.trials(name)) + 2
    change = {"spec": {"budget": {"maxTrials": more}}}
    kube.patch("tuningstudies", name, studies.namespace, change)


def ended(kube, studies, names, release):
    """Waits until operator and store are back and the studies over: nobody helps them."""
    for name in names:
        # The kubelet lets what died often wait for minutes.
        status = studies.end(name, seconds=400)
        assert status["state"] == "Succeeded", studies.describe()
    wait_for(
        "operator and store to be ready",
        lambda: all(
            kube.get("deployments", f"{RELEASE}-{one}", release)["status"].get("readyReplicas")
            for one in ("operator", "minio")
        ),
        seconds=200,
    )
    operators = kube.list("pods", release, selector="app.kubernetes.io/component=operator")
    wait_for(
        "the one operator to hold the one Lease",
        lambda: (
            [one["spec"]["holderIdentity"] for one in kube.list("leases", release)]
            == [one["metadata"]["name"] for one in operators]
        ),
        seconds=60,
        show=lambda: kube.list("leases", release),
    )


def wrong(studies, seen, names):
    return [
        f"{name}: {one}" for name in names for one in disagreements(evidence(studies, seen, name))
    ]


def evidence(studies, seen, name):
    """All that is known of a study: as its log is read, as it is stored, as others saw it."""
    found = studies.get(name)
    folder = f"studies/{studies.namespace}/{name}.{found['metadata']['uid']}"
    objects = {key: data for key, data in seen.witness.seen.items() if key.startswith(folder)}
    for kind in ("log", "segments"):
        objects |= studies.bucket.contents(f"{folder}/{kind}/")
    return Evidence(
        study=found,
        trials=studies.trials(name),
        rows=[
            Row(one.logical_id, one.milliseconds, one.body)
            for one in studies.bucket.log(found).read_all()
        ],
        stored=rows_of(objects),
        lives=seen.diary.lives_of(name),
        wounded=frozenset(seen.monkey.wounded),
        expected=expected_loss,
    )


def nothing_is_left(kube, studies, names):
    """No pod that lives; and nothing at all once the studies are gone."""
    namespace = studies.namespace
    assert not studies.pods(), studies.describe()
    assert invariants.violations(kube, studies.bucket, namespace) == []
    for name in names:
        kube.delete("tuningstudies", name, namespace)
    wait_for(
        "nothing to be left of the studies",
        lambda: not leftovers(kube, namespace),
        seconds=90,
        show=lambda: leftovers(kube, namespace),
    )


def leftovers(kube, namespace):
    kinds = (
        "tuningstudies", "tuningtrials", "pods", "serviceaccounts", "configmaps", "rolebindings",
        "leases",
    )  # fmt: skip
    found = [
        (kind, one["metadata"]["name"]) for kind in kinds for one in kube.list(kind, namespace)
    ]
    return [one for one in found if one[1] not in ("default", "kube-root-ca.crt")]


def tell(studies, seen, name):
    """What came of it, for whoever reads the output."""
    known = evidence(studies, seen, name)
    verdicts = [row.body for row in known.by_kind["verdict"]]
    lost = [one for one in verdicts if one["infrastructure"]]
    copies = len(known.stored) - len({row.identity for row in known.stored})
    print(
        f"{name}: {dict(Counter(known.states.values()))}, {len(known.rows)} records and {copies} "
        f"copies, {len(known.lives)} pods, {len(lost)} lost: "
        f"{dict(Counter(one['reason'] for one in lost))}"
    )

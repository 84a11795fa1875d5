"""Trials that are paused at rungs and promoted, by the real operator, workers and agents."""

from kube import wait_for
from scenarios import STEPS, stage, study

from tuner.schedulers import RungRecord, make_scheduler
from tuner.spec import TuningStudySpec

PROMOTION = {"type": "Hyperband", "variant": "Promotion", "reductionFactor": 2}


def paused(studies, name):
    return [one for one in studies.trials(name) if one.get("status", {}).get("state") == "Paused"]


def test_paused_trials_are_promoted_and_go_on_from_their_checkpoints(studies, instance_type):
    # One at a time, the best first: whoever comes to a rung finds nobody to be better than.
    first = [{"name": f"n{number}", "parameters": {"x": 0.1 + 0.2 * number}} for number in range(4)]
    name = studies.apply(
        study(
            "promote", stage(STEPS), types=[instance_type()],
            fidelity={"name": "step", "stage": "train", "max": 4}, initialTrials=first,
            scheduler=PROMOTION, parallelTrials=1, budget={"maxTrials": 4},
        )
    )  # fmt: skip
    (one, *_) = wait_for(
        "a paused trial", lambda: paused(studies, name), seconds=90, show=studies.describe
    )
    assert (one["status"]["reason"], one["status"]["rung"]) == ("Rung", 1)
    status = studies.end(name, seconds=240)
    assert (status["state"], status["trials"]["total"]) == ("Succeeded", 4), studies.describe()
    trials = {one["metadata"]["name"]: one for one in studies.trials(name)}
    ended = {
        one: (trial["status"]["state"], trial["status"]["fidelity"], trial["status"]["attempts"])
        for one, trial in trials.items()
    }
    assert ended == {
        "promote-0-0": ("Completed", 4, 3),
        "promote-0-1": ("Stopped", 2, 2),
        "promote-0-2": ("Stopped", 1, 1),
        "promote-0-3": ("Stopped", 1, 1),
    }, studies.describe()
    assert {one["status"]["reason"] for one in trials.values()} == {"Completed", "Rung"}
    log = studies.bucket.log(studies.get(name))
    promoted = {(one.trial, one.body["level"]) for one in log.read_all() if one.kind == "promoted"}
    assert promoted == {("promote-0-0", 1), ("promote-0-0", 2), ("promote-0-1", 1)}
    marks = trials["promote-0-0"]["metadata"]["annotations"]
    assert marks["tuner.dev/promoted"] == "2"
    # What goes on does so from its checkpoint: no step is reported twice.
    steps = [(trial, fidelity) for trial, _, fidelity, _ in studies.reports(name)]
    assert len(steps) == len(set(steps))


def test_each_rung_s_best_went_on(studies, instance_type):
    name = studies.apply(
        study(
            "brackets", stage(STEPS), types=[instance_type()],
            fidelity={"name": "step", "stage": "train", "max": 4},
            scheduler={**PROMOTION, "brackets": 2}, parallelTrials=3, budget={"maxTrials": 6},
        )
    )  # fmt: skip
    assert studies.end(name, seconds=300)["state"] == "Succeeded", studies.describe()
    spec = TuningStudySpec.model_validate(studies.get(name)["spec"])
    log = studies.bucket.log(studies.get(name))
    trials = {one["metadata"]["name"]: one for one in studies.trials(name)}
    assert {one["spec"]["bracket"] for one in trials.values()} == {0, 1}
    for bracket in (0, 1):
        scheduler = make_scheduler(spec, bracket=bracket)
        for level in scheduler.rungs():
            rung = [
                RungRecord(trial=one.trial, vector=one.vector)
                for one in log.list_rung(bracket, level)
            ]
            for one in scheduler.standings(rung, waiting={record.trial for record in rung}):
                reached = trials[one.trial]["status"]["fidelity"]
                assert reached > level or not (one.promotable or one.unbeaten)
